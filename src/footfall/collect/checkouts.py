"""Which visitor's page reported a checkout: with an id that nobody can guess, whoever reports it was there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from footfall.collect.model import PAYMENT, UNGUESSABLE_IDS, Hit
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load

sql = load(__file__, "collect.sql")

LEAST = 20
"""Characters of an id that nobody can guess."""
MOST = 500
"""Checkouts that the index sees to at once."""

_decode = msgspec.json.Decoder().decode


def checkout_hash(website_id: bytes, text: str | None) -> bytes | None:
    """16 bytes for the id of a checkout within a website; None for one that may be guessed. (Stored.)"""
    if text is None or len(text) < LEAST:
        return None
    return hashlib.sha256(b"\0".join((website_id, b"checkout", text.encode()))).digest()[:16]


def note_checkouts(tx: Transaction, hits: Iterable[Hit]) -> None:
    """Keep which checkouts these hits report, and leave word of it."""
    rows: dict[Params, int] = {}
    for hit in hits:
        for found in _hashes(hit):
            rows.setdefault((hit.website_id, hit.visitor_id, found), hit.at)
    if rows:
        tx.execute_many(sql.checkout_add, [(*key, at) for key, at in rows.items()])
        tx.execute_many(sql.told_add, sorted({(key[0], key[2]) for key in rows}))


def _hashes(hit: Hit) -> list[bytes]:
    if hit.type != PAYMENT or hit.data is None:
        return []
    data = _decode(hit.data)
    texts = [data.get(name) for name in UNGUESSABLE_IDS]
    return [one for text in texts if isinstance(text, str) and (one := checkout_hash(hit.website_id, text))]


def take_told(tx: Transaction) -> list[Params]:
    """Some checkouts (website id, hash) that were reported since the last time."""
    keys: list[Params] = [(row.website_id, row.checkout_hash) for row in tx.all(sql.told_next, (MOST,))]
    tx.execute_many(sql.told_remove, keys)
    return keys


def visitor_of_checkout(tx: Transaction, website_id: bytes, text: str | None) -> bytes | None:
    """The visitor whose page reported a checkout first."""
    found = checkout_hash(website_id, text)
    row = found and tx.one(sql.checkout_visitor, (website_id, found))
    return row.visitor_id if row else None
