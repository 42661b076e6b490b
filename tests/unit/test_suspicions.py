"""Which pairs of people are suspected of being one, in which order, and how many there are."""

from __future__ import annotations

import asyncio
from typing import Any

from footfall.dashboard.pages.health import queued
from footfall.identity.audit import counting
from footfall.identity.audit.counting import SuspicionCounts
from footfall.identity.audit.suspicions import (
    Evidence,
    EvidenceKind,
    SharedBy,
    Suspect,
    Suspicion,
    digest_of,
    open_pairs,
    pair_of,
)
from tests.support.outside import SITE
from tests.unit.test_pages_of_stored_data import ID

EMAIL = Evidence(EvidenceKind.EMAIL, "ada@example.com")
PEOPLE = [Suspect(name.encode() * 12, name) for name in "abcd"]


def paired(*told_apart: str) -> list[str]:
    """The pairs that are left of four who share an address, when some are told apart."""
    ids = {one.user_id: one.person_id for one in PEOPLE}
    digest = digest_of(SITE, EMAIL)
    settled = frozenset((pair_of(ids[two[0]], ids[two[1]]), digest) for two in told_apart)
    found = open_pairs(SITE, SharedBy(EMAIL, PEOPLE), settled)
    return [one.user_id + other.user_id for one, other in found]


def test_each_is_compared_with_the_first_from_whom_nobody_told_them_apart() -> None:
    assert paired() == ["ab", "ac", "ad"]
    assert paired("ab") == ["ac", "ad"]
    assert paired("ca", "ad") == ["ab", "bc", "bd"]
    assert paired("ab", "ac", "bc") == ["ad"]
    assert paired("ab", "ac", "bc", "ad", "bd", "cd") == []


def test_other_evidence_about_the_same_two_is_not_settled() -> None:
    settled = frozenset([(pair_of(PEOPLE[0].person_id, PEOPLE[1].person_id), digest_of(SITE, EMAIL))])
    other = SharedBy(Evidence(EvidenceKind.USER_ID, EMAIL.value), PEOPLE[:2])
    assert len(list(open_pairs(SITE, other, settled))) == 1


def test_what_was_skipped_comes_last_in_the_order_of_skipping() -> None:
    pairs = [Suspicion(PEOPLE[0], other, (EMAIL,)) for other in PEOPLE[1:]]
    keys = [one.key for one in pairs]
    assert len(set(keys)) == 3
    assert [one.key for one in queued(pairs, (keys[1], keys[0], "0" * 12))] == [keys[2], keys[1], keys[0]]
    turned = Suspicion(PEOPLE[1], PEOPLE[0], ())
    assert turned.key == keys[0]


class _Scans:
    """Counts the scans, each of which finds `number` suspicions."""

    def __init__(self) -> None:
        self.scans, self.number = 0, 2

    async def scan(self, handler: Any, call: Any, *, share: bytes = b"") -> int:
        self.scans += 1
        return self.number


def test_looking_at_a_count_costs_no_scan(monkeypatch: Any) -> None:
    now = [0.0]
    monkeypatch.setattr(counting, "perf_counter", lambda: now[0])
    database: Any = _Scans()
    counts = SuspicionCounts(database, lambda: {ID: SITE})

    def after(seconds: float) -> int | None:
        now[0] += seconds
        asyncio.run(counts.advance())
        return counts.look(ID)

    assert after(0) is None
    assert database.scans == 0, "nobody had looked"
    assert after(0) == 2
    database.number = 3
    assert [after(1) for _ in range(200)] == [2] * 200
    assert database.scans == 1
    assert after(counting.LEAST_AGE) == 3
    counts.note(ID, 1)
    assert after(counting.LEAST_AGE / 2) == 1
    assert database.scans == 2
