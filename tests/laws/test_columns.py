"""Whatever happens, in whatever order, the columns say of it what the database does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from footfall.app import ERASERS
from footfall.collect import retention
from footfall.collect.goals import Doomed, ServerGoal, add_goals, delete_goals
from footfall.collect.model import Hit
from footfall.collect.retention import Sweep, find_cuts, remove
from footfall.collect.service import record as record_hits
from footfall.columns import derive as deriving
from footfall.columns import feeder as feeding
from footfall.columns import model
from footfall.columns import rebuild as rebuilding
from footfall.columns.feeder import Feeder
from footfall.columns.file import ColumnFile, ColumnStep, FileLimits, make_file
from footfall.columns.model import number_of
from footfall.columns.rebuild import fresh_path, rebuild
from footfall.db.protocol import Transaction
from footfall.identity.fold import id_of_user
from footfall.identity.identify.model import Identified, IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import MergeCall, Merged, merge
from footfall.identity.ledger.undo import UndoCall, Undone, undo
from footfall.identity.model import SERVER, Operations
from footfall.ids import at_prefix, format_uuid
from footfall.outbox import store as outbox
from footfall.payments import service as payments
from footfall.payments.model import Kind, NewPayment
from footfall.payments.money import Money
from footfall.people.index.indexer import Take, index_step
from footfall.privacy.erase import EraseCall, Erasing
from footfall.websites.removal import remove_website
from footfall.websites.store import put_website
from tests.laws.world import KEY, USERS, VISITORS, WEBSITE
from tests.support.columns import Values, expected_rows, in_order

R = TypeVar("R")

ID, SECRET = WEBSITE.website_id, WEBSITE.profile_secret
MINUTE = 60_000
START, NOW = 1_000, 1_000 + 500 * MINUTE
LIMITS = FileLimits(memory=64 * 1024**2)
PLACES = ('{"country_code":"DE","city":"Bonn"}', '{"country_code":"FR"}')
DEVICE = '{"device":{"browser":"Safari","browser_version":"1","os":"iOS","os_version":null,"type":"mobile","vendor":null,"model":null}}'
DATA = {
    "external_link": '{"url":"x.example/","text":""}',
    "payment": '{"email":"ann"}',
    "custom": '{"a":"b"}',
}


class Step(msgspec.Struct, frozen=True):
    """Something that is done; `at` in tens of minutes, `choice` one of some variants. Which fields count depends on what."""

    what: str
    visitor: int
    user: str
    other: str
    at: int
    choice: int
    is_fed: bool = True


KINDS = ["pageview"] * 5 + ["custom", "external_link", "identify", "payment"]
OTHERS = [
    "goal",
    "know",
    "know",
    "merge",
    "undo",
    "erase",
    "pay",
    "pay",
    "refund",
    "drop",
    "index",
    "feed",
    "some",
    "settle",
    "retain",
    "retain",
]
some_steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(KINDS + OTHERS),
        visitor=st.sampled_from([0, 0, 1, 2]),
        user=st.sampled_from(USERS),
        other=st.sampled_from(USERS),
        at=st.sampled_from([0, 1, 2, 6, 8, 9]),
        choice=st.integers(0, 5),
        is_fed=st.booleans(),
    ),
    max_size=20,
)


class Here:
    """Reads in the transaction in which all of a story happens."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        return work(self._tx)

    def mark(self) -> object:
        return object()


class Story:
    """Steps, one after the other."""

    def __init__(self, tx: Transaction, file: ColumnFile) -> None:
        self.tx, self.facts, self.number, self.now = tx, [b""], 0, NOW
        put_website(tx, WEBSITE)
        file.apply(ColumnStep(gone=[number_of(ID)]))  # what another story left
        file.begin_settling()
        file.end_settling()
        file.holds_erased = False
        outbox.settle(tx, [], file.token)
        self.file = file
        self.feeder = Feeder(Here(tx), file, lambda: NOW)

    def do(self, step: Step) -> None:
        self.number += 1
        self.now += 100
        if step.what in KINDS:
            self.hit(step)
        else:
            getattr(self, step.what)(step)
        if step.is_fed:
            self.feed(step)

    def event_id(self, at: int) -> bytes:
        return at_prefix(at) + self.number.to_bytes(4, "big")

    def hit(self, step: Step) -> None:
        at = START + step.at * 10 * MINUTE
        is_goal = step.what == "custom"
        hit = Hit(
            ID,
            VISITORS[step.visitor],
            self.event_id(at),
            at,
            step.what,
            f"law.example/{step.choice % 3}" if step.choice else None,
            None,
            "other.example/x" if step.choice == 1 else None,
            f"goal{step.choice % 2}" if is_goal else None,
            DATA.get(step.what),
            PLACES[step.choice % 2],
            DEVICE,
            '{"utm_source":"s","utm_medium":"email"}' if step.choice == 2 else None,
            '{"gclid":"1"}' if step.choice == 3 else None,
        )
        record_hits(self.tx, [hit])

    def goal(self, step: Step) -> None:
        at = START + step.at * 10 * MINUTE + 1
        goal = ServerGoal(ID, VISITORS[step.visitor], self.event_id(at), f"goal{step.choice % 2}", None)
        add_goals(self.tx, [goal])

    def drop(self, step: Step) -> None:
        since = START + step.at * 10 * MINUTE
        doomed = Doomed(ID, None, f"goal{step.choice % 2}", at_prefix(since), b"\xff" * 10)
        delete_goals(self.tx, doomed, None)

    def know(self, step: Step) -> None:
        at = START + step.at * 10 * MINUTE + step.choice if step.choice else None
        said = Identify(step.user, VISITORS[step.visitor], Operations({"email": step.user}), at, [])
        self._note(identify(self.tx, [IdentifyCall(ID, SECRET, said, SERVER, True, KEY, self.now)]))

    def merge(self, step: Step) -> None:
        self._note(merge(self.tx, [MergeCall(ID, SECRET, (step.user, step.other), None, KEY, self.now)]))

    def undo(self, step: Step) -> None:
        target = self.facts[-1 - step.choice % len(self.facts)]
        self._note(undo(self.tx, [UndoCall(ID, SECRET, target, None, KEY, self.now)]))

    def _note(self, outcomes: Any) -> None:
        self.facts += [one.fact_id for one in outcomes if isinstance(one, Identified | Merged | Undone)]

    def erase(self, step: Step) -> None:
        profile = id_of_user(self.tx, ID, SECRET, step.user)
        call = EraseCall(ID, SECRET, profile, self.number.to_bytes(16, "big"), self.now)
        Erasing(ERASERS).erase(self.tx, [call])

    def pay(self, step: Step) -> None:
        visitors = [*map(format_uuid, VISITORS), None]
        paid = NewPayment(
            str(step.choice),
            Kind.REFUND if step.choice == 5 else Kind.PAYMENT,
            Money(100 + step.choice, "USD"),
            START + step.at * 10 * MINUTE + 2,
            step.user if step.choice % 2 else None,
            None,
            None,
            visitors[(step.visitor + step.choice) % 4],
        )
        payments.record(self.tx, [payments.PaymentCall(ID, paid, self.now, True)])

    def refund(self, step: Step) -> None:
        payments.remove(self.tx, [payments.RemoveCall(ID, str(step.choice), None, b"", b"")])

    def index(self, step: Step) -> None:
        index_step(self.tx, [Take(100)])

    def feed(self, step: Step) -> None:
        while self.feeder.step().has_more:
            pass
        assert self.rows() == expected_rows(self.tx)

    def some(self, step: Step) -> None:
        self.feeder.step()

    def settle(self, step: Step) -> None:
        settling = self.file.begin_settling()
        outbox.settle(self.tx, settling.change_ids, settling.token)
        self.file.end_settling()

    def retain(self, step: Step) -> None:
        place: Sweep | None = Sweep(ID, b"", START + step.at * 10 * MINUTE + step.choice)
        while place:
            found = find_cuts(self.tx, place)
            for cut in found.cuts:
                remove(self.tx, [[cut]])
            place = found.following and place._replace(visitor_id=found.following)  # type: ignore[assignment]

    def rows(self) -> list[Values]:
        return in_order(self.file.rows("SELECT * FROM event_row"))


LAST = Step("feed", 0, "", "", 0, 0)


def step(
    what: str, at: int = 0, choice: int = 0, *, visitor: int = 0, user: str = "ann", other: str = "bob"
) -> Step:
    """A step that is fed at once."""
    return Step(what, visitor, user, other, at, choice)


PAGE_AFTER_OTHERS = [step("pageview", 0, 1), step("custom", 6), step("identify", 7), step("pageview", 8, 2)]
FIRST_PAGE_LATE = [
    step("pay", 0, 4),
    step("custom"),
    step("goal"),
    step("pageview", 9, 1),
    step("goal", 6),
    step("refund", choice=4),
]
MATCHED_LATER = [
    step("pageview"),
    step("pay", 1, 3),
    step("know", user="bob", visitor=1),
    step("pageview", visitor=1),
    step("know", user="ann"),
    step("index"),
    step("know", user="bob"),
    step("merge"),
    step("index"),
    step("undo"),
    step("undo", choice=1),
    step("erase"),
]
RETAINED = [
    step("pay", 0, 3),
    step("pageview", 0, 1),
    step("custom", 1),
    step("goal", 2),
    step("pageview", 8, 2),
    step("know", 6, 2),
    step("retain", 6),
    step("pageview", 9),
    step("retain", 9),
    step("pay", 1, 4),
    step("pageview", 1, 1),
    step("know", choice=1, user="bob"),
    step("retain", 9, 5),
    step("pageview", 20),
    step("goal", 30),
    step("retain", 25),
]
LATE_FOR_RETAINED = [
    step("pageview", 0, 1),
    step("pay", 0, 3),
    step("goal", 1),
    step("custom", 8, 1),
    step("pay", 6, 4),
    step("retain", 6),
    step("pageview", 2, 2),
    step("goal", 6),
    step("goal", 1),
    step("pageview", 8, 2),
    step("custom", 9, 3),
    step("pageview", 0, 3),
    step("retain", 8),
    step("refund", choice=3),
]
NONE_KEPT = [
    step("pageview", 0, 1),
    step("pageview", 0, 1, visitor=1),
    step("pay", 2, 3, visitor=1),
    step("pay", 6, 3),
    step("goal", 8),
    step("pay", 9, 4),
    step("retain", 6),
    step("know", 1, user="bob"),
    step("merge"),
    step("custom", 9),
    step("drop"),
]
CHANGED_AND_GONE = [
    step("pageview", 0, 1),
    step("pageview", 6),
    msgspec.structs.replace(step("retain", 2), is_fed=False),
    step("know"),
]
LATE = [
    step("pageview", 9),
    step("pageview", 1, 1),
    step("know", choice=3),
    step("pageview", 6, 2),
    step("know", 6, 2, user="bob"),
    step("pageview", 0, 2),
    step("undo"),
    step("drop"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ColumnFile]:
    """The file of all stories."""
    path = tmp_path_factory.mktemp("columns") / "columns"
    make_file(path, b"t" * 16, [], LIMITS).close()
    with closing(ColumnFile(path, LIMITS)) as opened:
        yield opened


@contextmanager
def story_in(session: Any, file: ColumnFile) -> Iterator[Story]:
    """A story of which nothing is left behind in the database."""
    tx = session.begin()
    try:
        yield Story(tx, file)
    finally:
        session.rollback()


def slice_small(patch: pytest.MonkeyPatch) -> None:
    """Let visitors with a few events count as having many, and visits as long."""
    for module, name, value in (
        (feeding, "FEW", 1),
        (feeding, "MANY", 2),
        (feeding, "TURNS", 1),
        (rebuilding, "PAGE", 3),
        (deriving, "ORIGIN_EVENTS", 3),
        (model, "ORIGIN_EVENTS", 3),
        (retention, "MOST", 2),
        (retention, "SLICE", 1),
    ):
        patch.setattr(module, name, value)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=some_steps, is_sliced=st.booleans())
@example(PAGE_AFTER_OTHERS, False)
@example(PAGE_AFTER_OTHERS, True)
@example(FIRST_PAGE_LATE, False)
@example(FIRST_PAGE_LATE, True)
@example(MATCHED_LATER, False)
@example(LATE, True)
@example(RETAINED, False)
@example(RETAINED, True)
@example(LATE_FOR_RETAINED, False)
@example(LATE_FOR_RETAINED, True)
@example(NONE_KEPT, False)
@example(NONE_KEPT, True)
@example(CHANGED_AND_GONE, True)
def test_the_columns_say_what_the_database_says(
    session: Any, file: ColumnFile, steps: list[Step], is_sliced: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(session, file) as story:
        patch.setattr(feeding, "MOST_CHANGES", 2)
        patch.setattr(feeding, "VISITORS", 2)
        if is_sliced:
            slice_small(patch)
        for one in steps:
            story.do(one)
        story.do(LAST)
        assert len(outbox.change_ids(story.tx)) == len(story.file.taken)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=some_steps)
@example(LATE_FOR_RETAINED)
@example(NONE_KEPT)
def test_columns_that_are_made_anew_are_the_same(
    sqlite_session: Any, file: ColumnFile, steps: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(sqlite_session, file) as story:
        slice_small(patch)
        for one in steps:
            story.do(one)
        path = story.file.path.with_name("other")
        outbox.settle(story.tx, [], b"another")
        rebuild(Here(story.tx), path, LIMITS, b"another")
        with closing(ColumnFile(fresh_path(path), LIMITS)) as fresh:
            Feeder(Here(story.tx), fresh)
            assert in_order(fresh.rows("SELECT * FROM event_row")) == expected_rows(story.tx)


def test_an_erasure_lets_the_file_be_written_anew(session: Any, file: ColumnFile) -> None:
    with story_in(session, file) as story:
        for what in ("pageview", "know", "merge"):
            story.do(step(what))
        assert not file.holds_erased
        story.do(step("erase"))
        assert file.holds_erased


def test_nothing_is_left_of_a_website_that_was_deleted(session: Any, file: ColumnFile) -> None:
    with story_in(session, file) as story:
        for what in ("pageview", "pay", "feed"):
            story.do(step(what, 0, 1))
        assert story.rows() != []
        remove_website(story.tx, ID, NOW)
        story.do(step("pageview", 1, 1))
        assert story.rows() == []


def test_many_late_events_of_a_visitor_with_many_cost_no_more_than_a_few_passes(
    sqlite_session: Any, file: ColumnFile
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(sqlite_session, file) as story:
        slice_small(patch)
        for number in range(60):
            story.hit(step("pageview", number))
            story.number += 1
        story.feed(LAST)
        written = 0
        for _ in range(30):
            story.hit(step("pageview"))
            story.number += 1
            written += story.feeder.step().rows
        while (fed := story.feeder.step()).has_more:
            written += fed.rows
        assert story.rows() == expected_rows(story.tx)
        assert written < 3 * 90, "each late event had all written anew"
