"""`python -m bench`: each operation over HTTP, with an empty handler, and without a server; or a long run of writes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click

from bench import servers, store
from bench.engines import ENGINES, Engine
from bench.operations import Operation, World, operations
from bench.servers import BenchmarkError, Load

WARM_UP = 2
"""Seconds of load before each measurement."""
REPORT_EVERY = 30.0
"""Seconds between the lines of a soak."""
MB = 1_000_000
NAMES = ["identify-unchanged", "identify-changing", "visitor", "pageview"]


class Bench(NamedTuple):
    """What all measurements share. `core` is that of the measured side, `load_core` that of wrk."""

    engine: Engine
    world: World
    seconds: int
    core: int
    load_core: int
    folder: Path

    def load(self, address: str, mix: list[Operation], seconds: int) -> subprocess.Popen[bytes]:
        """A running wrk."""
        return servers.start_wrk(address, mix, self.world, seconds, self.load_core, self.folder)

    def drive(self, address: str, operation: Operation) -> Load:
        """Warm up, then measure. The errors of both count."""
        warm = servers.finish_wrk(self.load(address, [operation], WARM_UP))
        load = servers.finish_wrk(self.load(address, [operation], self.seconds))
        return Load(load.requests, load.microseconds, load.p50, load.p99, load.errors + warm.errors)


class Server(NamedTuple):
    """What a server took: seconds until ready; bytes of memory and write-ahead log after its load."""

    ready: float
    resident: int
    log: int


def measure(bench: Bench, operation: Operation) -> tuple[int, Server]:
    """Print the line of an operation, each part in a fresh process; errors, and what its server took."""
    with servers.footfall(bench.engine, bench.core, bench.folder / "server.log") as running:
        answer = servers.probe(running.address, operation, 0)
        load = bench.drive(running.address, operation)
        server = Server(running.ready, running.resident(), bench.engine.log_size())
    with servers.empty_server(answer, bench.core) as address:
        empty = bench.drive(address, operation)
    alone = servers.run_apart(bench.core, store.measure, bench.engine, operation, bench.world, bench.seconds)
    share = load.rate * (1 / empty.rate + 1 / alone)
    errors = load.errors + empty.errors
    click.echo(
        f"{operation.name:<20}{load.rate:>12,.0f}{load.p50 / 1000:>9.1f}{load.p99 / 1000:>9.1f}{errors:>9}"
        f"{alone:>14,.0f}{empty.rate:>17,.0f}{share:>8.0%}"
    )
    return errors, server


def measure_all(bench: Bench, chosen: list[Operation]) -> int:
    """Print the table; the number of errors."""
    click.echo(
        f"{'operation':<20}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'errors':>9}"
        f"{'store alone/s':>14}{'empty handler/s':>17}{'share':>8}"
    )
    results = [measure(bench, operation) for operation in chosen]
    taken = [server for _, server in results]
    click.echo(
        "share: of 1 / (1 / empty handler + 1 / store alone)\n"
        f"server at most: {max(s.resident for s in taken) / MB:.0f} MB resident, "
        f"{max(s.log for s in taken) / MB:.0f} MB of write-ahead log, ready in {max(s.ready for s in taken):.2f} s"
    )
    return sum(errors for errors, _ in results)


def soak(bench: Bench, minutes: float) -> int:
    """Load one server with all kinds of writes; the number of errors."""
    writes = [operation for operation in operations(bench.world) if operation.handler is not None]
    with servers.footfall(bench.engine, bench.core, bench.folder / "server.log") as running:
        for operation in writes:
            servers.probe(running.address, operation, 0)
        started = time.monotonic()
        wrk = bench.load(running.address, writes, max(round(minutes * 60), 1))
        log, reported = 0, 0.0
        while wrk.poll() is None:
            time.sleep(0.2)
            log = max(log, bench.engine.log_size())
            elapsed = time.monotonic() - started
            if elapsed - reported >= REPORT_EVERY or wrk.poll() is not None:
                reported = elapsed
                memory = running.resident() / MB
                click.echo(
                    f"{elapsed:6.0f} s   write-ahead log at most {log / MB:6.1f} MB   resident {memory:6.1f} MB"
                )
        load = servers.finish_wrk(wrk)
    click.echo(
        f"{load.rate:,.0f} writes/s, p50 {load.p50 / 1000:.1f} ms, p99 {load.p99 / 1000:.1f} ms, {load.errors} errors"
    )
    return load.errors


@click.command()
@click.option(
    "--engine", "engine_name", type=click.Choice(list(ENGINES)), default="sqlite", show_default=True
)
@click.option("--visitors", type=click.IntRange(1000, 3_000_000), default=100_000, show_default=True)
@click.option("--duration", type=click.IntRange(1), default=10, show_default=True, help="Seconds for each.")
@click.option(
    "--only", type=click.Choice(NAMES), multiple=True, help="Measure this operation; may be repeated."
)
@click.option(
    "--soak", "minutes", type=click.FloatRange(0, min_open=True), help="Minutes of mixed writes instead."
)
def main(
    engine_name: str, visitors: int, duration: int, only: tuple[str, ...], minutes: float | None
) -> None:
    """Measure Footfall on one core, driven from another; exits with 1 when a request failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped and deleted
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("wrk") is None:
        raise click.ClickException("this needs two processor cores, and wrk (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        folder = Path(name)
        with ENGINES[engine_name](folder) as engine:
            started = time.monotonic()
            try:
                world = servers.run_apart(cores[0], store.seed, engine, visitors)
                click.echo(
                    f"{engine_name}, {visitors:,} visitors, made in {time.monotonic() - started:.0f} s"
                )
                bench = Bench(engine, world, duration, cores[0], cores[1], folder)
                chosen = [operation for operation in operations(world) if not only or operation.name in only]
                errors = measure_all(bench, chosen) if minutes is None else soak(bench, minutes)
            except BenchmarkError as error:
                raise click.ClickException(str(error)) from error
    if errors:
        raise click.ClickException(f"{errors} requests failed")


if __name__ == "__main__":
    main()
