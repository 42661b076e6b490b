"""What of an erasure reaches the columns: the visitors whose rows tell of nobody now."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.identity.erasing import Blanked, Counts, Eraser
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell_visitors


def _finish_visitors(tx: Transaction, blanked: Blanked) -> Counts:
    tell_visitors(tx, blanked.erasure.website_id, blanked.facts, ChangeKind.ERASED)
    return {}


ERASER = Eraser(tables=frozenset(), finish_visitors=_finish_visitors)
