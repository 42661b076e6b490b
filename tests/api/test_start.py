"""What a start or command does where it cannot do what it should; and who can read what Footfall writes."""

from __future__ import annotations

import os
import re
import resource
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from footfall.cli.serve import METRICS_ADVICE, check_metrics, listen, open_many_files
from footfall.errors import UsageError
from footfall.settings import Settings, read_settings
from footfall.storage import migrate_database, prepare_folder
from footfall.websites.store import create_website, put_website
from tests.support.engines import Place
from tests.support.servers import run_command, run_json, serving

pytestmark = pytest.mark.process

PAGE = "x" * 24
READING = [
    ("website", "list"),
    ("website", "update", PAGE, "--name", "x"),
    ("website", "signing-secret", PAGE),
    ("website", "delete", PAGE, "--confirm", "x"),
    ("key", "create", PAGE, "--name", "x"),
    ("key", "list", PAGE),
    ("key", "revoke", "0" * 24),
    ("token", "list"),
    ("token", "revoke", "0" * 24),
    ("account", "list"),
    ("account", "password", "ada@example.com"),
    ("doctor", PAGE),
    ("import", "identify", __file__),
    ("db", "verify"),
    ("db", "rebuild", "identity"),
    ("db", "backup", "x.db"),
    ("db", "erasures", "export", "x.ndjson"),
    ("db", "erasures", "replay", __file__),
    ("db", "copy", "--from", "data", "--to", "other"),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_works_on_what_is_there_makes_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_command(Place("sqlite", tmp_path), *arguments, typed="a long password\n")
    assert ran.code == 1
    assert "no database in" in ran.errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", ["/proc/nowhere", "file", "file/below", "x" * 300, "/dev/null"])
def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, data: str) -> None:
    (tmp_path / "file").touch()
    chosen = str(tmp_path / data)
    place = {"FOOTFALL_DATA": chosen}
    with pytest.raises(UsageError, match=re.escape(chosen)):
        prepare_folder(read_settings(place))
    for arguments in (("website", "create", "example.org"), ("website", "list")):
        ran = run_command(Place("sqlite", tmp_path), *arguments, environment=place)
        assert (ran.code, ran.output) == (1, "")
        assert chosen in ran.errors
        assert ran.errors.count("\n") == 1


def test_a_start_that_fails_says_why_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    ran = run_command(Place("sqlite", tmp_path), "serve", "--port", "0")
    assert (ran.code, ran.output) == (1, "")
    assert (ran.errors.count("\n"), ran.errors[:24]) == (1, "Error: The data folder /")


def test_a_database_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "footfall.db").mkdir(parents=True)
    ran = run_command(Place("sqlite", tmp_path), "website", "list")
    assert ran.code == 1
    assert "footfall.db" in ran.errors


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("no.such.host.invalid", "there is no such host"),
        ("x" * 80, "there is no such host"),
        ("a..b", "there is no such host"),
        ("192.0.2.1", "no address of this machine"),
    ],
)
def test_a_host_that_cannot_be_listened_on_is_named(host: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"^cannot listen on {host}:0: {reason}. Name an address .* --host"):
        listen(host, 0)


def test_a_taken_port_is_answered_with_a_line_that_works() -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"in use\. .*: --port {port + 1}, or FOOTFALL_PORT={port + 1}\.$"
        ):
            listen("127.0.0.1", port)
        with pytest.raises(UsageError, match=r"in use\. .*: FOOTFALL_METRICS_PORT\.$"):
            listen("127.0.0.1", port, METRICS_ADVICE)


@pytest.mark.parametrize(("port", "first", "workers"), [(8000, 8000, 1), (8003, 8000, 4)])
def test_metrics_on_the_servers_own_port_are_refused(port: int, first: int, workers: int) -> None:
    with pytest.raises(UsageError, match=f"^FOOTFALL_METRICS_PORT: the server itself has port {port}"):
        check_metrics(Settings(metrics_port=first, workers=workers), port)
    check_metrics(Settings(metrics_port=first, workers=workers), first + workers)
    check_metrics(Settings(), port)


# Whose files they are


def modes(folder: Path) -> dict[str, int]:
    """The modes of all that a folder holds."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in [folder, *folder.rglob("*")]
    }


def test_only_its_owner_can_read_what_footfall_writes(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path)
    before = os.umask(0)
    try:
        with serving(place, has_columns=True) as running:
            for arguments in (
                ("db", "backup", str(place.data / "one.db")),
                ("db", "erasures", "export", str(place.data / "erasures.ndjson")),
                ("website", "create", "example.org"),
            ):
                assert run_command(place, *arguments).code == 0
            found = modes(place.data)
    finally:
        os.umask(before)
    assert {"footfall.db", "footfall.db-wal", "footfall.derived.db", "server.lock", "erasures.ndjson"} <= set(
        found
    )
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
    assert "Warning" not in running.log


def test_a_folder_into_which_others_can_look_is_warned_of_with_what_mends_it(
    tmp_path: Path,
) -> None:
    settings = Place("sqlite", tmp_path).settings
    assert prepare_folder(settings) is None
    settings.data.chmod(0o750)
    assert f"chmod -R go= {settings.data}" in (prepare_folder(settings) or "")


# What people type


TOO_LONG = "x" * 60_000


@pytest.mark.parametrize("name", [TOO_LONG, "x" * 101, "a\nb", "a\x1b[31m", "\udcff", " "])
def test_a_name_that_cannot_be_kept_is_refused(place: Place, name: str) -> None:
    migrate_database(place.settings)
    website = run_json(place, "website", "create", "example.org")["websiteId"]
    for arguments in (
        ("website", "create", "example.net", "--name", name),
        ("website", "update", website, "--name", name),
        ("key", "create", website, "--name", name),
        ("token", "create", "--permissions", "*", "--name", name),
    ):
        ran = run_command(place, *arguments)
        assert (ran.code, ran.output) == (1, ""), arguments
        assert ran.errors.startswith("Error: name: ")
        assert len(ran.errors) < 200
    (left,) = run_json(place, "website", "list")
    assert left["name"] == "example.org"


@pytest.mark.parametrize(
    "email",
    [TOO_LONG + "@example.com", "a\x1b@example.com", "a@" + "x" * 250 + ".example", "\udcff@example.com"],
)
def test_an_email_address_that_cannot_be_kept_is_refused(place: Place, email: str) -> None:
    ran = run_command(place, "account", "create", email, typed="a long password\n")
    assert (ran.code, ran.errors) == (1, "Error: email: this is no e-mail address\n")


@pytest.mark.parametrize(
    "domain", [TOO_LONG + ".example", "x" * 64 + ".example", "\udcff.example", "a b.example"]
)
def test_a_domain_that_cannot_be_kept_is_refused(place: Place, domain: str) -> None:
    ran = run_command(place, "website", "create", domain)
    assert ran.code == 1
    assert ran.errors.startswith("Error: domain: ")
    assert len(ran.errors) < 300


def test_a_website_whose_time_zone_vanished_can_be_changed_all_the_same(place: Place) -> None:
    migrate_database(place.settings)
    made = place.transact(lambda tx: create_website(tx, "example.org", 1))
    place.transact(lambda tx: put_website(tx, msgspec.structs.replace(made, timezone="Mars/Olympus")))
    changed = run_json(
        place, "website", "update", made.tracking_id, "--name", "New", "--timezone", "Mars/Olympus"
    )
    assert (changed["name"], changed["timezone"]) == ("New", "Mars/Olympus")


def test_servers_and_commands_start_without_what_only_keeps_columns() -> None:
    program = (
        "import sys, footfall.cli.main; print(sorted({'duckdb', 'clickhouse_connect'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_server_may_open_as_many_files_as_the_system_lets_it() -> None:
    before = soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, most) - 1, most))
        open_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
