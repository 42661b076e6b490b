"""The pure rules of identity: tables of examples, and laws that hold for all facts."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.errors import BadRequest
from footfall.identity import rules, trait_rules
from footfall.identity.identify.wire import JunkUserId, read_browser_identify, read_identify
from footfall.identity.model import Fact, Link, Merge, Operations, Traits, Undo
from footfall.ids import at_of, at_prefix
from tests.unit.strategies import (
    SECRET,
    USERS,
    VISITORS,
    WEBSITE,
    facts,
    json_values,
    make_fact,
    operations,
    small_values,
)


def at(time: int, rest: int = 0) -> bytes:
    """A fact id with a chosen order within its time."""
    return at_prefix(time) + bytes([rest]) * 10


def summary(traits: Traits) -> tuple[Any, ...]:
    return (
        rules.canonical_operations(Operations(traits.values)),
        [
            (key, rules.canonical_operations(Operations({key: value})))
            for key, value in traits.untrusted.items()
        ],
        traits.gone,
        traits.left_out,
    )


# Traits


def test_without_facts_there_are_no_traits() -> None:
    assert trait_rules.fold_traits([]) == Traits({}, {}, set())


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([(1, Operations({"k": 1})), (2, Operations({"k": 2}))], {"k": 2}),
        ([(1, Operations({"k": 1})), (2, Operations(unset=("k",)))], {}),
        ([(2, Operations({"k": 1})), (2, Operations(unset=("k",)))], {}),
        ([(1, Operations(unset=("k",))), (2, Operations(set_once={"k": 1}))], {"k": 1}),
        ([(1, Operations(set_once={"k": 1})), (2, Operations(set_once={"k": 2}))], {"k": 1}),
        ([(1, Operations({"k": 1})), (2, Operations(unset=("k",))), (3, Operations({"j": 1}))], {"j": 1}),
        ([(1, Operations({"k": {"a": 1, "b": 2}})), (2, Operations({"k": {"b": 3}}))], {"k": {"b": 3}}),
    ],
)
def test_each_key_is_decided_by_time(history: list[tuple[int, Operations]], expected: dict[str, Any]) -> None:
    assert trait_rules.fold_traits([make_fact(*entry) for entry in history]).values == expected


def test_of_sets_at_one_time_the_larger_fact_id_wins_and_of_set_onces_the_smaller() -> None:
    sets = sorted((make_fact(1, Operations({"k": n})) for n in range(5)), key=lambda fact: fact.fact_id)
    assert trait_rules.fold_traits(sets).values == sets[-1].operations.set
    once = sorted(
        (make_fact(1, Operations(set_once={"k": n})) for n in range(5)), key=lambda fact: fact.fact_id
    )
    assert trait_rules.fold_traits(once).values == once[0].operations.set_once


def test_a_trusted_call_once_and_only_trusted_calls_count_for_a_key() -> None:
    page = make_fact(9, Operations({"k": "page", "own": 1}), is_trusted=False)
    backend = make_fact(1, Operations({"k": "backend"}))
    assert trait_rules.fold_traits([page, backend]) == Traits({"k": "backend", "own": 1}, {"own": 1}, set())
    unset = make_fact(2, Operations(unset=("k",)))
    assert trait_rules.fold_traits([page, backend, unset]) == Traits({"own": 1}, {"own": 1}, {"k"})


@given(st.lists(facts(), max_size=8), st.randoms(use_true_random=False), st.data())
def test_order_and_repetition_of_facts_change_no_trait(
    many: list[Fact], chance: random.Random, data: st.DataObject
) -> None:
    repeated = many + (data.draw(st.lists(st.sampled_from(many), max_size=4)) if many else [])
    chance.shuffle(repeated)
    assert summary(trait_rules.fold_traits(repeated)) == summary(trait_rules.fold_traits(many))


@given(st.lists(facts(), max_size=8), facts(times=st.integers(6, 7)))
def test_applying_the_newest_fact_equals_folding_them_all(many: list[Fact], newest: Fact) -> None:
    before = trait_rules.fold_traits(many)
    kept = msgspec.json.encode(before.values)
    applied, refused = trait_rules.apply_newest(before, newest.operations, newest.is_trusted)

    assert summary(applied) == summary(trait_rules.fold_traits([*many, newest]))
    assert msgspec.json.encode(before.values) == kept
    if applied is before:
        assert summary(applied) == summary(before)
    assert not (refused and newest.is_trusted)
    for key in refused:
        assert trait_rules.is_decided_by_trusted(before, key)


@given(st.lists(facts(), max_size=8), st.lists(facts(), min_size=1, max_size=3))
def test_folding_in_facts_of_any_age_equals_folding_them_all(many: list[Fact], more: list[Fact]) -> None:
    traits, history, compacted = (
        trait_rules.fold_traits(many),
        trait_rules.history_of(many),
        trait_rules.history_of(many),
    )
    compacted.changes_of = {
        key: trait_rules.compact(changes) for key, changes in compacted.changes_of.items()
    }
    for fact in more:
        before, traits = traits, trait_rules.fold_in(traits, history, fact)
        assert summary(trait_rules.fold_in(before, compacted, fact)) == summary(traits)
    assert summary(traits) == summary(trait_rules.fold_traits([*many, *more]))


def test_folding_in_a_late_fact_leaves_out_the_oldest_keys() -> None:
    many = [make_fact(time, Operations({f"k{time}": time})) for time in range(10, 10 + trait_rules.MAX_KEYS)]
    traits, history = trait_rules.fold_traits(many), trait_rules.history_of(many)
    for late in (make_fact(5, Operations({"late": 1})), make_fact(900, Operations({"new": 1}))):
        many.append(late)
        traits = trait_rules.fold_in(traits, history, late)
        assert summary(traits) == summary(trait_rules.fold_traits(many))
    assert traits.left_out == {"late", "k10"}


@given(st.lists(facts(), max_size=6), operations(), st.booleans())
def test_applying_the_same_twice_changes_nothing_more(
    many: list[Fact], said: Operations, is_trusted: bool
) -> None:
    once, _ = trait_rules.apply_newest(trait_rules.fold_traits(many), said, is_trusted)
    twice, _ = trait_rules.apply_newest(once, said, is_trusted)
    assert summary(twice) == summary(once)


def test_of_more_than_fits_the_newest_keys_stay() -> None:
    many = [make_fact(time, Operations({f"k{time}": time})) for time in range(1, 300)]
    traits = trait_rules.fold_traits(many)
    assert set(traits.values) == {f"k{time}" for time in range(300 - trait_rules.MAX_KEYS, 300)}
    assert traits.left_out == {f"k{time}" for time in range(1, 300 - trait_rules.MAX_KEYS)}


# Values


@pytest.mark.parametrize(
    ("a", "b", "is_same"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (1.0, True, False),
        (None, 0, False),
        (None, None, True),
        ("1", 1, False),
        ("a", "a", True),
        ([1, 2], [2, 1], False),
        ([1], [1.0], True),
        ([1], [True], False),
        ([1], [1, 1], False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ({}, [], False),
        (2**53, 2**53 + 1, False),
        (2**53 + 1, float(2**53), False),
    ],
)
def test_values_compare_as_json_values(a: Any, b: Any, is_same: bool) -> None:
    assert trait_rules.same_value(a, b) is is_same
    assert trait_rules.same_value(b, a) is is_same


@given(json_values)
def test_a_value_equals_itself_after_a_trip_through_json(value: Any) -> None:
    assert trait_rules.same_value(value, msgspec.json.decode(msgspec.json.encode(value)))


@given(json_values, json_values)
def test_equal_values_are_equal_bytes(a: Any, b: Any) -> None:
    same_bytes = rules.canonical_operations(Operations({"k": a})) == rules.canonical_operations(
        Operations({"k": b})
    )
    assert same_bytes == trait_rules.same_value(a, b)


# Fact ids


def fact_id(**change: Any) -> bytes:
    said: dict[str, Any] = {
        "website_id": WEBSITE,
        "kind": "identify",
        "user_id": "A",
        "visitor_id": VISITORS[0],
        "at": 1_700_000_000_000,
        "operations": b'{"set":{"k":1}}',
        "source": "server",
        "actor_id": b"k" * 12,
    }
    return rules.fact_id(**{**said, **change})


def test_a_fact_id_begins_with_its_time() -> None:
    assert len(fact_id()) == 16
    assert at_of(fact_id()) == 1_700_000_000_000


def test_a_fact_id_is_stored_and_so_must_never_change() -> None:
    said = ["77" * 12, "identify", "A", "01" * 16, 1_700_000_000_000, {"set": {"k": 1}}, "server", "6b" * 12]
    digest = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
    assert fact_id().hex() == f"{1_700_000_000_000:012x}{digest[:20]}" == "018bcfe56800eea342fb6b11596a59da"


@pytest.mark.parametrize(
    "change",
    [
        {"website_id": b"x" * 12},
        {"kind": "merge"},
        {"user_id": "a"},
        {"visitor_id": VISITORS[1]},
        {"at": 1_700_000_000_001},
        {"operations": b'{"set":{"k":2}}'},
        {"source": "browser"},
        {"actor_id": None},
        {"actor_id": b"l" * 12},
    ],
)
def test_all_that_a_fact_says_is_in_its_id(change: dict[str, Any]) -> None:
    assert fact_id(**change) != fact_id()


def test_order_of_keys_and_the_form_of_numbers_are_not_in_a_fact_id() -> None:
    one = Operations({"a": 1, "b": {"x": 2.0, "y": [3.0]}}, {"c": 1, "d": 2}, ("e", "f"))
    two = Operations({"b": {"y": [3], "x": 2}, "a": 1.0}, {"d": 2, "c": 1}, ("f", "e"))
    assert rules.canonical_operations(one) == rules.canonical_operations(two)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_fact_ids_sort_by_time(one: int, two: int) -> None:
    assert (fact_id(at=one) < fact_id(at=two)) == (one < two) or one == two


@given(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_profile_ids_are_derived_from_the_user(one: str, two: str) -> None:
    ids = [rules.profile_id(SECRET, 0, one), rules.profile_id(SECRET, 0, two)]
    assert len(ids[0]) == 12
    assert (ids[0] == ids[1]) == (one == two)
    assert rules.profile_id(SECRET, 1, one) != ids[0] != rules.profile_id(b"t" * 32, 0, one)


@pytest.mark.parametrize(
    ("clock", "newest", "expected"),
    [(100, b"", 100), (100, at(50), 100), (100, at(100), 101), (100, at(500), 501)],
)
def test_a_live_call_is_later_than_all_it_could_be_compared_with(
    clock: int, newest: bytes, expected: int
) -> None:
    assert rules.live_at(clock, newest) == expected


# Links

A, B = b"A" * 12, b"B" * 12

link_facts = st.lists(
    st.tuples(st.builds(at, st.integers(1, 6), st.integers(0, 3)), st.sampled_from([A, B, None])),
    max_size=8,
    unique_by=lambda pair: pair[0],
)


def test_an_event_is_of_the_last_link_by_then_and_before_all_links_of_the_first() -> None:
    links = rules.fold_links([(at(10), A), (at(20), B), (at(30), A)])
    owners = [rules.owner_at(links, time) for time in (0, 9, 10, 19, 20, 29, 30, 99)]
    assert owners == [A, A, A, A, B, B, A, A]


def test_without_links_an_event_is_nobodys() -> None:
    assert rules.owner_at([], 5) is None


def test_after_an_erased_users_link_events_are_nobodys() -> None:
    links = rules.fold_links([(at(10), A), (at(20), None), (at(30), B)])
    assert [rules.owner_at(links, time) for time in (5, 15, 25, 35)] == [A, A, None, B]


def test_only_a_change_of_user_is_a_link() -> None:
    links = rules.fold_links([(at(1), A), (at(2), A), (at(3), B), (at(4), B), (at(5), A)])
    assert links == [Link(at(1), A), Link(at(3), B), Link(at(5), A)]
    assert rules.spans(links) == [(0, A), (3, B), (5, A)]


@given(link_facts, st.randoms(use_true_random=False))
def test_order_and_repetition_of_facts_change_no_link(
    pairs: list[tuple[bytes, bytes | None]], chance: random.Random
) -> None:
    shuffled = pairs + pairs[:2]
    chance.shuffle(shuffled)
    assert rules.fold_links(shuffled) == rules.fold_links(pairs)


@given(link_facts, st.integers(0, 7))
def test_the_owner_is_the_last_fact_by_then(pairs: list[tuple[bytes, bytes | None]], time: int) -> None:
    ordered = sorted(pairs, key=lambda pair: pair[0])
    until = [pair for pair in ordered if at_of(pair[0]) <= time] or ordered[:1]
    assert rules.owner_at(rules.fold_links(pairs), time) == (until[-1][1] if until else None)


@given(link_facts)
def test_each_moment_is_in_exactly_one_span(pairs: list[tuple[bytes, bytes | None]]) -> None:
    spans = rules.spans(rules.fold_links(pairs))
    starts = [since for since, _ in spans]
    assert starts == sorted(starts)
    assert not starts or starts[0] == 0


def test_of_a_merged_person_changes_among_its_users_are_no_spans() -> None:
    links = rules.fold_links([(at(1), A), (at(2), B), (at(3), b"C" * 12)])
    assert rules.spans_of_people(links, {A: A, B: A}) == [(0, A), (3, b"C" * 12)]


# Merges and undos


def profiles(count: int) -> list[bytes]:
    return [bytes([number + 1]) * 12 for number in range(count)]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8), st.randoms(use_true_random=False)
)
def test_people_are_components_named_by_their_smallest_in_any_order(
    pairs: list[tuple[int, int]], chance: random.Random
) -> None:
    ids = profiles(7)
    merges = [Merge(at(i), ids[a], ids[b]) for i, (a, b) in enumerate(pairs)]
    found = rules.people(merges)
    turned = [Merge(merge.fact_id, merge.other_id, merge.profile_id) for merge in merges]
    chance.shuffle(turned)
    assert rules.people(turned) == found

    for merge in merges:
        assert found[merge.profile_id] == found[merge.other_id]
    for profile, person in found.items():
        assert person <= profile
        assert found[person] == person
    reached = {profile: {profile} for profile in found}
    for _ in ids:
        for merge in merges:
            both = reached[merge.profile_id] | reached[merge.other_id]
            reached[merge.profile_id] = reached[merge.other_id] = both
    for profile, person in found.items():
        assert person in reached[profile]


@pytest.mark.parametrize(
    ("undos", "expected"),
    [
        ([], set()),
        ([(2, 1)], {1}),
        ([(2, 1), (3, 2)], {2}),
        ([(2, 1), (3, 2), (4, 3)], {1, 3}),
        ([(2, 1), (3, 1)], {1}),
        ([(2, 1), (3, 1), (4, 2)], {1, 2}),
        ([(2, 1), (3, 1), (4, 2), (5, 3)], {2, 3}),
    ],
)
def test_a_fact_counts_unless_an_undo_that_counts_names_it(
    undos: list[tuple[int, int]], expected: set[int]
) -> None:
    named = [Undo(at(undo), at(target)) for undo, target in undos]
    assert rules.inactive_facts(named) == {at(number) for number in expected}
    assert rules.inactive_facts(reversed(named)) == {at(number) for number in expected}


# The wire

VISITOR = "01010101-0101-4101-8101-010101010101"


@given(
    st.dictionaries(
        st.text(max_size=4) | st.sampled_from(["name", "image", "$at", "$unset", "$set_once", "k"]),
        json_values,
        max_size=5,
    )
)
def test_a_body_is_read_or_refused_but_never_fails(more: dict[str, Any]) -> None:
    body = {**more, "user_id": "A", "datafast_visitor_id": VISITOR}
    try:
        said = read_identify(body)
    except BadRequest:
        return
    named = [*said.operations.set, *said.operations.set_once, *said.operations.unset]
    assert len(named) == len(set(named))
    assert not any(key.startswith("$") for key in said.operations.set)
    assert None not in said.operations.set.values()


@given(
    st.dictionaries(
        st.text(max_size=4) | st.sampled_from(["name", "image", "user_id", "$at", "user_hash"]),
        json_values,
        max_size=5,
    )
)
def test_what_a_page_says_is_read_or_refused_but_never_fails(extra: dict[str, Any]) -> None:
    try:
        said = read_browser_identify({"user_id": "A", **extra}, VISITORS[0])
    except BadRequest:
        return
    assert said.operations.set_once == {}
    assert said.at is None
    assert not {"user_hash", "visitorId", "datafast_visitor_id"} & said.operations.set.keys()


def test_a_placeholder_id_is_told_apart_from_other_refusals() -> None:
    with pytest.raises(JunkUserId):
        read_identify({"user_id": "undefined", "datafast_visitor_id": VISITOR})
    with pytest.raises(BadRequest) as caught:
        read_identify({"user_id": 5, "datafast_visitor_id": VISITOR})
    assert not isinstance(caught.value, JunkUserId)


@given(st.lists(st.sampled_from(USERS), min_size=1, max_size=3), small_values)
def test_the_operations_read_are_those_sent(keys: list[str], value: Any) -> None:
    sent = dict.fromkeys(keys, value)
    said = read_identify(
        {"user_id": "A", "visitorId": VISITOR, **sent, "$set_once": {"o": value}, "$unset": ["u", "u"]}
    )
    assert said.operations == Operations(sent, {"o": value}, ("u",))
    assert json.loads(rules.canonical_operations(said.operations))["unset"] == ["u"]
