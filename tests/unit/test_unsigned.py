"""What unsigned calls of pages may cost: room in a profile, facts in the ledger, reads of a call."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.clock import DAY_MS
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement
from footfall.errors import BadRequest
from footfall.identity import trait_rules
from footfall.identity.identify.model import MAX_UNSIGNED_A_DAY, Identified, IdentifyCall, TooMany
from footfall.identity.identify.service import IDENTIFY_HANDLER, identify
from footfall.identity.model import BROWSER, Fact, Operations, Traits
from footfall.identity.trait_rules import MAX_KEYS, MAX_UNTRUSTED_BYTES, MAX_UNTRUSTED_KEYS
from footfall.ids import at_of
from tests.unit.strategies import VISITORS, make_fact
from tests.unit.test_batches import NOW, call, clean, session


def page(at: int, sets: dict[str, Any] | None = None, unset: tuple[str, ...] = ()) -> Fact:
    return make_fact(at, Operations(sets or {}, unset=unset), is_trusted=False, source=BROWSER)


def backend(at: int, sets: dict[str, Any] | None = None, unset: tuple[str, ...] = ()) -> Fact:
    return make_fact(at, Operations(sets or {}, unset=unset))


def same(one: Traits, other: Traits) -> bool:
    return one == other and list(one.untrusted) == list(other.untrusted)


# Room in a profile


def test_of_keys_that_only_pages_set_the_newest_64_stay() -> None:
    traits = trait_rules.fold_traits([page(at, {f"k{at}": at}) for at in range(1, 101)])
    assert set(traits.values) == {f"k{at}" for at in range(101 - MAX_UNTRUSTED_KEYS, 101)}
    assert traits.left_out == set()


def test_a_key_that_a_page_says_again_is_new_again() -> None:
    facts = [page(at, {f"k{at}": at}) for at in range(1, 65)]
    traits = trait_rules.fold_traits([*facts, page(70, {"k1": 1}), page(71, {"more": 1})])
    assert "k1" in traits.values
    assert "k2" not in traits.values


def test_what_pages_set_takes_8_kibibytes_at_most() -> None:
    traits = trait_rules.fold_traits([page(at, {f"k{at}": "x" * 1000}) for at in range(1, 20)])
    assert set(traits.values) == {f"k{at}" for at in range(12, 20)}
    assert len(msgspec.json.encode(traits.values)) <= MAX_UNTRUSTED_BYTES
    large = trait_rules.fold_traits([page(1, {"k": 1}), page(2, {"large": "x" * MAX_UNTRUSTED_BYTES})])
    assert large.values == {"k": 1}


def test_a_backend_always_finds_room() -> None:
    many = {f"p{number}": number for number in range(254)}
    trusted = {f"k{number}": "x" * 100 for number in range(MAX_KEYS)}
    for facts in ([page(1, many), backend(2, trusted)], [backend(1, trusted), page(2, many)]):
        traits = trait_rules.fold_traits(facts)
        assert traits.values == trusted
        assert traits.left_out == set(traits.untrusted) != set()
    some = {f"k{number}": 1 for number in range(MAX_KEYS - 10)}
    traits = trait_rules.fold_traits([page(1, many), backend(2, some)])
    assert some.items() <= traits.values.items()
    assert len(traits.values) == MAX_KEYS


def test_what_gave_way_is_there_again_once_there_is_room() -> None:
    few, trusted = {"a": 1, "b": 2}, {f"k{number}": 1 for number in range(MAX_KEYS)}
    facts = [page(1, few), backend(2, trusted), backend(3, unset=("k0", "k1"))]
    traits = trait_rules.fold_traits(facts[:2])
    assert (traits.values, traits.left_out) == (trusted, {"a", "b"})
    assert few.items() <= trait_rules.fold_traits(facts).values.items()
    assert same(
        trait_rules.apply_newest(traits, facts[2].operations, True)[0], trait_rules.fold_traits(facts)
    )


SIZES = st.sampled_from([1, "x" * 1500, "x" * 3000, "x" * 9000])
NAMES = st.sampled_from([f"k{number}" for number in range(8)])
said = st.builds(
    lambda at, sets, unset, is_trusted: (backend if is_trusted else page)(
        at, {key: value for key, value in sets.items() if key not in unset}, tuple(sorted(unset))
    ),
    st.integers(1, 12),
    st.dictionaries(NAMES, SIZES, max_size=4) | st.just({f"w{number}": 1 for number in range(62)}),
    st.sets(NAMES, max_size=1),
    st.booleans(),
)
HALF = {f"t{number}": "x" * 3000 for number in range(9)}


@settings(max_examples=60, deadline=None)
@given(st.lists(said, max_size=10), st.booleans(), st.randoms(use_true_random=False))
@example(
    [page(1, {"a": "x" * 5000}), page(2, {"b": "x" * 5000}), page(3, {"b": 1}), page(4, {"c": 1})],
    True,
    random.Random(1),
)
def test_room_is_a_function_of_the_facts_however_they_are_folded(
    many: list[Fact], is_full: bool, chance: Any
) -> None:
    many = [backend(0, HALF), *many] if is_full else many
    ordered = sorted({fact.fact_id: fact for fact in many}.values(), key=lambda fact: fact.fact_id)
    folded = trait_rules.fold_traits(ordered)
    chance.shuffle(many)
    assert same(trait_rules.fold_traits(many + many[:2]), folded)

    late, history = Traits({}, {}, set()), trait_rules.History()
    for fact in many:
        late = trait_rules.fold_in(late, history, fact)
    assert same(late, folded)

    live = Traits({}, {}, set())
    for index, fact in enumerate(ordered):
        before, live_now = live, trait_rules.fold_traits(ordered[: index + 1])
        live, _ = trait_rules.apply_newest(before, fact.operations, fact.is_trusted)
        is_newest = not index or at_of(ordered[index - 1].fact_id) < at_of(fact.fact_id)
        if not is_newest or trait_rules.trusted_left_out(before) or trait_rules.trusted_left_out(live_now):
            live = live_now  # the shortcut is not for these
        assert same(live, live_now)
    unsigned = {key: value for key, value in folded.values.items() if key in folded.untrusted}
    assert len(unsigned) <= MAX_UNTRUSTED_KEYS
    assert len(msgspec.json.encode(unsigned)) <= MAX_UNTRUSTED_BYTES


def test_a_page_cannot_keep_the_backend_from_identifying() -> None:
    noise = [
        call(said=Operations({f"p{n}": 1 for n in range(254)}), source=BROWSER, now=NOW + n) for n in range(3)
    ]
    trusted = {f"k{number}": 1 for number in range(MAX_KEYS)}
    with session() as opened:
        outcomes = opened.transact(
            lambda tx: identify(
                tx,
                [
                    *noise,
                    call(said=Operations({"a": 1}), now=NOW + 5),
                    call(said=Operations(trusted), now=NOW + 6),
                    call(said=Operations({**trusted, "b": 1}), now=NOW + 7),
                ],
            )
        )
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Identified] * 4 + [BadRequest] * 2
        told = [warning.code for warning in outcomes[0].warnings]  # type: ignore[union-attr]
        assert told == ["left_out"] * (254 - MAX_UNTRUSTED_KEYS)
        clean(opened)
        full = opened.transact(
            lambda tx: identify(tx, [call(said=Operations({f"k{n}": 1 for n in range(255)}), now=NOW + 9)])
        )
        warnings = full[0].warnings  # type: ignore[union-attr]
        assert {warning.code for warning in warnings} == {"left_out"}
        assert len(warnings) == MAX_UNTRUSTED_KEYS
        clean(opened)


# Facts of a day


def unsigned(user: str, number: int, now: int = NOW) -> IdentifyCall:
    return call(user, said=Operations({"n": number}), source=BROWSER, now=now)


def test_a_visitor_brings_500_unsigned_facts_a_day() -> None:
    many = [unsigned(f"user{number % 7}", number) for number in range(MAX_UNSIGNED_A_DAY + 2)]
    with session() as opened:
        first = opened.transact(lambda tx: identify(tx, many[:300]))
        outcomes = first + opened.transact(lambda tx: identify(tx, many[300:]))
        assert [type(one) for one in outcomes] == [Identified] * MAX_UNSIGNED_A_DAY + [TooMany] * 2
        more = [
            unsigned("user1", 1),
            call("user1"),
            msgspec.structs.replace(unsigned("user1", 1), is_trusted=True),
            msgspec.structs.replace(unsigned("user1", 1), said=call("user1", VISITORS[1]).said),
            unsigned("user1", 1, now=NOW + DAY_MS),
        ]
        kinds = [type(one) for one in opened.transact(lambda tx: identify(tx, more))]
        assert kinds == [TooMany, Identified, Identified, Identified, Identified]
        clean(opened)


# What a call reads


class Reads:
    """A transaction that counts the rows it gives."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def all(self, statement: Statement, params: Params = ()) -> list[Row]:
        found = self._tx.all(statement, params)
        self.rows += len(found)
        return found


@pytest.mark.parametrize("user", ["till3", "new", "till200"])
@pytest.mark.parametrize("at", [None, NOW + 1, NOW + 150, NOW + 199])
def test_a_visitor_who_was_many_people_costs_no_more_than_any_other(user: str, at: int | None) -> None:
    before = [call(f"till{number}", now=NOW + number) for number in range(200)]
    with session() as opened:
        opened.transact(lambda tx: identify(tx, before + before[:50]))

        def count(tx: Transaction) -> int:
            reads: Any = Reads(tx)
            (outcome,) = identify(reads, [call(user, at=at, now=NOW + 60_000)])
            assert isinstance(outcome, Identified)
            return int(reads.rows)

        assert opened.transact(count) <= 10
        clean(opened)


def test_a_call_about_long_ago_is_written_off_the_event_loop() -> None:
    is_long = IDENTIFY_HANDLER.is_long
    assert is_long is not None
    assert [is_long(call(at=at)) for at in (None, NOW, NOW - 60_001)] == [False, False, True]
