"""A long run of mixed writes with questions beside them: what may not grow, and what may not fail."""

from __future__ import annotations

import asyncio
import statistics
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench import columns, servers
from bench.engines import Engine
from bench.servers import BenchmarkError
from bench.store import OPERATIONS, World
from footfall.columns.client import ColumnsClient, socket_path
from footfall.memory import read_memory

CONNECTIONS = 2
"""Of writes: each sends its next call when the last is answered."""
LOOK_SECONDS, REPORT_SECONDS = 1.0, 30.0
WARM_UP, END = 0.3, 0.2
"""The memory of the looks after this share of the run is compared with that of this last share."""
MOST_GROWTH = 1.05
MOST_LAG, MOST_LINES = 10_000.0, 1_000_000
"""The most ms that the columns may be behind, and the most bytes that the server may log."""
MB = 1_000_000


class SoakLook(NamedTuple):
    """At a moment: bytes of memory of the server's own, of the write-ahead log, of the columns' process; ms that the columns are behind."""

    server: float
    log: float
    columns: float
    lag: float


class Soaked(NamedTuple):
    """What came of it. `lines`: bytes that the server logged."""

    load: servers.Load
    questions: list[float]
    looks: list[SoakLook]
    lines: int


def soak(
    engine: Engine, running: servers.Running, world: World, data: Path, folder: Path, core: int, seconds: int
) -> Soaked:
    """Write and ask from `core`. `data`: where the columns are; `folder`: with the server's log. Raises BenchmarkError."""
    client = ColumnsClient(socket_path(data))
    columns.wait(client)
    writes = [operation for operation in OPERATIONS.values() if operation.handler]
    for operation in writes:
        servers.probe(running.address, operation, world)
    with (
        servers.wrk(running.address, writes, world, seconds, core, folder, CONNECTIONS) as wrk,
        ThreadPoolExecutor(1) as pool,
    ):
        questions = pool.submit(servers.run_apart, core, columns.ask, running.address, world, seconds)
        looks = asyncio.run(_looks(engine, client, running.pid, questions))
        load = servers.counted_by(wrk)
    return Soaked(load, sorted(questions.result()), looks, (folder / "server.log").stat().st_size)


async def _looks(
    engine: Engine, client: ColumnsClient, pid: int, working: Future[list[float]]
) -> list[SoakLook]:
    found: list[SoakLook] = []
    started = reported = time.monotonic()
    while not working.done():
        await asyncio.sleep(LOOK_SECONDS)
        health = await client.health()
        if (memory := read_memory(pid)) is None:
            raise BenchmarkError("the server ended, or the system does not tell its memory")
        found.append(SoakLook(memory.own, engine.log_size(), health.memory, health.lag))
        if (now := time.monotonic()) - reported >= REPORT_SECONDS:
            reported = now
            print(f"{now - started:6.0f} s: {_shown(found[-1])}", flush=True)
    return found


def _shown(look: SoakLook) -> str:
    return (
        f"server {look.server / MB:.1f} MB, columns {look.columns / MB:.0f} MB and {look.lag:.0f} ms behind, "
        f"write-ahead log {look.log / MB:.1f} MB"
    )


def growth(memory: list[float]) -> float:
    """By what factor memory grew after the warm-up: the middle of the last looks against that of as many after it."""
    part = max(int(len(memory) * END), 1)
    first = int(len(memory) * WARM_UP)
    return statistics.median(memory[-part:]) / statistics.median(memory[first : first + part])


def faults(soaked: Soaked, engine: Engine) -> list[str]:
    """What went wrong, each in a sentence."""
    grown = growth([one.server for one in soaked.looks])
    log, lag = max(one.log for one in soaked.looks), max(one.lag for one in soaked.looks)
    memory = max(one.columns for one in soaked.looks)
    found = {
        f"{soaked.load.errors} writes failed": soaked.load.errors > 0,
        f"the server's memory grew by {grown - 1:.1%}": grown > MOST_GROWTH,
        f"the write-ahead log grew to {log / MB:.0f} MB": log > engine.most_log,
        f"the columns were {lag:.0f} ms behind": lag > MOST_LAG,
        f"their process took {memory / MB:.0f} MB": memory > columns.MOST_MEMORY,
        f"the server logged {soaked.lines} bytes": soaked.lines > MOST_LINES,
    }
    return [text for text, is_so in found.items() if is_so]


def show(soaked: Soaked) -> str:
    """The lines of the report."""
    load, looks = soaked.load, soaked.looks
    most = SoakLook(*map(max, zip(*looks, strict=True)))
    return "\n".join(
        [
            f"{load.requests:,} writes, {load.rate:,.0f}/s: p50 {load.p50 / 1000:.1f} ms, p99 {load.p99 / 1000:.1f} ms, {load.errors} errors",
            f"{len(soaked.questions):,} questions: p50 {statistics.median(soaked.questions):.0f} ms, at most {soaked.questions[-1]:.0f} ms",
            f"at most: {_shown(most)}; {soaked.lines:,} bytes logged",
            f"memory of the server after the warm-up: {growth([one.server for one in looks]) - 1:+.1%}",
        ]
    )
