"""Whatever file of the embedded database is damaged, or cannot be written: a start says so, or nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from footfall.db.sqlite.connection import FILE_NAME, PAGE_SIZE
from tests.support.engines import Place, empty_database
from tests.support.inside import inside
from tests.support.servers import FOOTFALL, clean_environment, run_command
from tests.support.sites import http_client, make_sites

JUNK = bytes(range(7, 256)) * 200


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An embedded database."""
    made = Place("sqlite", tmp_path)
    made.data.mkdir(mode=0o700)
    empty_database(made.data)
    return made


def spoil_head(path: Path) -> None:
    path.write_bytes(JUNK[:100] + path.read_bytes()[100:])


def spoil_pages(path: Path) -> None:
    first, *pages = (
        path.read_bytes()[at : at + PAGE_SIZE] for at in range(0, path.stat().st_size, PAGE_SIZE)
    )
    path.write_bytes(first + b"".join(JUNK[:200] + page[200:] for page in pages))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:PAGE_SIZE])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [spoil_head, spoil_pages, cut_off, empty])
def test_a_damaged_database_is_named_with_the_way_out(place: Place, spoil: Callable[[Path], None]) -> None:
    spoil(place.data / FILE_NAME)
    ran = run_command(place, "serve", "--port", "0")
    assert ran.code == 1
    assert "damaged" in ran.errors
    assert "Restore a backup: footfall db restore FILE." in ran.errors
    assert "Traceback" not in ran.errors


@pytest.mark.parametrize(
    "name", [f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", "server.lock", "columns/columns.duckdb"]
)
def test_junk_in_a_file_beside_the_database_harms_nothing(place: Place, name: str) -> None:
    path = place.data / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(JUNK)
    with inside(place) as server, http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        site.identify(site.pageview(), "A")
        server.check_log()


@pytest.mark.process
def test_data_that_is_read_only_is_named(place: Place) -> None:
    read_only = f"mount --bind {place.data} {place.data} && mount -o remount,ro,bind {place.data}"
    if subprocess.run(["unshare", "-m", "sh", "-c", read_only], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount here")
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{read_only} && exec {FOOTFALL} serve --port 0"],
        env=clean_environment(place, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "Nothing can be written in the data folder" in ran.stderr
    assert "Read-only file system" in ran.stderr
