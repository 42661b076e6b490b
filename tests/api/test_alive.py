"""What breaks around a server never leaves it half alive."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import msgspec
import psycopg
import pytest

from footfall.app import App, flush_credentials
from footfall.auth.access import Access
from footfall.auth.store import revoke_key
from footfall.clock import system_clock
from footfall.db.sqlite.connection import FILE_NAME, cannot_open
from footfall.errors import Unavailable
from footfall.storage import migrate_database
from footfall.web.dispatch import Dispatch
from footfall.web.ratelimit import RateLimit
from footfall.websites.store import configuration_changed
from tests.db.test_faults import FAIL, MEND
from tests.support.engines import Place
from tests.support.servers import (
    FOOTFALL,
    PATIENCE,
    RunningServer,
    clean_environment,
    run_json,
    serving,
    until,
)
from tests.support.sites import Site, http_client, make_sites, new_visitor

pytestmark = pytest.mark.process

# Logs and prints on a disk without room


@contextlib.contextmanager
def no_room(place: Place, server: subprocess.Popen[str]) -> Iterator[None]:
    """The disk of the database takes nothing more for a while."""
    if place.engine == "postgres":
        with psycopg.connect(place.database_url, autocommit=True) as connection:
            connection.execute(FAIL.format(code="53100", when="IF TRUE THEN").encode())
            yield
            connection.execute(MEND.encode())
        return
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    if server.poll() is None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def speechless(place: Place) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that can neither print nor log a line, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [FOOTFALL, "serve", "--port", str(port)],
            env=clean_environment(place, {"FOOTFALL_RATE_LIMIT": "0"}),
            stdout=full,
            stderr=full,
            text=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url))
        yield process, url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def revoke(site: Site) -> None:
    def work(tx: Any) -> None:
        revoke_key(tx, bytes.fromhex(site.key_id), system_clock())
        configuration_changed(tx)

    site.place.transact(work)


def test_a_server_whose_log_has_no_room_goes_on_once_its_database_has_some(place: Place) -> None:
    with speechless(place) as (process, url), http_client(url) as client:
        (site,) = make_sites(url, client, place)
        visitor = site.pageview()
        body = {"user_id": "A", "datafast_visitor_id": visitor}
        with no_room(place, process):
            for _ in range(3):
                answer = site.call("POST", "/api/v1/identify", json=body)
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) >= 1
        assert site.call("POST", "/api/v1/identify", json=body).status_code == 200
        assert client.get("/healthz").status_code == 200
        revoke(site)
        until(lambda: site.call("GET", f"/api/v1/visitors/{visitor}").status_code == 401)
    assert process.returncode == 0


# A part of a server ends

TASKS = [
    "directory",
    "refused ids",
    "dropped hits",
    "daily salt",
    "trait index",
    "who was seen",
    "credentials",
    "log",
]


def test_a_server_of_which_any_part_ends_says_so_and_is_ended(place: Place) -> None:
    async def end(name: str) -> None:
        app, is_told = App(place.settings), asyncio.Event()
        app.vitals.on_end = is_told.set
        async with app.running() as dispatch:
            assert await health(dispatch) == 200
            [task] = [task for task in asyncio.all_tasks() if task.get_name() == name]
            task.cancel()
            async with asyncio.timeout(PATIENCE):
                await is_told.wait()
            assert app.vitals.ended == name
            assert await health(dispatch) == 503
            raise Over

    for name in TASKS:
        with contextlib.suppress(Over):
            asyncio.run(end(name))


class Over(Exception):
    """The end of a scenario, of which nothing is to be finished."""


async def health(dispatch: Dispatch) -> int:
    call = dispatch.begin("GET", b"/healthz", {}, "127.0.0.1")
    return (await dispatch.answer(call, b"")).status


BREAK_DELIVERY = """
import sys
from pathlib import Path
from footfall.cli.main import main
from footfall.db import writer

deliver, trap = writer._deliver, Path(sys.argv.pop(1))

def broken(batch, results):
    if trap.exists() and batch[0].handler.rank == 0:
        trap.unlink()
        raise SystemError("a fault in the writer's own task")
    deliver(batch, results)

writer._deliver = broken
main()
"""
"""Footfall with a fault in the task of a writer, once, as soon as a file is there and an event is written."""

BREAK_CHECKPOINTS = """
import sys
from pathlib import Path
from footfall.cli.main import main
from footfall.db.sqlite import checkpoints, database

trap = Path(sys.argv.pop(1))

class Broken(checkpoints.Checkpointer):
    def _work(self):
        while not trap.exists() and not self._stop.wait(0.02):
            pass
        raise MemoryError("a fault in the thread of checkpoints")

database.Checkpointer = Broken
main()
"""


@contextlib.contextmanager
def trapped(
    place: Place, program: str, **environment: str
) -> Iterator[tuple[RunningServer, Callable[[], None]]]:
    """A server with a fault, and what springs it."""
    trap = place.folder / "trap"
    server = RunningServer(place, environment, program=[sys.executable, "-c", program, str(trap)])
    try:
        yield server, trap.touch
    finally:
        server.stop(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("program", [BREAK_DELIVERY, BREAK_CHECKPOINTS], ids=["writer", "checkpoints"])
def test_a_process_of_which_a_part_ended_leaves_with_an_error(place: Place, program: str) -> None:
    if place.engine == "postgres" and program == BREAK_CHECKPOINTS:
        pytest.skip("PostgreSQL makes its own checkpoints")
    with trapped(place, program) as (server, spring), http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        spring()
        with contextlib.suppress(httpx.TransportError):  # the process may be gone before the answer
            site.pageview()
        assert server.process.wait(PATIENCE) == 1
        assert server.log.count("ended unexpectedly") == 1
        assert "a fault in" in server.log


def on(server: RunningServer, site: Site, client: httpx.Client) -> Site:
    """The website through another client."""
    return msgspec.structs.replace(site, url=server.url, http=client)


@pytest.mark.slow
def test_a_worker_of_which_a_part_ended_is_replaced(place: Place) -> None:
    if place.engine != "postgres":
        pytest.skip("the embedded database has one server process")
    with trapped(place, BREAK_DELIVERY, FOOTFALL_WORKERS="2") as (server, spring):
        with http_client(server.url) as client:
            (site,) = make_sites(server.url, client, place)
        spring()
        with http_client(server.url) as client, contextlib.suppress(httpx.TransportError):
            until(lambda: _is_taken(on(server, site, client)))  # both know the website a moment later
        until(lambda: "starting another" in server.log)
        with http_client(server.url) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            until(lambda: _is_taken(on(server, site, client)))


def _is_taken(site: Site) -> bool:
    response = site.event("pageview", new_visitor(), href=f"https://{site.domain}/")
    return response.status_code == 200 and "x-footfall-dropped" not in response.headers


# The start


@pytest.mark.parametrize("folder", ["short", "so long that no socket can be in it" * 3])
def test_a_start_on_a_disk_that_takes_nothing_ends_with_a_sentence(tmp_path: Path, folder: str) -> None:
    place = Place("sqlite", tmp_path / folder)
    migrate_database(place.settings)
    done = subprocess.run(
        [FOOTFALL, "serve", "--port", "0"],
        env=clean_environment(place, {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: The data in {place.data} cannot be opened: ")
    assert done.stderr.count("\n") == 1


def test_a_start_on_a_full_disk_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    error = cannot_open(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert str(error) == f"The disk that holds {tmp_path} is full: make room, then start again."


# The end


def test_a_server_that_is_stopped_has_written_when_its_keys_were_used(place: Place) -> None:
    with serving(place) as server, http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        site.call("GET", "/api/v1/profiles")
    [key] = run_json(place, "key", "list", site.website_id)
    assert key["lastUsedAt"] is not None


def test_when_keys_were_used_is_kept_until_it_can_be_written() -> None:
    access = Access(cast(Any, None), RateLimit(0))
    access.keep_used({b"a": 1, b"b": 1})
    failing = SimpleNamespace(write=raising(Unavailable("full")))
    with pytest.raises(Unavailable):
        asyncio.run(flush_credentials(cast(Any, failing), access))
    assert access.take_used() == {b"a": 1, b"b": 1}


def raising(error: Exception) -> Callable[..., Any]:
    async def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_a_server_on_a_full_disk_stops_with_a_sentence(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path)
    server = RunningServer(place, {"FOOTFALL_RATE_LIMIT": "0"})
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        site.pageview()
        with no_room(place, server.process):
            assert client.get("/readyz").status_code == 503
            assert server.stop() == 0
    assert "nothing is lost" in server.log
    server.check_log()


def test_a_server_whose_database_is_removed_ends_and_says_so(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path)
    server = RunningServer(place)
    (place.data / FILE_NAME).unlink()
    assert server.process.wait(PATIENCE) == 1
    assert "was removed or replaced" in server.log
    server.stop()
