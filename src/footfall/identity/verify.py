"""Fold the ledger anew with the pure rules, and compare with what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules, store
from footfall.identity.model import Fact
from footfall.ids import at_of, format_uuid

sql = load(__file__, "verify.sql")

MOST_SHOWN = 20


class Report(msgspec.Struct):
    """What was compared and what differs; of the differences, the first are described."""

    facts: int = 0
    profiles: int = 0
    visitors: int = 0
    differences: int = 0
    shown: list[str] = []

    def add(self, description: str) -> None:
        """Note a difference."""
        self.differences += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(description)

    def as_json(self) -> dict[str, Any]:
        """The report as commands print it."""
        return {"ok": self.differences == 0, **msgspec.to_builtins(self)}


def verify_identity(tx: Transaction) -> Report:
    """Compare profiles and links with the ledger, in one snapshot."""
    report = Report()
    _verify_profiles(tx, report)
    _verify_links(tx, report)
    return report


def _verify_profiles(tx: Transaction, report: Report) -> None:
    stored = {(row[0], row[1]): row for row in tx.all(sql.all_profiles)}
    for (website_id, profile_id), rows in groupby(tx.all(sql.all_facts_by_profile), key=lambda row: row[:2]):
        facts = [store.fact_from(row[2:]) for row in rows]
        report.facts += len(facts)
        report.profiles += 1
        row = stored.pop((website_id, profile_id), None)
        name = f"profile {profile_id.hex()} of website {website_id.hex()}"
        if row is None:
            report.add(f"{name}: has facts but no row")
        else:
            for problem in _profile_problems(facts, row):
                report.add(f"{name}: {problem}")
    for website_id, profile_id in stored:
        report.add(f"profile {profile_id.hex()} of website {website_id.hex()}: has a row but no facts")


def _profile_problems(facts: list[Fact], row: Row) -> Iterator[str]:
    folded = rules.fold_traits(facts)
    kept = store.traits_from(row[6], row[7], row[8])
    if not rules.same_value(folded.values, kept.values):
        yield "metadata differs from the ledger"
    if (folded.untrusted, folded.gone) != (kept.untrusted, kept.gone):
        yield "which fields are trusted differs from the ledger"
    if {fact.user_id for fact in facts} != {row[3]}:
        yield "user_id differs from the ledger"
    if min(at_of(fact.fact_id) for fact in facts) != row[4]:
        yield "identified_at differs from the ledger"
    if len({fact.visitor_id for fact in facts}) != row[5]:
        yield "visitor_count differs from the ledger"


def _verify_links(tx: Transaction, report: Report) -> None:
    stored = {key: list(rows) for key, rows in _grouped(tx.all(sql.all_links))}
    for key, rows in _grouped(tx.all(sql.all_facts_by_visitor)):
        report.visitors += 1
        folded = rules.fold_links((row[2], row[3]) for row in rows)
        kept = [(row[2], row[3]) for row in stored.pop(key, [])]
        if [(link.fact_id, link.profile_id) for link in folded] != kept:
            report.add(
                f"visitor {format_uuid(key[1])} of website {key[0].hex()}: links differ from the ledger"
            )
    for website_id, visitor_id in stored:
        report.add(f"visitor {format_uuid(visitor_id)} of website {website_id.hex()}: has links but no facts")


def _grouped(rows: Iterable[Row]) -> Iterator[tuple[tuple[bytes, bytes], Iterator[Row]]]:
    for key, group in groupby(rows, key=lambda row: row[:2]):
        yield (key[0], key[1]), group
