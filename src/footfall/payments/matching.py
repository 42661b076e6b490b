"""Whose a payment without a known visitor is: found out by the step that keeps the index of people, which sees all evidence.

A payment leaves clues (hashes of what it names) and asks for a look. Whoever brings evidence later asks about the clue, and a sweep looks at all
payments that it leads to, however many, some in each step. Both wait until the index is up to date with everything that was written. What comes
out follows from the evidence as it is by then alone, so that it makes no difference what came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.collect.checkouts import reports_of
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity import rules as identity_rules
from footfall.identity.erasing import links_of
from footfall.ids import format_uuid, parse_uuid
from footfall.outbox.store import tell_payments
from footfall.payments.claims import (
    Claim,
    Clue,
    FindProfiles,
    ask_about,
    believed,
    by_website,
    claims_of,
    clues_of_payment,
    clues_of_payments,
    refresh_claims,
)
from footfall.payments.filling import lock_whose
from footfall.payments.hints import Hint, hints_of_payments
from footfall.payments.model import OPEN, Method, Payment
from footfall.payments.owners import know, seen_visitors
from footfall.payments.rules import VISITOR, digest
from footfall.payments.store import get_payments, known_columns, sql

SWEEPS = 20
"""Clues that one step takes."""


class Looked(NamedTuple):
    """How many payments a step looked at, and whether more wait."""

    payments: int
    has_more: bool


def has_clues(tx: Transaction, website_id: bytes) -> bool:
    """Whether evidence may say anything of any payment of a website."""
    return tx.one(sql.clue_any, (website_id,)) is not None


def note_seen(tx: Transaction, visitors: Iterable[Params]) -> None:
    """Pages of these visitors (website id, visitor id) were seen for the first time: payments may have named them before."""
    for website_id, keys in by_website(visitors):
        if has_clues(tx, website_id):
            ask_about(tx, [(website_id, digest(website_id, VISITOR, format_uuid(key[1]))) for key in keys])  # type: ignore[arg-type]


def waiting_looks(tx: Transaction, most: int) -> list[Params]:
    """The keys of the payments that wait longest, at most so many.

    They are read before the changes that the index takes: whoever commits a payment meanwhile may have committed evidence before it.
    """
    return [(row.website_id, row.payment_id) for row in tx.all(sql.looks, (most,))]


def take_looks(tx: Transaction, waiting: Sequence[Params], most: int, find_profiles: FindProfiles) -> Looked:
    """Find out whose some payments are, at most so many of those that wait. The index is up to date with all that came before them."""
    looked = waiting[: (limit := max(most // 2, 1))]
    for website_id, keys in by_website(looked):
        _lock(tx, website_id)
        payments = get_payments(tx, website_id, [key[1] for key in keys])  # type: ignore[misc]
        _refresh_and_sweep(tx, website_id, payments, find_profiles)
        _settle(tx, website_id, payments)
        tx.execute_many(sql.look_remove, keys)
    swept = _take_sweeps(tx, most - len(looked), find_profiles)
    return Looked(len(looked) + swept.payments, len(looked) == limit or swept.has_more)


def _lock(tx: Transaction, website_id: bytes) -> None:
    """Whoever is erased meanwhile must not be found, and nobody else says meanwhile whose payments are."""
    tx.lock([], [(website_id, b"people")])
    lock_whose(tx, website_id)


def _refresh_and_sweep(
    tx: Transaction, website_id: bytes, payments: Sequence[Payment], find_profiles: FindProfiles
) -> None:
    """Find out who has what these payments name. Where that is news, the others that name it are looked at too."""
    clues = [clue for own in clues_of_payments(tx, website_id, payments) for clue in own]
    changed = refresh_claims(tx, website_id, clues, find_profiles)
    tx.execute_many(sql.sweep_start, [(website_id, one, b"") for one in sorted(changed)])


def _take_sweeps(tx: Transaction, most: int, find_profiles: FindProfiles) -> Looked:
    rows = tx.all(sql.sweeps, (SWEEPS,))
    left = most
    for website_id, keys in by_website((row.website_id, row) for row in rows):
        _lock(tx, website_id)
        own: list[Row] = [key[1] for key in keys]
        changed = _refresh_asked(tx, website_id, [row.clue_hash for row in own if row.is_new], find_profiles)
        for row in own:
            position = b"" if row.clue_hash in changed else row.position
            left -= _sweep(tx, website_id, row.clue_hash, position, left)
    return Looked(most - left, len(rows) == SWEEPS or left <= 0)


def _refresh_asked(
    tx: Transaction, website_id: bytes, hashes: Sequence[bytes], find_profiles: FindProfiles
) -> set[bytes]:
    """Of clues of which something new is known, those of which the payments have to be looked at."""
    found = tx.all_together(*[(sql.clued_up, (website_id, one, b"", 1)) for one in hashes])
    ids = {row.payment_id for rows in found for row in rows}
    payments = get_payments(tx, website_id, ids)
    named = {clue.hash: clue for own in clues_of_payments(tx, website_id, payments) for clue in own}
    clues: list[Clue] = [named[one] for one in hashes if one in named]
    # Who reported a checkout, and whether a visitor was seen, is told by the clue itself.
    return refresh_claims(tx, website_id, clues, find_profiles) | (set(hashes) - named.keys())


def _sweep(tx: Transaction, website_id: bytes, clue_hash: bytes, position: bytes | None, most: int) -> int:
    """Look at the next payments to which a clue leads; how many that were."""
    if position is None:
        tx.execute(sql.sweep_remove, (website_id, clue_hash))
        return 0
    rows = tx.all(sql.clued_up, (website_id, clue_hash, position, most)) if most > 0 else []
    _settle(tx, website_id, get_payments(tx, website_id, [row.payment_id for row in rows]))
    if len(rows) < most:
        tx.execute(sql.sweep_remove, (website_id, clue_hash))
    else:
        last = rows[-1].payment_id if rows else position
        tx.execute(sql.sweep_put, (website_id, clue_hash, last))
    return len(rows)


class _Match(msgspec.Struct, frozen=True):
    """The visitor or user whose a payment is, and the fact that says so; neither, and why that is."""

    method: Method
    visitor_id: bytes | None = None
    profile_id: bytes | None = None
    evidence: bytes | None = None


def _settle(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> None:
    """Say whose payments are by what is known now, but of those of a given visitor and of erased people."""
    loose = [
        one for one in payments if one.method not in (Method.VISITOR, Method.ERASED) and one.transaction_id
    ]
    changed = [
        (one, match)
        for one, match in zip(loose, _match(tx, website_id, loose), strict=True)
        if (one.method, one.visitor_id, one.profile_id, one.evidence)
        != (match.method, match.visitor_id, match.profile_id, match.evidence)
    ]
    now = system_clock()
    tx.execute_many(
        sql.payment_assign,
        [
            (
                website_id,
                one.payment_id,
                match.visitor_id,
                match.profile_id,
                match.method.value,
                match.evidence,
                int(match.method in OPEN),
            )
            for one, match in changed
        ],
    )
    told = {
        (visitor_id, one.at) for one, match in changed for visitor_id in (one.visitor_id, match.visitor_id)
    }
    tell_payments(tx, website_id, told)
    tx.execute_many(
        sql.move_add,
        [
            (website_id, one.payment_id, now, match.method.value, match.evidence)
            for one, match in changed
            if not (one.method in OPEN and match.method in OPEN)
        ],
    )
    _freeze(
        tx,
        website_id,
        [pair for pair in changed if pair[0].method is Method.WAITING and pair[1].method not in OPEN],
    )


def _freeze(tx: Transaction, website_id: bytes, found: Sequence[tuple[Payment, _Match]]) -> None:
    """Keep who is known by now, so soon after the payments were recorded."""
    links = links_of(tx, website_id, sorted({one.visitor_id for _, one in found if one.visitor_id}))
    asked = [
        (
            match.visitor_id,
            identity_rules.owner_at(links[match.visitor_id], one.at)
            if match.visitor_id
            else match.profile_id,
            one.at,
        )
        for one, match in found
    ]
    known = know(tx, website_id, asked)
    tx.execute_many(
        sql.payment_freeze,
        [
            (website_id, one.payment_id, *known_columns(whose))
            for (one, _), whose in zip(found, known, strict=True)
        ],
    )


def _match(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> list[_Match]:
    """By the visitor that was given, else the checkout that a page reported, else the customer id, the e-mail address and the merchant's own id,

    else a visitor of the same customer.
    """
    given = [parse_uuid(one.visitor_ref) for one in payments]
    hints = hints_of_payments(tx, website_id, payments)
    hinted = [[parse_uuid(hint.value) for hint in own if hint.method is Method.VISITOR] for own in hints]
    visitors = {*given, *(one for own in hinted for one in own)}
    seen = seen_visitors(tx, website_id, [one for one in visitors if one is not None])
    reported = _reports(tx, website_id, payments, hints)
    clues = [clues_of_payment(website_id, one, own) for one, own in zip(payments, hints, strict=True)]
    claims = claims_of(tx, website_id, [clue.hash for own in clues for clue in own])
    return [
        _Match(Method.VISITOR, visitor_id=visitor_id)
        if visitor_id in seen
        else _Match(Method.CHECKOUT, visitor_id=checkout)
        if checkout is not None
        else next((match for clue in own if (match := _by_clue(clue, claims))), None)
        or _nobodys(visitor_id, own, [one for one in others if one in seen])
        for visitor_id, checkout, own, others in zip(given, reported, clues, hinted, strict=True)
    ]


def _reports(
    tx: Transaction, website_id: bytes, payments: Sequence[Payment], hints: Sequence[Sequence[Hint]]
) -> list[bytes | None]:
    """The visitor whose page reported a checkout of each payment."""
    checkouts = [
        [one.transaction_id, *(hint.value for hint in own if hint.method is Method.CHECKOUT)]
        for one, own in zip(payments, hints, strict=True)
    ]
    found = iter(reports_of(tx, website_id, [one for own in checkouts for one in own]))
    reports = [[next(found) for _ in own] for own in checkouts]
    return [next((one.visitor_id for one in own if one is not None), None) for own in reports]


def _by_clue(clue: Clue, claims: dict[bytes, list[Claim]]) -> _Match | None:
    found = claims[clue.hash]
    if not found:
        return None
    first, *others = believed(found)
    if others:
        return _Match(Method.AMBIGUOUS)
    return _Match(clue.method, profile_id=first.profile_id, evidence=first.fact_id)


def _nobodys(visitor_id: bytes | None, clues: Sequence[Clue], seen: Sequence[bytes | None]) -> _Match:
    """What is left: that a customer's other words name a visitor, who was seen, or why it is nobody's."""
    if visitor_id is not None:
        return _Match(Method.UNSEEN_VISITOR, visitor_id=visitor_id)
    if seen:
        return _Match(Method.VISITOR, visitor_id=seen[0])
    return _Match(Method.NOBODY_KNOWN if clues else Method.NO_EVIDENCE)
