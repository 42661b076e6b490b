"""Erasure: the removal of facts, and of everything else that tells who a person was.

What stays: that somebody did what the events say, without e-mail addresses, parameters and query strings; a boundary for each of the
person's links, so that nobody else inherits the events; and a tombstone, by which later copies of the facts are recognised and dropped.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

import msgspec

from footfall.db.protocol import Database, Params, Row, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import ApiError, DatabaseError
from footfall.identity import rules, store
from footfall.identity.ledger import (
    boundary_id,
    everybody_of,
    refresh_people,
    refresh_profile,
    refresh_visitor,
)
from footfall.identity.model import UNDO, Link
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT, at_of, at_prefix
from footfall.log import get_logger
from footfall.websites.model import Website

sql = load(__file__, "erase.sql")

_EMAIL = re.compile(r"(?<![^\s/?&=#;,])[^\s/?&=#;,]+(?:@|%40)[^\s/?&=#;,]+")
"""Begins where a run of such characters does: tried at each of them, a long text without an address would take seconds."""
ERASED = "[erased]"
"""What stands where an e-mail address was (stored)."""


class EraseCall(msgspec.Struct, frozen=True):
    """Erase a person. `erasure_id` (see `rules.erasure_id`) names the erasure; `now`: ms since epoch."""

    website_id: bytes
    profile_secret: bytes
    profile_id: bytes
    erasure_id: bytes
    now: int


class Erased(msgspec.Struct, frozen=True):
    """What an erasure removed or blanked: a receipt. `rows`: how many, by what they were; `keys`: (website id, profile id) of the users."""

    erasure_id: bytes
    erased_at: int
    users: int
    visitors: int
    rows: dict[str, int]
    keys: list[Params] = []


def erase_call(website: Website, profile_id: bytes, now: int) -> EraseCall:
    """The call to erase a person at a time (ms since epoch), under an id of its own."""
    erasure_id = rules.erasure_id(website.profile_secret, secrets.token_bytes(8))
    return EraseCall(website.website_id, website.profile_secret, profile_id, erasure_id, now)


def erase(tx: Transaction, calls: list[EraseCall]) -> list[Erased | None]:
    """Write handler: a receipt for each call; None when there is no fact about such a profile."""
    return [_erase(tx, call) for call in calls]


def _erase(tx: Transaction, call: EraseCall) -> Erased | None:
    members = everybody_of(tx, call.website_id, call.profile_id)
    return erase_users(tx, call, members) if members else None


def erase_users(tx: Transaction, call: EraseCall, members: dict[bytes, str], until: int = MAX_AT) -> Erased:
    """Erase these users (user ids by profile id): all facts about them, and what they did before `until` (ms since epoch)."""
    ledger = [
        row for member in members for row in tx.all(identity_sql.ledger_of_profile, (call.website_id, member))
    ]
    before = [row for row in ledger if at_of(row[0]) < until]
    erased_at = max([call.now, *(at_of(row[0]) for row in before)])
    visitors = sorted({row[4] for row in ledger if row[4] is not None})
    rows = {"events": 0, "sessions": 0, "visitors": 0}
    ids = set(members)
    for visitor_id in visitors:
        _blank_visitor(tx, call.website_id, visitor_id, ids, until, rows)
    _leave_boundaries(tx, call, before)
    rows["facts"] = _remove_facts(tx, call.website_id, ids, ledger)
    for visitor_id in visitors:
        others = {row[0] for row in tx.all(sql.linked_profiles, (call.website_id, visitor_id))} - ids - {None}
        tx.run(identity_sql.links_remove, (call.website_id, visitor_id))
        refresh_visitor(tx, call.website_id, visitor_id, others)
    rows["profiles"] = sum(tx.run(identity_sql.profile_remove, (call.website_id, member)) for member in ids)
    keys: list[Params] = [(call.website_id, member) for member in sorted(ids)]
    tx.run_many(sql.changes_forget, keys)
    store.mark_changed(tx, keys)  # type: ignore[arg-type]
    for user_id in members.values():
        _bury(tx, call, user_id, erased_at)
    return Erased(call.erasure_id, erased_at, len(members), len(visitors), rows, keys)


def _blank_visitor(
    tx: Transaction, website_id: bytes, visitor_id: bytes, ids: set[bytes], end: int, rows: dict[str, int]
) -> None:
    """Blank what the person's own spans of a visitor tell, before `end` (ms since epoch)."""
    links = store.links_of_visitor(tx, website_id, visitor_id)
    key: Params = (website_id, visitor_id)
    for since, until in ((since, min(until, end)) for since, until in rules.own_spans(links, ids)):
        events = tx.all(sql.events_between, (*key, at_prefix(since), at_prefix(until)))
        rows["events"] += _blank(tx, events, sql.event_blank, key)
        rows["sessions"] += _blank(
            tx, tx.all(sql.sessions_between, (*key, since, until)), sql.session_blank, key
        )
    rows["visitors"] += _blank_visitor_row(tx, key, links, ids)


def _blank_visitor_row(tx: Transaction, key: Params, links: list[Link], ids: set[bytes]) -> int:
    """The visitor's row tells where its first pageview came from and which page the last one was, whoever has the visitor since."""
    row = tx.one(sql.visitor_texts, key)
    if row is None or not any(link.profile_id in ids for link in links):
        return 0
    current_url, *first = row
    earliest, latest = tx.one(sql.pageview_first, key), tx.one(sql.pageview_last, key)
    if latest is not None and rules.owner_at(links, at_of(latest[0])) in ids:
        current_url = without_emails(current_url)
    if earliest is not None and rules.owner_at(links, at_of(earliest[0])) in ids:
        first = [without_emails(first[0]), None, None]
    return tx.run(sql.visitor_blank, (*key, current_url, *first))


def _blank(tx: Transaction, found: list[Row], statement: Any, key: Params) -> int:
    """Run `statement` for each row of (own key, texts that may hold an e-mail address ...); the number of rows."""
    tx.run_many(statement, [(*key, row[0], *map(without_emails, row[1:])) for row in found])
    return len(found)


def without_emails(text: str | None) -> str | None:
    """`text` with every e-mail address, also a percent-encoded one, replaced."""
    return None if text is None else _EMAIL.sub(ERASED, text)


def _leave_boundaries(tx: Transaction, call: EraseCall, ledger: list[Row]) -> None:
    for row in ledger:
        if row[4] is not None and tx.one(identity_sql.inactive_get, (call.website_id, row[0])) is None:
            tx.run(
                identity_sql.boundary_add, (call.website_id, row[4], boundary_id(call.profile_secret, row[0]))
            )


def _remove_facts(tx: Transaction, website_id: bytes, ids: set[bytes], ledger: list[Row]) -> int:
    """Remove all facts about these users, the merges that name them, and all undos of any of those."""
    merges = {row for member in ids for row in tx.all(identity_sql.merges_of_profile, (website_id, member))}
    others = {row[2] for row in merges} - ids
    doomed = {row[0] for row in ledger if row[1] != UNDO} | {row[0] for row in merges}
    waiting = list(doomed)
    while waiting:
        target = waiting.pop()
        for fact_id, _ in tx.all(identity_sql.undos_of_fact, (website_id, target)):
            tx.run(identity_sql.undo_remove, (website_id, target, fact_id))
            doomed.add(fact_id)
            waiting.append(fact_id)
    for fact_id, profile_id, other_id in merges:
        tx.run(identity_sql.merge_remove, (website_id, profile_id, fact_id))
        tx.run(identity_sql.merge_remove, (website_id, other_id, fact_id))
    for fact_id in doomed:
        tx.run(identity_sql.inactive_remove, (website_id, fact_id))
        tx.run(identity_sql.fact_remove, (website_id, fact_id))
    # Merges with others were undone before, or those others would be this person; what they have of their own is folded anew.
    for other in others:
        refresh_profile(tx, website_id, other)
    refresh_people(tx, website_id, others)
    return len(doomed)


def _bury(tx: Transaction, call: EraseCall, user_id: str, erased_at: int) -> None:
    user_hash = rules.user_hash(call.profile_secret, user_id)
    stone = tx.one(identity_sql.tombstone_get, (call.website_id, user_hash))
    generation = (stone[0] if stone else 0) + 1
    tx.run(identity_sql.tombstone_put, (call.website_id, user_hash, call.erasure_id, generation, erased_at))


def _locks(calls: list[EraseCall]) -> list[Params]:
    """Besides all that concerns people, the visitors' own rows: an event would write back what is being blanked."""
    names = (b"people", b"visitors")
    return [(call.website_id, name) for call in calls for name in names]


ERASE_HANDLER = WriteHandler(rank=2, run=erase, is_slow=True, locks=_locks)


def forget(tx: Transaction, calls: list[list[Params]]) -> list[None]:
    """Write handler: nobody is found by these profiles (website id, profile id) any more. The next step of the index would see to it too."""
    for keys in calls:
        for statement in (sql.index_forget, sql.terms_forget, sql.seen_forget):
            tx.derived.run_many(statement, keys)
    return [None] * len(calls)


FORGET_HANDLER = WriteHandler(rank=-1, run=forget, is_step=True, locks=lambda calls: [(b"trait index",)])


async def erase_person(database: Database, call: EraseCall) -> tuple[Erased | None, bool]:
    """The receipt of an erasure, None when there is no fact about such a profile; and whether all that was removed is gone from the disk."""
    receipt: Erased | None = await database.write(ERASE_HANDLER, call)
    if receipt is None:
        return None, False
    try:
        await database.write(FORGET_HANDLER, receipt.keys)
    except (ApiError, DatabaseError) as error:  # the erasure stands
        get_logger("erasure").warning("the index is cleared by its next step", reason=str(error))
        return receipt, False
    return receipt, await database.scrub()
