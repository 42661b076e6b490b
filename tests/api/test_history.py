"""`footfall import events`, `footfall import payments` and `footfall export`."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from footfall.collect.model import SESSION_IDLE_MS
from footfall.columns.model import Columns, EventRow
from footfall.columns.reading import read_all, read_payments
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.history import writing
from footfall.history.model import HistoryCard, ImportedDay
from footfall.history.totals import ImportedTotals, add_days, imported_days
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.websites.store import put_website
from tests.laws.world import WEBSITE
from tests.support.counting import Counting
from tests.support.engines import Place
from tests.support.servers import Ran, run_command, run_json, until, usage_error
from tests.support.sites import Site

VISITORS = make_statement(
    "visitors_there",
    "website_id bytes",
    "SELECT visitor_id FROM visitor WHERE website_id = :website_id ORDER BY visitor_id",
    "visitor_id bytes",
)
PAID = make_statement(
    "paid",
    "website_id bytes",
    "SELECT payment_id FROM payment WHERE website_id = :website_id",
    "payment_id bytes",
)
VISITOR_ROWS = make_statement(
    "visitor_rows",
    "website_id bytes",
    "SELECT visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count, current_url, place, device, "
    "first_referrer, first_params, first_click_ids FROM visitor WHERE website_id = :website_id ORDER BY visitor_id",
    "visitor_id bytes, first_seen_at int, last_seen_at int, session_started_at int, session_count int, pageview_count int, "
    "current_url text?, place text?, device text?, first_referrer text?, first_params text?, first_click_ids text?",
)
GOALS = make_statement(
    "goals_counted",
    "website_id bytes",
    "SELECT name, visitor_id, completions, first_id, last_id FROM goal_count WHERE website_id = :website_id ORDER BY name, visitor_id",
    "name text, visitor_id bytes, completions int, first_id bytes, last_id bytes",
)
PAYERS = make_statement(
    "payers",
    "website_id bytes",
    "SELECT payment_id, transaction_id, email FROM payment WHERE website_id = :website_id",
    "payment_id bytes, transaction_id text?, email text?",
)
PEOPLE = (EventRow._fields.index("person"), EventRow._fields.index("then_person"))
"""Where a row of the columns says whose it is."""

UMAMI = (
    "website_id,session_id,visit_id,event_id,hostname,browser,os,device,screen,language,country,region,city,url_path,url_query,"
    "referrer_path,referrer_query,referrer_domain,page_title,event_type,event_name,created_at"
)
GOATCOUNTER = "2Path,Title,Event,User-Agent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date"
DAYS = (
    '"date","visitors","pageviews","bounces","visits","visit_duration"\n"2023-02-09",119,304,77,134,21070\n'
    '"2023-02-10",166,325,117,180,21467\n'
)


def umami(number: int, at: str, path: str = "/", session: str = "s1", **cells: str) -> str:
    row = {
        "session_id": session,
        "event_id": f"e{number}",
        "hostname": "old.example",
        "browser": "crios",
        "os": "Mac OS",
        "device": "laptop",
        "language": "de-DE",
        "country": "DE",
        "region": "DE-BE",
        "city": "Berlin",
        "url_path": path,
        "event_type": "1",
        "created_at": at,
        **cells,
    }
    return ",".join(row.get(name, "") for name in UMAMI.split(","))


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run_import(site: Site, path: Path, *options: str, what: str = "events") -> Any:
    """What `footfall import` reports."""
    return run_json(site.place, "import", what, str(path), "--website", site.website_id, *options)


def refused(site: Site, path: Path, what: str = "events") -> tuple[Ran, Any]:
    """How an import ended in which rows were refused, and its report."""
    ran = run_command(site.place, "import", what, str(path), "--website", site.website_id, "--json")
    assert ran.code == 1
    return ran, msgspec.json.decode(ran.output)


def column_rows(site: Site) -> list[Columns]:
    """What the columns tell of a website, people numbered as they come."""
    website_id = bytes.fromhex(site.website_id)

    def read(tx: Transaction) -> list[Columns]:
        visitors = [(website_id, row.visitor_id) for row in tx.all(VISITORS, (website_id,))]
        times = {at_of(row.payment_id) for row in tx.all(PAID, (website_id,))}
        loose = read_payments(tx, [(website_id, at) for at in sorted(times)])
        return [*read_all(tx, visitors, 1000), *(row for one in loose for row in one.rows)]

    people: dict[object, int] = {}

    def masked(row: Columns, number: Callable[[object], object]) -> Columns:
        return tuple(number(one) if at in PEOPLE and one else one for at, one in enumerate(row) if at)

    rows = sorted(site.place.snapshot(read), key=lambda row: repr(masked(row, bool)))
    return [masked(row, lambda one: people.setdefault(one, len(people))) for row in rows]


def same(site: Site, other: Site, statement: Any) -> bool:
    return site.rows(statement) == other.rows(statement)


def exported(site: Site, folder: Path, *options: str) -> Path:
    """The folder of an export."""
    run_json(site.place, "export", "--website", site.website_id, "--out", str(folder), *options)
    return folder


def live(site: Site) -> str:
    """A website with all kinds of events, somebody who is known, and money; one of the visitors."""
    laptop = site.pageview(path="/?utm_source=news&gclid=x", referrer="https://search.example/a")
    site.custom(laptop, plan="pro")
    site.kept("external_link", laptop, extraData={"url": "https://out.example/", "text": "out"})
    site.identify(laptop, "ada", {"name": "Ada", "seats": 3})
    site.pageview(laptop, path="/pricing?a=b")
    phone = site.pageview()
    site.identify(phone, "ada", {"plan": "pro"})
    site.pageview()
    pay(site, "order_1", 19.99, datafast_visitor_id=laptop)
    pay(site, "order_2", 5, datafast_visitor_id=laptop, refunded=True)
    pay(site, "order_3", 7)
    return laptop


def pay(site: Site, transaction_id: str, amount: float, **fields: Any) -> None:
    body = {"transaction_id": transaction_id, "amount": amount, "currency": "EUR", **fields}
    response = site.call("POST", "/api/v1/payments", json=body)
    assert response.status_code == 200, response.text


def test_what_is_exported_gives_the_same_numbers_elsewhere(server: Site, other: Site, tmp_path: Path) -> None:
    live(server)
    folder = exported(server, tmp_path / "out")
    assert run_import(other, folder)["imported"] == 6
    assert same(server, other, GOALS)
    assert same(server, other, VISITOR_ROWS)
    assert run_import(other, folder / "identify.ndjson", what="identify")["accepted"] == 2
    assert run_import(other, folder / "payments.ndjson", what="payments")["imported"] == 3
    assert column_rows(other) == column_rows(server)
    assert other.profiles()["ada"][2] == server.profiles()["ada"][2]
    again = exported(other, tmp_path / "again")
    for name in ("events", "identify", "payments"):
        assert (again / f"{name}.ndjson").read_bytes() == (folder / f"{name}.ndjson").read_bytes()


def test_what_was_imported_is_there_already(server: Site, other: Site, tmp_path: Path) -> None:
    live(server)
    folder = exported(server, tmp_path / "out")
    assert run_import(server, folder)["alreadyThere"] == 6
    assert run_import(server, folder / "payments.ndjson", what="payments")["alreadyThere"] == 3
    lines = (folder / "events.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "some.ndjson").write_bytes(b"".join(lines[3:]))  # a run that is cut off leaves some
    run_import(other, tmp_path / "some.ndjson")
    rest = run_import(other, folder)
    assert (rest["imported"], rest["alreadyThere"]) == (3, 3)
    assert len(column_rows(other)) == 6


def test_a_dry_run_writes_nothing(server: Site, tmp_path: Path) -> None:
    path = written(tmp_path / "website_event.csv", UMAMI, umami(1, "2024-03-01 10:00:00"))
    assert run_import(server, path, "--dry-run")["imported"] == 1
    assert server.stored() == (0, 0, 0, 0)


def test_old_events_leave_what_is_newest_of_a_visitor_alone(
    server: Site, other: Site, tmp_path: Path
) -> None:
    visitor = server.pageview(path="/old")
    folder = exported(server, tmp_path / "out")
    other.pageview(visitor, path="/new")
    run_import(other, folder)
    (row,) = other.rows(VISITOR_ROWS)
    assert row[6] == f"{other.domain}/new"
    assert row[5] == 2
    assert row[1] < row[2]


def test_the_columns_and_the_list_hear_of_imported_events(place: Place, tmp_path: Path) -> None:
    place.transact(lambda tx: put_website(tx, WEBSITE))
    rows = [umami(number, f"2024-03-0{number} 10:00:00") for number in (1, 2)]
    run_json(place, "import", "events", str(written(tmp_path / "website_event.csv", UMAMI, *rows)))
    told = make_statement(
        "told",
        "website_id bytes",
        "SELECT count(*) AS count FROM column_change WHERE website_id = :website_id",
        "count int",
    )
    due = make_statement(
        "due",
        "website_id bytes",
        "SELECT count(*) AS count FROM visitor_due WHERE website_id = :website_id",
        "count int",
    )
    assert place.snapshot(lambda tx: tx.all(told, (WEBSITE.website_id,)))[0].count == 1
    assert place.snapshot(lambda tx: tx.all(due, (WEBSITE.website_id,)))[0].count == 1


def test_an_import_brings_nothing_back_that_was_erased(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview(path="/secret")
    server.identify(visitor, "ada", {"email": "ada@example.com"})
    pay(server, "order_1", 19.99, datafast_visitor_id=visitor, email="ada@example.com")
    folder = exported(server, tmp_path / "out")
    assert server.call("DELETE", "/api/v1/profiles/user:ada").status_code == 200
    until(lambda: server.events_of(visitor)[0][3] is None and not server.profiles(), "it is not erased")
    before = server.events_of(visitor), server.rows(PAYERS)
    assert run_import(server, folder)["alreadyThere"] == 1
    run_import(server, folder / "identify.ndjson", what="identify")
    run_import(server, folder / "payments.ndjson", what="payments")
    assert (server.events_of(visitor), server.rows(PAYERS)) == before
    assert server.profiles() == {}


# Formats


def test_events_of_umami_become_visits(server: Site, tmp_path: Path) -> None:
    rows = [
        umami(1, "2024-03-01 10:00:00", "/a", url_query="utm_source=news", referrer_domain="search.example"),
        umami(2, "2024-03-01 10:20:00", event_type="2", event_name="Sign up!"),
        umami(3, "2024-03-01 10:51:00.500", "/b"),
        umami(4, "2024-03-01 10:00:00", session="s2", event_type="5"),
        umami(5, "yesterday"),
    ]
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("website_event.csv", "\n".join([UMAMI, *rows]))
        archive.writestr("event_data.csv", "website_id,event_id\n")
    _, report = refused(server, tmp_path / "export.zip")
    assert (report["format"], report["rows"], report["imported"], report["refused"]) == ("umami", 5, 3, 1)
    assert report["refusals"][0]["line"] == 6
    assert "created_at" in report["refusals"][0]["message"]
    assert list(report["leftOut"].values()) == [1]
    assert report["notRead"] == ["event_data.csv"]
    (visitor,) = [row[0] for row in server.rows(VISITOR_ROWS)]
    events = server.rows(
        make_statement(
            "told_of",
            "website_id bytes",
            "SELECT type, url, name, session_started_at AS at FROM event WHERE website_id = :website_id ORDER BY event_id",
            "type text, url text?, name text?, at int",
        )
    )
    first, goal, last = events
    assert first[:3] == ("pageview", "old.example/a", None)
    assert goal[:3] == ("custom", "old.example/", "sign_up_")
    assert first[3] == goal[3]
    assert last[3] == first[3] + 51 * 60_000 + 500
    assert parse_uuid(format_uuid(visitor)) == visitor
    row = column_rows(server)[0]
    for told in ("search.example", "news", "DE", "DE-BE", "Berlin", "Chrome", "Mac OS", "desktop"):
        assert told in row
    assert last[3] - first[3] > SESSION_IDLE_MS


def test_views_of_goatcounter_become_visits(server: Site, tmp_path: Path) -> None:
    rows = [
        '/a?utm_campaign=x,"A ""title""\nof two lines",false,,Chrome 141,Windows 10,abc,0,search.example/q,h,"1920,1080,1",US-TX,1,2024-03-01T10:00:00Z',
        "/a?utm_campaign=x,,false,,Chrome 141,Windows 10,abc,0,,,,,0,2024-03-01T10:00:01Z",
        "/a?utm_campaign=x,,false,,Chrome 141,Windows 10,abc,0,,,,,0,2024-03-01T10:00:01Z",
        'download,,true,,Safari,iOS 18.1,def,0,Hacker News,g,"390,844,3",DE,1,2024-03-01T11:00:00Z',
        "/b,,false,,,,xyz,3,,,,,1,2024-03-01T11:00:00Z",
        "/b,,false,,,,,0,,,,,1,2024-03-01T11:00:00Z",
        "/b,,maybe,,,,xyz,0,,,,,1,2024-03-01T11:00:00Z",
    ]
    path = tmp_path / "goatcounter-export.csv.gz"
    path.write_bytes(gzip.compress("\n".join([GOATCOUNTER, *rows]).encode()))
    _, report = refused(server, path)
    assert (report["format"], report["rows"]) == ("goatcounter", 7)
    assert (report["imported"], report["refused"]) == (4, 1)
    assert sum(report["leftOut"].values()) == 2
    assert report["refusals"] == [
        {
            "file": "goatcounter-export.csv",
            "line": 9,
            "message": "Event: 'maybe' is neither true nor false.",
        }
    ]
    rows_there = column_rows(server)
    assert len(rows_there) == 3  # a goal without a page before it waits for one
    for told in ("search.example", "x", "US", "US-TX", "Chrome", "141", "Windows", "desktop"):
        assert told in rows_there[0]
    assert refused(server, path)[1]["alreadyThere"] == 4


def test_tables_of_plausible_become_numbers_of_days(server: Site, tmp_path: Path) -> None:
    (tmp_path / "imported_visitors_20230209_20230210.csv").write_text(DAYS)
    (tmp_path / "imported_pages_20230209_20230210.csv").write_text(
        '"date","hostname","page","visits","visitors","pageviews"\n"2023-02-09","example.com","/docs",8,7,11\n'
    )
    (tmp_path / "README.txt").write_text("not a table\n")
    report = run_import(server, tmp_path, "--format", "plausible")
    assert (report["rows"], report["imported"], report["notRead"]) == (3, 3, ["README.txt"])
    website_id, day = bytes.fromhex(server.website_id), 19397
    totals = server.place.snapshot(lambda tx: add_days(imported_days(tx, website_id, day, day + 2)))
    assert totals == ImportedTotals(285, 314, 629, 194, 42_537_000)
    one = server.place.snapshot(lambda tx: add_days(imported_days(tx, website_id, day + 1, day + 2)))
    assert one.visitors == 166
    pages = server.place.snapshot(lambda tx: imported_days(tx, website_id, day, day + 1, HistoryCard.PAGE))
    assert pages == [ImportedDay(HistoryCard.PAGE, day, ("example.com", "/docs"), 7, 8, 11)]
    assert run_import(server, tmp_path)["alreadyThere"] == 3
    assert server.stored() == (0, 0, 0, 0)


def test_days_that_the_website_counted_itself_do_not_count_twice(server: Site, tmp_path: Path) -> None:
    path = tmp_path / "imported_visitors.csv"
    path.write_text(DAYS)
    run_import(server, written(tmp_path / "u.csv", UMAMI, umami(1, "2023-02-10 10:00:00")))
    ran = run_command(server.place, "import", "events", str(path), "--website", server.website_id)
    assert re.search(r"imported +1\n", ran.output), ran
    assert re.search(r"leftOut +1 a day that the website counted", ran.output)
    assert "Plausible tells no visitors apart" in ran.errors


# Files that are bad


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "first line"),
        ("a.csv", b"a,b\n1,2\n", "first line"),
        ("a.csv", b"session_id,url_path,created_at,created_at\n", "line 1 names a column twice"),
        ("a.csv", b"session_id,\xff\n", "line 1 is not UTF-8"),
        ("a.ndjson", b'{"user_id":"A"}\n', "no event of an export"),
        ("a.csv.gz", gzip.compress(b"session_id,url_path,created_at\n" * 9999)[:-40], "behind line"),
        ("a.zip", b"PK\x03\x04", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_writes_nothing(
    server: Site, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = usage_error(
        server.place, "import", "events", str(tmp_path / name), "--website", server.website_id
    )
    assert words in error
    assert name.removesuffix(".gz") in error
    assert server.stored() == (0, 0, 0, 0)


def test_bad_lines_are_named_and_spoil_no_others(server: Site, other: Site, tmp_path: Path) -> None:
    server.pageview()
    good = (exported(server, tmp_path / "out") / "events.ndjson").read_bytes()
    bad = [
        b"{\n",
        good.replace(b'"pageview"', b'"page"'),
        good.replace(b'"at":"20', b'"at":"19'),
        good.replace(b'"url":"', b'"url":"\\u0000'),
        b"x" * 1_000_000 + b"\n",
        b'{"eventId":"\xff"}\n',
        good.replace(b'"eventId"', b'"more":1,"eventId"'),
    ]
    (tmp_path / "bad.ndjson").write_bytes(b"".join([good, *bad, good]))
    ran, report = refused(other, tmp_path / "bad.ndjson")
    assert (report["imported"], report["alreadyThere"], report["refused"]) == (1, 1, 7)
    assert [one["line"] for one in report["refusals"]] == [2, 3, 4, 5, 6, 7, 8]
    assert "Traceback" not in ran.errors


def test_rows_of_tables_that_are_bad_are_named(server: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [umami(1, "2024-03-01 10:00:00"), "a,b", umami(2, "2024-03-01 10:00:00", "/\0"), "x" * 70_000]
    path.write_bytes("\n".join([UMAMI, *rows, umami(3, "2999-01-01"), '"open']).encode() + b"\n\xff,\n")
    _, report = refused(server, path)
    assert report["imported"] == 1
    assert [one["line"] for one in report["refusals"]] == [3, 4, 5, 6, 7, 8]


def test_another_payment_under_the_same_id_is_refused(server: Site, tmp_path: Path) -> None:
    live(server)
    path = exported(server, tmp_path / "out") / "payments.ndjson"
    path.write_bytes(path.read_bytes().replace(b"19.99", b"20.99") + b'{"amount": 1}\n')
    _, report = refused(server, path, what="payments")
    assert (report["alreadyThere"], report["refused"]) == (2, 2)


# Exports


def test_parquet_has_times_and_decimals(
    server: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS", 5)
    live(server)
    folder = exported(server, tmp_path / "it's", "--format", "parquet")
    assert sorted(one.name for one in folder.iterdir()) == [
        "events.parquet",
        "identify.parquet",
        "payments.parquet",
        "people.parquet",
    ]
    with duckdb.connect() as connection:

        def ask(text: str, name: str) -> list[Any]:
            return connection.execute(text, [str(folder / f"{name}.parquet")]).fetchall()

        events = (
            "SELECT count(*), count(DISTINCT visitor_id), min(epoch_ms(happened_at)) FROM read_parquet(?)"
        )
        ((many, visitors, first),) = ask(events, "events")
        assert (many, visitors) == (6, 3)
        assert first == min(at_of(row[0]) for one in server.rows(VISITORS) for row in _events(server, one))
        types = dict(row[:2] for row in ask("DESCRIBE SELECT * FROM read_parquet(?)", "payments"))
        assert (types["happened_at"], types["amount"]) == ("TIMESTAMP WITH TIME ZONE", "DECIMAL(20,4)")
        sums = ask("SELECT sum(amount)::VARCHAR, count(*) FROM read_parquet(?)", "payments")
        assert sums == [("21.9900", 3)]
        people = ask("SELECT user_ids, len(visitor_ids), traits FROM read_parquet(?)", "people")
        assert people == [(["ada"], 2, '{"name":"Ada","seats":3,"plan":"pro"}')]


def _events(site: Site, visitor: Any) -> list[Any]:
    return site.events_of(format_uuid(visitor[0]))


def test_an_export_needs_a_new_folder(server: Site, tmp_path: Path) -> None:
    server.pageview()
    exported(server, tmp_path / "out")
    assert "already" in usage_error(
        server.place, "export", "--website", server.website_id, "--out", str(tmp_path / "out")
    )
    (tmp_path / "next.part").mkdir()
    assert "cut off" in usage_error(
        server.place, "export", "--website", server.website_id, "--out", str(tmp_path / "next")
    )


# What imported days add


@pytest.fixture(scope="module")
def imported(numbers: Counting, tmp_path_factory: pytest.TempPathFactory) -> tuple[Counting, Site]:
    """A website with two imported days."""
    site = numbers.site()
    path = tmp_path_factory.mktemp("days") / "imported_visitors.csv"
    path.write_text(DAYS)
    run_import(site, path)
    return numbers, site


@pytest.mark.parametrize(
    ("query", "visitors"),
    [
        ({}, 285),
        ({"startAt": "2023-02-10", "endAt": "2023-02-10"}, 166),
        ({"startAt": "2023-02-09T00:00:01Z", "endAt": "2023-02-10"}, 166),
        ({"startAt": "2023-02-09", "endAt": "2023-02-10T12:00:00Z"}, 119),
        ({"filter_country": "DE"}, 0),
    ],
)
def test_imported_days_count_where_nothing_is_filtered(
    imported: tuple[Counting, Site], query: dict[str, str], visitors: int
) -> None:
    numbers, site = imported
    (told,) = numbers.ask(site, "overview", **query)["data"]
    assert told["visitors"] == visitors
    assert (told["people"], told["new_visitors"], told["conversion_rate"]) == (0, 0, 0)


def test_imported_days_are_in_series_but_not_in_hours(imported: tuple[Counting, Site]) -> None:
    numbers, site = imported
    days = {"startAt": "2023-02-08", "endAt": "2023-02-10"}
    for interval, expected in (("day", [0, 304, 325]), ("week", [629]), ("hour", [0] * 72)):
        told = numbers.ask(site, "timeseries", fields="pageviews", interval=interval, **days)
        assert [one["pageviews"] for one in told["data"]] == expected
        assert told["totals"]["pageviews"] == 629
    (told,) = numbers.ask(site, "overview", **days)["data"]
    assert (told["sessions"], told["bounce_rate"]) == (314, 61.78)
    assert told["avg_session_duration"] == round(42_537_000 / 314)
