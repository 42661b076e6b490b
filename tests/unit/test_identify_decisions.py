"""What one identify call changes: decided from what is known, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.errors import BadRequest
from footfall.identity.identify.rules import Beside, Decision, Situation, decide
from footfall.identity.model import BROWSER, IDENTIFY, SERVER, Fact, Link, Operations, Traits
from footfall.identity.rules import canonical_operations
from footfall.identity.trait_rules import MAX_KEYS, history_of
from footfall.ids import at_prefix

ANN, BOB, BEN = b"a" * 12, b"b" * 12, b"c" * 12
"""Profiles; Bob and Ben may be one person."""


def fact_id(time: int) -> bytes:
    return at_prefix(time) + bytes(10)


def fact(time: int, profile: bytes, said: dict[str, Any] | None = None, *, is_trusted: bool = True) -> Fact:
    source = SERVER if is_trusted else BROWSER
    operations = Operations(said or {})
    return Fact(fact_id(time), IDENTIFY, profile, "user", bytes(16), 0, source, is_trusted, None, operations)


def known(new: Fact, beside: Beside | None = None, **more: Any) -> Situation:
    nothing: dict[str, Any] = {
        "is_new": False,
        "traits": Traits({}, {}, set()),
        "history": None,
        "members": (),
    }
    operations = canonical_operations(new.operations)
    return Situation(fact=new, operations=operations, beside=beside, **(nothing | more))


def decided(situation: Situation) -> Decision:
    decision = decide(situation)
    assert isinstance(decision, Decision)
    return decision


def link(time: int, profile: bytes | None) -> Link:
    return Link(fact_id(time), profile)


@pytest.mark.parametrize(
    ("beside", "links", "is_relinked", "previous"),
    [
        (None, [], False, None),
        (Beside(None), [link(5, BOB)], True, None),
        (Beside(link(1, ANN)), [link(1, ANN), link(5, BOB)], True, ANN),
        (Beside(link(1, BOB)), [link(1, BOB)], False, BOB),
        (Beside(None, link(9, ANN)), [link(5, BOB), link(9, ANN)], True, None),
        (Beside(None, link(9, BOB)), [link(5, BOB)], False, None),
        (Beside(link(1, ANN), link(9, BOB)), [link(1, ANN), link(5, BOB)], True, ANN),
        (
            Beside(link(1, ANN), None, link(7, ANN)),
            [link(1, ANN), link(5, BOB), link(7, ANN)],
            True,
            ANN,
        ),
    ],
    ids=[
        "it stays the user's",
        "it was nobody's",
        "it was another's",
        "it was the user's",
        "it becomes another's later",
        "it is the user's from an earlier fact on",
        "it leaves another earlier",
        "it is another's again later",
    ],
)
def test_a_visitor_is_linked_from_the_fact_on(
    beside: Beside | None, links: list[Link], is_relinked: bool, previous: bytes | None
) -> None:
    decision = decided(known(fact(5, BOB), beside))
    assert (decision.links, decision.is_relinked, decision.previous) == (links, is_relinked, previous)
    assert decision.action == ("updated" if is_relinked else "unchanged")


@pytest.mark.parametrize("beside", [Beside(link(1, BEN)), Beside(link(1, BEN), None, link(7, BEN))])
def test_a_link_that_moves_among_users_of_one_person_is_stored_and_changes_nothing(beside: Beside) -> None:
    decision = decided(known(fact(5, BOB), beside, members=(BOB, BEN)))
    assert decision.links != decision.replaced
    assert (decision.is_relinked, decision.action) == (False, "unchanged")


def test_a_fact_that_says_nothing_new_keeps_the_same_traits() -> None:
    traits = Traits({"plan": "pro"}, {}, set())
    decision = decided(known(fact(5, BOB, {"plan": "pro"}), traits=traits))
    assert decision.traits is traits
    assert decision.action == "unchanged"


def test_an_older_fact_does_not_win_over_a_newer_one() -> None:
    newer = fact(9, BOB, {"plan": "pro"})
    before = Traits({"plan": "pro"}, {}, set())
    older = fact(5, BOB, {"plan": "free", "seats": 1})
    decision = decided(known(older, traits=before, history=history_of([newer])))
    assert decision.traits.values == {"plan": "pro", "seats": 1}
    assert decision.action == "updated"


def test_an_unsigned_fact_is_told_which_fields_a_trusted_call_keeps() -> None:
    before = Traits({"plan": "pro"}, {}, set())
    decision = decided(known(fact(5, BOB, {"plan": "free"}, is_trusted=False), traits=before))
    assert decision.traits is before
    assert [(one.code, one.field) for one in decision.warnings] == [("trusted_value_kept", "plan")]


def test_a_fact_for_which_the_person_has_no_room_is_refused() -> None:
    full = Traits({f"field {number}": 1 for number in range(MAX_KEYS)}, {}, set())
    refused = decide(known(fact(5, BOB, {"one more": 1}), traits=full))
    assert isinstance(refused, BadRequest)
    assert f"{MAX_KEYS + 1} fields" in refused.message
