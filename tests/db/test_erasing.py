"""An erasure in slices: between any two of them the person is nobody, all adds up, and whoever comes next goes on."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from footfall.app import ERASERS
from footfall.db.copying import Table, tables
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import make_statement
from footfall.errors import Conflict, NotFound
from footfall.identity.audit.rebuild import rebuild_identity
from footfall.identity.audit.verify import verify_identity
from footfall.identity.erasing import Blanked, Counts, Eraser, Erasure, Leaving, Range, Ranges
from footfall.identity.fold import everybody_of, find_user
from footfall.identity.identify.model import Identified, IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import MergeCall, merge
from footfall.identity.ledger.undo import UndoCall, undo
from footfall.identity.model import SERVER, Operations
from footfall.identity.rules import profile_id
from footfall.ids import at_prefix
from footfall.people.journey import visitor_journey
from footfall.privacy import erasing
from footfall.privacy.erase import EraseCall, Erasing, ErasureWatch, profile_to_erase, unfinished
from footfall.privacy.erasing import Erased, Slice
from footfall.storage import open_database
from tests.conftest import MakeInside
from tests.laws.world import KEY, VISITORS, WEBSITE, prepare
from tests.support.engines import Engine, Place
from tests.support.servers import run_json, until

W, SECRET = WEBSITE.website_id, WEBSITE.profile_secret
NOW = 1_700_000_000_000
ID = bytes(15) + b"\1"
ERASING = Erasing(ERASERS)
ANN = profile_id(SECRET, 0, "ann")
_EVENT = make_statement(
    "happened",
    "website_id bytes, visitor_id bytes, event_id bytes, url text",
    "INSERT INTO event (website_id, visitor_id, event_id, type, session_started_at, url, query)"
    " VALUES (:website_id, :visitor_id, :event_id, 'pageview', 0, :url, 'q=secret')",
)
_SESSION = make_statement(
    "began",
    "website_id bytes, visitor_id bytes, started_at int",
    "INSERT INTO session (website_id, visitor_id, started_at, params)"
    ' VALUES (:website_id, :visitor_id, :started_at, \'{"q":"secret"}\')',
)


def say(
    tx: Transaction, visitor: int, user: str, now: int, at: int | None = None, **traits: Any
) -> Identified:
    """Identify, by a clock that shows `now` ms after NOW."""
    when = None if at is None else NOW + at
    said = Identify(user, VISITORS[visitor], Operations(traits), when, [])
    (done,) = identify(tx, [IdentifyCall(W, SECRET, said, SERVER, True, KEY, NOW + now)])
    assert isinstance(done, Identified), done
    return done


def fill(tx: Transaction) -> None:
    """Ann, who is Eve too, on three visitors, one of which she shares with Bob; one fact of hers was undone, one was restored."""
    prepare(tx)
    for visitor in range(3):
        for number in range(4):
            event_id = at_prefix(NOW + 10 * number + 5) + bytes([0, 0, visitor, number])
            whose = "bob" if (visitor, number) == (0, 2) else "ann"
            tx.execute(_EVENT, (W, VISITORS[visitor], event_id, f"https://x.example/{whose}@x.example"))
            tx.execute(_SESSION, (W, VISITORS[visitor], NOW + 10 * number + 5))
    say(tx, 0, "ann", 0, name="Ann")
    say(tx, 0, "bob", 20, name="Bob")
    say(tx, 0, "ann", 30)
    say(tx, 1, "ann", 31)
    undone = say(tx, 1, "ann", 32, plan="pro")
    say(tx, 2, "eve", 33)
    say(tx, 2, "ann", 34)
    undo(tx, [UndoCall(W, SECRET, undone.fact_id, None, KEY, NOW + 35)])
    twice = say(tx, 2, "eve", 36)
    for number in range(2):
        (taken,) = undo(tx, [UndoCall(W, SECRET, twice.fact_id, None, KEY, NOW + 37 + number)])
        twice = taken  # type: ignore[assignment]
    merge(tx, [MergeCall(W, SECRET, ("ann", "eve"), None, KEY, NOW + 40)])
    (joined,) = merge(tx, [MergeCall(W, SECRET, ("ann", "bob"), None, KEY, NOW + 41)])
    undo(tx, [UndoCall(W, SECRET, joined.fact_id, None, KEY, NOW + 42)])  # type: ignore[union-attr]


def erase_ann(tx: Transaction) -> Erased:
    (receipt,) = ERASING.erase(tx, [EraseCall(W, SECRET, ANN, ID, NOW + 50)])
    assert receipt is not None
    return receipt


def contents(tx: Transaction) -> dict[str, list[Any]]:
    """All rows of all tables; of changes, which have ids that are drawn, whom they name. Word for the columns comes in other parts."""
    left_out = ("setting", "column_change")
    return {table.name: _rows(tx, table) for table in tables() if table.name not in left_out}


def _rows(tx: Transaction, table: Table) -> list[Any]:
    columns = list(table.columns)
    if table.name == "profile_change":
        columns = [("profile_id", "bytes")]
    if table.name == "erasure":
        kept = ("erased_at", "users", "visitors", "counts")
        columns = [(name, kind) for name, kind in columns if name in kept]
    text = f"SELECT DISTINCT {', '.join(name for name, _ in columns)} FROM {table.name}"
    declared = ", ".join(f"{name} {kind}?" for name, kind in columns)
    return sorted(tx.all(make_statement("contents", "", text, declared)), key=repr)


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice holds one fact, and blanks one event."""
    for name in ("FACTS", "ROWS", "VISITORS", "SLICE_SECONDS"):
        monkeypatch.setattr(erasing, name, 0 if name == "SLICE_SECONDS" else 1)


def one_by_one(place: Place) -> Iterator[int]:
    """Take slice after slice, each in a transaction of its own as if the process had been killed before; how many facts are left."""
    erasure = Erasure(W, SECRET, ID)
    while facts := place.snapshot(lambda tx: erasing.facts_left(tx, erasure)):
        yield len(facts)
        first = erasing.slices(facts)[0]
        place.transact(functools.partial(erasing.take, erasers=ERASERS, erasure=erasure, part=first))
    yield 0


def test_an_erasure_in_slices_leaves_what_one_at_once_leaves(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, sliced = engine.new_place(), engine.new_place()
    for place in (at_once, sliced):
        run_json(place, "db", "migrate")
        place.transact(fill)
    whole = at_once.transact(erase_ann)
    assert whole.is_done
    assert at_once.snapshot(verify_identity).as_json()["ok"]
    for name in ("FACTS", "ROWS", "VISITORS", "SLICE_SECONDS"):
        monkeypatch.setattr(erasing, name, 0 if name == "SLICE_SECONDS" else 1)
    begun = sliced.transact(erase_ann)
    assert (begun.is_done, begun.erased_at, begun.users) == (False, whole.erased_at, 2)
    steps = 0
    for _ in one_by_one(sliced):
        steps += 1
        assert sliced.snapshot(verify_identity).shown == []
        assert sliced.transact(erase_ann).erasure_id == ID  # who asks again waits for the same one
    done = sliced.transact(lambda tx: erasing.end(tx, Erasure(W, SECRET, ID)))
    assert steps > 8
    assert done
    assert done == msgspec.structs.replace(whole, keys=[], ended_at=done.ended_at)
    assert sliced.snapshot(contents) == at_once.snapshot(contents)


class Orders:
    """A domain that is new to erasures: it keeps what was paid by visitor and time, and who paid by user."""

    def __init__(self) -> None:
        self.paid = {
            visitor: [at_prefix(NOW + at) + bytes([99, number]) for at in (6, 15, 25, 31, 45)]
            for number, visitor in enumerate(VISITORS)
        }
        self.users: list[str] = []
        self.finished: list[bytes] = []
        self.forgotten: list[Params] = []
        self.eraser = Eraser(
            tables=frozenset(),
            counts=("orders",),
            forget_users=self._forget_users,
            find=lambda tx, website_id, ranges, most: _Paid(self.paid, ranges, most),
            finish_visitors=self._finish,
            forget_derived=lambda tx, keys: self.forgotten.extend(keys),
        )

    def _forget_users(self, tx: Transaction, leaving: Leaving) -> Counts:
        self.users += leaving.users.values()
        return {}

    def _finish(self, tx: Transaction, blanked: Blanked) -> Counts:
        self.finished += blanked.fresh
        return {}


class _Paid:
    """What was paid in some ranges."""

    def __init__(self, paid: dict[bytes, list[bytes]], ranges: Ranges, most: int) -> None:
        self._paid = paid
        self._most = most
        self._found = {one: self._within(one, spans) for one, spans in ranges.items()}

    def _within(self, visitor: bytes, spans: list[Range]) -> list[bytes]:
        return [
            paid
            for since, until in spans
            for paid in [one for one in self._paid.get(visitor, ()) if since <= one < until][: self._most]
        ]

    def ids(self, visitor_id: bytes) -> list[bytes]:
        return self._found.get(visitor_id, [])

    def blank(self, ranges: Ranges) -> Counts:
        gone = [(one, paid) for one, spans in ranges.items() for paid in self._within(one, spans)]
        for visitor, paid in gone:
            self._paid[visitor].remove(paid)
        return {"orders": len(gone)}


def test_a_new_domain_takes_part_in_an_erasure_by_one_eraser(place: Place, small_slices: None) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    orders = Orders()
    erasing_all = Erasing((*ERASERS, orders.eraser))

    async def run() -> Erased | None:
        database = open_database(place.settings)
        await database.open()
        receipt, _ = await erasing_all.erase_person(database, EraseCall(W, SECRET, ANN, ID, NOW + 50))
        await database.close()
        return receipt

    receipt = asyncio.run(run())
    assert receipt is not None
    assert receipt.is_done
    # Bob had the first visitor from 20 to 30; the fourth visitor is nobody's.
    left = {one: len(paid) for one, paid in orders.paid.items()}
    assert left == {VISITORS[0]: 1, VISITORS[1]: 0, VISITORS[2]: 0, **dict.fromkeys(VISITORS[3:], 5)}
    assert list(receipt.rows) == ["events", "sessions", "visitors", "payments", "profiles", "facts", "orders"]
    assert receipt.rows["orders"] == 14
    assert receipt.rows["events"] == 11
    assert sorted(orders.users) == ["ann", "eve"]
    assert sorted(orders.finished) == sorted(VISITORS[:3])
    assert sorted(orders.forgotten) == sorted({(W, ANN), (W, profile_id(SECRET, 0, "eve"))})
    assert place.snapshot(verify_identity).shown == []


def test_between_slices_the_person_is_nobody(place: Place, small_slices: None) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    facts = place.snapshot(lambda tx: everybody_facts(tx, "ann"))
    place.transact(erase_ann)

    def look(tx: Transaction) -> None:
        assert find_user(tx, W, SECRET, "ann") is None
        assert everybody_of(tx, W, ANN) == {}
        for fact_id in facts:
            (answer,) = undo(tx, [UndoCall(W, SECRET, fact_id, None, KEY, NOW + 60)])
            assert isinstance(answer, NotFound)
        (answer,) = undo(tx, [UndoCall(W, SECRET, ID, None, KEY, NOW + 60)])
        assert isinstance(answer, Conflict)
        for visitor in VISITORS:
            entries = visitor_journey(tx, W, visitor, b"", 100).entries
            told = str([one for one in entries if one.type == "identify"])
            assert "'ann'" not in told
            assert "'eve'" not in told

    for _ in one_by_one(place):
        place.transact(look)


def everybody_facts(tx: Transaction, user: str) -> list[bytes]:
    """The ids of the facts about a user."""
    found = find_user(tx, W, SECRET, user)
    assert found is not None
    statement = make_statement(
        "facts_about",
        "profile_id bytes",
        "SELECT fact_id FROM fact WHERE profile_id = :profile_id",
        "fact_id bytes",
    )
    return [row.fact_id for row in tx.all(statement, (found.profile_id,))]


def test_who_is_identified_between_slices_starts_anew_or_has_the_visitor_from_then_on(
    place: Place, small_slices: None
) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(erase_ann)
    for number, _ in enumerate(one_by_one(place)):
        now = 100 + 10 * number
        again = place.transact(functools.partial(say, visitor=1, user="ann", now=now))
        assert again.profile_id == profile_id(SECRET, 1, "ann")
        assert again.previous_user_id == (None if number == 0 else "dora")
        taken = place.transact(functools.partial(say, visitor=1, user="dora", now=now + 5, n=number))
        assert taken.previous_user_id == "ann"
        assert place.snapshot(verify_identity).shown == []
    place.transact(lambda tx: erasing.end(tx, Erasure(W, SECRET, ID)))
    assert place.snapshot(verify_identity).shown == []
    assert place.snapshot(unfinished) == []


def test_nobody_gets_older_visits_of_a_person_who_is_being_erased(place: Place, small_slices: None) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(erase_ann)
    late = functools.partial(say, visitor=2, user="carl", now=100, at=1)
    for left in one_by_one(place):
        if left > 2:  # facts on the last visitor
            with pytest.raises(AssertionError, match="Unavailable"):
                place.transact(late)
    place.transact(lambda tx: erasing.end(tx, Erasure(W, SECRET, ID)))
    place.transact(late)
    shown = place.snapshot(lambda tx: visitor_journey(tx, W, VISITORS[2], b"", 50))
    assert "ann@x.example" not in repr(shown)
    assert place.snapshot(verify_identity).shown == []


def test_what_is_made_anew_from_the_ledger_between_slices_is_the_same(
    place: Place, small_slices: None
) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(erase_ann)
    before = place.snapshot(contents)
    place.transact(rebuild_identity)
    after = place.snapshot(contents)
    assert {name: rows for name, rows in after.items() if name != "profile_change"} == {
        name: rows for name, rows in before.items() if name != "profile_change"
    }


def test_two_callers_and_a_server_share_an_erasure_and_get_one_receipt(
    place: Place, small_slices: None
) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    calls = [EraseCall(W, SECRET, ANN, bytes(15) + bytes([n]), NOW + 50) for n in (1, 2)]

    async def share() -> list[Any]:
        database = open_database(place.settings)
        await database.open()
        watch = ErasureWatch(database, ERASING)
        first = asyncio.create_task(ERASING.erase_person(database, calls[0]))
        while not await database.read(unfinished, None):
            await asyncio.sleep(0)
        profile = await database.read(profile_to_erase, (WEBSITE, "ann"))
        second = ERASING.erase_person(database, msgspec.structs.replace(calls[1], profile_id=profile))
        receipts = await asyncio.gather(first, second, watch.advance(), watch.advance())
        assert await ERASING.erase_person(database, calls[1]) == (None, False)
        await database.close()
        return list(receipts[:2])

    (one, _), (other, _) = asyncio.run(share())
    assert msgspec.structs.replace(one, keys=[]) == msgspec.structs.replace(other, keys=[])
    assert (one.erasure_id, one.users, one.visitors, one.is_done) == (ID, 2, 3, True)
    assert place.snapshot(verify_identity).shown == []


def test_a_start_goes_on_with_an_erasure_that_was_cut_off(start_inside: MakeInside, place: Place) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(cut_off)
    assert len(place.snapshot(unfinished)) == 1
    running = start_inside({}, place)
    until(lambda: place.snapshot(unfinished) == [], "the erasure is not done")
    running.stop()
    held = str(place.snapshot(contents))
    assert "bob@x.example" in held
    assert "ann@x.example" not in held
    assert "'ann'" not in held
    if place.engine == "sqlite":
        files = b"".join(path.read_bytes() for path in place.data.rglob("*") if path.is_file())
        assert b"ann@x.example" not in files
    assert run_json(place, "db", "verify")["ok"]


def cut_off(tx: Transaction) -> None:
    """Begin to erase Ann, and take one slice."""
    erasure = Erasure(W, SECRET, ID)
    erasing.begin(tx, ERASERS, erasure, everybody_of(tx, W, ANN), NOW + 50)
    assert erasing.take(tx, ERASERS, erasure, Slice(erasing.facts_left(tx, erasure)[:1], True)) == 1


def test_a_backup_from_the_middle_of_an_erasure_holds_nobody_once_erasures_are_replayed(
    place: Place, engine: Engine
) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(cut_off)
    file = place.folder / "erasures.ndjson"
    run_json(place, "db", "erasures", "export", str(file))
    assert run_json(place, "db", "erasures", "replay", str(file))["usersErased"] == 0
    assert place.snapshot(unfinished) == []
    assert "ann@" not in str(place.snapshot(contents))
    assert run_json(place, "db", "verify")["ok"]


def test_facts_that_lie_ahead_are_dated_back_once_the_erasure_under_way_is_done(place: Place) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    place.transact(cut_off)
    run_json(place, "doctor", W.hex(), "--date-back")
    assert place.snapshot(unfinished) == []
    assert run_json(place, "db", "verify")["ok"]
