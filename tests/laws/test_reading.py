"""Whatever happens, in whatever order, every answer is the one that the rules give: identify, merge, undo and erase on both engines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.app import ERASERS, EXPORTERS
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.errors import Conflict
from footfall.identity import store
from footfall.identity.audit.verify import verify_identity
from footfall.identity.identify.model import BeforeErasure, Identified, IdentifyCall
from footfall.identity.identify.service import identify, preview
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import MergeCall, Merged, merge
from footfall.identity.ledger.show import person_now, person_then
from footfall.identity.ledger.undo import UndoCall, Undone, undo
from footfall.identity.model import BROWSER, SERVER, Operations, Person
from footfall.identity.reading import profile_of_visitor
from footfall.identity.rules import boundary_id
from footfall.identity.trait_rules import same_value
from footfall.ids import MAX_AT, at_of, at_prefix, format_uuid
from footfall.people.endpoints import JourneyQuery, PersonQuery, read_journey, read_person
from footfall.people.journey import visitor_journey
from footfall.people.model import JourneyPart, PersonDetail
from footfall.people.person import activity_of, look_at, read_activities
from footfall.privacy.erase import EraseCall, Erasing
from footfall.privacy.export import Exporting
from tests.laws import world
from tests.laws.reading import Answer, Call, Reading
from tests.laws.test_laws import world_of
from tests.laws.world import KEY, START, USERS, VISITORS, WEBSITE

ID, SECRET = WEBSITE.website_id, WEBSITE.profile_secret
_EVENT = make_statement(
    "happened",
    "website_id bytes, visitor_id bytes, event_id bytes",
    "INSERT INTO event (website_id, visitor_id, event_id, type, session_started_at)"
    " VALUES (:website_id, :visitor_id, :event_id, 'pageview', 0)",
)


class Step(msgspec.Struct, frozen=True):
    """Something that is done `later` ms after what was done before; which fields count depends on what."""

    what: str
    later: int
    visitor: int
    user: str
    other: str
    at: int | None
    operations: Operations
    is_trusted: bool
    choice: int


steps = st.builds(
    Step,
    what=st.sampled_from(["identify"] * 5 + ["merge", "merge", "undo", "undo", "erase"]),
    later=st.integers(0, 2),
    visitor=st.sampled_from([0, 0, 1, 2]),
    user=st.sampled_from(USERS),
    other=st.sampled_from(USERS),
    at=st.none() | st.integers(0, 9),
    operations=world.operations(),
    is_trusted=st.booleans(),
    choice=st.integers(0, 99),
)


class Story:
    """What is done to the server is told to the reading too."""

    def __init__(self, tx: Transaction, events: list[tuple[int, int]]) -> None:
        self.tx, self.reading, self.now = tx, Reading(SECRET), START
        self.erasures = 0
        for number, (visitor, at) in enumerate(events):
            self.reading.events.append((VISITORS[visitor], START + at))
            row = (ID, VISITORS[visitor], at_prefix(START + at) + number.to_bytes(4, "big"))
            tx.execute(_EVENT, row)

    def do(self, step: Step) -> None:
        self.now += step.later
        getattr(self, step.what)(step)

    def identify(self, step: Step) -> None:
        reading, visitor = self.reading, VISITORS[step.visitor]
        at = None if step.at is None else START + step.at
        said = Identify(step.user, visitor, step.operations, at, [])
        source, key = (SERVER, KEY) if step.is_trusted else (BROWSER, None)
        call = IdentifyCall(ID, SECRET, said, source, step.is_trusted, key, self.now)
        ((would,),) = preview(self.tx, [[call]])
        (outcome,) = identify(self.tx, [call])
        assert would == outcome
        if at is not None and at <= reading.erased.get(step.user, (0, -1))[1]:
            assert isinstance(outcome, BeforeErasure)
            return
        assert isinstance(outcome, Identified)
        profile, before = reading.profile_id(step.user), reading.person(reading.profile_id(step.user))
        is_new = outcome.fact_id not in reading.calls
        existed = any(one.profile == profile for one in reading.known().values())
        links = [owner for fact, owner in reading.links(visitor) if fact < outcome.fact_id]
        reading.users[profile] = step.user
        reading.calls[outcome.fact_id] = Call(profile, step.user, visitor, step.operations, step.is_trusted)
        after = reading.person(profile)
        if is_new and after is not None:
            previous = links[-1] if links else None
            is_same = previous is None or previous in reading.everybody(profile)
            assert outcome.previous_user_id == (None if is_same else reading.users[previous or b""])
            changed = before is None or not alike(before, after)
            assert outcome.action == ("created" if not existed else "updated" if changed else "unchanged")
            assert (outcome.profile_id, outcome.linked_visitors) == (after.profile_id, len(after.spans))

    def merge(self, step: Step) -> None:
        call = MergeCall(ID, SECRET, (step.user, step.other), None, KEY, self.now)
        (would,) = merge(self.tx, [msgspec.structs.replace(call, is_dry_run=True)])
        (outcome,) = merge(self.tx, [call])
        pair = self.reading.profile_id(step.user), self.reading.profile_id(step.other)
        active = {one.profile for one in self.reading.known().values()}
        assert isinstance(outcome, Merged) == (pair[0] != pair[1] and set(pair) <= active)
        if isinstance(outcome, Merged):
            assert would == outcome
            self.reading.merges[outcome.fact_id] = pair

    def undo(self, step: Step) -> None:
        reading = self.reading
        if facts := [*reading.calls, *reading.merges, *reading.undos]:
            target = facts[step.choice % len(facts)]
            was_active = reading.is_active(target)
            (outcome,) = undo(self.tx, [UndoCall(ID, SECRET, target, None, KEY, self.now)])
            assert isinstance(outcome, Undone)
            assert outcome.is_new == was_active
            if was_active:
                reading.undos[outcome.fact_id] = target
            pair = reading.merges.get(target) if was_active else None
            assert bool(outcome.still_merged_by) == (
                pair is not None and pair[1] in reading.everybody(pair[0])
            )

    def erase(self, step: Step) -> None:
        profile = self.reading.profile_id(step.user)
        self.erasures += 1
        erasure_id = self.erasures.to_bytes(16, "big")
        (receipt,) = Erasing(ERASERS).erase(self.tx, [EraseCall(ID, SECRET, profile, erasure_id, self.now)])
        joined = self.reading.everybody(profile)
        assert (receipt is not None) == any(one.profile in joined for one in self.reading.calls.values())
        if receipt is not None:
            (undone,) = undo(self.tx, [UndoCall(ID, SECRET, erasure_id, None, KEY, self.now)])
            assert isinstance(undone, Conflict)
            self.reading.erase(profile, receipt.erased_at, lambda fact: boundary_id(SECRET, fact))

    def check(self) -> None:
        """Everything that can be asked is answered as the reading has it."""
        assert verify_identity(self.tx).shown == []
        people = {}
        for profile in self.reading.users:
            for at in (MAX_AT, START, START + 4):
                self._check_person(profile, at)
            if (person := self.reading.person(profile)) is not None:
                people[person.profile_id] = person.events
        nobodys = [one for one in self.reading.events if self.reading.owner(*one) is None]
        assert sum(people.values()) + len(nobodys) == len(self.reading.events)
        for visitor in VISITORS:
            owner = ([None] + [profile for _, profile in self.reading.links(visitor)])[-1]
            wanted = None if owner is None else self.reading.person(owner)
            shown = profile_of_visitor(self.tx, ID, visitor)
            assert (shown and (shown.profile_id, shown.user_id)) == (
                wanted and (wanted.profile_id, wanted.user_ids[0])
            )

    def _check_person(self, profile: bytes, at: int) -> None:
        wanted = self.reading.person(profile, at)
        found = read_person(self.tx, PersonQuery(WEBSITE, profile, at, True))
        assert (found is None) == (wanted is None)
        if found is None or wanted is None:
            return
        person = found.person
        assert (person.person_id, person.user_ids) == (wanted.profile_id, wanted.user_ids)
        assert same_value(person.traits, wanted.metadata)
        stays = {one.visitor_id: [(s.since, s.until) for s in one.stays] for one in found.visitors}
        assert stays == wanted.spans
        assert found.page_view_count == wanted.events
        assert found.reasons is not None
        reasons = found.reasons.traits
        assert {key: reason.origin.fact_id for key, reason in reasons.items()} == wanted.facts
        assert same_value({key: reason.replaced for key, reason in reasons.items()}, wanted.replaced)
        if at == MAX_AT:
            part = read_journey(self.tx, JourneyQuery(WEBSITE, profile, b"", 250, True))
            assert part is not None
            assert sum(entry.type == "pageview" for entry in part.entries) == wanted.events
            self._check_row(profile)

    def _check_row(self, profile: bytes) -> None:
        """A list says of a person what their own page says."""
        person = person_now(self.tx, ID, profile)
        assert person is not None
        (row,) = read_activities(self.tx, ID, [list(person.members)])
        assert row == activity_of(look_at(self.tx, ID, [person.spans])[0])


def alike(first: Answer, second: Answer) -> bool:
    """Whether traits, visitors and spans are the same."""
    return same_value(first.metadata, second.metadata) and first.spans == second.spans


law = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
long_law = settings(law, max_examples=250)
some_steps = st.lists(steps, min_size=8, max_size=18)
some_events = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 11)), max_size=6)


def tell(session: Any, told: list[Step], events: list[tuple[int, int]]) -> None:
    """Do all this, and compare every answer."""
    with world_of(session) as tx:
        story = Story(tx, events)
        for step in told:
            story.do(step)
        story.check()


@law
@given(told=some_steps, events=some_events)
def test_every_answer_is_that_of_the_rules(
    session: Any, told: list[Step], events: list[tuple[int, int]]
) -> None:
    tell(session, told, events)


@long_law
@given(told=some_steps, events=some_events)
def test_every_answer_of_the_embedded_database_is_that_of_the_rules_however_rare_the_story(
    sqlite_session: Any, told: list[Step], events: list[tuple[int, int]]
) -> None:
    tell(sqlite_session, told, events)


@law
@given(told=some_steps, events=some_events, limit=st.integers(1, 4))
def test_what_is_stored_answers_as_the_facts_do(
    session: Any, told: list[Step], events: list[tuple[int, int]], limit: int
) -> None:
    with world_of(session) as tx:
        story = Story(tx, events)
        for step in told:
            story.do(step)
        for profile in story.reading.users:
            folded = read_person(tx, PersonQuery(WEBSITE, profile, MAX_AT, True))
            stored = read_person(tx, PersonQuery(WEBSITE, profile))
            assert stored == without_reasons(folded)
            assert stored is None or same_value(stored.person.traits, folded and folded.person.traits)
            then = person_then(tx, ID, profile)
            wanted = [fact.fact_id for fact in then.facts] if then else []
            for newest_first in (False, True):
                read = functools.partial(journey_part, tx, profile, limit, newest_first)
                found = walk(read)
                assert found == (wanted[::-1] if newest_first else wanted)
        for visitor in VISITORS:
            facts = store.facts_on_visitor(tx, ID, visitor)
            wanted = sorted((fact for fact, owner in facts if owner), reverse=True)
            assert walk(functools.partial(visitor_journey, tx, ID, visitor, limit=limit)) == wanted


def without_reasons(detail: PersonDetail | None) -> PersonDetail | None:
    """As a person is shown whose reasons were not asked for."""
    if detail is None:
        return None
    fields = {name: getattr(detail.person, name) for name in Person.__struct_fields__}
    return msgspec.structs.replace(detail, reasons=None, person=Person(**fields))


def journey_part(
    tx: Transaction, profile: bytes, limit: int, newest_first: bool, cursor: bytes
) -> JourneyPart | None:
    return read_journey(tx, JourneyQuery(WEBSITE, profile, cursor, limit, newest_first))


def walk(read: Callable[[bytes], JourneyPart | None]) -> list[bytes]:
    """The fact ids of the identify entries of a whole journey, which `read` reads part by part."""
    found: list[bytes] = []
    cursor: bytes | None = b""
    while cursor is not None:
        part = read(cursor)
        entries, cursor = (part.entries, part.following) if part else ([], None)
        found += [one.fact_id for one in entries if one.fact_id is not None]
    return found


class CountingTransaction:
    """A transaction that counts the rows it gives."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.rows = 0

    def all(self, *asked: Any) -> list[Any]:
        found = self._tx.all(*asked)
        self.rows += len(found)
        return found

    def one(self, *asked: Any) -> Any:
        self.rows += 1
        return self._tx.one(*asked)

    def get_many(self, statement: Any, keys: Any) -> Any:
        self.rows += len(keys)
        return self._tx.get_many(statement, keys)

    def get_many_together(self, *asked: Any) -> Any:
        self.rows += sum(len(keys) for _, keys in asked)
        return self._tx.get_many_together(*asked)

    def all_together(self, *asked: Any) -> list[Any]:
        return [self.all(*one) for one in asked]

    def groups(self, *asked: Any) -> Any:
        self.rows += sum(len(keys) for _, keys in asked)
        return self._tx.groups(*asked)


@pytest.mark.parametrize("ask", ["profile", "journey", "visitor"])
def test_how_often_a_person_was_identified_makes_no_answer_longer(session: Any, ask: str) -> None:
    rows: list[int] = []
    with world_of(session) as tx:
        for times in (range(12), range(12, 24)):
            told = world.deliver(tx, [world.Said(0, "ann", at, Operations(), True) for at in times])
            counting: Any = CountingTransaction(tx)
            if ask == "profile":
                read_person(counting, PersonQuery(WEBSITE, told[0].profile_id))
            elif ask == "journey":
                read_journey(counting, JourneyQuery(WEBSITE, told[0].profile_id, b"", 3, True))
            else:
                visitor_journey(counting, ID, VISITORS[0], b"", 3)
            rows.append(counting.rows)
    assert rows[0] == rows[1] > 0


@law
@given(said=st.lists(world.facts, min_size=1, max_size=8))
def test_exported_facts_taken_in_by_an_empty_server_give_the_same_answers(
    session: Any, said: list[world.Said]
) -> None:
    users = {one.user for one in said}
    with world_of(session) as tx:
        world.deliver(tx, said)
        before = world.state(tx)
        held = [exported(tx, user) for user in users]
    with world_of(session) as tx:
        world.deliver(tx, [_said(fact) for one in held if one is not None for fact in one["ledger"]])
        assert world.state(tx) == before
        assert [exported(tx, user) for user in users] == held


def exported(tx: Transaction, user: str) -> Any:
    """The document of a user's export."""
    found = Exporting(EXPORTERS).read(tx, (WEBSITE, user))
    return None if found is None else msgspec.json.decode(b"".join(found.parts))


def _said(fact: dict[str, Any]) -> world.Said:
    visitor = [format_uuid(one) for one in VISITORS].index(fact["visitorId"])
    operations = msgspec.convert(fact["operations"], Operations)
    at = at_of(bytes.fromhex(fact["factId"])) - START
    return world.Said(visitor, fact["userId"], at, operations, fact["trusted"])
