"""Funnels in the database."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.errors import Conflict, NotFound
from footfall.funnels.model import Funnel, FunnelFields, FunnelStep
from footfall.ids import new_object_id, parse_object_id

sql = load(__file__, "funnels.sql")

MOST_FUNNELS = 500
"""Funnels per website: each change looks at all of them."""

_decode = msgspec.json.Decoder(tuple[FunnelStep, ...]).decode
_OTHERS = re.compile("[^a-z0-9]+")


def read_funnels(tx: Transaction, website_id: bytes) -> list[Funnel]:
    """The funnels of a website that were not deleted, oldest first."""
    return [_funnel(row) for row in tx.all(sql.funnels_active, (website_id,))]


def find_funnel(tx: Transaction, asked: tuple[bytes, str]) -> Funnel | NotFound:
    """The funnel of a website (its id) that has an id in hex digits, or a slug."""
    website_id, ref = asked
    funnels, funnel_id = read_funnels(tx, website_id), parse_object_id(ref)
    found = [one for one in funnels if one.funnel_id == funnel_id] or [
        one for one in funnels if one.slug == ref
    ]
    return found[0] if found else _unknown()


def add_funnel(tx: Transaction, website_id: bytes, said: FunnelFields, now: int) -> Funnel | Conflict:
    """Store a new funnel under a unique name."""
    funnels = _lock(tx, website_id)
    name, funnel_id = said.name or "", new_object_id()
    if len(funnels) >= MOST_FUNNELS:
        return Conflict(f"A website has at most {MOST_FUNNELS} funnels: delete one that nobody needs.")
    if _is_taken(name, funnels):
        return _taken()
    funnel = Funnel(funnel_id, name, _slug(name, funnel_id, funnels), said.steps or (), True, now, now)
    _put(tx, website_id, funnel)
    return funnel


def change_funnel(
    tx: Transaction, website_id: bytes, funnel_id: bytes | None, said: FunnelFields, now: int
) -> Funnel | Conflict | NotFound:
    """Change what the call sets on a funnel."""
    funnels = _lock(tx, website_id)
    funnel = next((one for one in funnels if one.funnel_id == funnel_id), None)
    if funnel is None:
        return _unknown()
    others = [one for one in funnels if one is not funnel]
    name = said.name or funnel.name
    if _is_taken(name, others):
        return _taken()
    slug = funnel.slug if name == funnel.name else _slug(name, funnel.funnel_id, others)
    changed = replace(funnel, name=name, slug=slug, steps=said.steps or funnel.steps, updated_at=now)
    _put(tx, website_id, changed)
    return changed


def delete_funnel(tx: Transaction, website_id: bytes, funnel_id: bytes | None, now: int) -> Funnel | NotFound:
    """Retire a funnel; its row stays."""
    funnel = next((one for one in _lock(tx, website_id) if one.funnel_id == funnel_id), None)
    if funnel is None:
        return _unknown()
    deleted = replace(funnel, is_active=False, updated_at=now)
    _put(tx, website_id, deleted)
    return deleted


def _lock(tx: Transaction, website_id: bytes) -> list[Funnel]:
    """The funnels, which nobody else can change until the transaction ends."""
    tx.lock([(website_id, b"funnels")])
    return read_funnels(tx, website_id)


def _is_taken(name: str, others: Iterable[Funnel]) -> bool:
    return any(one.name.casefold() == name.casefold() for one in others)


def _taken() -> Conflict:
    return Conflict("name: another funnel of this website has this name.")


def _unknown() -> NotFound:
    return NotFound("There is no such funnel in this website.")


def _slug(name: str, funnel_id: bytes, others: Iterable[Funnel]) -> str:
    """The name in ASCII letters and digits; with a part of the id if that leaves nothing, or is already in use."""
    slug = _OTHERS.sub("-", name.lower()).strip("-")
    if slug and all(one.slug != slug for one in others):
        return slug
    return f"{slug or 'funnel'}-{funnel_id.hex()[:6]}"


def _put(tx: Transaction, website_id: bytes, funnel: Funnel) -> None:
    steps = msgspec.json.encode(funnel.steps).decode()
    row = (funnel.name, funnel.slug, steps, int(funnel.is_active), funnel.created_at, funnel.updated_at)
    tx.execute(sql.funnel_put, (website_id, funnel.funnel_id, *row))


def _funnel(row: Row) -> Funnel:
    return Funnel(
        row.funnel_id,
        row.name,
        row.slug,
        _decode(row.steps),
        bool(row.is_active),
        row.created_at,
        row.updated_at,
    )
