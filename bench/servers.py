"""Processes on cores of their own: Footfall, a server with an empty handler, and wrk."""

from __future__ import annotations

import contextlib
import gc
import http.client
import multiprocessing
import os
import random
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import msgspec

from bench.engines import Engine
from bench.store import BATCH, BROWSER, Operation, World, fill
from footfall.web.context import Request
from footfall.web.envelope import Response
from footfall.web.http.server import Server
from footfall.web.refusals import Refusals

P = ParamSpec("P")
R = TypeVar("R")
Answer = tuple[list[tuple[bytes, bytes]], bytes]
"""Headers and body."""
MOST_CALLS, BATCHES = 1000, 50
"""Calls in a batch, and different batches."""
_spawn = multiprocessing.get_context("spawn")


class BenchmarkError(Exception):
    """Something that makes the figures worthless."""


class Load(msgspec.Struct, frozen=True):
    """What wrk counted. `p50`, `p99`: microseconds; `errors`: broken connections, time-outs and statuses above 399."""

    requests: int
    microseconds: int
    p50: int
    p99: int
    errors: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests * 1e6 / self.microseconds


class Running(NamedTuple):
    """A Footfall server. `ready`: seconds from the command to the printed address."""

    address: str
    pid: int
    ready: float

    def resident(self) -> int:
        """Bytes of resident memory of it and its workers."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_resident(pid) for pid in [str(self.pid), *workers])


def _resident(pid: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def run_apart(core: int, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of `work` in a process of its own on `core`."""
    with ProcessPoolExecutor(1, _spawn, _prepare, (core,)) as pool:
        return pool.submit(work, *args, **kwargs).result()


def _prepare(core: int) -> None:
    """Pin this process, and collect garbage as rarely as `footfall serve` does."""
    os.sched_setaffinity(0, {core})
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def footfall_command(cores: Iterable[int], arguments: list[str]) -> list[str]:
    """The words of the command `footfall` on `cores`."""
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores))]
    return [*pinned, str(Path(sys.executable).with_name("footfall")), *arguments]


@contextlib.contextmanager
def footfall(engine: Engine, cores: Iterable[int], log: Path, rate_limit: int = 0) -> Iterator[Running]:
    """A server on `cores` that writes its log to `log`. Raises BenchmarkError when it does not start or stop as it should.

    `rate_limit`: calls a minute for each key; 0: any number.
    """
    # What is set for the operator's own server, such as its database, must not reach this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    environment["FOOTFALL_RATE_LIMIT"] = str(rate_limit)
    command = footfall_command(cores, ["serve", "--port", "0", "--json", *engine.arguments])
    started = time.perf_counter()
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if line:
                address = msgspec.json.decode(line)["address"]
                yield Running(address, process.pid, time.perf_counter() - started)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
    if not line or process.returncode not in (0, -signal.SIGTERM):
        raise BenchmarkError(f"footfall serve ended with {process.returncode}:\n{log.read_text()}")


@contextlib.contextmanager
def empty_server(answer: Answer, core: int) -> Iterator[str]:
    """The address of a server configured like Footfall's that reads each body and gives one fixed answer."""
    receiving, sending = _spawn.Pipe(duplex=False)
    process = _spawn.Process(target=_serve_empty, args=(answer, core, sending), daemon=True)
    process.start()
    sending.close()
    try:
        yield receiving.recv()
    finally:
        process.terminate()
        process.join()


class _Empty(Refusals):
    """A service and application that takes each body and gives one answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[_Empty]:
        yield self

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        return Request(method, max_body=65_536)

    async def answer(self, call: Request, body: bytes) -> Response:
        return self.response


def _serve_empty(answer: Answer, core: int, ready: Connection) -> None:
    _prepare(core)
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    response = Response(answer[1], 200, [header for header in answer[0] if header[0] != b"content-length"])
    Server(_Empty(response), 10.0, lambda: ready.send(address)).run(listener)


def headers(world: World) -> dict[str, str]:
    """Of calls with the key of a world."""
    return {"Content-Type": "application/json", "Authorization": f"Bearer {world.key}", "User-Agent": BROWSER}


def probe(address: str, operation: Operation, world: World) -> Answer:
    """The answer to one request. Raises BenchmarkError unless it proves that the operation did its work."""
    url, body = address + fill(operation.path, 0, world), fill(operation.body, 0, world).encode()
    request = urllib.request.Request(url, body or None, headers(world), method=operation.method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = response.read()
    except OSError as error:
        raise BenchmarkError(f"{operation.path}: {error}") from error
    if operation.proof.encode() not in answer:
        raise BenchmarkError(f"{operation.path} answered {answer.decode(errors='replace')}")
    found = [(name.lower(), value) for name, value in response.getheaders()]
    return [(n.encode(), v.encode()) for n, v in found if n not in ("date", "connection")], answer


def send_batches(address: str, operation: Operation, world: World, seconds: float, first: int) -> float:
    """Identify calls a second through `/identify/batch`, one batch after the other, each of MOST_CALLS calls.

    Senders with different `first` are about different visitors at a time.

    Raises BenchmarkError when a call was not taken.
    """
    host, _, port = address.removeprefix("http://").partition(":")
    bodies = [_batch(operation, world, number) for number in range(BATCHES)]
    done, started = 0, time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        while (spent := time.perf_counter() - started) < seconds:
            body = bodies[(first * 17 + done // MOST_CALLS) % BATCHES].replace(
                b"<draw>", str(random.randint(1, 10**9)).encode()
            )
            connection.request("POST", "/api/v1/identify/batch", body, headers(world))
            answer = connection.getresponse().read()
            if answer.count(operation.proof.encode()) != MOST_CALLS:
                raise BenchmarkError(f"a batch was answered {answer[:500].decode(errors='replace')}")
            done += MOST_CALLS
    return done / spent


def _batch(operation: Operation, world: World, number: int) -> bytes:
    """A batch about visitors of its own, as JSON; `<draw>` stands for what changes from one delivery to the next."""
    visitors = [(number * MOST_CALLS + i) % world.visitors for i in range(MOST_CALLS)]
    template = operation.body.replace("<draw>", "DRAW")
    return (
        "[{}]".format(",".join(fill(template, i, world) for i in visitors)).replace("DRAW", "<draw>").encode()
    )


@contextlib.contextmanager
def wrk(
    address: str,
    mix: list[Operation],
    world: World,
    seconds: int,
    core: int,
    folder: Path,
    connections: int = BATCH,
) -> Iterator[subprocess.Popen[bytes]]:
    """wrk on `core`, sending requests about random visitors for `seconds`; each is one of `mix`. Ended on leaving."""
    tables = [
        f"{{ method = '{operation.method}', path = '{operation.path}', body = [==[{operation.body}]==] }}"
        for operation in mix
    ]
    filled = string.Template(Path(__file__).with_name("load.lua").read_text()).substitute(
        visitors=world.visitors,
        headers=", ".join(f"['{name}'] = '{value}'" for name, value in headers(world).items()),
        operations=",\n".join(tables).replace("<tracking>", world.website.tracking_id),
    )
    script = folder / "load.lua"
    script.write_text(filled)
    command = [
        "taskset",
        "--cpu-list",
        str(core),
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}",
        "--timeout",
        "10",
    ]
    with subprocess.Popen([*command, "-s", str(script), address], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def counted_by(process: subprocess.Popen[bytes]) -> Load:
    """Wait for wrk; what it counted. Raises BenchmarkError when it failed."""
    output = process.communicate()[0]
    counted = [line for line in output.splitlines() if line.startswith(b"{")]
    if process.returncode != 0 or not counted:
        raise BenchmarkError(f"wrk ended with {process.returncode}:\n{output.decode()}")
    return msgspec.json.decode(counted[0], type=Load)
