"""The laws of identity, on the pure fold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.identity import rules, trait_rules
from footfall.identity.model import IDENTIFY, Fact, Merge, Undo
from footfall.ids import at_of
from tests.laws import world
from tests.laws.world import START, VISITORS, WEBSITE, Said

law = settings(max_examples=150, deadline=None)
some_facts = st.lists(world.facts, min_size=1, max_size=9)


def fact_of(said: Said) -> Fact:
    """The fact that the handler would write."""
    call = said.call()
    text = rules.canonical_operations(said.operations)
    visitor = VISITORS[said.visitor]
    fact_id = rules.fact_id(
        WEBSITE.website_id, IDENTIFY, said.user, visitor, START + said.at, text, call.source, call.actor_id
    )
    profile = rules.profile_id(WEBSITE.profile_secret, 0, said.user)
    return Fact(
        fact_id,
        IDENTIFY,
        profile,
        said.user,
        visitor,
        0,
        call.source,
        said.is_trusted,
        call.actor_id,
        said.operations,
    )


@law
@given(data=st.data(), said=some_facts)
def test_traits_do_not_depend_on_the_order_of_facts(data: st.DataObject, said: list[Said]) -> None:
    facts = [fact_of(one) for one in said]
    assert trait_rules.fold_traits(data.draw(st.permutations(facts))) == trait_rules.fold_traits(facts)


@law
@given(said=some_facts)
def test_traits_do_not_depend_on_how_often_a_fact_is_there(said: list[Said]) -> None:
    facts = [fact_of(one) for one in said]
    assert trait_rules.fold_traits(facts + facts) == trait_rules.fold_traits(facts)


@law
@given(said=some_facts)
def test_the_shortcut_for_a_newest_fact_gives_what_the_fold_gives(said: list[Said]) -> None:
    facts = sorted((fact_of(one) for one in said), key=lambda fact: fact.fact_id)
    for index, fact in enumerate(facts[1:], 1):
        if at_of(fact.fact_id) > at_of(facts[index - 1].fact_id):
            before = trait_rules.fold_traits(facts[:index])
            after, _ = trait_rules.apply_newest(before, fact.operations, fact.is_trusted)
            folded = trait_rules.fold_traits(facts[: index + 1])
            assert trait_rules.same_value(after.values, folded.values)
            assert (list(after.untrusted), after.gone) == (list(folded.untrusted), folded.gone)


@law
@given(data=st.data(), said=some_facts)
def test_links_do_not_depend_on_order_or_repetition(data: st.DataObject, said: list[Said]) -> None:
    pairs: list[tuple[bytes, bytes | None]] = [(fact.fact_id, fact.profile_id) for fact in map(fact_of, said)]
    assert rules.fold_links(data.draw(st.permutations(pairs + pairs[:2]))) == rules.fold_links(pairs)


@law
@given(said=some_facts, events=st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 11)), max_size=20))
def test_every_event_is_answered_for_by_one_person_or_by_nobody(
    said: list[Said], events: list[tuple[int, int]]
) -> None:
    facts = [fact_of(one) for one in said]
    total = 0
    for visitor in range(3):
        links = rules.fold_links(
            (fact.fact_id, fact.profile_id) for fact in facts if fact.visitor_id == VISITORS[visitor]
        )
        people = {link.profile_id for link in links}
        for _, at in (event for event in events if event[0] == visitor):
            owner = rules.owner_at(links, START + at)
            assert owner in people or (owner is None and not links)
            earlier = [link for link in links if at_of(link.fact_id) <= START + at]
            assert not links or owner == (earlier or links[:1])[-1].profile_id
            total += 1
    assert total == len(events)


@law
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8), data=st.data())
def test_people_are_connected_components_named_by_their_smallest_member(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    merges = [Merge(bytes([index]), bytes([a]), bytes([b])) for index, (a, b) in enumerate(pairs)]
    people = rules.people(merges)
    assert rules.people(data.draw(st.permutations(merges))) == people
    for merge in merges:
        assert people[merge.profile_id] == people[merge.other_id]
    for person in people.values():
        assert person == min(profile for profile, owner in people.items() if owner == person)


@law
@given(targets=st.lists(st.integers(0, 9), max_size=9))
def test_a_fact_counts_unless_an_undo_that_counts_names_it(targets: list[int]) -> None:
    undos = [
        Undo(bytes([10 + index]), bytes([target if target < 5 or index == 0 else 10 + target % index]))
        for index, target in enumerate(targets)
    ]
    inactive = rules.inactive_facts(undos)
    for target in {undo.target_id for undo in undos}:
        named_by = [undo.fact_id for undo in undos if undo.target_id == target]
        assert (target in inactive) == any(fact not in inactive for fact in named_by)
