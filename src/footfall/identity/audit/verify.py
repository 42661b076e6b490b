"""Fold the ledger again with the pure rules, and compare the result with what is stored.

Both sides are read as streams in the order of their keys, so that memory does not grow with the number of people; only what merged
people hang together by is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules, store, trait_rules
from footfall.identity.model import MERGE, Fact, Link, Merge, Traits, Undo
from footfall.ids import at_of, format_uuid

sql = load(__file__, "verify.sql")

MOST_SHOWN = 20
ADVICE = "Stop all servers and run `footfall db rebuild identity`: it makes profiles and links anew from the ledger."

Key = tuple[bytes, bytes]
L = TypeVar("L")
R = TypeVar("R")


class Report(msgspec.Struct):
    """What was compared and what differs, with the first differences in words. `advice`: what to do about them."""

    facts: int = 0
    profiles: int = 0
    visitors: int = 0
    differences: int = 0
    shown: list[str] = []
    advice: str = ""

    def add(self, description: str) -> None:
        """Note a difference."""
        self.differences += 1
        self.advice = ADVICE
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(description)

    def add_profile(self, key: Key, description: str) -> None:
        """Note a difference of a profile (website id, profile id)."""
        self.add(f"profile {key[1].hex()} of website {key[0].hex()}: {description}")

    def as_json(self) -> dict[str, Any]:
        """The report as commands print it."""
        report = {"ok": self.differences == 0, **msgspec.to_builtins(self)}
        return {name: item for name, item in report.items() if name != "advice" or item}


class Operated(msgspec.Struct):
    """The effect of merges and undos: facts that do not count, and the person of each merged profile (by website)."""

    inactive: set[Key]
    person_of: dict[Key, bytes]
    merges: dict[bytes, list[Merge]]
    undos: dict[bytes, list[Undo]]
    erasing: set[Key]
    """Profiles whose row is gone while facts about them remain."""


class FoldedProfile(msgspec.Struct):
    """One profile as the ledger gives it; `traits` are the person's, in the person's own row, else empty."""

    user_id: str
    person_id: bytes
    member_count: int
    identified_at: int
    visitor_count: int
    traits: Traits


def verify_identity(tx: Transaction) -> Report:
    """Compare profiles, links, and what merges and undos come to, with the ledger, in one snapshot."""
    report = Report(facts=tx.all(sql.fact_count)[0].count)
    operated = read_operations(tx)
    _verify_operations(tx, operated, report)
    _verify_profiles(tx, operated, report)
    _verify_links(tx, operated, report)
    return report


def read_operations(tx: Transaction) -> Operated:
    """The effect of all merges and undos."""
    erasing = {(row.website_id, row.profile_id) for row in tx.all(store.sql.all_erasing)}
    operated = Operated(set(), {}, {}, {}, erasing)
    for row in tx.stream(sql.all_operations):
        said = msgspec.json.decode(row.operations)
        if row.kind == MERGE:
            low, high = (bytes.fromhex(text) for text in said["merge"])
            operated.merges.setdefault(row.website_id, []).append(Merge(row.fact_id, low, high))
        else:
            undo = Undo(row.fact_id, bytes.fromhex(said["undo"]))
            operated.undos.setdefault(row.website_id, []).append(undo)
    for website_id, undos in operated.undos.items():
        operated.inactive |= {(website_id, fact_id) for fact_id in rules.inactive_facts(undos)}
    for website_id, merges in operated.merges.items():
        active = [merge for merge in merges if (website_id, merge.fact_id) not in operated.inactive]
        for profile_id, person_id in rules.people(active).items():
            operated.person_of[website_id, profile_id] = person_id
    return operated


def fold_people(tx: Transaction, operated: Operated) -> Iterator[tuple[Key, FoldedProfile]]:
    """Every profile as the ledger gives it, merged people last."""
    merged: dict[Key, dict[bytes, list[Fact]]] = {}
    for key, rows in groupby(tx.stream(sql.all_facts_by_profile), key=_profile_key):
        if key in operated.erasing:
            continue
        facts = [
            store.fact_from(row) for row in rows if (row.website_id, row.fact_id) not in operated.inactive
        ]
        if not facts:
            continue
        component = operated.person_of.get(key)
        if component is None:
            yield key, _person(facts, key[1], 1, trait_rules.fold_traits(facts))
        else:
            merged.setdefault((key[0], component), {})[key[1]] = facts
    for (website_id, _), members in sorted(merged.items()):
        person_id = min(members)
        traits = trait_rules.fold_traits(fact for facts in members.values() for fact in facts)
        for profile_id, facts in members.items():
            own = traits if profile_id == person_id else Traits({}, {}, set())
            yield (website_id, profile_id), _person(facts, person_id, len(members), own)


def _profile_key(row: Row) -> Key:
    return row.website_id, row.profile_id


def _visitor_key(row: Row) -> Key:
    return row.website_id, row.visitor_id


def _person(facts: list[Fact], person_id: bytes, member_count: int, traits: Traits) -> FoldedProfile:
    return FoldedProfile(
        facts[0].user_id,
        person_id,
        member_count,
        min(at_of(fact.fact_id) for fact in facts),
        len({fact.visitor_id for fact in facts}),
        traits,
    )


def fold_visitors(tx: Transaction, operated: Operated) -> Iterator[tuple[Key, list[Link]]]:
    """The links of every visitor as the ledger gives them, by website and visitor."""
    for key, rows in groupby(tx.stream(sql.all_facts_by_visitor), key=_visitor_key):
        facts = [
            (row.fact_id, row.profile_id)
            for row in rows
            if (row.website_id, row.fact_id) not in operated.inactive
        ]
        if facts:
            yield key, rules.fold_links(facts)


def _verify_operations(tx: Transaction, operated: Operated, report: Report) -> None:
    merges = {(w, one) for w, many in operated.merges.items() for merge in many for one in _both(merge)}
    undos = {(w, undo) for w, many in operated.undos.items() for undo in many}
    kept_inactive = {(row.website_id, row.fact_id) for row in tx.all(sql.all_inactive)}
    kept_merges = {
        (row.website_id, Merge(row.fact_id, row.profile_id, row.other_id)) for row in tx.all(sql.all_merges)
    }
    kept_undos = {(row.website_id, Undo(row.fact_id, row.target_id)) for row in tx.all(sql.all_undos)}
    differing = {
        "inactive facts": operated.inactive ^ kept_inactive,
        "merges": {(w, merge.fact_id) for w, merge in merges ^ kept_merges},
        "undos": {(w, undo.fact_id) for w, undo in undos ^ kept_undos},
    }
    for name, facts in differing.items():
        for website_id, fact_id in facts:
            report.add(f"{name} of website {website_id.hex()}: fact {fact_id.hex()} differs from the ledger")


def _both(merge: Merge) -> list[Merge]:
    """The merge as it is listed under each of its users."""
    return [merge, Merge(merge.fact_id, merge.other_id, merge.profile_id)]


def _verify_profiles(tx: Transaction, operated: Operated, report: Report) -> None:
    """Compare each profile with its row. Merged people come last, so out of order: profiles and rows left over are paired at the end."""
    alone: dict[Key, FoldedProfile] = {}
    rest: dict[Key, Row] = {}
    stored = ((_profile_key(row), row) for row in tx.stream(sql.all_profiles))
    for key, profile, row in _paired(fold_people(tx, operated), stored):
        if profile is None:
            rest[key] = row
        elif row is None:
            alone[key] = profile
        else:
            _compare(key, profile, row, report)
    for key in sorted(alone.keys() | rest.keys()):
        if key not in rest:
            report.add_profile(key, "has facts but no row")
        elif key not in alone:
            report.add_profile(key, "has a row but no facts")
        else:
            _compare(key, alone[key], rest[key], report)


def _paired(
    left: Iterable[tuple[Key, L]], right: Iterable[tuple[Key, R]]
) -> Iterator[tuple[Key, L | None, R | None]]:
    """Two streams, each sorted by key, side by side; None where one has nothing. An entry out of order is a pair of its own."""
    ones, others = iter(left), iter(right)
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101 - one of the two is there
            yield one[0], one[1], None
            one = next(ones, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(others, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(ones, None), next(others, None)


def _compare(key: Key, person: FoldedProfile, row: Row, report: Report) -> None:
    report.profiles += 1
    for problem in _problems(person, row):
        report.add_profile(key, problem)


def _problems(person: FoldedProfile, row: Row) -> Iterator[str]:
    kept = store.traits_from(row)
    traits = person.traits
    if not trait_rules.same_value(traits.values, kept.values):
        yield "metadata differs from the ledger"
    if (traits.untrusted.keys(), traits.gone, traits.left_out) != (
        kept.untrusted.keys(),
        kept.gone,
        kept.left_out,
    ):
        yield "which fields are trusted or left out differs from the ledger"
    elif list(traits.untrusted) != list(kept.untrusted):
        yield "the age of fields that only pages set differs from the ledger"
    elif not trait_rules.same_value(traits.untrusted, kept.untrusted):
        yield "what is left out differs from the ledger"
    for name in ("person_id", "member_count", "user_id", "identified_at", "visitor_count"):
        if getattr(person, name) != getattr(row, name):
            yield f"{name} differs from the ledger"


def _verify_links(tx: Transaction, operated: Operated, report: Report) -> None:
    stored = (
        (key, [store.link_from(row) for row in rows])
        for key, rows in groupby(tx.stream(sql.all_links), key=_visitor_key)
    )
    for key, folded, kept in _paired(_counted(fold_visitors(tx, operated), report), stored):
        if folded != kept:
            report.add(
                f"visitor {format_uuid(key[1])} of website {key[0].hex()}: links differ from the ledger"
            )


def _counted(visitors: Iterable[tuple[Key, Any]], report: Report) -> Iterator[tuple[Key, Any]]:
    for key, links in visitors:
        report.visitors += 1
        yield key, links
