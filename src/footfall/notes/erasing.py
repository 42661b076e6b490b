"""Which notes go with a person who is erased: those that name them."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.identity.erasing import Counts, Eraser, Leaving
from footfall.notes.store import read_notes, remove_notes
from footfall.people.naming import read_leaver


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    website_id = leaving.erasure.website_id
    if notes := read_notes(tx, website_id):
        leaver = read_leaver(tx, leaving)
        gone = [one.note.note_id for one in notes if leaver.is_named_in(one.note.text)]
        remove_notes(tx, website_id, gone)
    return {}


ERASER = Eraser(tables=frozenset(), forget_users=_forget_users)
