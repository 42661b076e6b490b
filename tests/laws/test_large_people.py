"""What is asked of somebody with four times as many visitors, facts and spans reads four times as much at most, and a page of it no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from footfall.app import EXPORTERS
from footfall.dashboard.pages.journey import JourneyAsked
from footfall.dashboard.pages.person import _PersonQuery, read_person_page
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.endpoints import LedgerQuery, read_ledger
from footfall.identity.ledger.show import person_now
from footfall.identity.model import Operations
from footfall.people.endpoints import JourneyQuery, PersonQuery, read_journey, read_person
from footfall.people.journey import visitor_journey
from footfall.people.person import read_activities
from footfall.privacy.export import Exporting
from tests.laws.test_laws import world_of
from tests.laws.test_reading import CountingTransaction
from tests.laws.world import KEY, NOW, START, WEBSITE

ID = WEBSITE.website_id
FEW, MANY = 12, 48
_SEEN = make_statement(
    "seen_visitor",
    "website_id bytes, visitor_id bytes",
    "INSERT INTO visitor (website_id, visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count)"
    " VALUES (:website_id, :visitor_id, 0, 0, 0, 1, 1)",
)


def visitor_of(number: int) -> bytes:
    return number.to_bytes(6, "big") + b"\x40\xff\x80" + bytes(7)


def say(tx: Transaction, visitor: bytes, user: str, at: int) -> bytes:
    """One fact; the user's profile id."""
    said = Identify(user, visitor, Operations({"n": at}, {}, ()), START + at, [])
    call = IdentifyCall(ID, WEBSITE.profile_secret, said, "server", True, KEY, NOW)
    (outcome,) = identify(tx, [call])
    return outcome.profile_id  # type: ignore[union-attr]


def with_many_visitors(tx: Transaction, many: int) -> bytes:
    tx.execute_many(_SEEN, [(ID, visitor_of(number)) for number in range(many)])
    first, *_ = [say(tx, visitor_of(number), "ann", number) for number in range(many)]
    return first


def with_a_shared_till(tx: Transaction, many: int) -> bytes:
    """Two people who take turns on one visitor."""
    tx.execute_many(_SEEN, [(ID, visitor_of(0))])
    first, *_ = [say(tx, visitor_of(0), ("ann", "bob")[number % 2], number) for number in range(2 * many)]
    return first


PAGE_ASKED = _PersonQuery(PersonQuery(WEBSITE, b""), JourneyAsked(), (START, NOW), None, None)
READS: dict[str, Callable[[Any, bytes], Any]] = {
    "person": lambda tx, one: read_person(tx, PersonQuery(WEBSITE, one, limit=3)),
    "reasons": lambda tx, one: read_person(tx, PersonQuery(WEBSITE, one, with_reasons=True, limit=3)),
    "as of": lambda tx, one: read_person(tx, PersonQuery(WEBSITE, one, START + 2**20, True)),
    "journey": lambda tx, one: read_journey(tx, JourneyQuery(WEBSITE, one, b"", 3, True)),
    "export": lambda tx, one: Exporting(EXPORTERS).read(tx, (WEBSITE, one)),
    "row of a list": lambda tx, one: read_activities(tx, ID, [[one]]),
    "page of the ledger": lambda tx, one: read_ledger(tx, LedgerQuery(WEBSITE, one, limit=3)),
    "page of a visitor": lambda tx, one: visitor_journey(tx, ID, visitor_of(0), b"", 3),
    "page of the dashboard": lambda tx, one: read_person_page(
        tx, PAGE_ASKED._replace(person=PersonQuery(WEBSITE, one, limit=3))
    ),
}
PAGES = {"page of the ledger", "page of a visitor"}


@pytest.mark.parametrize("make", [with_many_visitors, with_a_shared_till])
@pytest.mark.parametrize("read", READS)
def test_a_read_costs_no_more_than_its_size(session: Any, read: str, make: Any) -> None:
    rows = []
    for many in (FEW, MANY):
        with world_of(session) as tx:
            profile_id = make(tx, many)
            counting = CountingTransaction(tx)
            READS[read](counting, profile_id)
            rows.append(counting.rows)
    few, much = rows
    assert few > 0
    assert much <= (few if read in PAGES else 4.2 * few)


def test_the_links_of_others_are_not_read(session: Any) -> None:
    rows = []
    for many in (FEW, MANY):
        with world_of(session) as tx:
            tx.execute_many(_SEEN, [(ID, visitor_of(0))])
            ann = say(tx, visitor_of(0), "ann", 0)
            for number in range(many):
                say(tx, visitor_of(0), f"guest {number}", number + 1)
            counting: Any = CountingTransaction(tx)
            assert person_now(counting, ID, ann) is not None
            rows.append(counting.rows)
    assert rows[0] == rows[1] > 0
