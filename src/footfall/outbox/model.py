"""The kinds of changes, and the form in which their keys are stored. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from footfall.ids import AT_BYTES, VISITOR_BYTES, at_of, at_prefix

WEBSITE_BYTES = PROFILE_BYTES = 12


class ChangeKind(StrEnum):
    """What a key of a change names (stored)."""

    EVENT = "event"
    """A visitor, from a time on, of whom nothing but events changed."""
    VISITOR = "visitor"
    """A visitor, from a time on: what it did, or whose that was."""
    ERASED = "erased"
    """The same, of whom something must not be left."""
    PERSON = "person"
    """A user who is another person now, with all that is theirs."""
    PAYMENT = "payment"
    """The payments of a millisecond that are no visitor's."""


BYTES = {
    ChangeKind.EVENT: WEBSITE_BYTES + VISITOR_BYTES + AT_BYTES,
    ChangeKind.VISITOR: WEBSITE_BYTES + VISITOR_BYTES + AT_BYTES,
    ChangeKind.ERASED: WEBSITE_BYTES + VISITOR_BYTES + AT_BYTES,
    ChangeKind.PERSON: WEBSITE_BYTES + PROFILE_BYTES,
    ChangeKind.PAYMENT: WEBSITE_BYTES + AT_BYTES,
}
"""The length of a key of each kind. It begins with the id of the website, which is not stored again in each."""


class Change(NamedTuple):
    """A stored change. `change_id`: that of its website, and its own; `keys`: see `BYTES`, without the website."""

    change_id: bytes
    kind: ChangeKind
    keys: bytes


class ChangedVisitor(NamedTuple):
    """A visitor of whom something changed from a time on (ms since epoch); 0: from the beginning."""

    website_id: bytes
    visitor_id: bytes
    since: int


def visitor_key(website_id: bytes, visitor_id: bytes, since: int) -> bytes:
    """The key of a visitor who changed from a time on (ms since epoch)."""
    return website_id + visitor_id + at_prefix(since)


def payment_key(website_id: bytes, at: int) -> bytes:
    """The key of the payments of a time (ms since epoch) that are no visitor's."""
    return website_id + at_prefix(at)


def keys_of(change: Change) -> list[bytes]:
    """The keys of a change, one by one."""
    website_id, size = website_of(change.change_id), BYTES[change.kind] - WEBSITE_BYTES
    return [website_id + change.keys[start : start + size] for start in range(0, len(change.keys), size)]


def website_of(change_id: bytes) -> bytes:
    """The website that a change is about."""
    return change_id[:WEBSITE_BYTES]


def told_at(change_id: bytes) -> int:
    """When word was left of a change (ms since epoch)."""
    return at_of(change_id[WEBSITE_BYTES:])


def read_visitor(key: bytes) -> ChangedVisitor:
    """What `visitor_key` wrote."""
    return ChangedVisitor(key[:WEBSITE_BYTES], key[WEBSITE_BYTES:-AT_BYTES], at_of(key[-AT_BYTES:]))


def read_payment(key: bytes) -> tuple[bytes, int]:
    """What `payment_key` wrote: website id, and the time (ms since epoch)."""
    return key[:WEBSITE_BYTES], at_of(key[WEBSITE_BYTES:])
