"""The `footfall` command: each subcommand, beside a running server."""

from __future__ import annotations

import contextlib
import json
import signal
import threading

import httpx
import pytest

from footfall.storage import migrate_database
from tests.conftest import MakeServer
from tests.support.engines import Place
from tests.support.servers import (
    RunningServer,
    clean_environment,
    run_command,
    run_json,
    run_process,
    usage_error,
)
from tests.support.sites import (
    Site,
    http_client,
    make_sites,
    sql,
    wait_until_known,
    wait_until_refused,
)

pytestmark = pytest.mark.process


# Websites, keys and tokens


def test_a_website_is_created_listed_and_changed(place: Place) -> None:
    settings = ("--name", "Shop", "--timezone", "Europe/Berlin")
    made = run_json(place, "website", "create", "https://www.Example.org/path", *settings)
    assert len(bytes.fromhex(made["websiteId"])) == 12
    assert made["trackingId"].startswith("dfid_")
    assert (made["domain"], made["name"], made["timezone"]) == ("example.org", "Shop", "Europe/Berlin")
    assert not made["isCookieless"]

    changes = ("--cookieless", "--suspended", "--allow-localhost", "--allow-headless", "--require-signed")
    update = ("website", "update", made["websiteId"])
    changed = run_json(place, *update, *changes, "--allowed-hostnames", "shop.example.net, com.example.app")
    assert all(
        changed[name] for name in ("isCookieless", "isSuspended", "isLocalhostAllowed", "isHeadlessAllowed")
    )
    assert changed["allowedHostnames"] == ["shop.example.net", "com.example.app"]
    assert run_json(place, "website", "list") == [changed]

    undone = ("--no-cookieless", "--no-suspended", "--no-allow-localhost", "--allowed-hostnames", "")
    back = run_json(place, *update, *undone, "--name", "x")
    assert not any(
        back[name] for name in ("isCookieless", "isSuspended", "isLocalhostAllowed", "allowedHostnames")
    )
    assert (back["name"], back["domain"], back["isSignatureRequired"]) == ("x", "example.org", True)


def test_what_a_website_excludes_is_given_replaced_and_emptied(place: Place) -> None:
    made = run_json(place, "website", "create", "example.org")
    update = ("website", "update", made["websiteId"])
    hosts, paths = ("--exclude-hostnames", "x.example.org"), ("--exclude-paths", "/admin/*")
    excluding = run_json(place, *update, *hosts, *paths, "--exclude-countries", "de, fr")
    assert excluding["excludedHostnames"] == ["x.example.org"]
    assert (excluding["excludedPaths"], excluding["excludedCountries"]) == (["/admin/*"], ["DE", "FR"])
    more = run_json(place, *update, "--exclude-ips", "192.0.2.7,198.51.100.9/24", "--exclude-paths", "")
    assert more["excludedIps"] == ["192.0.2.7", "198.51.100.0/24"]
    assert (more["excludedPaths"], more["excludedCountries"]) == ([], ["DE", "FR"])

    for name, wrong in (("ips", "10.0.0"), ("paths", "admin"), ("countries", "Germany")):
        assert f"excluded {name}" in usage_error(place, *update, f"--exclude-{name}", wrong)

    nothing = [word for name in ("ips", "hostnames", "countries") for word in (f"--exclude-{name}", "")]
    emptied = run_json(place, *update, *nothing)
    assert (emptied["excludedIps"], emptied["excludedHostnames"], emptied["excludedCountries"]) == (
        [],
        [],
        [],
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("website", "create", "no domain"), "domain"),
        (("website", "create", "*.foo.io"), "use foo.io, whose sub-domains count too"),
        (("website", "create", "x"), "example.com"),
        (("website", "create", "a.example", "--timezone", "Mars"), "timezone"),
        (("website", "update", "0" * 24, "--name", "x"), "website"),
        (("website", "update", "x"), "WEBSITE_ID"),
        (("key", "create", "0" * 24, "--name", "x"), "website"),
        (("key", "list", "x"), "WEBSITE_ID"),
        (("key", "revoke", "0" * 24), "KEY_ID"),
        (("token", "create", "--name", "x", "--permissions", "identify:all"), "permissions"),
        (("token", "create", "--name", "x", "--permissions", ","), "permissions"),
        (("token", "create", "--name", "x", "--permissions", "*", "--websites", "0" * 24), "website"),
        (("token", "revoke", "0" * 24), "TOKEN_ID"),
        (("serve", "--port", "70000"), "port"),
        (("serve", "--port", "abc"), "is not a valid whole number"),
        (("website", "list", "--database", "mysql://host/name"), "postgresql://"),
        (("serve", "--workers", "2"), "PostgreSQL"),
    ],
)
def test_a_command_says_what_it_cannot_use(place: Place, arguments: tuple[str, ...], word: str) -> None:
    if place.engine != "sqlite" and "--workers" in arguments:
        pytest.skip("PostgreSQL takes any number of workers")
    migrate_database(place.settings)
    assert word in usage_error(place, *arguments)


def test_a_domain_has_one_website(place: Place) -> None:
    run_json(place, "website", "create", "example.org")
    assert "example.org already" in usage_error(place, "website", "create", "www.example.org")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FOOTFALL_PORT", "x"),
        ("FOOTFALL_RATE_LIMIT", "-1"),
        ("FOOTFALL_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("FOOTFALL_LOG_LEVEL", "loud"),
        ("FOOTFALL_WORKERS", "0"),
        ("FOOTFALL_DATABASE_URL", "mysql://host/name"),
        ("FOOTFALL_CITY_DATABASE", "/no/such/city.mmdb"),
        ("FOOTFALL_CITY_DATABASE", __file__),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(place: Place, name: str, value: str) -> None:
    port = [] if name == "FOOTFALL_PORT" else ["--port", "0"]
    ran = run_command(place, "serve", *port, environment={name: value})
    assert ran.code == 1
    assert name in ran.errors
    assert "Traceback" not in ran.errors
    assert "b'" not in ran.errors


def test_a_running_server_notices_what_commands_change(start: MakeServer) -> None:
    server = start()
    place = server.place
    website = run_json(place, "website", "create", "example.org")
    key = run_json(place, "key", "create", website["websiteId"], "--name", "backend")
    token = run_json(
        place,
        "token",
        "create",
        "--name",
        "ci",
        "--permissions",
        "analytics:read,identify:write",
        "--websites",
        website["websiteId"],
    )
    assert key["key"].startswith("df_")
    assert token["key"].startswith("dft_")
    assert token["permissions"] == ["analytics:read", "identify:write"]

    with http_client(server.url) as client:
        wait_until_known(client, key["key"])
        wait_until_known(client, token["key"])
        run_json(place, "key", "revoke", key["apiKeyId"])
        wait_until_refused(client, key["key"])
        run_json(place, "token", "revoke", token["tokenId"])
        wait_until_refused(client, token["key"])

    (listed,) = run_json(place, "key", "list", website["websiteId"])
    assert listed["apiKeyId"] == key["apiKeyId"]
    assert listed["revokedAt"] is not None
    (listed,) = run_json(place, "token", "list")
    assert listed["tokenId"] == token["tokenId"]
    assert listed["revokedAt"] is not None
    shown = json.dumps(
        [run_json(place, "key", "list", website["websiteId"]), run_json(place, "token", "list")]
    )
    assert key["key"] not in shown
    assert token["key"] not in shown


def test_the_installed_command_prints_json_and_ends_with_a_code(place: Place) -> None:
    environment = clean_environment(place, {})
    made = run_process(environment, "website", "create", "example.org", "--json")
    assert (made.code, made.errors) == (0, "")
    assert json.loads(made.output)["domain"] == "example.org"
    again = run_process(environment, "website", "create", "example.org", "--json")
    assert (again.code, again.output) == (1, "")
    assert again.errors == "Error: domain: there is a website for example.org already\n"


def test_no_secret_is_stored_as_it_is(place: Place) -> None:
    website = run_json(place, "website", "create", "example.org")
    key = run_json(place, "key", "create", website["websiteId"], "--name", "x")["key"]
    token = run_json(place, "token", "create", "--name", "x", "--permissions", "*")["key"]
    for path in place.folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert key.encode() not in content
        assert token.encode() not in content


def test_lists_are_printed_for_people_too(place: Place) -> None:
    migrate_database(place.settings)
    assert "No website yet" in run_command(place, "website", "list").output
    website = run_json(place, "website", "create", "example.org")
    assert "example.org" in run_command(place, "website", "list").output
    assert "no API key" in run_command(place, "key", "list", website["websiteId"]).output
    assert "No access token" in run_command(place, "token", "list").output


# Serving


def test_the_address_stands_on_a_line_of_its_own(start: MakeServer) -> None:
    server = start()
    host, _, port = server.url.removeprefix("http://").partition(":")
    assert host == "127.0.0.1"
    assert 0 < int(port) < 65_536
    assert httpx.get(server.url + "/healthz").status_code == 200


def test_the_first_start_prints_lines_that_work(place: Place) -> None:
    server = RunningServer(place)
    try:
        assert server.process.stdout is not None
        lines = iter(server.process.stdout.readline, "")
        printed = ""
        while "API reference" not in printed:
            printed += next(lines)
    finally:
        server.stop()
    (website,) = run_json(place, "website", "list")
    assert website["trackingId"] in printed
    assert printed.count(f"curl -s {server.url}/") == 3


def test_a_second_start_makes_nothing_new(start: MakeServer, place: Place) -> None:
    start(place=place).stop()
    before = run_json(place, "website", "list")
    start(place=place).stop()
    assert run_json(place, "website", "list") == before
    assert len(before) == 1


def test_a_second_server_on_the_same_data_is_refused(start: MakeServer) -> None:
    first = start()
    if first.place.engine != "sqlite":
        pytest.skip("PostgreSQL takes any number of servers")
    message = usage_error(first.place, "serve", "--port", "0")
    assert "Another Footfall server is running" in message
    assert httpx.get(first.url + "/readyz").status_code == 200


def test_a_taken_port_is_named(start: MakeServer, place: Place) -> None:
    first = start()
    assert f":{first.port}" in usage_error(place, "serve", "--port", str(first.port))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_leaves_soon_and_keeps_what_it_acknowledged(
    place: Place, how: signal.Signals
) -> None:
    server = RunningServer(place, {"FOOTFALL_RATE_LIMIT": "0"})
    acknowledged: list[str] = []
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        enough = threading.Event()
        sender = threading.Thread(target=_send_pageviews, args=(site, acknowledged, enough))
        sender.start()
        assert enough.wait(30)
        server.process.send_signal(how)
        server.process.wait(5)
        sender.join()
        server.stop()
    server.check_log()

    kept = {visitor.hex() for _, visitor, _ in site.rows(sql.events_of_website)}
    assert {visitor.replace("-", "") for visitor in acknowledged} <= kept
    assert run_json(place, "db", "verify")["ok"]


def _send_pageviews(site: Site, acknowledged: list[str], enough: threading.Event) -> None:
    with contextlib.suppress(httpx.TransportError):
        while True:
            acknowledged.append(site.pageview())
            if len(acknowledged) == 50:
                enough.set()


def test_a_server_finishes_what_it_is_asked_while_it_leaves(place: Place) -> None:
    server = RunningServer(place)
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        site.pageview()
    assert server.stop() in (0, -signal.SIGTERM)
    assert site.stored()[0] == 1
