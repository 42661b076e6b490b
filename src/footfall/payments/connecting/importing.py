"""Imports of what was paid before: page by page in the background, through the same reader and store as webhooks.

A page is written before the place of the next one, so an import that is cut off reads a page again, of which nothing counts twice.
Keys are in memory alone. Who works on an import holds it; if nobody does and the key is kept, any server takes it over.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec.structs import replace

from footfall.clock import Clock
from footfall.db.protocol import Transaction
from footfall.ids import new_object_id
from footfall.log import get_logger
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.client import ApiClient
from footfall.payments.connecting.model import ApiProblem, ImportProgress, KeyConnection, ListPage
from footfall.payments.connecting.paging import read_page
from footfall.payments.connecting.store import HELD_MS, advance, imports_left, take_import
from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import BadDelivery, Delivery
from footfall.payments.webhooks.judging import is_elsewhere
from footfall.payments.webhooks.model import DeliveryCall
from footfall.payments.webhooks.sealing import KeyLostError
from footfall.websites.model import Website

IDLE_SECONDS = 2.0
"""Between two looks for imports that nobody works on."""
MOST_ATTEMPTS = 8
"""How often a page is asked for before the import fails."""
LONGEST_PAUSE = 60.0
"""Seconds before the next attempt, unless the provider asks for more; they double with each attempt."""
AT_ONCE = 10
"""Deliveries of one transaction: live calls wait for it."""

R = TypeVar("R")


class ImportShelf(Protocol):
    """Where imports are stored: a server's database, or a command's."""

    async def websites(self) -> Mapping[bytes, Website]:
        """All websites by id."""

    async def take(self, calls: Sequence[DeliveryCall]) -> None:
        """Take in some deliveries. Raises ApiError and DatabaseError."""

    async def change(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction. Raises ApiError and DatabaseError."""


class _Run:
    """An import that this process works on."""

    def __init__(self, connection: KeyConnection, key: str) -> None:
        self.connection = connection
        self.progress = connection.progress
        self.key = key
        self.client = ApiClient(connection.provider, key)
        self.attempts = 0
        self.due_at = 0
        self.held_until = connection.held_until


class Importing:
    """Works on imports, one page of one of them at a time."""

    def __init__(self, shelf: ImportShelf, open_key: Callable[[KeyConnection], str], clock: Clock) -> None:
        """`open_key` decrypts a kept key, or raises KeyLostError."""
        self._shelf = shelf
        self._open_key = open_key
        self._clock = clock
        self._runs: list[_Run] = []
        self._log = get_logger("imports")

    def begin(self, connection: KeyConnection, key: str) -> None:
        """Work on a stored import from now on."""
        self._runs.append(_Run(connection, key))

    def key_of(self, website_id: bytes, provider: str) -> str | None:
        """The key of an import that runs here."""
        found = (one for one in self._runs if _is_of(one, website_id, provider))
        return next((one.key for one in found), None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs here."""
        return not self._runs

    async def close(self) -> None:
        """Stop working on imports."""
        for run in list(self._runs):
            await self._drop(run)

    async def advance(self) -> float:
        """Read a page, or look for an import that waits. Returns the seconds to wait before the next call.

        Raises ApiError and DatabaseError.
        """
        if not self._runs:
            await self._take_over()
        now = self._clock()
        await self._hold(now)
        due = next((run for run in self._runs if run.due_at <= now), None)
        if due is None:
            return IDLE_SECONDS
        self._runs.remove(due)
        self._runs.append(due)  # they take turns
        await self._work(due)
        return 0

    async def _take_over(self) -> None:
        now = self._clock()
        for left in await self._shelf.change(lambda tx: imports_left(tx, now)):
            run_id = new_object_id()
            if not await self._shelf.change(functools.partial(_take, left=left, run_id=run_id, now=now)):
                continue
            taken = replace(left, run_id=run_id, held_until=now + HELD_MS)
            try:
                self.begin(taken, self._open_key(taken))
            except KeyLostError as error:
                self._log.error("an import cannot go on", reason=str(error))
                lost = replace(taken.progress, state="failed", reason=str(error), ended_at=now)
                await self._shelf.change(functools.partial(_advance, one=taken, progress=lost, now=now))

    async def _hold(self, now: int) -> None:
        """Say that the imports go on which wait for their provider."""
        for run in [one for one in self._runs if one.held_until < now + HELD_MS // 2]:
            await self._store(run, run.progress)

    async def _store(self, run: _Run, progress: ImportProgress) -> None:
        """Store how far it is; stop working on it where it ended, or is not ours any more."""
        now = self._clock()
        is_ours = await self._shelf.change(
            functools.partial(_advance, one=run.connection, progress=progress, now=now)
        )
        run.progress, run.held_until = progress, now + HELD_MS
        if not is_ours or progress.state != "running":
            await self._drop(run)

    async def _drop(self, run: _Run) -> None:
        self._runs.remove(run)
        await run.client.close()

    async def _work(self, run: _Run) -> None:
        connection, progress = run.connection, run.progress
        website = (await self._shelf.websites()).get(connection.website_id)
        if website is None or website.is_suspended:
            await self._fail(run, "The website is suspended or deleted.")
            return
        try:
            page = await self._page(run)
        except ApiProblem as problem:
            await self._try_later(run, problem)
            return
        run.attempts = 0
        await self._take(connection, website, page.deliveries)
        await self._store(run, self._after(connection, progress, page))

    async def _page(self, run: _Run) -> ListPage:
        """The page that comes next. Raises ApiProblem."""
        connection, progress = run.connection, run.progress
        listing = APIS[connection.provider].listings[progress.listing]
        body = await run.client.send(listing.call(connection.period, progress.cursor, connection.account))
        provider = PROVIDERS[connection.provider]
        read = functools.partial(read_page, provider, listing, body, progress.cursor, connection.period)
        try:
            page = await asyncio.to_thread(read)
        except BadDelivery as error:
            raise run.client.unexpected(error) from error
        if page.cursor and page.cursor == progress.cursor:
            raise ApiProblem(f"{provider.title} gives the same page again and again.")
        return page

    async def _take(
        self, connection: KeyConnection, website: Website, deliveries: Sequence[Delivery]
    ) -> None:
        websites, now = await self._shelf.websites(), self._clock()
        calls = await asyncio.to_thread(_calls, connection, website, websites.values(), deliveries, now)
        for start in range(0, len(calls), AT_ONCE):
            await self._shelf.take(calls[start : start + AT_ONCE])

    def _after(self, connection: KeyConnection, before: ImportProgress, page: ListPage) -> ImportProgress:
        """How far the import is after a page."""
        read = replace(
            before,
            cursor=page.cursor,
            objects=before.objects + page.objects,
            unreadable=before.unreadable + len(page.unreadable),
            reason=before.reason or next(iter(page.unreadable), None),
        )
        if page.cursor:
            return read
        if before.listing + 1 < len(APIS[connection.provider].listings):
            return replace(read, listing=before.listing + 1)
        return replace(read, state="done", listing=before.listing + 1, ended_at=self._clock())

    async def _try_later(self, run: _Run, problem: ApiProblem) -> None:
        run.attempts += 1
        if problem.retry_after is None or run.attempts >= MOST_ATTEMPTS:
            await self._fail(run, problem.message)
            return
        pause = max(problem.retry_after, min(2.0 ** (run.attempts - 1), LONGEST_PAUSE))
        run.due_at = self._clock() + round(pause * 1000)

    async def _fail(self, run: _Run, reason: str) -> None:
        self._log.warning("an import failed", provider=run.connection.provider, reason=reason)
        failed = replace(run.progress, state="failed", reason=reason, ended_at=self._clock())
        await self._store(run, failed)


def _calls(
    connection: KeyConnection,
    website: Website,
    websites: Collection[Website],
    deliveries: Sequence[Delivery],
    now: int,
) -> list[DeliveryCall]:
    """What is to be taken in. It costs as much as there are websites."""
    return [
        DeliveryCall(
            website.website_id,
            connection.provider,
            one,
            now,
            not website.has_payments,
            is_elsewhere(one, website, websites),
            is_imported=True,
        )
        for one in deliveries
    ]


def _is_of(run: _Run, website_id: bytes, provider: str) -> bool:
    return (run.connection.website_id, run.connection.provider) == (website_id, provider)


def _take(tx: Transaction, *, left: KeyConnection, run_id: bytes, now: int) -> bool:
    return take_import(tx, left, run_id, now)


def _advance(tx: Transaction, *, one: KeyConnection, progress: ImportProgress, now: int) -> bool:
    return advance(tx, one, progress, now)
