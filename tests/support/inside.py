"""Servers inside this process: an `App` on an event loop in a thread, and httpx clients whose requests go straight to its `Dispatch`.

For whatever is no matter of sockets, signals or processes: such a server starts in a moment, and a test may set its clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import psycopg
import structlog
import uvloop
from argon2 import PasswordHasher

from footfall import app, jobs
from footfall.accounts import accounts
from footfall.app import App, Welcome
from footfall.app import welcome as make_welcome
from footfall.clock import Clock, system_clock
from footfall.collect import retention
from footfall.log import name_request
from footfall.payments.connecting import importing
from footfall.payments.connecting.client import ADDRESSES
from footfall.people.index import indexer as index
from footfall.predictions import book
from footfall.settings import read_settings
from footfall.visitors import listing
from footfall.web.dispatch import Dispatch
from footfall.web.envelope import Response
from footfall.websites import removal
from tests.support.engines import Place
from tests.support.logs import check_lines
from tests.support.servers import until

R = TypeVar("R")

PATIENCE = 60.0
"""Seconds after which a call that shows no life has failed; never waited for when all is well."""
POLL_SECONDS = 0.02
"""Between two looks of a server inside for what changed: tests wait for it all the time, and nobody pays for it here."""
AWAKE_SECONDS, ASLEEP_SECONDS = 0.5, 0.25
"""A server inside that nobody called for so long looks for what changed more seldom, until the next call: most stand idle most of the time."""
POSTGRES_SECONDS = 0.1
"""The least between two looks with PostgreSQL, which each of them asks several times."""
NOWHERE = "http://127.0.0.1:9"
"""An address where nobody answers."""
SELDOM_SECONDS = 0.25
"""The same for what few tests wait for."""
POLLED = {
    (app, "POLL_SECONDS"): POLL_SECONDS,
    (app, "IDLE_SECONDS"): POLL_SECONDS,
    (index, "IDLE_SECONDS"): POLL_SECONDS,
    (listing, "LOOK_SECONDS"): POLL_SECONDS,
    (app, "REMOVAL_SECONDS"): SELDOM_SECONDS,
    (app, "BACKUP_SECONDS"): SELDOM_SECONDS,
    (app, "LOOK_SECONDS"): SELDOM_SECONDS,
    (importing, "IDLE_SECONDS"): SELDOM_SECONDS,
    (retention, "LOOK_SECONDS"): SELDOM_SECONDS,
    (removal, "IDLE_SECONDS"): SELDOM_SECONDS,
    (book, "LOOK_SECONDS"): SELDOM_SECONDS,
}
"""Where a server has the pauses between its looks from."""
SERVERS = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND mode = 'ShareLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""How many connections of servers a database of PostgreSQL has: each holds such a lock."""
ELSEWHERE = ""
_numbers = itertools.count(1)


class SetClock:
    """Stands still at `now`, in ms since epoch, until a test moves it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def move(self, by: int) -> None:
        """Go on by so many ms."""
        self.now += by


class Inside:
    """A server of `place`. `url` leads to it from the clients of this process alone: see `transport`."""

    def __init__(
        self, place: Place, environment: Mapping[str, str] | None = None, clock: Clock = system_clock
    ) -> None:
        self.place = place
        self.url = f"http://footfall-{next(_numbers)}.test"
        self._app = App(
            read_settings({**place.environment, **(environment or {})}), clock=clock, welcome=make_welcome
        )
        self._loop = uvloop.new_event_loop()
        self._called, self._called_at = asyncio.Event(), time.monotonic()
        self._ready: Future[Dispatch] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=self.url, daemon=True)
        self._thread.start()
        self.dispatch = self._ready.result(PATIENCE)
        _RUNNING[self.url] = self

    @property
    def welcome(self) -> Welcome:
        """What its start had to tell."""
        assert self._app.welcome is not None
        return self._app.welcome

    @property
    def log(self) -> str:
        """What it logged."""
        return "\n".join(str(event) for event in _LOGS.get(self.url, []))

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """The result of `work` on its event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def wake(self) -> None:
        """Somebody calls. (On its event loop.)"""
        self._called_at = time.monotonic()
        self._called.set()
        self._called.clear()

    async def sleep(self, seconds: float) -> None:
        """The pause of a job. (On its event loop.)"""
        if time.monotonic() - self._called_at < AWAKE_SECONDS:
            await asyncio.sleep(max(seconds, POSTGRES_SECONDS) if self.place.database_url else seconds)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), max(seconds, ASLEEP_SECONDS))

    def answers(self, requests: Sequence[httpx.Request]) -> list[int]:
        """The statuses of the answers to requests that come all at once, in this order."""

        async def answer_all() -> list[Response]:
            return await asyncio.gather(*[_answer(self, one, one.read()) for one in requests])

        return [one.status for one in self.run(answer_all())]

    def stop(self) -> None:
        """End as a server does that is told to: what was acknowledged is finished."""
        if _RUNNING.pop(self.url, None) is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive(), "the server does not end"
            if self.place.database_url and not any(self.place == one.place for one in _RUNNING.values()):
                until(self._is_gone, "the server is connected to its database")

    def _is_gone(self) -> bool:
        """Whether PostgreSQL noticed, so that commands find no server at work any more."""
        with psycopg.connect(self.place.database_url) as connection:
            return connection.execute(SERVERS).fetchone() == (0,)

    def check_log(self) -> None:
        """Nothing ended in an unexpected error, and no line tells of a person, be it of another thread."""
        check_lines("\n".join([self.log, *map(str, _LOGS.pop(ELSEWHERE, []))]))
        for alarm in ("unexpected error", "Traceback", "call failed", "exc_info"):
            assert alarm not in self.log, self.log

    def _run(self) -> None:
        _HERE.server = self
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        async with self._app.running() as dispatch:
            self._ready.set_result(dispatch)
            await self._stop.wait()
            self._app.stopping.set()


class Transport(httpx.BaseTransport):
    """Hands requests to a server inside, as from a client at 127.0.0.1."""

    def __init__(self, server: Inside) -> None:
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        response = self._server.run(_answer(self._server, request, body))
        is_bare = request.method == "HEAD" or response.status in (204, 304)
        headers = list(response.headers)
        if response.stream is None:
            headers += (
                [] if response.status in (204, 304) else [(b"content-length", b"%d" % len(response.body))]
            )
            return httpx.Response(response.status, headers=headers, content=b"" if is_bare else response.body)
        return httpx.Response(
            response.status, headers=headers, stream=_Stream(self._server, response.body, response.stream)
        )


async def _answer(server: Inside, request: httpx.Request, body: bytes) -> Response:
    """What a connection does with a whole request."""
    server.wake()
    dispatch = server.dispatch
    call = dispatch.begin(request.method, request.url.raw_path, _headers(request), "127.0.0.1")
    if call.response is not None:
        response = call.response
    elif call.max_body and len(body) > call.max_body:
        response = dispatch.refuse(call, call.too_large())
    else:
        response = await dispatch.answer(call, body if call.max_body else b"")
    dispatch.count(call, response.status, 0.001)
    return response


def _headers(request: httpx.Request) -> dict[bytes, bytes]:
    """By name in lower case; those that come several times as one, as RFC 9110, 5.3, has it."""
    found: dict[bytes, bytes] = {}
    for raw, value in request.headers.raw:
        name = raw.lower()
        between = b"; " if name == b"cookie" else b", "
        found[name] = found[name] + between + value if name in found else value
    return found


class _Stream(httpx.SyncByteStream):
    """The body of an answer that goes on: `first`, and what comes after it."""

    def __init__(self, server: Inside, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._server = server
        self._first = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        while (part := self._server.run(anext(self._rest, None))) is not None:
            yield part

    def close(self) -> None:
        if hasattr(self._rest, "aclose"):
            self._server.run(self._rest.aclose())


_RUNNING: dict[str, Inside] = {}
"""The servers of this process, by URL."""
_HERE = threading.local()
"""`server`: that of this thread."""
_LOGS: dict[str, list[MutableMapping[str, Any]]] = {}
"""What they logged, by URL; what other threads did, under ELSEWHERE."""


def transport(url: str) -> httpx.BaseTransport | None:
    """What leads a client to the server inside whose URL this is; None, which is httpx's own, for all other servers."""
    server = _RUNNING.get(url)
    return Transport(server) if server is not None else None


@contextmanager
def inside(
    place: Place, environment: Mapping[str, str] | None = None, clock: Clock = system_clock
) -> Iterator[Inside]:
    """A server inside on `place`, with further environment, stopped at the end; its log is looked at."""
    server = Inside(place, environment, clock)
    try:
        yield server
    finally:
        server.stop()
    server.check_log()


def remember(_logger: object, _level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: keeps what servers inside log."""
    name = threading.current_thread().name
    _LOGS.setdefault(name if name.startswith("http://") else ELSEWHERE, []).append(dict(event))
    return event


async def sleep(seconds: float) -> None:
    """The pause of a job, of a server inside or not."""
    server: Inside | None = getattr(_HERE, "server", None)
    await (server.sleep(seconds) if server is not None else asyncio.sleep(seconds))


def set_up() -> None:
    """To be called once in a process: servers inside keep their logs and look often for what changed, passwords cost nothing, and no
    payment provider is called.
    """
    ADDRESSES.update(dict.fromkeys(ADDRESSES, NOWHERE))
    structlog.configure(
        processors=[name_request, remember, *structlog.get_config()["processors"]],
        # Not to what a command prints that a test runs in this process meanwhile.
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
    )
    jobs.sleep = sleep  # type: ignore[assignment, attr-defined]
    for (module, name), seconds in POLLED.items():
        setattr(module, name, seconds)
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts._NOBODY = accounts.hash_password("nobody has this password")
