"""What stands between Footfall and its tables: a pooler, options in the URL, an encoding."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from footfall.db.postgres import connection as postgres_connection
from footfall.db.statements import make_statement
from footfall.errors import DatabaseError, SchemaMismatch
from footfall.storage import migrate_database
from tests.support.engines import Place
from tests.support.people import people, users, wait_for_index
from tests.support.postgres import ACCOUNT, LocalPostgres
from tests.support.servers import run_command, run_json, serving, until
from tests.support.sites import http_client, make_sites

SHOW = make_statement(
    "show",
    "",
    "SELECT current_setting('search_path') AS path, current_setting('jit') AS jit, current_setting('client_encoding') AS encoding",
    "path text, jit text, encoding text",
)


def with_options(place: Place, options: str) -> Place:
    return Place(place.engine, place.folder, f"{place.database_url}?options={quote(options)}")


def test_options_of_the_url_are_kept_beside_those_of_footfall(empty: Place) -> None:
    with psycopg.connect(empty.database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA other")
    place = with_options(empty, "-c search_path=other -c jit=on -c client_encoding=latin1")
    migrate_database(place.settings)
    assert place.snapshot(lambda tx: tx.one(SHOW)) == SHOW.row("other", "off", "UTF8")
    found = make_statement(
        "found", "", "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'fact'", "schemaname text"
    )
    assert place.snapshot(lambda tx: tx.all(found)) == [found.row("other")]


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def unfit(request: pytest.FixtureRequest, postgres: LocalPostgres, tmp_path: Path) -> Place:
    """A database whose texts are not UTF-8."""
    name = f"footfall_{request.param.lower()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING '{request.param}' TEMPLATE template0 LOCALE 'C'".encode()
        )
    return Place("postgres", tmp_path, postgres.url(name))


def test_a_database_of_another_encoding_is_refused(unfit: Place) -> None:
    for ran in (run_command(unfit, "db", "migrate"), run_command(unfit, "serve", "--port", "0")):
        assert ran.code == 1
        assert ran.errors.startswith("Error: The database has the encoding ")
        assert "UTF8" in ran.errors
        assert "Traceback" not in ran.errors
    with pytest.raises(SchemaMismatch):
        postgres_connection.connect(unfit.database_url)


POOLER = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
default_pool_size = {size}
query_wait_timeout = 60
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@pytest.fixture
def pool_size() -> int:
    return 40


@pytest.fixture
def pooled(postgres: LocalPostgres, tmp_path: Path, pool_size: int) -> Iterator[Place]:
    """A database behind PgBouncer in session mode."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert program, "run `make debian`, which installs pgbouncer"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = postgres.create_database()
    folder = postgres.folder  # which its account may write to
    config = folder / f"pgbouncer-{port}.ini"
    # With auth_type = any it ignores who asks, so the server's user is named.
    text = POOLER.format(server=postgres.port, port=port, size=pool_size, folder=folder)
    config.write_text(text.replace(f"port={postgres.port}", f"port={postgres.port} user=postgres"))
    arguments = [program, *(["-u", ACCOUNT] if postgres.is_other_account else []), str(config)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    through = f"postgresql://postgres@127.0.0.1:{port}/{url.rpartition('/')[2]}"
    try:
        until(lambda: accepts(port), "PgBouncer did not start")
        yield Place("postgres", tmp_path, through)
    finally:
        process.terminate()
        process.wait(30)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_works_behind_a_pooler_of_sessions(pooled: Place) -> None:
    migrate_database(pooled.settings)
    for user in ("ann", "bob"):  # the second server gets connections that the first had
        with serving(pooled, {"FOOTFALL_WORKERS": "2"}) as server, http_client(server.url) as client:
            (site,) = make_sites(server.url, client, pooled)
            visitor = site.pageview()
            assert site.identify(visitor, user, {"plan": "pro"})["action"] == "created"
            assert site.visitor(visitor)["profile"]["userId"] == user
            wait_for_index(site)
            assert users(people(site, search=user)) == [user]
            assert client.get("/readyz").status_code == 200
    assert run_json(pooled, "db", "verify")["ok"]


@pytest.mark.parametrize("pool_size", [1])
def test_a_pooler_that_has_no_connection_left_is_not_waited_for(pooled: Place) -> None:
    with (
        closing(postgres_connection.connect(pooled.database_url)),
        pytest.raises(DatabaseError, match="cannot be reached"),
    ):
        postgres_connection.connect(pooled.database_url)
