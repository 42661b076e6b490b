"""Whatever is stored or missing, each page is drawn, in the same words; and what comes from outside turns none of ours around."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from footfall.collect.model import CUSTOM, EXTERNAL_LINK, PAGEVIEW, PAYMENT
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages import health, merging, payments, people, person, visitor
from footfall.dashboard.pages.journey import JourneyAsked, show_journey
from footfall.dashboard.rendering import (
    render_template,
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
from footfall.visitors.retrieve import VisitorRead, read_visitors
from footfall.web.context import Context
from footfall.websites.store import put_website
from tests.laws.world import NOW, START, VISITORS, WEBSITE, Said, join, take_back
from tests.support.outside import ACCOUNT, OUTSIDE, SITE, check

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
