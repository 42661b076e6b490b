"""Processes on cores of their own: Footfall, a server with an empty handler, and wrk."""

from __future__ import annotations

import contextlib
import gc
import http.client
import importlib.resources
import multiprocessing
import os
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import msgspec

from bench.engines import Engine
from bench.operations import Operation, World, fill
from footfall.web.dispatch import Receive, Scope, Send
from footfall.web.server import make_server

CONNECTIONS = 64

P = ParamSpec("P")
R = TypeVar("R")

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


class Answer(NamedTuple):
    """An HTTP answer of status 200."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class Running(NamedTuple):
    """A Footfall server. `ready`: seconds from the command to the printed address."""

    address: str
    pid: int
    ready: float

    def resident(self) -> int:
        """Bytes of resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


def run_apart(core: int, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of `work` in a process of its own on `core`."""
    with ProcessPoolExecutor(1, _spawn, _prepare, (core,)) as pool:
        return pool.submit(work, *args, **kwargs).result()


def _prepare(core: int) -> None:
    """Pin this process, and collect garbage as rarely as `footfall serve` does."""
    os.sched_setaffinity(0, {core})
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "--cpu-list", str(core), *command]


@contextlib.contextmanager
def footfall(engine: Engine, core: int, log: Path) -> Iterator[Running]:
    """A server on `core` that writes its log to `log`. Raises BenchmarkError when it does not start or stop as it should."""
    # What is set for the operator's own server, such as its database, must not reach this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    command = str(Path(sys.executable).with_name("footfall"))
    started = time.perf_counter()
    with log.open("w") as stderr:
        process = subprocess.Popen(
            _pinned(core, command, "serve", "--port", "0", "--json", *engine.arguments),
            env=environment | {"FOOTFALL_RATE_LIMIT": "0"},
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise BenchmarkError(f"footfall serve did not start:\n{log.read_text()}")
            address = msgspec.json.decode(line)["address"]
            yield Running(address, process.pid, time.perf_counter() - started)
            if process.poll() is not None:
                raise BenchmarkError(f"footfall serve ended by itself:\n{log.read_text()}")
        finally:
            _stop(process)
    if process.returncode not in (0, -signal.SIGTERM):
        raise BenchmarkError(f"footfall serve ended with {process.returncode}:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


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


def _serve_empty(answer: Answer, core: int, ready: Connection) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    _prepare(core)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    make_server(app, 10.0, lambda: ready.send(address)).run(sockets=[listener])


def probe(address: str, operation: Operation, i: int) -> Answer:
    """The answer to `operation` for visitor `i`. Raises BenchmarkError unless it proves that the operation did its work."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        body = fill(operation.body, i).encode()
        connection.request(operation.method, fill(operation.path, i), body or None, operation.headers)
        response = connection.getresponse()
        text = response.read()
    if response.status != 200 or operation.proof.encode() not in text:
        raise BenchmarkError(f"{operation.name}: {response.status} {text.decode(errors='replace')}")
    headers = [(name.lower(), value) for name, value in response.getheaders() if name.lower() != "date"]
    return Answer([(name.encode(), value.encode()) for name, value in headers], text)


def start_wrk(
    address: str, mix: list[Operation], world: World, seconds: int, core: int, folder: Path
) -> subprocess.Popen[bytes]:
    """wrk on `core`, sending requests about random visitors for `seconds`; each is one of `mix`."""
    template = importlib.resources.files("bench").joinpath("load.lua").read_text()
    tables = ",\n   ".join(_table(operation) for operation in mix)
    script = folder / f"{'-'.join(operation.name for operation in mix)}.lua"
    script.write_text(string.Template(template).substitute(visitors=world.visitors, operations=tables))
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", str(seconds)]
    command = _pinned(core, "wrk", *options, "--timeout", "10", "--script", str(script), address)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish_wrk(wrk: subprocess.Popen[bytes]) -> Load:
    """Wait for wrk; what it counted. Raises BenchmarkError when it failed."""
    output = wrk.communicate()[0]
    counted = next((line for line in output.splitlines() if line.startswith(b"{")), None)
    if wrk.returncode != 0 or counted is None:
        raise BenchmarkError(f"wrk ended with {wrk.returncode}:\n{output.decode()}")
    return msgspec.json.decode(counted, type=Load)


def _table(operation: Operation) -> str:
    """An operation in Lua."""
    headers = ", ".join(f'["{name}"] = [==[{value}]==]' for name, value in operation.headers.items())
    fields = f"method = '{operation.method}', path = '{operation.path}', headers = {{ {headers} }}"
    return f"{{ {fields}, body = [==[{operation.body}]==] }}"
