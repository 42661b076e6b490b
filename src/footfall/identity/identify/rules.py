"""What an identify call changes, decided from what was known before it. Pure."""

from __future__ import annotations

import msgspec

from footfall.errors import BadRequest
from footfall.identity import rules, trait_rules
from footfall.identity.model import Fact, Link, Operations, Traits, Warn
from footfall.identity.trait_rules import History

_decode_operations = msgspec.json.Decoder(Operations).decode


class Beside(msgspec.Struct, frozen=True):
    """A visitor's last link before a fact and its first link after it.

    `resumed`: the first fact between the new one and `later` of whoever has `earlier`, as a link. From there on the visitor is
    theirs again.
    """

    earlier: Link | None
    later: Link | None = None
    resumed: Link | None = None


class Situation(msgspec.Struct, frozen=True):
    """What is known before a call. `operations`: the fact's, as canonical JSON; `traits`: the person's.

    `history`: all facts about the person; None when this one is newer than all of them, so that it applies on top.
    `beside`: None when the visitor is the user's and stays so. `members`: the profile ids of a merged person; empty for one user.
    """

    fact: Fact
    operations: bytes
    is_new: bool
    traits: Traits
    history: History | None
    beside: Beside | None
    members: tuple[bytes, ...]


class Decision(msgspec.Struct, frozen=True):
    """The changes of an accepted call. `traits`: the same object as before when they stay.

    `links`: those that stand in place of `replaced`, neighbours of one visitor; the two are equal when links stay.
    `previous`: the profile that the visitor belonged to until then, if any.
    """

    action: str
    traits: Traits
    replaced: list[Link]
    links: list[Link]
    is_relinked: bool
    previous: bytes | None
    warnings: list[Warn]


def decide(known: Situation) -> Decision | BadRequest:
    """What the call changes; or why it is refused. A history gets the fact, also that of a refused call."""
    before, fact = known.traits, known.fact
    if known.history is None:
        after, refused = trait_rules.apply_newest(before, fact.operations, fact.is_trusted)
    else:
        after = trait_rules.fold_in(before, known.history, as_stored(fact, known.operations))
        refused = [] if fact.is_trusted else trait_rules.refused_keys(after, fact.operations)
    if problem := trait_rules.room_problem(before, after):
        return BadRequest(problem)
    replaced, links, is_relinked = _links(known)
    earlier = known.beside.earlier if known.beside else None
    return Decision(
        "created" if known.is_new else _action(is_relinked, before, after),
        after,
        replaced,
        links,
        is_relinked,
        earlier.profile_id if earlier else None,
        _warnings(fact, before, after, refused),
    )


def as_stored(fact: Fact, operations: bytes) -> Fact:
    """A fact as the ledger gives it: 1.0 is 1 there. `operations`: the fact's, as canonical JSON."""
    return msgspec.structs.replace(fact, operations=_decode_operations(operations))


def _links(known: Situation) -> tuple[list[Link], list[Link], bool]:
    """The links beside the fact without it and with it, and whether they give the visitor to anybody at another time."""
    beside, fact = known.beside, known.fact
    if beside is None:
        return [], [], False
    earlier, own = beside.earlier, Link(fact.fact_id, fact.profile_id)
    if beside.later is None and beside.resumed is None:  # most facts are newer than all on the visitor
        if earlier is None:
            return [], [own], True
        if earlier.profile_id == own.profile_id:
            return [earlier], [earlier], False
        return [earlier], [earlier, own], earlier.profile_id not in known.members
    without = [link for link in (earlier, beside.later) if link]
    also = [*without, own, *([beside.resumed] if beside.resumed else [])]
    links = rules.fold_links((link.fact_id, link.profile_id) for link in also)
    return without, links, _spans(links, known) != _spans(without, known)


def _spans(links: list[Link], known: Situation) -> list[tuple[int, bytes | None]]:
    """From when on who has the visitor; users who are one person count as one."""
    if not known.members:
        return rules.spans(links)
    return rules.spans_of_people(links, dict.fromkeys(known.members, known.members[0]))


def _action(is_relinked: bool, before: Traits, after: Traits) -> str:
    """What a call did to a known profile."""
    if is_relinked or (after is not before and not trait_rules.same_value(after.values, before.values)):
        return "updated"
    return "unchanged"


def _warnings(fact: Fact, before: Traits, after: Traits, refused: list[str]) -> list[Warn]:
    left_out = _left_out(before, after, fact, refused)
    return [*map(_refused, refused), *map(_no_room, left_out)] if refused or left_out else []


def warnings_alone(fact: Fact) -> list[Warn]:
    """The warnings of a fact about somebody of whom nothing is known."""
    nothing = Traits({}, {}, set())
    after, refused = trait_rules.apply_newest(nothing, fact.operations, fact.is_trusted)
    return _warnings(fact, nothing, after, refused)


def _left_out(before: Traits, after: Traits, fact: Fact, refused: list[str]) -> list[str]:
    """The fields of pages that this fact pushes out, or that it brings and there is no room for."""
    if not fact.is_trusted:
        return [key for key in fact.operations.set if key not in after.values and key not in refused]
    if not after.left_out:
        return []
    return sorted((after.left_out & after.untrusted.keys()) - before.left_out)


def _no_room(key: str) -> Warn:
    return Warn(
        "left_out", key, f"{key}: there is no room for this field, which only unsigned calls of pages set."
    )


def _refused(key: str) -> Warn:
    return Warn(
        "trusted_value_kept",
        key,
        f"{key}: a trusted call decided this field; the page's unsigned value was ignored.",
    )
