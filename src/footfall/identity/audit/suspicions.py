"""Who may be one person under several user ids, and of whom somebody said that they are not.

A pair is settled for the evidence that there was. It comes back only for other evidence, whomever the two are merged with meanwhile.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

import msgspec

from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import Conflict
from footfall.identity.erasing import Counts, Eraser, Leaving
from footfall.identity.reading import find_person
from footfall.websites.model import Website

sql = load(__file__, "suspicions.sql")

DIGEST_BYTES = 16
KEY_LENGTH = 12
"""Of `Suspicion.key`."""
MOST_USERS = 1000
"""User ids of one person that are compared when a pair is settled."""


class EvidenceKind(StrEnum):
    """What two people have in common: an e-mail address, or user ids that differ in case only."""

    EMAIL = "email"
    USER_ID = "user_id"


class Evidence(NamedTuple):
    """`value`: in lower case."""

    kind: EvidenceKind
    value: str


class Suspect(NamedTuple):
    """A person, by one of their user ids."""

    person_id: bytes
    user_id: str


class Suspicion(msgspec.Struct, frozen=True):
    """Two people who may be one, the one identified first in front."""

    one: Suspect
    other: Suspect
    evidence: tuple[Evidence, ...]

    @property
    def key(self) -> str:
        """A short name of the pair, for addresses."""
        return sha256(b"".join(pair_of(self.one.person_id, self.other.person_id))).hexdigest()[:KEY_LENGTH]

    @property
    def email(self) -> str | None:
        """The address that they share, if that is why."""
        return next((one.value for one in self.evidence if one.kind is EvidenceKind.EMAIL), None)


class SharedBy(NamedTuple):
    """Evidence, and those who share it, the one identified first in front."""

    evidence: Evidence
    people: list[Suspect]


class SettledPair(msgspec.Struct, frozen=True):
    """`profile_id` and `other_id` name the pair; the others are who they are by now. `settled_at`: ms since epoch."""

    profile_id: bytes
    other_id: bytes
    person_id: bytes
    other_person_id: bytes
    kinds: list[EvidenceKind]
    settled_at: int


Pair = tuple[bytes, bytes]
"""Two ids, the smaller one in front."""
Settled = frozenset[tuple[Pair, bytes]]
"""Pairs of people, each with the digest of evidence for which they are settled."""


def pair_of(one: bytes, other: bytes) -> Pair:
    """Two ids as a pair."""
    return (one, other) if one < other else (other, one)


# What is suspected


def suspicions(tx: Transaction, website: Website) -> list[Suspicion]:
    """All pairs to look at, always in the same order, whoever is merged in the meantime: first those who share an address."""
    settled = read_settled(tx, website)
    found: dict[Pair, Suspicion] = {}
    for shared in [*shared_emails(tx, website), *_same_but_case(tx, website)]:
        for one, other in open_pairs(website, shared, settled):
            pair = pair_of(one.person_id, other.person_id)
            known = found.get(pair) or Suspicion(one, other, ())
            found[pair] = msgspec.structs.replace(known, evidence=(*known.evidence, shared.evidence))
    return sorted(found.values(), key=_order)


def count_suspicions(tx: Transaction, website: Website) -> int:
    """How many pairs there are to look at."""
    return len(suspicions(tx, website))


def _order(one: Suspicion) -> tuple[EvidenceKind, str, str]:
    kind, value = one.evidence[0]
    return kind, value, one.other.user_id


def open_emails(tx: Transaction, website: Website, settled: Settled) -> list[SharedBy]:
    """E-mail addresses that several people have who may be one."""
    return list(_still_open(website, shared_emails(tx, website), settled))


def open_user_ids(tx: Transaction, website: Website, settled: Settled) -> list[SharedBy]:
    """User ids that differ in case only, of people who may be one."""
    return list(_still_open(website, _same_but_case(tx, website), settled))


def _still_open(website: Website, groups: Iterable[SharedBy], settled: Settled) -> Iterator[SharedBy]:
    for group in groups:
        left = {one for pair in open_pairs(website, group, settled) for one in pair}
        if left:
            yield SharedBy(group.evidence, [one for one in group.people if one in left])


def shared_emails(tx: Transaction, website: Website) -> list[SharedBy]:
    """E-mail addresses that several people have."""
    by_email: dict[str, list[Suspect]] = {}
    for row in tx.stream(sql.people_with_email, (website.website_id,)):
        if email := _email_of(msgspec.json.decode(row.metadata).get("email")):
            by_email.setdefault(email, []).append(Suspect(row.person_id, row.user_id))
    return [
        SharedBy(Evidence(EvidenceKind.EMAIL, email), people)
        for email, people in by_email.items()
        if len(people) > 1
    ]


def _email_of(value: object) -> str | None:
    """A trait as an address, in lower case; None if it is none."""
    return value.strip().lower() if isinstance(value, str) and "@" in value else None


def _same_but_case(tx: Transaction, website: Website) -> list[SharedBy]:
    first: dict[str, Suspect] = {}
    spelled: dict[str, dict[bytes, Suspect]] = {}
    for row in tx.stream(sql.user_ids, (website.website_id,)):
        folded = row.user_id.casefold()
        before = first.setdefault(folded, Suspect(row.person_id, row.user_id))
        if before.person_id != row.person_id:
            alike = spelled.setdefault(folded, {before.person_id: before})
            alike.setdefault(row.person_id, Suspect(row.person_id, row.user_id))
    return [
        SharedBy(Evidence(EvidenceKind.USER_ID, folded), list(people.values()))
        for folded, people in spelled.items()
    ]


def open_pairs(website: Website, shared: SharedBy, settled: Settled) -> Iterator[tuple[Suspect, Suspect]]:
    """Each of these people with the first before them from whom nobody told them apart: as many steps as there are people and settled pairs."""
    digest = digest_of(website, shared.evidence)
    for at, other in enumerate(shared.people):
        for one in islice(shared.people, at):
            if (pair_of(one.person_id, other.person_id), digest) not in settled:
                yield one, other
                break


# What is settled


def digest_of(website: Website, evidence: Evidence) -> bytes:
    """Evidence as it is remembered: nobody reads an address from it."""
    text = f"{evidence.kind}:{evidence.value}".encode("utf-8", "surrogatepass")
    return hmac.digest(website.profile_secret, b"settled:" + text, "sha256")[:DIGEST_BYTES]


def read_settled(tx: Transaction, website: Website) -> Settled:
    """The pairs of people, as they are by now, that are settled."""
    rows = tx.all(sql.settled_of, (website.website_id,))
    return frozenset((pair_of(row.person_id, row.other_person_id), row.evidence) for row in rows)


def list_settled(tx: Transaction, website_id: bytes, most: int) -> list[SettledPair]:
    """The pairs that were settled last, without those who were merged since."""
    found: dict[Pair, SettledPair] = {}
    for row in tx.all(sql.settled_of, (website_id,)):
        if row.person_id == row.other_person_id:
            continue
        pair = row.profile_id, row.other_id
        known = found.get(pair) or SettledPair(*pair, row.person_id, row.other_person_id, [], row.settled_at)
        found[pair] = msgspec.structs.replace(known, kinds=[*known.kinds, EvidenceKind(row.kind)])
    return list(found.values())[:most]


def settle(tx: Transaction, website: Website, one: bytes, other: bytes, now: int) -> Conflict | None:
    """Remember that two people (their ids) are not the same, for all that they have in common now."""
    evidence = list(_evidence_between(tx, website.website_id, one, other))
    if not evidence:
        return Conflict("These two people have nothing in common any more.")
    pair = pair_of(one, other)
    rows = [(website.website_id, *pair, digest_of(website, each), each.kind.value, now) for each in evidence]
    tx.execute_many(sql.settled_put, rows)
    return None


def _evidence_between(tx: Transaction, website_id: bytes, one: bytes, other: bytes) -> Iterator[Evidence]:
    people = find_person(tx, website_id, one), find_person(tx, website_id, other)
    if one == other or people[0] is None or people[1] is None:
        return
    email = _email_of(people[0].traits.get("email"))
    if email and email == _email_of(people[1].traits.get("email")):
        yield Evidence(EvidenceKind.EMAIL, email)
    alike = _folded_users(tx, website_id, one) & _folded_users(tx, website_id, other)
    yield from (Evidence(EvidenceKind.USER_ID, folded) for folded in sorted(alike))


def _folded_users(tx: Transaction, website_id: bytes, person_id: bytes) -> set[str]:
    rows = tx.all(sql.users_of_person, (website_id, person_id))
    return {row.user_id.casefold() for row in rows[:MOST_USERS]}


def reopen(tx: Transaction, website_id: bytes, one: bytes, other: bytes) -> None:
    """Forget that a pair (as `SettledPair` names it) was settled; it does not matter whether it was."""
    tx.execute(sql.settled_remove, (website_id, *pair_of(one, other)))


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    website_id = leaving.erasure.website_id
    tx.execute_many(sql.settled_forget, [(website_id, one) for one in leaving.users])
    return {}


ERASER = Eraser(tables=frozenset(("settled_pair",)), forget_users=_forget_users)
