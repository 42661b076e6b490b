"""People are found whichever way they are looked up: fetched and sorted, or walked past in the order of the list."""

from __future__ import annotations

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import pytest

from footfall.app import ERASERS
from footfall.db.postgres.derived import PostgresDerived
from footfall.db.protocol import Transaction, WriteHandler
from footfall.db.statements import make_statement
from footfall.identity.audit.verify import Report, verify_identity
from footfall.identity.model import Operations
from footfall.identity.store import mark_changed
from footfall.people.endpoints import read_people
from footfall.people.erasing import remove_leftovers, verify_index
from footfall.people.find.query import find_people
from footfall.people.index.indexer import (
    SIZES_CHANGES,
    SIZES_HANDLER,
    Step,
    Take,
    TraitIndexer,
    index_step,
    sql,
)
from footfall.people.model import ListedPerson
from footfall.people.wire import read_people_query
from footfall.privacy.erase import EraseCall, Erasing
from tests.laws.world import WEBSITE, Said, deliver, join, prepare

PEOPLE = 30
SEEN = make_statement(
    "seen",
    "website_id bytes, profile_id bytes, seen_at int",
    "UPDATE listed_person SET seen_at = :seen_at WHERE website_id = :website_id AND profile_id = :profile_id",
)
Known = dict[str, Any]
CONDITIONS: dict[tuple[str, str], Callable[[Known], bool]] = {
    ("trait.plan", "pro"): lambda known: known["plan"] == "pro",
    ("trait.plan", "is_not:free"): lambda known: known["plan"] != "free",
    ("trait.plan", "is_not:free,pro,team"): lambda known: False,
    ("trait.name", "missing"): lambda known: False,
    ("trait.seats", "gte:3"): lambda known: known.get("seats", 0) >= 3,
    ("trait.SEATS", "missing"): lambda known: "seats" not in known,
    ("trait.city", "exists"): lambda known: "city" in known,
    ("trait.city", "contains:o"): lambda known: "o" in known.get("city", ""),
    ("trait.city", "contains:q,Z\u00dcRICH,a,b"): lambda known: known.get("city", "")[:1] == "Z",
    ("trait.tags", "vip,2"): lambda known: bool({"vip", 2} & set(known.get("tags", ()))),
    ("trait.tags", "is_not:beta"): lambda known: "beta" not in known.get("tags", ()),
    ("search", "number 1"): lambda known: begins(known, "number", "1"),
    ("search", "2 \u00c9LISE"): lambda known: begins(known, "2", "elise"),
    ("search", "@example"): lambda known: begins(known, "@example"),
    ("search", "nobody"): lambda known: False,
}


def begins(known: Known, *asked: str) -> bool:
    """Whether for all that is asked for there is a text that holds it where a word begins."""
    texts = [plain(known[field]) for field in ("name", "email") if field in known]
    return all(any(re.search(rf"(^|\W|(?=@)){word}", text) for text in texts) for word in asked)


def plain(text: str) -> str:
    """In lower case, without accents."""
    return "".join(
        one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one)
    )


def traits(number: int) -> Known:
    """What is known of a person."""
    known: Known = {"name": f"Number {number}", "plan": ("free", "pro", "team")[number % 3]}
    if number % 2:
        known["seats"] = number % 7
    if number % 5 < 3:
        known["city"] = ("Rome", "Oslo", ("Z\u00fcrich", "Zu\u0308rich")[number % 2])[number % 5]
    if number % 3 == 1:
        spelled = ("elise", "\u00c9lise", "E\u0301LISE")[number % 9 // 3]
        known["email"] = spelled + ("@example.org", "@other.org")[number % 2]
    if number % 4 == 0:
        known["tags"] = [("vip", "beta")[number % 8 // 4], number % 3]
    return known


def identified_at(number: int) -> int:
    """Neighbours of different ages, and some of the same."""
    return number * 7 % 20


def seen_at(number: int) -> int:
    """The same for when they were seen."""
    return number * 11 % 13


@contextlib.contextmanager
def crowd(session: Any) -> Iterator[tuple[Transaction, dict[bytes, int]]]:
    """A transaction that leaves no trace, and the number of each of its people by profile id."""
    tx = session.begin()
    try:
        prepare(tx)
        said = [
            Said(n % 3, f"user {n}", identified_at(n), Operations(traits(n), {}, ()), True)
            for n in range(PEOPLE)
        ]
        people = {one.profile_id: n for n, one in enumerate(deliver(tx, said))}
        while index_step(tx, [Take(7)])[0].changes:
            pass
        tx.execute_many(SEEN, [(WEBSITE.website_id, one, seen_at(n)) for one, n in people.items()])
        yield tx, people
    finally:
        session.rollback()


def expected(people: dict[bytes, int], query: dict[str, str]) -> list[int]:
    """Who is to be found, in order."""
    by_seen = query.get("sort") == "lastSeenAt"
    found = [
        one
        for one, number in people.items()
        if all(CONDITIONS[pair](traits(number)) for pair in query.items() if pair in CONDITIONS)
    ]
    time = seen_at if by_seen else identified_at
    found.sort(key=lambda one: (time(people[one]), one), reverse=True)
    last_word = query.get("search", "").split()[-1:]
    found.sort(key=lambda one: last_word != [str(people[one])])  # who is called just that
    return [people[one] for one in found]


@pytest.mark.parametrize("few", [0, 2, 8, 1000])
@pytest.mark.parametrize("sort", ["identifiedAt", "lastSeenAt"])
def test_every_way_of_looking_finds_the_same_people(session: Any, few: int, sort: str) -> None:
    with crowd(session) as (tx, people):
        pairs = [*combinations(CONDITIONS, 2), *combinations(CONDITIONS, 1), ()]
        for chosen in pairs:
            query = dict(chosen)
            if len(query) < len(chosen):
                continue  # two conditions on one field
            wanted = expected(people, query | {"sort": sort})
            for limit, offset in ((100, 0), (2, 1), (3, 4)):
                asked = {**query, "sort": sort, "limit": str(limit), "offset": str(offset)}
                rows, total, is_exact = find_people(
                    tx, WEBSITE.website_id, read_people_query(asked.items()), few
                )
                assert [people[row.profile_id] for row in rows] == wanted[offset : offset + limit], asked
                assert (total, is_exact) == (len(wanted), True), asked


@pytest.mark.parametrize("filters", [{}, {"trait.name": "exists"}])
def test_merged_people_stand_where_they_are_shown_to_have_been_identified_first(
    session: Any, filters: dict[str, str]
) -> None:
    with crowd(session) as (tx, people):
        # The earlier of the two has the larger id, so that the other one's row is the person's.
        late, early = next(
            (people[one], people[other])
            for one, other in combinations(sorted(people), 2)
            if identified_at(people[one]) > identified_at(people[other])
        )
        join(tx, f"user {late}", f"user {early}")
        while index_step(tx, [Take(100)])[0].changes:
            pass
        found: list[ListedPerson] = []
        for offset in range(PEOPLE):
            asked = {**filters, "limit": "1", "offset": str(offset)}
            found += read_people(tx, WEBSITE, read_people_query(asked.items())).people
        assert len({one.profile_id for one in found}) == len(found) == PEOPLE - 1
        times = [one.identified_at for one in found]
        assert times == sorted(times, reverse=True)


NOBODY = (WEBSITE.website_id, b"n" * 12)
LEFT_OVER = {
    "trait": (sql.trait_put, (*NOBODY, "plan", "text", "pro", None)),
    "search_term": (sql.term_add, (WEBSITE.website_id, "nobody", NOBODY[1])),
    "listed_person": (sql.listed_put, (*NOBODY, 5, 5)),
}


def index_rows(tx: Transaction) -> dict[str, list[Any]]:
    """Whose the rows are that people are found by."""
    texts = {table: f"SELECT profile_id FROM {table} ORDER BY profile_id" for table in LEFT_OVER}
    return {
        table: [row.profile_id for row in tx.all(make_statement(table, "", text, "profile_id bytes"))]
        for table, text in texts.items()
    }


def differences(tx: Transaction) -> list[str]:
    """What the check of the index tells."""
    report = Report()
    verify_index(tx, report)
    return report.shown


@pytest.mark.parametrize("table", LEFT_OVER)
def test_what_nobody_can_be_found_by_any_more_is_told_and_removed(session: Any, table: str) -> None:
    with crowd(session) as (tx, _):
        before = index_rows(tx)
        assert differences(tx) == []
        tx.execute(*LEFT_OVER[table])
        (told,) = differences(tx)
        assert NOBODY[1].hex() in told
        remove_leftovers(tx)
        assert differences(tx) == []
        assert index_rows(tx) == before


def test_what_a_background_step_will_remove_is_no_difference(session: Any) -> None:
    with crowd(session) as (tx, _):
        before = index_rows(tx)
        tx.execute(*LEFT_OVER["trait"])
        mark_changed(tx, [NOBODY])
        assert differences(tx) == []
        index_step(tx, [Take(1)])
        assert index_rows(tx) == before


def test_whoever_is_part_of_another_person_is_not_found_alone(session: Any) -> None:
    with crowd(session) as (tx, people):
        join(tx, "user 1", "user 2")
        while index_step(tx, [Take(100)])[0].changes:
            pass
        before = index_rows(tx)
        assert differences(tx) == []
        other = max(one for one, number in people.items() if number in (1, 2))
        tx.execute(sql.listed_put, (WEBSITE.website_id, other, 5, 5))
        assert len(differences(tx)) == 1
        remove_leftovers(tx)
        while index_step(tx, [Take(100)])[0].changes:
            pass
        assert index_rows(tx) == before


def test_a_step_takes_out_whoever_was_erased_though_nobody_else_did(session: Any) -> None:
    with crowd(session) as (tx, people):
        gone = next(one for one, number in people.items() if number == 4)
        call = EraseCall(WEBSITE.website_id, WEBSITE.profile_secret, gone, bytes(16), 100_000)
        assert Erasing(ERASERS).erase(tx, [call])[0] is not None
        assert all(gone in rows for rows in index_rows(tx).values())
        assert verify_identity(tx).shown == []
        index_step(tx, [Take(100)])
        assert not any(gone in rows for rows in index_rows(tx).values())


class OneTransaction:
    """A database whose calls all run in `tx`. `handlers`: those that wrote, in their order."""

    engine = "none"

    def __init__(self, tx: Transaction, changes: int = 0) -> None:
        self.handlers: list[WriteHandler] = []
        self._tx = tx
        self._changes = changes

    async def write(self, handler: WriteHandler, call: Any) -> Any:
        self.handlers.append(handler)
        if self._changes and handler.run is index_step:
            return Step(self._changes, 0, 0.001, 0, [], False)
        return handler.run(self._tx, [call])[0]

    async def read(self, handler: Callable[[Transaction, Any], Any], call: Any) -> Any:
        return handler(self._tx, call)

    async def change(self, work: Callable[[Transaction], Any]) -> Any:
        return work(self._tx)

    @property
    def derived(self) -> PostgresDerived:
        return PostgresDerived([])

    def live_calls(self) -> int:
        return 0


def advance(database: OneTransaction, steps: int) -> None:
    """So many steps of a new indexer."""
    indexer = TraitIndexer(database)  # type: ignore[arg-type]
    for _ in range(steps):
        asyncio.run(indexer.advance())


def test_an_index_of_another_form_is_made_anew_once(session: Any) -> None:
    values = make_statement(
        "values", "", "SELECT name, value FROM trait ORDER BY profile_id, name", "name text, value text"
    )
    with crowd(session) as (tx, people):
        before = tx.all(values)
        key = (WEBSITE.website_id, min(people), "plan")
        tx.execute(sql.trait_put, (*key, "text", "as it was kept before", None))
        advance(OneTransaction(tx), 2)
        assert tx.all(values) == before
        tx.execute(sql.trait_put, (*key, "text", "something else", None))
        advance(OneTransaction(tx), 2)
        assert tx.all(values) != before


def test_the_planner_is_told_of_many_new_people(session: Any) -> None:
    with crowd(session) as (tx, _):
        database = OneTransaction(tx)
        asyncio.run(database.write(SIZES_HANDLER, None))
        if not session.is_local:
            known = make_statement(
                "known",
                "",
                "SELECT reltuples FROM pg_class WHERE relname = 'listed_person'",
                "reltuples real",
            )
            assert tx.one(known) == known.row(PEOPLE)


def test_the_planner_is_told_after_many_changes(session: Any) -> None:
    with crowd(session) as (tx, _):
        database = OneTransaction(tx, SIZES_CHANGES // 2)
        advance(database, 1)
        assert SIZES_HANDLER not in database.handlers
        advance(database, 2)
        assert database.handlers.count(SIZES_HANDLER) == 1
