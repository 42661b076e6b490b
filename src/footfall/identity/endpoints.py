"""`POST /api/v1/identify`, one call or many."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import Any, Protocol

import msgspec

from footfall.auth.access import caller, site
from footfall.db.counts import Counts
from footfall.db.protocol import Database
from footfall.errors import ApiError, BadRequest
from footfall.identity.batch import NDJSON, read_batch, read_item
from footfall.identity.model import SERVER, Warn
from footfall.identity.service import IDENTIFY_HANDLER, PREVIEW_HANDLER, Dropped, Identified, IdentifyCall
from footfall.identity.wire import Identify, JunkUserId, read_identify
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Headers, Reply
from footfall.web.json import decode_object, encode

_READ_AT_ONCE = 50
"""Calls of a batch, about a millisecond."""
_MESSAGES = {
    "created": "User profile created successfully",
    "updated": "User profile updated successfully",
    "unchanged": "User profile is up to date",
}


class IdentifyData(msgspec.Struct, rename="camel"):
    """`data` of the answer: a superset of the DataFast API's `{message, profileId, action}`."""

    message: str
    profile_id: str | None
    action: str | None
    fact_id: str | None
    persisted: bool
    linked_visitors: int | None
    previous_user_id: str | None
    warnings: list[Warn]


class _Answer(msgspec.Struct):
    data: IdentifyData
    status: str = "success"


class _Error(msgspec.Struct):
    code: int
    message: str


class _Item(msgspec.Struct, omit_defaults=True):
    """One answer of a batch: `data` or `error`."""

    status: int
    data: IdentifyData | None = None
    error: _Error | None = None


class Charge(Protocol):
    """See `web.ratelimit.RateLimit.take_more`."""

    def __call__(self, key: bytes, now: int, calls: int) -> Headers: ...


class Identifying:
    """The handlers, on one database. `charge` counts calls of a credential against its rate limit."""

    def __init__(self, database: Database, refused: Counts, charge: Charge) -> None:
        self._database = database
        self._refused = refused
        self._charge = charge
        self._batches = itertools.count()
        """Numbers for the batches that come."""

    async def identify(self, context: Context) -> Reply:
        """Says which user a visitor is. Answers 200 once the fact is on disk; with `?dry_run=1`, what would come of it."""
        is_dry_run = read_dry_run(context)
        said = self._read(context, decode_object(context.body))
        if is_dry_run:
            (outcome,) = await self._preview(context, [said])
        else:
            outcome = await self._submit(context, said)
        return Reply(encode(_Answer(_data(context, outcome, said, is_dry_run=is_dry_run))), 200, [JSON_TYPE])

    async def batch(self, context: Context) -> Reply:
        """Many calls in one, each answered in order with a status of its own; `?dry_run=1` as for one."""
        is_lines = context.header(b"content-type").lower().startswith(NDJSON)
        bodies = read_batch(context.body, is_lines=is_lines)
        if len(bodies) > 1:
            context.limits[:] = self._charge(caller(context).credential_id, context.now, len(bodies) - 1)
        is_dry_run, bulk = read_dry_run(context), next(self._batches)
        waiting: list[_Item | tuple[Identify, Awaitable[Any]]] = []
        previewed: list[tuple[Identify, asyncio.Future[Any]]] = []
        for number, body in enumerate(bodies, 1):
            waiting.append(self._submit_item(context, body, bulk, previewed if is_dry_run else None))
            if number % _READ_AT_ONCE == 0:
                await asyncio.sleep(0)  # so that live calls do not wait for the reading of a whole batch
        if previewed:
            outcomes = await self._preview(context, [said for said, _ in previewed])
            for (_, future), outcome in zip(previewed, outcomes, strict=True):
                future.set_result(outcome)
        items = [
            one if isinstance(one, _Item) else await _finish_item(context, *one, is_dry_run=is_dry_run)
            for one in waiting
        ]
        return Reply(encode({"status": "success", "data": items}), 200, [JSON_TYPE])

    def _submit_item(
        self,
        context: Context,
        body: bytes,
        bulk: int,
        previewed: list[tuple[Identify, asyncio.Future[Any]]] | None,
    ) -> _Item | tuple[Identify, Awaitable[Any]]:
        """What a call of a batch says and its outcome to come; its answer when that is known already.

        With `previewed` the call is noted there instead of submitted: each has to see those before it, which are not stored.
        """
        try:
            said = self._read(context, read_item(body))
            if previewed is None:
                return said, self._submit(context, said, bulk)
        except ApiError as error:
            return _failed(error)
        previewed.append((said, asyncio.get_running_loop().create_future()))
        return previewed[-1]

    def _read(self, context: Context, body: dict[str, Any]) -> Identify:
        try:
            return read_identify(body)
        except JunkUserId:
            self._refused.add(site(context).website_id, context.now, SERVER)
            raise

    def _submit(self, context: Context, said: Identify, bulk: int | None = None) -> Awaitable[Any]:
        """The outcome to come; None on a cookieless website. Raises Unavailable."""
        if site(context).is_cookieless:
            return _nothing()
        return self._database.write(IDENTIFY_HANDLER, _call(context, said), bulk=bulk)

    async def _preview(self, context: Context, said: list[Identify]) -> list[Any]:
        """What the outcomes would be, one after the other; None on a cookieless website. Raises Unavailable."""
        if site(context).is_cookieless:
            return [None] * len(said)
        calls = [_call(context, one) for one in said]
        outcomes: list[Any] = await self._database.write(
            PREVIEW_HANDLER, calls, bulk=next(self._batches) if len(calls) > 1 else None
        )
        return outcomes


async def _nothing() -> None:
    """The outcome of a call that is not stored."""


def _call(context: Context, said: Identify) -> IdentifyCall:
    website, credential_id = site(context), caller(context).credential_id
    return IdentifyCall(
        website.website_id, website.profile_secret, said, SERVER, True, credential_id, context.now
    )


async def _finish_item(
    context: Context, said: Identify, outcome: Awaitable[Any], *, is_dry_run: bool
) -> _Item:
    try:
        return _Item(200, data=_data(context, await outcome, said, is_dry_run=is_dry_run))
    except ApiError as error:
        return _failed(error)


def _failed(error: ApiError) -> _Item:
    return _Item(error.status, error=_Error(error.status, error.message))


def _data(context: Context, outcome: Any, said: Identify, *, is_dry_run: bool) -> IdentifyData:
    """`data` for what the handler gave. Raises the ApiError that it may be."""
    if outcome is None:
        return not_stored("This website is cookieless: nothing was stored", said.warnings)
    if isinstance(outcome, ApiError):
        raise outcome
    data = identify_data(outcome, said, may_read=caller(context).may("analytics:read"))
    return _previewed(data) if is_dry_run else data


def read_dry_run(context: Context) -> bool:
    """Whether the call asks only what would come of it. Raises BadRequest."""
    value = context.query().get("dry_run", "0") if context.query_string else "0"
    if value not in ("0", "1"):
        raise BadRequest("dry_run must be 1, or 0.")
    return value == "1"


def _previewed(data: IdentifyData) -> IdentifyData:
    data.message, data.persisted = "This was a dry run: nothing was stored", False
    return data


def identify_data(outcome: Identified | Dropped, said: Identify, *, may_read: bool) -> IdentifyData:
    """`data` for an outcome; who may not read is not told about other visitors and users."""
    if isinstance(outcome, Dropped):
        return not_stored(
            "This user was erased after the time of this call: nothing was stored", said.warnings
        )
    return IdentifyData(
        _MESSAGES[outcome.action],
        outcome.profile_id.hex(),
        outcome.action,
        outcome.fact_id.hex(),
        True,
        outcome.linked_visitors if may_read else None,
        outcome.previous_user_id if may_read else None,
        outcome.warnings,
    )


def not_stored(message: str, warnings: list[Warn]) -> IdentifyData:
    """`data` of a call that was right and yet left no trace."""
    return IdentifyData(message, None, None, None, False, None, None, warnings)
