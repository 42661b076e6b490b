"""Word of what changed: left in the transaction of the change, and removed once the columns have it on disk.

On several machines, that is: once all who keep columns have it. Whoever is not heard of for a day, or is so far behind that word of too many
changes waits, is no longer waited for, and makes columns anew. Word is kept for a keeper from before it begins to make them.

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

ALONE = bytes(16)
"""The keeper of an embedded database, which can have no other."""
ABSENT_MS = 24 * 60 * 60 * 1000
"""A keeper that is not heard of for so long is no longer waited for."""
MOST_WORD = 1_000_000
"""Changes of which word is kept; with more, columns are made anew instead: some 100 MB."""


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


def paired_with(tx: Transaction, keeper_id: bytes = ALONE) -> bytes | None:
    """The token of the columns of a keeper that belong to this database."""
    return next((row.token for row in tx.all(sql.keepers) if row.keeper_id == keeper_id), None)


def settle(tx: Transaction, ids: Iterable[bytes], token: bytes, keeper_id: bytes = ALONE) -> None:
    """The columns of this token have these changes on disk, whatever belonged to this database before."""
    pair_with(tx, token, None, keeper_id)
    forget(tx, ids, keeper_id)


def pair_with(
    tx: Transaction, token: bytes, before: bytes | None, keeper_id: bytes = ALONE, clean_at: int = 0
) -> bool:
    """The columns of the token `before` have this one; None: a keeper is about to make some, and word is kept for it from now on.

    `clean_at`: they hold nothing that was erased before (ms since epoch).
    False, and nothing is changed, if no such columns belong to this database any more: they have to be made anew.
    """
    _lock(tx)
    if before is not None:
        return tx.execute(sql.keeper_go_on, (keeper_id, before, token, system_clock(), clean_at)) > 0
    tx.execute(sql.keeper_put, (keeper_id, token, system_clock()))
    return True


def clean_since(tx: Transaction) -> int:
    """What was erased before is in no columns any more (ms since epoch); 0: nobody keeps any that are known."""
    return min((row.clean_at for row in tx.all(sql.keepers)), default=0)


def forget(tx: Transaction, ids: Iterable[bytes], keeper_id: bytes = ALONE) -> None:
    """A keeper has these changes on disk, and is paired anew: word of them is removed, unless others still have to take it."""
    _lock(tx)
    keys = _keys(ids)
    if any(row.keeper_id != keeper_id for row in tx.all(sql.keepers)):
        there = zip(keys, tx.get_many(sql.change_get, keys), strict=True)
        tx.execute_many(sql.taken_add, [(*key, keeper_id) for key, row in there if row is not None])
    else:
        tx.execute_many(sql.change_remove, keys)


def unpair(tx: Transaction) -> None:
    """Whatever columns there are, on any machine, have to be made anew."""
    _lock(tx)
    for row in tx.all(sql.keepers):
        tx.execute(sql.keeper_drop, (row.keeper_id,))


def unpair_absent(tx: Transaction, now: int) -> int:
    """How many keepers were not heard of for a day before now (ms since epoch): nothing is kept for them any more."""
    _lock(tx)
    absent = [row.keeper_id for row in tx.all(sql.keepers) if row.seen_at < now - ABSENT_MS]
    tx.execute_many(sql.keeper_drop, [(one,) for one in absent])
    return len(absent)


def is_too_much(tx: Transaction, _: object = None) -> bool:
    """Whether there is more word than is kept for anybody."""
    row = tx.one(sql.word_count, (MOST_WORD + 1,))
    return row is not None and row.count > MOST_WORD


def forget_some(tx: Transaction, most: int) -> int:
    """Remove word of some changes that nobody has to take any more. Returns of how many; 0: there is none."""
    _lock(tx)
    rows = tx.all(sql.taken_by_all, (most,))
    if not rows and not tx.all(sql.keepers):
        rows = tx.all(sql.word_some, (most,))
    keys: list[Params] = [(row.website_id, row.change_id) for row in rows]
    tx.execute_many(sql.change_remove, keys)
    tx.execute_many(sql.taken_remove, keys)
    return len(keys)


def _lock(tx: Transaction) -> None:
    """Let no two machines decide at once what word has to be kept."""
    tx.lock([(b"columns",)])
