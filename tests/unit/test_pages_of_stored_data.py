"""Whatever is stored or missing, each page is drawn, in the same words; and what comes from outside turns none of ours around."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from footfall.accounts.model import Account
from footfall.analytics.model import NOTHING, CardPage, CardRow, Overview, Series, SeriesPart
from footfall.analytics.ranges import SeriesInterval, TimeRange, divide
from footfall.auth.model import AccessToken, ApiKey
from footfall.clock import to_iso
from footfall.collect.model import CUSTOM, EXTERNAL_LINK, PAGEVIEW, PAYMENT
from footfall.dashboard.address import read_address
from footfall.dashboard.cards import TABS, shade, show_card
from footfall.dashboard.controls import view_controls
from footfall.dashboard.figures import show_series
from footfall.dashboard.filters import OPERATORS, filter_fields, show_chips
from footfall.dashboard.forms import Problem
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages import health, merging, payments, people, person, sites, visitor
from footfall.dashboard.pages.again import Kept
from footfall.dashboard.pages.find import FoundGroup, FoundRow
from footfall.dashboard.pages.home import SiteTile
from footfall.dashboard.pages.install import WHY, Install
from footfall.dashboard.pages.journey import JourneyAsked, show_journey
from footfall.dashboard.pages.live import LiveView
from footfall.dashboard.pages.overview_numbers import ShownNumbers
from footfall.dashboard.rendering import (
    breakable,
    environment,
    money_text,
    place_text,
    render_template,
    sorted_traits,
)
from footfall.db.protocol import Transaction
from footfall.db.sqlite import connection as sqlite_connection
from footfall.db.sqlite import schema as sqlite_schema
from footfall.db.sqlite.session import SqliteSession
from footfall.db.statements import make_statement
from footfall.errors import Unavailable
from footfall.identity.audit.counting import SuspicionCounts
from footfall.identity.identify.service import identify
from footfall.identity.model import Operations
from footfall.ids import at_prefix, format_uuid
from footfall.payments.model import Kind, NewPayment
from footfall.payments.money import Money
from footfall.payments.ratebook import RateBook
from footfall.payments.service import PaymentCall, record
from footfall.people.index.indexer import Take, _index, index_step
from footfall.people.journey import visitor_journey
from footfall.reference.library import GuideHit, library
from footfall.shares.model import Share
from footfall.visitors.retrieve import VisitorRead, read_visitors
from footfall.web.context import Context
from footfall.websites.model import Website
from footfall.websites.store import put_website
from tests.laws.world import NOW, START, VISITORS, WEBSITE, Said, join, take_back
from tests.support.live import live_view

DAY = TimeRange(START, START + 3_600_000, "UTC")
SERIES = Series(
    divide(DAY, SeriesInterval.HOUR),
    Overview(NOTHING),
    [SeriesPart(START, NOTHING), SeriesPart(START + 1, NOTHING)],
)
OUTSIDE = "\u202eevil"
"""What a stranger calls themselves: all that follows would be read from right to left."""
SITE = msgspec.structs.replace(WEBSITE, name=OUTSIDE, timezone="Europe/Berlin")
ID = SITE.website_id
_EVENT = make_statement(
    "stored_event",
    "website_id bytes, visitor_id bytes, event_id bytes, type text, url text, query text, referrer text, name text, data text",
    "INSERT INTO event (website_id, visitor_id, event_id, type, session_started_at, url, query, referrer, name, data)"
    " VALUES (:website_id, :visitor_id, :event_id, :type, 0, :url, :query, :referrer, :name, :data)",
)
_VISITOR = make_statement(
    "stored_visitor",
    "website_id bytes, visitor_id bytes, current_url text, place text, device text, referrer text, params text, click_ids text",
    "INSERT INTO visitor (website_id, visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count,"
    " current_url, place, device, first_referrer, first_params, first_click_ids)"
    " VALUES (:website_id, :visitor_id, 0, 5000, 0, 1, 1, :current_url, :place, :device, :referrer, :params, :click_ids)",
)
_SESSION = make_statement(
    "stored_session",
    "website_id bytes, visitor_id bytes, started_at int, entry_url text, referrer text, params text",
    "INSERT INTO session (website_id, visitor_id, started_at, entry_url, referrer, params)"
    " VALUES (:website_id, :visitor_id, :started_at, :entry_url, :referrer, :params)",
)
DEVICE = '{"device":{"browser":"B\u202e","browser_version":"1","os":"O\u202e","os_version":null,"type":"t\u202e","vendor":null,"model":null}}'
BARE = '{"device":{"browser":null,"browser_version":null,"os":null,"os_version":null,"type":null,"vendor":null,"model":null}}'
PLACE = '{"country_code":"DE","country":"G\u202e","region":"DE-BE","city":"B\u202e"}'
FIELDS: dict[str, list[str | None]] = {
    "url": [None, f"law.example/{OUTSIDE}"],
    "query": [None, f"q={OUTSIDE}"],
    "name": [None, OUTSIDE],
    "data": [
        None,
        "{}",
        '{"amount": 29}',
        '{"amount": 29.5, "currency": "EUR"}',
        '{"currency": "\u202e"}',
        '{"amount": "much", "currency": null, "email": "\u202e"}',
        '{"amount": null, "currency": 7}',
        '{"url": "x.example/\u202e"}',
        '{"url": null, "\u202e": ["\u202e", {}]}',
    ],
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteSession]:
    """An empty embedded database."""
    path: Path = tmp_path_factory.mktemp("pages") / sqlite_connection.FILE_NAME
    sqlite_schema.migrate_file(path)
    opened = SqliteSession(path)
    yield opened
    opened.close()


class _Done(Exception):
    """Ends a transaction that is not to be kept."""


def with_world(session: SqliteSession, work: Callable[[Transaction], None]) -> None:
    """Run `work` on a world of its own."""

    def run(tx: Transaction) -> None:
        put_website(tx, SITE)
        work(tx)
        raise _Done

    with pytest.raises(_Done):
        session.transact(run)


def context_of(*values: str, query: str = "") -> Context[None]:
    return Context({}, "127.0.0.1", query.encode(), (ID.hex(), *values), NOW, path="/")


class _TxDatabase:
    """A database whose reads are those of one transaction."""

    engine = "sqlite"

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def read(self, handler: Any, call: Any) -> Any:
        return handler(self._tx, call)

    async def write(self, handler: Any, call: Any) -> Any:
        return handler.run(self._tx, [call])[0]

    async def scan(self, handler: Any, call: Any, *, share: bytes = b"") -> Any:
        return handler(self._tx, call)


def page(tx: Transaction, show: Any, *values: str, query: str = "") -> str:
    """The HTML of a page, as somebody who is logged in sees it."""
    return asyncio.run(_page(tx, show, *values, query=query))


async def _page(tx: Transaction, show: Any, *values: str, query: str) -> str:
    context = context_of(*values, query=query)

    async def flush() -> None:
        """There is nothing to write."""

    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment.")

    database: Any = _TxDatabase(tx)
    services: Any = SimpleNamespace(
        database=database,
        directory=SimpleNamespace(websites={ID: SITE}),
        refused=SimpleNamespace(flush=flush),
        rates=RateBook(None),
        predictions=SimpleNamespace(model_of=lambda website: None),
        analytics=SimpleNamespace(prepare=away),
        suspicions=SuspicionCounts(database, dict),
    )
    call = PageRequest(context, services, pairs=context.pairs(), account=ACCOUNT, website=SITE, session="s")
    response = await show(call)
    assert response.status == 200
    return str(response.body, "utf-8")


ACCOUNT = Account(b"a" * 12, f"{OUTSIDE}@example.com", 0)


class _Reader(HTMLParser):
    """Finds text from outside that is not kept apart from ours. `texts`: all that is to be read."""

    VOID = frozenset(("input", "img", "meta", "link", "br", "rect"))
    FREE = frozenset(("value", "name", "href", "src", "action", "data-more", "data-address", "placeholder"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.faults += [
            f"{tag} {name}" for name, text in attrs if name not in self.FREE and "\u202e" in (text or "")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "\u202e" in data and "bdi" not in self.open:
            self.faults.append(f"{'/'.join(self.open)}: {data}")


def check(html: str) -> str:
    """The text of a page, which keeps text from outside apart."""
    reader = _Reader()
    reader.feed(html)
    assert reader.faults == []
    return " ".join(" ".join(reader.texts).split())


def store_visitor(tx: Transaction, visitor_id: bytes, *columns: str | None) -> None:
    tx.execute_many(_VISITOR, [(ID, visitor_id, *columns)])


def store_event(tx: Transaction, number: int, kind: str, **fields: str | None) -> None:
    event_id = at_prefix(START + number) + number.to_bytes(4, "big")
    row = (ID, VISITORS[0], event_id, kind, fields.get("url"), fields.get("query"), None)
    tx.execute_many(_EVENT, [(*row, fields.get("name"), fields.get("data"))])


def test_every_entry_of_a_journey_is_drawn_whatever_is_stored_of_it(session: SqliteSession) -> None:
    kinds = [PAGEVIEW, CUSTOM, EXTERNAL_LINK, PAYMENT, "a kind of tomorrow"]
    combinations = [dict(zip(FIELDS, values, strict=True)) for values in product(*FIELDS.values())]

    def work(tx: Transaction) -> None:
        for number, (kind, fields) in enumerate(product(kinds, combinations)):
            store_event(tx, number, kind, **fields)
        cursor: bytes | None = b""
        rendered = 0
        while cursor is not None:
            part = visitor_journey(tx, ID, VISITORS[0], cursor, 250)
            shown = show_journey(tx, SITE, part, "/x", JourneyAsked(cursor), has_devices=True)
            html = render_template("journey.html", website=SITE, journey=shown)
            check(html)
            visits = [one for _, of_day in shown.days for one in of_day if one.visitor_id]
            rendered += html.count("<li class=") - sum(len(one.milestones) for one in visits)
            cursor = part.following
        assert rendered == len(kinds) * len(combinations)

    with_world(session, work)


def test_every_visitor_is_shown_whatever_is_stored_of_it(session: SqliteSession) -> None:
    columns = (
        [None, f"law.example/{OUTSIDE}"],
        [None, PLACE, '{"country_code":"DE","country":null,"region":"DE-BE","city":null}'],
        [None, DEVICE, BARE],
        [None, f"x.example/{OUTSIDE}"],
        [None, "{}", '{"utm_source":"\u202e"}'],
        [None, '{"gclid":"1"}'],
    )

    def work(tx: Transaction) -> None:
        for number, row in enumerate(product(*columns)):
            visitor_id = number.to_bytes(6, "big") + b"\x40\0\x80" + bytes(7)
            store_visitor(tx, visitor_id, *row)
            assert read_visitors(tx, [VisitorRead(WEBSITE, visitor_id, NOW, None)]) != [None]
            check(page(tx, visitor.visitor, format_uuid(visitor_id)))

    with_world(session, work)


VALUES: list[Any] = [OUTSIDE, "", 5, None, True, [OUTSIDE, "y"], [], {"k": OUTSIDE}, "w " * 200 + OUTSIDE]


def test_every_person_is_shown_whatever_is_known_of_them(session: SqliteSession) -> None:
    def work(tx: Transaction) -> None:
        store_visitor(tx, VISITORS[0], None, PLACE, DEVICE, None, None, None)
        store_visitor(tx, VISITORS[1], None, None, None, None, None, None)
        tx.execute_many(
            _SESSION, [(ID, VISITORS[0], START, None, f"x.example/{OUTSIDE}", '{"ref":"\u202e"}')]
        )
        store_event(tx, 0, PAYMENT)
        user = OUTSIDE
        at = 0
        for key in ("name", "email", "image", OUTSIDE):
            for value in VALUES:
                at += 1
                said = Said(at % 2, user, at, Operations({key: value}, {}, ()), at % 3 > 0)
                identify(tx, [said.call()])
                asked = f"user:{user}"
                check(page(tx, person.person, asked, query="why=1&ledger=1"))
                check(page(tx, person.person, asked))
        identify(tx, [Said(1, f"2{OUTSIDE}", at + 1, Operations({"email": OUTSIDE}, {}, ()), True).call()])
        for asked_for in (
            "",
            urlencode({"other": f"2{OUTSIDE}"}),
            urlencode({"other": OUTSIDE, "fact": "x"}),
        ):
            check(page(tx, merging.show, f"user:{OUTSIDE}", query=asked_for))
        _index(tx, [(ID, row.profile_id) for row in tx.all(_PROFILES, (ID,))])
        check(page(tx, people.people))
        for asked_for in (
            "trait.%E2%80%AE=exists&search=nobody",
            "filter_trait.name=exists&filter_country=%E2%80%AE",
            "sort=revenue",
            "period=x",
        ):
            check(page(tx, people.people, query=asked_for))
        check(page(tx, health.health))
        check(page(tx, visitor.visitor, format_uuid(VISITORS[0])))

    with_world(session, work)


def test_every_payment_is_shown_whatever_it_names(session: SqliteSession) -> None:
    def work(tx: Transaction) -> None:
        store_visitor(tx, VISITORS[0], None, None, BARE, None, None, None)
        tx.execute_many(_SESSION, [(ID, VISITORS[0], START - 9, None, None, '{"ref":"\u202e"}')])
        identify(tx, [Said(0, OUTSIDE, 0, Operations({"email": OUTSIDE}, {}, ()), True).call()])
        for number, (email, visitor_ref, kind) in enumerate(
            product([None, OUTSIDE], [None, OUTSIDE, format_uuid(VISITORS[0])], [Kind.PAYMENT, Kind.REFUND])
        ):
            original = f"{number - 1}{OUTSIDE}" if kind is Kind.REFUND else None
            paid = NewPayment(
                f"{number}{OUTSIDE}", kind, Money(5, "KWD"), START, email, email, email, visitor_ref, original
            )
            record(tx, [PaymentCall(ID, paid, START, False)])
        for query in ("", "matched=false", f"cursor={'0' * 24}"):
            check(page(tx, payments.payments, query=query))
        index_step(tx, [Take(1000)])
        check(page(tx, payments.payments))
        for row in tx.all(_PAYMENTS, (ID,)):
            check(page(tx, payments.payment, row.payment_id.hex()))

    with_world(session, work)


_PAYMENTS = make_statement(
    "own_payments",
    "website_id bytes",
    "SELECT payment_id FROM payment WHERE website_id = :website_id",
    "payment_id bytes",
)
_PROFILES = make_statement(
    "own_profiles",
    "website_id bytes",
    "SELECT profile_id FROM profile WHERE website_id = :website_id",
    "profile_id bytes",
)


def test_what_an_undo_undid_is_said_and_of_whom_nothing_counts(session: SqliteSession) -> None:
    def work(tx: Transaction) -> None:
        for seen in VISITORS:
            store_visitor(tx, seen, None, None, BARE, None, None, None)
        (first,) = identify(tx, [Said(0, "ann", 0, Operations({"plan": "pro"}, {}, ()), True).call()])
        identify(tx, [Said(1, "bob", 1, Operations(), True).call()])
        merged: Any = join(tx, "ann", "bob")
        undone: Any = take_back(tx, merged.fact_id)
        take_back(tx, undone.fact_id)
        shown = check(page(tx, person.person, "user:ann", query="ledger=1"))
        assert "undo of undo of merge" in shown
        assert "with" in shown.partition("undo of merge")[2][:20]
        take_back(tx, first.fact_id)  # type: ignore[union-attr]
        bob: Any = tx.one(_PROFILES, (ID,))
        assert bob
        shown = check(page(tx, person.person, "user:ann", query="ledger=1"))
        assert "undo of identify ann of 1 Jan 1970, 01:00 CET" in shown

    with_world(session, work)


def test_a_shared_visitor_names_all_its_people_with_their_spans(session: SqliteSession) -> None:
    def work(tx: Transaction) -> None:
        store_visitor(tx, VISITORS[0], None, None, BARE, None, None, None)
        for number, user in enumerate(("ann", "bob", "ann")):
            identify(
                tx, [Said(0, user, 60_000 * number, Operations({"name": user.title()}, {}, ()), True).call()]
            )
        shown = check(page(tx, visitor.visitor, format_uuid(VISITORS[0])))
        told = shown.partition("People on this visitor")[2].partition("Place and device")[0].strip()
        assert told == (
            "Ann ann from 1 Jan 1970, 01:02 CET until now from the beginning until 1 Jan 1970, 01:01 CET "
            "Bob bob from 1 Jan 1970, 01:01 CET until 1 Jan 1970, 01:02 CET"
        )
        assert "Identified as Bob by the backend" in shown

    with_world(session, work)


texts = st.none() | st.just(OUTSIDE) | st.text(max_size=3)
forms = st.dictionaries(
    st.sampled_from(["domain", "name", "timezone", "allowed_hostnames"]), st.just(OUTSIDE)
)


def a_site(flag: bool) -> Website:
    """The website, with the settings that change pages."""
    return msgspec.structs.replace(SITE, is_suspended=flag, is_cookieless=flag)


def other_pages(
    name: str | None, form: dict[str, str], flag: bool, website: bool
) -> dict[str, dict[str, Any]]:
    """What the templates of the other pages take, by their names."""
    site = a_site(flag) if website else SITE
    used_at = NOW if flag else None
    key = ApiKey(b"k" * 12, SITE.website_id, name or "", "df_…", 0, None, used_at)
    scopes, ids = (("*",), (b"1", b"2", b"3", b"4")) if flag else (("a", "b"), ())
    token = AccessToken(b"t" * 12, name, "dft_…", scopes, ids, 0, None, used_at)
    kept = Kept("/x/settings", list(form.items()))
    at = read_address("/x", [("filter_page", OUTSIDE)] if flag else [])
    rows = [FoundRow(OUTSIDE, OUTSIDE if flag else "", "/x"), FoundRow("Log out", "", "/logout", "log-out")]
    found = [FoundGroup("People", rows)] if flag else []
    hit = GuideHit("People", "/docs/people", "Merge", "before", "found" if flag else "", "after")
    return {
        "error": {"code": 404 if flag else 418, "message": OUTSIDE},
        "login": {"next": "/", "email": name or "", "kept": kept if flag else None, "has_accounts": flag},
        "note": {"website": SITE, "address": at, "problem": OUTSIDE, "note_id": "0a" if flag else "", "text": "Launch", "when": OUTSIDE},
        "again": {"account": ACCOUNT, "kept": kept, "back": "/"},
        "setup": {"email": name or ""},
        "account": {"account": ACCOUNT},
        "websites": {
            "tiles": [SiteTile(a_site(flag), int(flag), visitors="1", revenue="$1" if flag else "", is_quiet=website)] if name else [], "problem": OUTSIDE if flag else "", "total": 9,
            "address": (home := read_address("/", [("search", OUTSIDE)], ("search",))), "is_searched": flag, "orders": [], "offset": 0, "before": None, "after": home if flag else None,
        },
        "revenue": {"website": SITE, "is_empty": True},
        "overview_away": {"website": SITE, "problem": OUTSIDE},
        "overview_part": {
            "website": SITE, "shade": shade, "address": at,
            "card": show_card(*TABS["pages"], CardPage("pages", 2, [CardRow((None, OUTSIDE), NOTHING)] if website else []), at, "EUR"),
        },
        "shared": {
            "website": site, "account": None, "is_shared": True, "has_money": flag, "address": at, "controls": view_controls(at, None, NOW),
            "told": SimpleNamespace(has_visitors=flag, online=2), "problem": name or "", "is_away": website, "fields": filter_fields([], has_people=False),
            "operators": OPERATORS, "shade": shade, **ShownNumbers([], Markup(), show_series(SERIES, DAY, at, "EUR", NOW, {}, {}), [])._asdict(),
        },
        "shares": {"website": site, "shares": [Share(b"s" * 12, name or "", "dfs_…", flag, 0)] if flag else [], "shown_link": "http://x/share/dfs_x" if flag else ""},
        "website_new": {"form": form},
        "tokens": {"tokens": [token], "names": {b"1": OUTSIDE}, "scopes": {"a": "A"}, "typed": [], "shown_key": "dft_x" if flag else None},
        "find": {"groups": found, "count": 2, "search": OUTSIDE},
        "find_list": {"groups": found, "count": 2, "search": OUTSIDE, "is_bar": flag},
        "docs": {"library": library(), "shown": None, "search": OUTSIDE if flag else "", "hits": [hit]},
        "live": {
            "website": SITE, "address": at, "chips": show_chips(at), "left_out": [OUTSIDE] if flag else [], "problem": "" if flag else OUTSIDE,
            "view": live_view(SITE, OUTSIDE, name, at) if flag else LiveView(),
        },
        "online": {"website": SITE},
        "settings": {
            "website": site, "keys": [key] if flag else [], "fields": form, "exclusions": sites.EXCLUSIONS,
            "switches": sites.SWITCHES, "warnings": sites.ASKED, "asked": list(sites.ASKED) if flag else [],
            "shown_key": "df_x" if flag else None,
            "install": Install(
                VISITORS[0] if flag else None, flag, [(reason, 2, *WHY[reason]) for reason in WHY],
                [(OUTSIDE, 1, flag)], website, ["Stripe"] if flag else [],
            ),
        },
        "erased": {
            "website": SITE, "account": ACCOUNT, "note": "", "file": "{}",
            "columns_by": None if flag else NOW,
            "receipt": SimpleNamespace(erased_at=NOW, erasure_id=b"x", users=1, visitors=1, columns_at=NOW if flag and website else None, rows=dict.fromkeys(("facts", "profiles", "events", "sessions", "visitors"), 1)),
        },
    }  # fmt: skip


@settings(max_examples=30)
@given(
    problem=st.none()
    | st.builds(Problem, st.sampled_from(["", "email", "password", "name", "domain"]), st.just(OUTSIDE)),
    done=st.sampled_from([None, "saved", "another"]),
    name=texts,
    at=st.none() | st.just(to_iso(NOW)),
    form=forms,
    flag=st.booleans(),
    website=st.booleans(),
)
def test_every_other_page_is_drawn_with_and_without_what_it_may_show(
    problem: Problem | None,
    done: str | None,
    name: str | None,
    at: str | None,
    form: Any,
    flag: bool,
    website: bool,
) -> None:
    shown: dict[str, Any] = {
        "request": SimpleNamespace(
            home="", origin="http://x", form=form, query={}, suspicions=100 if flag else None
        ),
        "account": ACCOUNT if flag else None,
        "website": a_site(flag) if website else None,
        "websites": [SITE] if flag else [],
        "form_token": "0" * 64,
        "now": NOW,
        "problem": problem,
        "done": done,
    }
    others = other_pages(name, form, flag, website)
    for template, values in others.items():
        check(render_template(f"{template}.html", **{**shown, **values}))
    rendered_elsewhere = {
        "overview",
        "overview_list",
        "overview_macros",
        "numbers",
        "flow_macros",
        "goals",
        "goal",
        "funnels",
        "funnel",
        "funnel_form",
        "retention",
        "payment_settings",
        "bar",
        "base",
        "macros",
        "journey",
        "visitor",
        "person",
        "people",
        "people_list",
        "health",
        "merge",
        "payment",
        "payments",
    }
    assert {
        one.removesuffix(".html") for one in environment().list_templates()
    } == others.keys() | rendered_elsewhere


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (29, "USD", "$29"),
        (29.5, "eur", "€29.50"),
        (1234.5, "SEK", "1,234.50 SEK"),
        (-5, "GBP", "\u2212£5"),
        (29, None, "29"),
        ("much", "USD", "much USD"),
        (None, "USD", "null USD"),
        (True, "", "yes"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount: Any, currency: Any, shown: str) -> None:
    assert money_text(amount, currency) == shown


def test_long_words_break_behind_signs_that_people_know() -> None:
    shown = breakable("ada.of@example.com: //3. <b>\u2069 @")
    assert shown == "<bdi>ada.<wbr>of@<wbr>example.<wbr>com: //<wbr>3. &lt;b&gt; @</bdi>"


def test_places_are_written_as_people_write_them() -> None:
    assert place_text("Berlin", "Germany", "DE-BE") == "Berlin, Germany"
    assert place_text(None, "Germany", "DE-BE") == "Germany (DE-BE)"
    assert place_text(None, None, "DE-BE") == "DE-BE"
    assert place_text("Berlin", None) == "Berlin"
    assert place_text(None, None) == ""


def test_traits_have_one_order_whatever_order_they_are_stored_in() -> None:
    names = ["b", "A", "a", "B"]
    assert [key for key, _ in sorted_traits(dict.fromkeys(names))] == ["A", "a", "B", "b"]
    assert sorted_traits(dict.fromkeys(names)) == sorted_traits(dict.fromkeys(reversed(names)))


def test_a_time_zone_that_this_machine_does_not_know_is_utc() -> None:
    html = environment().from_string("{{ clock(0, zone) }}").render(zone="Mars/Olympus")
    assert html == "1 Jan 1970, 00:00 UTC"


def test_user_ids_that_differ_in_case_only_are_named_on_the_health_page(
    session: SqliteSession,
) -> None:
    def work(tx: Transaction) -> None:
        for number, user in enumerate(("ann", "Ann")):
            store_visitor(tx, VISITORS[number], None, None, BARE, None, None, None)
            identify(tx, [Said(number, user, number, Operations(), True).call()])
        shown = check(page(tx, health.health))
        assert "1 pair that may be one person" in shown
        assert "They have the same user id except for case." in shown
        assert "Merge with Ann" in shown

    with_world(session, work)
