"""What of an erasure reaches the columns: the visitors whose rows tell of nobody now, and that nothing of before may be left in the file."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.identity.erasing import Blanked, Counts, Eraser, Leaving
from footfall.ids import VISITOR_BYTES
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell_visitors

NOBODY = bytes(VISITOR_BYTES)
"""No visitor has this id: it stands for payments of the person that are no visitor's, of which payments leave word."""


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    tell_visitors(tx, leaving.erasure.website_id, [NOBODY], ChangeKind.ERASED)
    return {}


def _finish_visitors(tx: Transaction, blanked: Blanked) -> Counts:
    tell_visitors(tx, blanked.erasure.website_id, blanked.facts, ChangeKind.ERASED)
    return {}


ERASER = Eraser(tables=frozenset(), forget_users=_forget_users, finish_visitors=_finish_visitors)
