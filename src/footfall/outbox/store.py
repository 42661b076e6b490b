"""Word of what changed: left in the transaction of the change, and removed once the columns have it on disk.

Nothing depends on the order of the rows, nor on how often one is taken: each names what has to be looked at anew, and how it looks by then is
in the database. So any number of processes leave word at once, whichever commits first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from footfall.clock import system_clock
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.ids import at_prefix
from footfall.outbox.model import WEBSITE_BYTES, Change, ChangeKind, payment_key, visitor_key

sql = load(__file__, "outbox.sql")


def tell(tx: Transaction, kind: ChangeKind, keys: Iterable[bytes]) -> None:
    """Leave word of what these keys name; nothing for none."""
    told: dict[bytes, list[bytes]] = {}
    for key in keys:
        told.setdefault(key[:WEBSITE_BYTES], []).append(key[WEBSITE_BYTES:])
    if told:
        change_id = at_prefix(system_clock()) + os.urandom(8)
        tx.execute_many(
            sql.change_add, [(one, change_id, kind.value, b"".join(rest)) for one, rest in told.items()]
        )


def tell_visitors(
    tx: Transaction, website_id: bytes, visitors: Iterable[bytes], kind: ChangeKind = ChangeKind.VISITOR
) -> None:
    """Leave word that all of these visitors has to be looked at anew; `kind`: or of whom something must not be left."""
    tell(tx, kind, [visitor_key(website_id, one, 0) for one in visitors])


def tell_payments(tx: Transaction, website_id: bytes, paid: Iterable[tuple[bytes | None, int]]) -> None:
    """Leave word of payments: whose visitor's each is, and when it was made (ms since epoch).

    One that names a visitor may be no visitor's all the same, until that one's first pageview comes.
    """
    found = list(paid)
    tell(tx, ChangeKind.VISITOR, [visitor_key(website_id, one, at) for one, at in found if one is not None])
    tell(tx, ChangeKind.PAYMENT, [payment_key(website_id, at) for at in {at for _, at in found}])


def change_ids(tx: Transaction) -> list[bytes]:
    """All changes of which there is word, oldest first as far as clocks agree."""
    return sorted((row.website_id + row.change_id for row in tx.all(sql.change_ids)), key=_own)


def _own(change_id: bytes) -> bytes:
    return change_id[WEBSITE_BYTES:]


def _keys(ids: Iterable[bytes]) -> list[Params]:
    """Website ids and change ids as they are stored."""
    return [(one[:WEBSITE_BYTES], one[WEBSITE_BYTES:]) for one in ids]


def read_changes(tx: Transaction, ids: Sequence[bytes]) -> list[Change]:
    """Those of these changes that are there."""
    found = zip(ids, tx.get_many(sql.change_get, _keys(ids)), strict=True)
    return [Change(one, ChangeKind(row.kind), row.keys) for one, row in found if row is not None]


def paired_with(tx: Transaction) -> bytes | None:
    """The token of the columns that belong to this database."""
    row = tx.one(sql.pair_get)
    return row.token if row else None


def settle(tx: Transaction, ids: Iterable[bytes], token: bytes) -> None:
    """The columns of this token have these changes on disk."""
    pair_with(tx, token)
    forget(tx, ids)


def pair_with(tx: Transaction, token: bytes) -> None:
    """The columns of this token belong to this database. They may forget changes of which there is still word: taking one twice is no harm."""
    tx.execute(sql.pair_clear)
    tx.execute(sql.pair_put, (token,))


def forget(tx: Transaction, ids: Iterable[bytes]) -> None:
    """Remove word of changes that the columns have on disk, once they are paired anew."""
    tx.execute_many(sql.change_remove, _keys(ids))


def unpair(tx: Transaction) -> None:
    """Whatever columns there are have to be made anew."""
    tx.execute(sql.pair_clear)
