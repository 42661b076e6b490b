"""The laws of identity, on both engines through the real handlers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.db.protocol import Transaction
from footfall.identity.audit.verify import verify_identity
from footfall.identity.fold import find_user
from footfall.identity.ledger.merge import Merged
from footfall.identity.ledger.show import person_then
from footfall.identity.ledger.undo import Undone
from footfall.identity.model import Operations
from tests.laws import world
from tests.laws.world import START, USERS, WEBSITE, Said, deliver, join, prepare, state, take_back

law = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
some_facts = st.lists(world.facts, min_size=1, max_size=8)


@contextlib.contextmanager
def world_of(session: Any) -> Iterator[Transaction]:
    """A transaction with the website and its visitors in it, that leaves no trace."""
    tx = session.begin()
    try:
        prepare(tx)
        yield tx
    finally:
        session.rollback()


def delivered(session: Any, said: list[Said]) -> dict[str, list[tuple[Any, ...]]]:
    """The state after these facts came one by one; it is what the ledger folds to."""
    with world_of(session) as tx:
        for one in said:
            deliver(tx, [one])
        assert verify_identity(tx).shown == []
        return state(tx)


@law
@given(data=st.data(), said=some_facts)
def test_the_order_in_which_facts_arrive_changes_nothing(
    session: Any, data: st.DataObject, said: list[Said]
) -> None:
    order = data.draw(st.permutations(said))
    assert delivered(session, order) == delivered(session, said)


@law
@given(data=st.data(), said=some_facts)
def test_facts_that_arrive_again_change_nothing(session: Any, data: st.DataObject, said: list[Said]) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=4))
    assert delivered(session, said + again) == delivered(session, said)


@law
@given(said=some_facts)
def test_a_batch_equals_the_same_calls_one_by_one(session: Any, said: list[Said]) -> None:
    with world_of(session) as tx:
        together = deliver(tx, said)
        batch = state(tx)
    with world_of(session) as tx:
        alone = [deliver(tx, [one])[0] for one in said]
        assert state(tx) == batch
    assert alone == together


@law
@given(said=some_facts, pair=st.permutations(USERS))
def test_a_merge_that_is_undone_never_was(session: Any, said: list[Said], pair: list[str]) -> None:
    with world_of(session) as tx:
        deliver(tx, said)
        before = state(tx)
        merged = join(tx, pair[0], pair[1])
        if not isinstance(merged, Merged):
            assert {pair[0], pair[1]} - {one.user for one in said}
            return
        assert verify_identity(tx).shown == []
        together = state(tx)
        undone = take_back(tx, merged.fact_id)
        assert isinstance(undone, Undone)
        assert state(tx) == before
        take_back(tx, undone.fact_id)
        assert state(tx) == together
        assert verify_identity(tx).shown == []


@law
@given(data=st.data(), said=some_facts)
def test_an_identify_that_is_undone_never_was(session: Any, data: st.DataObject, said: list[Said]) -> None:
    doomed = data.draw(st.integers(0, len(said) - 1))
    with world_of(session) as tx:
        outcomes = deliver(tx, said)
        rest = [
            one
            for one, outcome in zip(said, outcomes, strict=True)
            if outcome.fact_id != outcomes[doomed].fact_id
        ]
        take_back(tx, outcomes[doomed].fact_id)
        assert verify_identity(tx).shown == []
        assert state(tx) == delivered_in(tx, session, rest)


def delivered_in(tx: Transaction, session: Any, said: list[Said]) -> dict[str, list[tuple[Any, ...]]]:
    """The state after `said` in a world of its own, which ends this one."""
    session.rollback()
    return delivered(session, said)


@law
@given(said=some_facts, order=st.permutations([("ann", "bob"), ("bob", "Bob"), ("ann", "Bob")]))
def test_merges_in_any_order_make_one_person_with_one_id(
    session: Any, said: list[Said], order: list[tuple[str, str]]
) -> None:
    said = said + [Said(0, user, 9, Operations(), True) for user in USERS]
    with world_of(session) as tx:
        deliver(tx, said)
        for first, second in order:
            assert isinstance(join(tx, first, second), Merged)
        people = {row[2] for row in state(tx)["profile"]}
        assert people == {min(row[1] for row in state(tx)["profile"])}
        assert verify_identity(tx).shown == []


@law
@given(said=some_facts, at=st.integers(0, 9))
def test_as_of_a_time_equals_the_facts_up_to_it(session: Any, said: list[Said], at: int) -> None:
    early = [one for one in said if one.at <= at]
    for user in {one.user for one in said}:
        with world_of(session) as tx:
            deliver(tx, said)
            profile = find_user(tx, WEBSITE.website_id, WEBSITE.profile_secret, user)
            assert profile is not None
            then = person_then(tx, WEBSITE.website_id, profile.profile_id, START + at)
        with world_of(session) as tx:
            if early:
                deliver(tx, early)
            there = find_user(tx, WEBSITE.website_id, WEBSITE.profile_secret, user)
            now = None if there is None else person_then(tx, WEBSITE.website_id, there.profile_id)
        assert then == now


@pytest.mark.parametrize("times", [(10, 5), (5, 10)])
def test_the_newest_value_wins_whenever_it_arrives(session: Any, times: tuple[int, int]) -> None:
    said = [Said(0, "ann", at, Operations({"plan": at}), True) for at in times]
    with world_of(session) as tx:
        deliver(tx, said)
        assert state(tx)["profile"][0][7] == b'{"plan":10}'
