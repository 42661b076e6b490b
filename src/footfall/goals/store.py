"""What is stored about goals besides their events, and which visitor a user's goal belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.goals.model import Look, LookChange
from footfall.identity.ledger.show import person_now
from footfall.identity.refs import resolve_profile
from footfall.people.person import look_at
from footfall.websites.model import Website

sql = load(__file__, "goals.sql")


def last_visitors(tx: Transaction, asked: tuple[Website, Sequence[tuple[str, int]]]) -> list[bytes | None]:
    """For each of these people (user id, at a time in ms since epoch): the visitor used last, among those that were theirs then."""
    website, people = asked
    return [_last_visitor(tx, website, user_id, at) for user_id, at in people]


def _last_visitor(tx: Transaction, website: Website, user_id: str, at: int) -> bytes | None:
    person = person_now(tx, website.website_id, resolve_profile(tx, website, user_id))
    if person is None:
        return None
    then = {
        visitor_id: [span for span in spans if span.since <= at < span.until]
        for visitor_id, spans in person.spans.items()
    }
    own = {visitor_id: spans for visitor_id, spans in then.items() if spans}
    seen = look_at(tx, website.website_id, [own])[0]
    return max(seen, key=lambda one: one.key).visitor_id if seen else None


def read_looks(tx: Transaction, website_id: bytes) -> list[Look]:
    """How the goals of a website are shown, by name."""
    return [_look(row) for row in tx.all(sql.looks_all, (website_id,))]


def change_look(tx: Transaction, website_id: bytes, change: LookChange, now: int) -> Look:
    """Change how a goal is shown; returns the result."""
    tx.lock([(website_id, b"goal looks")])
    row = tx.one(sql.look_get, (website_id, change.name))
    before = _look(row) if row else Look(change.name, None, None, None, now)
    look = Look(
        change.name,
        _changed(before.display_name, change.display_name),
        _changed(before.color, change.color),
        _changed(before.description, change.description),
        now,
    )
    tx.execute(sql.look_put, (website_id, *astuple(look)))
    return look


def _changed(before: str | None, change: str | msgspec.UnsetType | None) -> str | None:
    return before if isinstance(change, msgspec.UnsetType) else change


def remove_look(tx: Transaction, website_id: bytes, name: str) -> bool:
    """Whether there was a customization of this goal to remove."""
    return tx.execute(sql.look_remove, (website_id, name)) > 0


def _look(row: Row) -> Look:
    return Look(row.name, row.display_name, row.color, row.description, row.updated_at)
