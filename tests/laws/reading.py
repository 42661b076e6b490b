"""The rules of identity read anew and by brute force, from the list of everything that was ever said; shares no code with what it judges."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from footfall.identity.model import Operations
from footfall.ids import MAX_AT, at_of

KINDS = ("set", "set_once", "unset")


class Call(msgspec.Struct, frozen=True):
    """An accepted identify call; `profile` is the id of its user at that time."""

    profile: bytes
    user: str
    visitor: bytes
    operations: Operations
    is_trusted: bool


class Answer(msgspec.Struct):
    """What is known of a person. `spans`: of each visitor, as (from, until), None for the beginning and for now."""

    profile_id: bytes
    user_ids: list[str]
    metadata: dict[str, Any]
    spans: dict[bytes, list[tuple[int | None, int | None]]]
    events: int
    facts: dict[str, bytes]
    """By trait, the fact that decided it."""
    replaced: dict[str, Any]


class Reading:
    """Everything that was said, and what follows from it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.calls: dict[bytes, Call] = {}
        self.merges: dict[bytes, tuple[bytes, bytes]] = {}
        self.undos: dict[bytes, bytes] = {}
        self.boundaries: set[tuple[bytes, bytes]] = set()
        self.erased: dict[str, tuple[int, int]] = {}
        """By user: how often, and up to when."""
        self.users: dict[bytes, str] = {}
        self.events: list[tuple[bytes, int]] = []

    def profile_id(self, user: str) -> bytes:
        """The id of a user's profile."""
        message = b"profile\0%d\0%b" % (self.erased.get(user, (0, 0))[0], user.encode())
        return hmac.new(self._secret, message, hashlib.sha256).digest()[:12]

    def is_active(self, fact: bytes) -> bool:
        """Whether no active undo names the fact."""
        return not any(target == fact and self.is_active(undo) for undo, target in self.undos.items())

    def everybody(self, profile: bytes, at: int = MAX_AT) -> set[bytes]:
        """Whoever is joined to a profile by active merges."""
        found = {profile}
        for _ in self.merges:
            for fact, pair in self.merges.items():
                if at_of(fact) <= at and found & set(pair) and self.is_active(fact):
                    found |= set(pair)
        return found

    def known(self, at: int = MAX_AT) -> dict[bytes, Call]:
        """The active calls up to a time."""
        return {fact: call for fact, call in self.calls.items() if at_of(fact) <= at and self.is_active(fact)}

    def links(self, visitor: bytes, at: int = MAX_AT) -> list[tuple[bytes, bytes | None]]:
        """(fact, profile) of a visitor, in order."""
        found: list[tuple[bytes, bytes | None]] = [
            (fact, call.profile) for fact, call in self.known(at).items() if call.visitor == visitor
        ]
        found += [(fact, None) for other, fact in self.boundaries if other == visitor and at_of(fact) <= at]
        return sorted(found, key=lambda link: link[0])

    def owner(self, visitor: bytes, event_at: int, at: int = MAX_AT) -> bytes | None:
        """The profile that an event belongs to."""
        links = self.links(visitor, at)
        before = [profile for fact, profile in links if at_of(fact) <= event_at]
        return before[-1] if before else links[0][1] if links else None

    def person(self, profile: bytes, at: int = MAX_AT) -> Answer | None:
        """Who the profile is as of a time."""
        joined = self.everybody(profile, at)
        calls = {fact: call for fact, call in self.known(at).items() if call.profile in joined}
        first: dict[bytes, int] = {}
        for fact, call in sorted(calls.items()):
            first.setdefault(call.profile, at_of(fact))
        if not first:
            return None
        decided = {key: found for key in ("plan", "seats") if (found := decide(calls, key))}
        return Answer(
            min(first),
            [self.users[one] for one in sorted(first, key=lambda one: (first[one], one))],
            {key: value for key, (_, value) in decided.items()},
            {
                visitor: self._spans(visitor, set(first), at)
                for visitor in {c.visitor for c in calls.values()}
            },
            sum(time <= at and self.owner(visitor, time, at) in first for visitor, time in self.events),
            {key: fact for key, (fact, _) in decided.items()},
            {
                key: (decide({one: call for one, call in calls.items() if one < fact}, key) or (b"", None))[1]
                for key, (fact, _) in decided.items()
            },
        )

    def _spans(self, visitor: bytes, own: set[bytes], at: int) -> list[tuple[int | None, int | None]]:
        links = self.links(visitor, at)
        edges = [
            index
            for index, (_, profile) in enumerate(links)
            if (profile in own) != (index > 0 and links[index - 1][1] in own)
        ]
        times = [at_of(links[index][0]) if index else None for index in edges] + [None]
        return list(zip(times[:-1:2], times[1::2], strict=True))

    def erase(self, profile: bytes, until: int, boundary: Any) -> None:
        """Remove the person; `boundary` gives the id of what an erased link leaves."""
        joined = self.everybody(profile)
        users = {call.user for call in self.calls.values() if call.profile in joined}
        doomed = {fact for fact, call in self.calls.items() if call.profile in joined}
        self.boundaries |= {(self.calls[one].visitor, boundary(one)) for one in doomed if self.is_active(one)}
        doomed |= {fact for fact, pair in self.merges.items() if set(pair) & joined}
        for _ in self.undos:
            doomed |= {undo for undo, target in self.undos.items() if target in doomed}
        for facts in (self.calls, self.merges, self.undos):
            for fact in doomed & facts.keys():
                del facts[fact]
        for user in users:
            self.erased[user] = (self.erased.get(user, (0, 0))[0] + 1, until)


def decide(calls: dict[bytes, Call], key: str) -> tuple[bytes, Any] | None:
    """The fact that decides a trait, and its value; None when the person has no such trait."""
    said = [
        (fact, kind, call.is_trusted, getattr(call.operations, kind))
        for fact, call in calls.items()
        for kind in KINDS
        if key in getattr(call.operations, kind)
    ]
    counted = [one for one in said if one[2]] or said
    unset = max((at_of(fact) for fact, kind, *_ in counted if kind == "unset"), default=-1)
    sets = [(one[0], one[3][key]) for one in counted if one[1] == "set" and at_of(one[0]) > unset]
    once = [(one[0], one[3][key]) for one in counted if one[1] == "set_once" and at_of(one[0]) > unset]
    if sets:
        return max(sets, key=lambda one: one[0])
    return min(once, key=lambda one: one[0]) if once else None
