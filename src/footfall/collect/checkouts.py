"""Which visitor's page reported a checkout: with an id that nobody can guess, whoever reports it was there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
            key = (hit.website_id, hit.visitor_id, found)
            rows[key] = min(hit.at, rows.get(key, hit.at))
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


class CheckoutReport(NamedTuple):
    """The visitor whose page reported a checkout first, and when (ms since epoch)."""

    visitor_id: bytes
    at: int


def reports_of(
    tx: Transaction, website_id: bytes, texts: Sequence[str | None]
) -> list[CheckoutReport | None]:
    """Who reported each of these checkouts."""
    hashes = [checkout_hash(website_id, one) for one in texts]
    keys: list[Params] = sorted({(website_id, one) for one in hashes if one is not None})
    rows = {
        key[1]: row for key, row in zip(keys, tx.get_many(sql.checkout_visitor, keys), strict=True) if row
    }
    return [
        CheckoutReport(row.visitor_id, row.told_at) if one is not None and (row := rows.get(one)) else None
        for one in hashes
    ]
