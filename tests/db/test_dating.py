"""A clock that ran ahead and came back: its facts are named, dated back, and lie in the ledger as if it had been right."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from footfall.app import ERASERS
from footfall.clock import DAY_MS, system_clock
from footfall.db.protocol import Transaction
from footfall.identity import store
from footfall.identity.audit import dating, health
from footfall.identity.audit.dating import AHEAD_MS, ClockWatch, date_back
from footfall.identity.audit.verify import verify_identity
from footfall.identity.fold import find_user
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify, health_json
from footfall.identity.ledger.merge import MergeCall, merge
from footfall.identity.ledger.undo import UndoCall, undo
from footfall.identity.model import SERVER, Operations
from footfall.identity.rules import owner_at, profile_id
from footfall.ids import at_of
from footfall.privacy.erase import EraseCall, Erasing
from footfall.storage import open_database
from tests.laws.world import KEY, VISITORS, WEBSITE, prepare
from tests.support.engines import Place
from tests.support.servers import run_json

NOW = 1_700_000_000_000
HOUR = 3_600_000
W, SECRET = WEBSITE.website_id, WEBSITE.profile_secret


def sign_in(tx: Transaction, visitor: int, user: str, now: int, **traits: Any) -> bytes:
    """Identify by the clock of a server; the fact's id."""
    said = Identify(user, VISITORS[visitor], Operations(traits), None, [])
    (done,) = identify(tx, [IdentifyCall(W, SECRET, said, SERVER, True, KEY, now)])
    return done.fact_id  # type: ignore[union-attr]


def owner(tx: Transaction, visitor: int, at: int) -> str | None:
    """Who has what the visitor did at a time."""
    found = owner_at(store.links_of_visitor(tx, W, VISITORS[visitor]), at)
    return next((user for user in ("ann", "bob") if profile_id(SECRET, 0, user) == found), None)


def times(tx: Transaction) -> list[int]:
    """The times of all facts, as seen from NOW."""
    return [at_of(row.fact_id) - NOW for row in tx.all(dating.sql.facts_from, (W, b""))]


def test_the_next_users_pages_are_the_next_users_once_facts_are_dated_back(place: Place) -> None:
    def work(tx: Transaction) -> None:
        prepare(tx)
        sign_in(tx, 0, "ann", NOW - HOUR, plan="free")
        sign_in(tx, 0, "ann", NOW + DAY_MS, plan="pro")  # the clock ran ahead
        sign_in(tx, 0, "bob", NOW + 1000)
        assert owner(tx, 0, NOW + 2000) == "ann"
        assert date_back(tx, WEBSITE, NOW + 5000) == 2
        assert owner(tx, 0, NOW + 2000) == "bob"
        assert times(tx) == [-HOUR, 999, 1000]
        ann = find_user(tx, W, SECRET, "ann")
        assert ann is not None
        assert ann.traits.values == {"plan": "pro"}
        assert sign_in(tx, 0, "ann", NOW + 6000)[:6] == (NOW + 6000).to_bytes(6, "big")

    place.transact(work)
    assert place.snapshot(verify_identity).as_json()["ok"]


def test_merges_undos_and_erasures_are_dated_back_too(place: Place) -> None:
    ahead = NOW + DAY_MS

    def work(tx: Transaction) -> None:
        prepare(tx)
        for number, user in enumerate(("ann", "bob", "eve")):
            sign_in(tx, number, user, ahead)
        (joined,) = merge(tx, [MergeCall(W, SECRET, ("ann", "bob"), None, KEY, ahead)])
        for _ in range(2):  # undone, and the undo undone
            (undone,) = undo(tx, [UndoCall(W, SECRET, joined.fact_id, None, KEY, ahead)])  # type: ignore[union-attr]
            joined = undone  # type: ignore[assignment]
        gone = profile_id(SECRET, 0, "eve")
        Erasing(ERASERS).erase(tx, [EraseCall(W, SECRET, gone, bytes(16), ahead)])
        sign_in(tx, 2, "eve", NOW + 1, plan="new")
        date_back(tx, WEBSITE, NOW + 10)
        assert max(times(tx)) <= 10
        assert tx.all(dating.sql.boundaries_from, (W, (NOW + 11).to_bytes(6, "big"))) == []
        assert tx.all(dating.sql.erasures_after, (W, NOW + 10)) == []
        ann = find_user(tx, W, SECRET, "ann")
        assert ann is not None
        assert ann.member_count == 2
        assert sign_in(tx, 2, "eve", NOW + 20)[:6] == (NOW + 20).to_bytes(6, "big")

    place.transact(work)
    assert place.snapshot(verify_identity).as_json()["ok"]


def test_what_lies_in_the_past_stays_as_it_is(place: Place) -> None:
    def work(tx: Transaction) -> None:
        prepare(tx)
        sign_in(tx, 0, "ann", NOW)
        before = tx.all(dating.sql.facts_from, (W, b""))
        assert date_back(tx, WEBSITE, NOW) == 0
        assert tx.all(dating.sql.facts_from, (W, b"")) == before

    place.transact(work)


@pytest.mark.parametrize("ahead", [0, AHEAD_MS + 60_000])
def test_the_doctor_names_facts_in_the_future_and_dates_them_back(place: Place, ahead: int) -> None:
    def work(tx: Transaction) -> None:
        prepare(tx)
        sign_in(tx, 0, "ann", system_clock() + ahead)

    place.transact(work)

    def found(report: dict[str, Any]) -> Any:
        return next(one for one in report["findings"] if one["kind"] == "future_facts")

    doctor = ("doctor", W.hex())
    assert found(run_json(place, *doctor))["count"] == bool(ahead)
    if ahead:
        report = place.snapshot(lambda tx: health_json(health.identity_health(tx, WEBSITE)))
        (example,) = found(report)["examples"]
        assert example["userId"] == "ann"
        mended = run_json(place, *doctor, "--date-back")
        assert (mended["datedBack"], found(mended)["count"]) == (1, 0)


def test_a_server_warns_once_when_its_clock_lies_behind_what_is_stored(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    def work(tx: Transaction) -> None:
        prepare(tx)
        sign_in(tx, 0, "ann", NOW)

    place.transact(work)
    clock = [NOW]

    async def watch() -> None:
        database = open_database(place.settings)
        await database.open()
        try:
            watching = ClockWatch(database, lambda: [W], lambda: clock[0])
            for back, warnings in ((AHEAD_MS, 0), (DAY_MS, 1), (DAY_MS, 1), (0, 1), (DAY_MS, 2)):
                clock[0] = NOW - back
                await watching.look()
                told.extend(line for line in capfd.readouterr().err.splitlines() if "the clock lies" in line)
                assert len(told) == warnings
        finally:
            await database.close()

    told: list[str] = []
    asyncio.run(watch())
