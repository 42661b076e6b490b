"""Events at a steady rate with questions beside them: how long both wait, how far the columns are behind, and what their process takes."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import random
import time
import urllib.parse
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench import servers
from bench.servers import BenchmarkError
from bench.store import BROWSER, PAGEVIEW, World, fill
from footfall.clock import system_clock
from footfall.columns.client import ColumnsClient, socket_path
from footfall.errors import Unavailable

RATE = 1000
"""Events a second."""
CONNECTIONS = 50
"""Of senders: each sends its next event at its time, or, if that is past, once the last is answered."""
READY_SECONDS, LOOK_SECONDS = 120.0, 0.2
_END = 3
"""Looks that do not count, while the senders end."""
MOST_INGEST, MOST_LAG, MOST_MEMORY = 25.0, 1000.0, 750e6
"""The most that the 99th percentiles of an event and of the lag may be, in ms, and the most bytes of memory."""
QUESTIONS = (
    "overview?period=last30d&compare=previous",
    "timeseries?interval=day&fields=visitors,people",
    "pages?period=last30d",
    "referrers?period=last7d",
    "overview?filter_trait.plan=pro",
    "retention",
)


class Steady(NamedTuple):
    """What came of it: ms of each event (since its time) and of each question, and of each look the lag in ms and the bytes of memory.

    `empty`: ms of each event at an empty handler, with the same questions beside them: what the machine does without Footfall's part.
    """

    empty: list[float]
    events: list[float]
    questions: list[float]
    lags: list[float]
    memory: list[float]


def measure(address: str, world: World, folder: Path, core: int, seconds: int, empty_core: int) -> Steady:
    """Send events and ask from `core`, and look at the columns in `folder` meanwhile. Raises BenchmarkError."""
    client = ColumnsClient(socket_path(folder))
    wait(client)
    answer = servers.probe(address, PAGEVIEW, world)
    with ThreadPoolExecutor(2) as pool:
        with servers.empty_server(answer, empty_core) as empty_address:
            empty = pool.submit(servers.run_apart, core, send, empty_address, world, seconds)
            servers.run_apart(core, ask, address, world, seconds)
            empty.result()
        events = pool.submit(servers.run_apart, core, send, address, world, seconds)
        questions = pool.submit(servers.run_apart, core, ask, address, world, seconds)
        looks = asyncio.run(_looks(client, events))
        return Steady(
            sorted(empty.result()),
            sorted(events.result()),
            sorted(questions.result()),
            sorted(one.lag for one in looks),
            sorted(one.memory for one in looks),
        )


def wait(client: ColumnsClient) -> None:
    """Return once they are there. Raises BenchmarkError."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            if asyncio.run(client.health()).is_there:
                return
        except Unavailable:
            pass
        time.sleep(LOOK_SECONDS)
    raise BenchmarkError("the columns are not there")


class _Look(NamedTuple):
    lag: float
    memory: float


async def _looks(client: ColumnsClient, working: Future[list[float]]) -> list[_Look]:
    """How old the newest event is that can be asked for, while there is a new one each millisecond; that it is asked for included."""
    found: list[_Look] = []
    began = system_clock()
    while not working.done():
        await asyncio.sleep(LOOK_SECONDS)
        ((newest,),) = await client.ask("SELECT max(ts) FROM event_row")
        if newest and newest > began:
            found.append(_Look(system_clock() - newest, (await client.health()).memory))
    return found[:-_END]


def send(address: str, world: World, seconds: int) -> list[float]:
    """Pageviews of random visitors at RATE; ms of each from the time at which it was to be sent. Raises BenchmarkError."""
    return asyncio.run(_send(address, world, seconds))


async def _send(address: str, world: World, seconds: int) -> list[float]:
    host, _, port = address.removeprefix("http://").partition(":")
    begin = time.perf_counter() + 0.5
    times: list[float] = []

    async def send_every(first: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in range(first, RATE * seconds, CONNECTIONS):
            body = fill(PAGEVIEW.body, random.randrange(world.visitors), world).encode()
            due = begin + number / RATE
            await asyncio.sleep(due - time.perf_counter())
            writer.write(
                b"POST /api/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nUser-Agent: %s\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (BROWSER.encode(), len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            answer = await reader.readexactly(int(length))
            if PAGEVIEW.proof.encode() not in answer:
                raise BenchmarkError(f"an event was answered {answer[:500].decode(errors='replace')}")
            times.append(1000 * (time.perf_counter() - due))
        writer.close()

    await asyncio.gather(*[send_every(first) for first in range(CONNECTIONS)])
    return times


def ask(address: str, world: World, seconds: int) -> list[float]:
    """Questions one after the other; ms of each. Raises BenchmarkError."""
    host, _, port = address.removeprefix("http://").partition(":")
    headers = {"Authorization": f"Bearer {world.key}"}
    times: list[float] = []
    until = time.monotonic() + seconds
    with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        for question in itertools.cycle(QUESTIONS):
            if time.monotonic() > until:
                return times
            started = time.perf_counter()
            connection.request("GET", f"/api/v1/analytics/{question}", headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.client.OK:
                raise BenchmarkError(f"{urllib.parse.unquote(question)} was answered {text[:500].decode()}")
            times.append(1000 * (time.perf_counter() - started))
    return times


def show(steady: Steady) -> str:
    """The lines of the report."""
    ingest, lag, memory = _at(steady.events, 0.99), _at(steady.lags, 0.99), steady.memory[-1]
    return "\n".join(
        [
            f"an empty handler in its place: p50 {_at(steady.empty, 0.5):.1f} ms, p99 {_at(steady.empty, 0.99):.1f} ms",
            f"{len(steady.events):,} events at {RATE:,}/s: p50 {_at(steady.events, 0.5):.1f} ms, p99 {ingest:.1f} ms"
            + _verdict(ingest > MOST_INGEST),
            f"{len(steady.questions):,} questions: p50 {_at(steady.questions, 0.5):.0f} ms, p99 {_at(steady.questions, 0.99):.0f} ms",
            f"columns behind: p50 {_at(steady.lags, 0.5):.0f} ms, p99 {lag:.0f} ms"
            + _verdict(lag > MOST_LAG),
            f"memory of their process: at most {memory / 1e6:.0f} MB" + _verdict(memory > MOST_MEMORY),
        ]
    )


def _at(times: list[float], share: float) -> float:
    return times[int((len(times) - 1) * share)]


def _verdict(is_too_much: bool) -> str:
    return "  too much" if is_too_much else ""
