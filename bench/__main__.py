"""Each operation over HTTP, with an empty handler, and without a server; or a long run of writes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import click

from bench import columns, flood, money, mutations, pauses, people, servers, store
from bench import soak as soaking
from bench.engines import ENGINES, Engine
from bench.servers import Load
from bench.store import IDENTIFY, OPERATIONS, PERSON, Operation, World
from footfall.column_parts import column_folder
from footfall.settings import Settings

WARM_UP = 2
"""Seconds of load before each measurement."""
LIVE_CONNECTIONS = 4
"""Of live calls beside batches: each sends its next call when the last is answered."""
MB = 1_000_000
SENDERS = 3
"""Connections that send batches at the same time."""
HEADS = "operation requests/s p50,ms p99,ms errors store/s single/s empty/s share behind,s resident,MB log,MB ready,s"


class Bench(NamedTuple):
    """What all measurements share. `core` is that of the measured side, `load_core` that of wrk; several workers use both."""

    engine: Engine
    world: World
    core: int
    load_core: int
    folder: Path
    workers: int

    def footfall(self) -> AbstractContextManager[servers.Running]:
        """A running server."""
        cores = [self.core] if self.workers == 1 else [self.core, self.load_core]
        arguments = [] if self.workers == 1 else ["--workers", str(self.workers)]
        engine = self.engine._replace(arguments=[*self.engine.arguments, *arguments])
        return servers.footfall(engine, cores, self.folder / "server.log")

    def wrk(
        self, address: str, mix: list[Operation], seconds: int
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A running wrk."""
        return servers.wrk(address, mix, self.world, seconds, self.load_core, self.folder)

    def drive(self, address: str, operation: Operation, seconds: int) -> tuple[Load, int]:
        """Warm up, then measure; what wrk counted, and the errors of both."""
        with self.wrk(address, [operation], WARM_UP) as process:
            warm = servers.counted_by(process)
        with self.wrk(address, [operation], seconds) as process:
            load = servers.counted_by(process)
        return load, warm.errors + load.errors


def measure(bench: Bench, name: str, seconds: int) -> int:
    """Print the line of an operation, each part of it in a fresh process; the number of errors."""
    operation, core = OPERATIONS[name], bench.core
    with bench.footfall() as running, store.watch_index(bench.engine) as behind:
        answer = servers.probe(running.address, operation, bench.world)
        load, errors = bench.drive(running.address, operation, seconds)
        resident, log = running.resident() / MB, bench.engine.log_size() / MB
    with servers.empty_server(answer, core) as address:
        empty, empty_errors = bench.drive(address, operation, seconds)
    alone, single = (
        servers.run_apart(
            core, store.measure, bench.engine, operation, bench.world, WARM_UP, seconds, together
        )
        for together in (store.BATCH, 1)
    )
    share = load.rate * (1 / empty.rate + 1 / alone)
    numbers = f"{load.rate:.0f} {load.p50 / 1000:.1f} {load.p99 / 1000:.1f} {errors + empty_errors} {alone:.0f} {single:.0f}"
    sizes = f"{max(behind):.1f} {resident:.0f} {log:.0f} {running.ready:.2f}"
    _line(f"{name} {numbers} {empty.rate:.0f} {share:.0%} {sizes}")
    return errors + empty_errors


def _line(words: str) -> None:
    first, *others = words.split()
    click.echo(f"{first:<18}" + "".join(f"{other.replace(',', ' '):>12}" for other in others))


def soak(bench: Bench, minutes: float) -> int:
    """Load one server with writes and questions for a while; how many kinds of things went wrong."""
    cores = [bench.core, bench.load_core]  # the process that keeps the columns takes the one that is idle
    data, seconds = column_folder(Settings(data=bench.folder / "data")), max(round(minutes * 60), 1)
    with servers.footfall(bench.engine, cores, bench.folder / "server.log") as running:
        soaked = soaking.soak(
            bench.engine, running, bench.world, data, bench.folder, bench.load_core, seconds
        )
    click.echo(soaking.show(soaked))
    wrong = soaking.faults(soaked, bench.engine)
    for fault in wrong:
        click.echo(f"Wrong: {fault}")
    return len(wrong)


def stand_flood(bench: Bench, seconds: int) -> int:
    """Let one key flood the server while another works; 1 if that one waited for too long, else 0."""
    other = flood.other_world(bench.engine, bench.world)
    log = bench.folder / "server.log"
    with servers.footfall(bench.engine, [bench.core], log, flood.LIMIT) as running:
        where = (running.address, bench.world, seconds)
        before = servers.run_apart(bench.load_core, flood.call, *where)
        where_flood = (running.address, [IDENTIFY], other, seconds + 2, bench.load_core, bench.folder)
        with servers.wrk(*where_flood) as process:
            during = servers.run_apart(bench.load_core, flood.call, *where)
            flooded = flood.Flooded(before, during, servers.counted_by(process))
    click.echo(flood.show(flooded))
    return int(flood.is_harmed(flooded))


def batch(bench: Bench, seconds: int) -> int:
    """Send batches, and live calls beside them; the number of errors of the live calls."""
    errors = 0
    with bench.footfall() as running, ThreadPoolExecutor(SENDERS) as pool:

        def send(operation: Operation) -> str:
            """Send batches from several connections; what came of it."""
            address, world, core = running.address, bench.world, bench.load_core
            with store.watch_index(bench.engine) as behind:
                rates = [
                    pool.submit(
                        servers.run_apart,
                        core,
                        servers.send_batches,
                        address,
                        operation,
                        world,
                        seconds,
                        first,
                    )
                    for first in range(SENDERS)
                ]
                rate = sum(one.result() for one in rates)
            return f"{rate:,.0f} calls/s, the trait index at most {max(behind):.1f} s behind"

        for kind in ("unchanged", "changing"):  # in an order in which none spoils the data of a later one
            click.echo(f"{kind} batches alone: {send(OPERATIONS['identify-' + kind])}")
            live = [OPERATIONS["identify-unchanged"]]
            where = (bench.load_core, bench.folder, LIVE_CONNECTIONS)
            with servers.wrk(running.address, live, bench.world, seconds + 2, *where) as process:
                click.echo(f"with live calls beside them: {send(OPERATIONS['identify-' + kind])}")
                load = servers.counted_by(process)
            times = f"p50 {load.p50 / 1000:.1f} ms, p99 {load.p99 / 1000:.1f} ms"
            click.echo(
                f"live calls on {LIVE_CONNECTIONS} connections: {load.rate:,.0f}/s, {times}, {load.errors} errors"
            )
            errors += load.errors
    return errors


def many_people(bench: Bench) -> int:
    """Look people up, one request after the other; 0, since a wrong answer ends the benchmark."""
    session = people.log_in(bench.engine)
    click.echo(f"{'GET':<28}{'requests':>8}{'p50 ms':>10}{'p99 ms':>10}{'at most':>10}")
    with bench.footfall() as running:
        for name, question in people.QUESTIONS.items():
            times = servers.run_apart(
                bench.load_core, people.ask, running.address, question, bench.world, session
            )
            click.echo(people.show(name, question, times))
        click.echo(f"db verify beside the server: {people.verify(bench.engine, bench.load_core):.0f} s")
        click.echo(f"resident: {running.resident() / MB:.0f} MB")
    return 0


def many_payments(bench: Bench) -> int:
    """Look up people who paid, and erase one; 0, since a wrong answer ends the benchmark."""
    started = time.monotonic()
    servers.run_apart(bench.core, money.seed, bench.engine, bench.world)
    click.echo(f"payments made in {time.monotonic() - started:.0f} s")
    click.echo(f"{'GET':<28}{'requests':>8}{'p50 ms':>10}{'p99 ms':>10}{'at most':>10}")
    with bench.footfall() as running:
        money.wait_for_list(running.address, bench.world)
        for name, question in money.QUESTIONS.items():
            times = servers.run_apart(bench.load_core, people.ask, running.address, question, bench.world, "")
            click.echo(people.show(name, question, times))
        seconds = money.erase_best_customer(running.address, bench.world)
        click.echo(f"a person with {money.THEIR_PAYMENTS:,} payments erased in {seconds:.2f} s, at most 1")
        click.echo(f"resident: {running.resident() / MB:.0f} MB")
    return 0


def steady(bench: Bench, seconds: int) -> int:
    """Send events at a steady rate, with questions beside them; 0, since a wrong answer ends the benchmark."""
    cores = [bench.core, bench.load_core]  # the process that keeps the columns takes the one that is idle
    with servers.footfall(bench.engine, cores, bench.folder / "server.log") as running:
        folder = column_folder(Settings(data=bench.folder / "data"))
        click.echo(
            columns.show(
                columns.measure(running.address, bench.world, folder, bench.load_core, seconds, bench.core)
            )
        )
    return 0


def find_pauses(bench: Bench) -> int:
    """Send what is hard to take, and see how long others wait meanwhile; how many kinds of requests made them wait for too long."""
    target = pauses.seed(bench.engine, bench.world)
    os.sched_setaffinity(0, {bench.load_core})
    with bench.footfall() as running:
        return len(pauses.measure(target, running))


def mutate(bench: Bench, minutes: float) -> int:
    """Send random mutations of real requests; how many of them did harm."""
    target = pauses.seed(bench.engine, bench.world, 1000)
    os.sched_setaffinity(0, {bench.load_core})
    with bench.footfall() as running:
        return mutations.run(target, running, minutes, random.randrange(10**6))


@click.command()
@click.option(
    "--engine", "engine_name", type=click.Choice(list(ENGINES)), default="sqlite", show_default=True
)
@click.option("--visitors", type=click.IntRange(1, 3_000_000), default=100_000, show_default=True)
@click.option("--duration", type=click.IntRange(1), default=10, show_default=True, help="Seconds for each.")
@click.option("--only", type=click.Choice(list(OPERATIONS)), multiple=True, help="May be repeated.")
@click.option(
    "--soak",
    "minutes",
    type=click.FloatRange(0, min_open=True),
    help="Minutes of mixed writes and questions instead.",
)
@click.option("--batch", "is_batch", is_flag=True, help="Batches of identify calls instead.")
@click.option("--people", "is_people", is_flag=True, help="Looking up people instead, two visitors each.")
@click.option(
    "--columns", "is_columns", is_flag=True, help="Questions beside a steady stream of events instead."
)
@click.option("--payments", "is_money", is_flag=True, help="Looking up who paid instead, a payment of each.")
@click.option(
    "--pauses", "is_pauses", is_flag=True, help="How long nasty requests keep others waiting, instead."
)
@click.option("--flood", "is_flood", is_flag=True, help="One key beside the flood of another, instead.")
@click.option(
    "--mutations",
    "mutating",
    type=click.FloatRange(0, min_open=True),
    help="Minutes of mutated requests instead.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="With PostgreSQL; on both cores."
)
def main(
    engine_name: str,
    visitors: int,
    duration: int,
    only: list[str],
    minutes: float | None,
    is_batch: bool,
    is_people: bool,
    is_columns: bool,
    is_money: bool,
    is_pauses: bool,
    is_flood: bool,
    mutating: float | None,
    workers: int,
) -> None:
    """Measure Footfall on one core, driven from another; exits with 1 when a request failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped and deleted
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("wrk") is None:
        raise click.ClickException("this needs two processor cores, and wrk (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        folder, started = Path(name), time.monotonic()
        with ENGINES[engine_name](folder / "data") as engine:
            said = PERSON if is_people or is_money else IDENTIFY
            world = servers.run_apart(cores[0], store.seed, engine, visitors, said)
            click.echo(f"{engine_name}, {visitors:,} visitors, made in {time.monotonic() - started:.0f} s")
            bench = Bench(engine, world, cores[0], cores[1], folder, workers)
            try:
                if is_people:
                    errors = many_people(bench)
                elif is_columns:
                    errors = steady(bench, duration)
                elif is_money:
                    errors = many_payments(bench)
                elif is_pauses:
                    errors = find_pauses(bench)
                elif is_flood:
                    errors = stand_flood(bench, duration)
                elif mutating is not None:
                    errors = mutate(bench, mutating)
                elif is_batch:
                    errors = batch(bench, duration)
                elif minutes is None:
                    _line(HEADS)
                    names = [name for name in OPERATIONS if not only or name in only]
                    errors = sum(measure(bench, name, duration) for name in names)
                    click.echo(
                        "store: without a server, 64 calls a transaction; single: one; behind: the trait index; log: write-ahead log; "
                        "share: requests/s of 1 / (1 / empty handler + 1 / store alone)"
                    )
                else:
                    errors = soak(bench, minutes)
            except servers.BenchmarkError as error:
                raise click.ClickException(str(error)) from error
    if errors:
        raise click.ClickException(f"{errors} requests failed, or did harm")


if __name__ == "__main__":
    main()
