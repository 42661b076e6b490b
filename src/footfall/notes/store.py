"""Notes in the database."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from footfall.auth.store import key_names
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.errors import Conflict, NotFound
from footfall.ids import MAX_AT, new_object_id
from footfall.notes.model import Note, NoteCall, NoteFields, SignedNote

sql = load(__file__, "notes.sql")

MOST_NOTES = 1000
"""Of a website."""


def read_notes(tx: Transaction, website_id: bytes, since: int = 0, until: int = MAX_AT) -> list[SignedNote]:
    """The notes of a website about a time (ms since epoch), the latest first."""
    notes = [_note(row) for row in tx.all(sql.notes_between, (website_id, since, until))]
    names = key_names(tx, website_id) if notes else {}
    return [SignedNote(one, names.get(one.author_id)) for one in notes]


def add_note(
    tx: Transaction, website_id: bytes, said: NoteCall, author_id: bytes, now: int
) -> SignedNote | Conflict:
    """Store a new note, about `now` unless the call names a moment; or find the one that the same call made before."""
    tx.lock([(website_id, b"notes")])
    said_hash = hashlib.sha256(msgspec.json.encode([said.text, said.at])).digest()
    if said.key is not None and (made := tx.one(sql.note_by_key, (website_id, said.key))):
        return _signed(tx, website_id, made.note_id) if made.said_hash == said_hash else _other_call()
    counted = tx.one(sql.notes_count, (website_id,))
    if counted and counted.count >= MOST_NOTES:
        return Conflict(f"A website has at most {MOST_NOTES} notes: delete one that nobody needs.")
    note = Note(new_object_id(), now if said.at is None else said.at, said.text, author_id, now, now)
    row = (website_id, note.note_id, note.at, note.text, author_id, said.key, said_hash, now, now)
    tx.execute(sql.note_add, row)
    return _sign(tx, website_id, note)


def change_note(
    tx: Transaction, website_id: bytes, note_id: bytes, said: NoteFields, now: int
) -> SignedNote | NotFound:
    """Change what the call sets on a note."""
    tx.lock([(website_id, b"notes")])
    if (row := tx.one(sql.note_get, (website_id, note_id))) is None:
        return _unknown()
    note = _note(row)
    at = note.at if said.at is None else said.at
    changed = replace(note, at=at, text=said.text or note.text, updated_at=now)
    tx.execute(sql.note_change, (website_id, note_id, changed.at, changed.text, now))
    return _sign(tx, website_id, changed)


def delete_note(tx: Transaction, website_id: bytes, note_id: bytes) -> NotFound | None:
    """Remove a note."""
    return None if tx.execute(sql.note_remove, (website_id, note_id)) else _unknown()


def remove_notes(tx: Transaction, website_id: bytes, note_ids: list[bytes]) -> None:
    """Remove notes; those that are gone already do not matter."""
    tx.execute_many(sql.note_remove, [(website_id, one) for one in note_ids])


def _signed(tx: Transaction, website_id: bytes, note_id: bytes) -> SignedNote:
    return _sign(tx, website_id, _note(tx.one(sql.note_get, (website_id, note_id))))


def _sign(tx: Transaction, website_id: bytes, note: Note) -> SignedNote:
    return SignedNote(note, key_names(tx, website_id).get(note.author_id))


def _other_call() -> Conflict:
    return Conflict("idempotencyKey: a call with this key made a note with another text or timestamp.")


def _unknown() -> NotFound:
    return NotFound("There is no such note in this website.")


def _note(row: Row) -> Note:
    return Note(row.note_id, row.at, row.text, row.author_id, row.created_at, row.updated_at)
