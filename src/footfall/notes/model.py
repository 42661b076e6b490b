"""A note and its author. Pure."""

from __future__ import annotations

import msgspec


class NoteFields(msgspec.Struct, frozen=True):
    """What a caller may set on a note; None: not set. `at`: the moment it is about (ms since epoch)."""

    text: str | None
    at: int | None


class NoteCall(msgspec.Struct, frozen=True):
    """A call that makes a note. `key`: calls with the same one make one note."""

    text: str
    at: int | None
    key: str | None


class Note(msgspec.Struct, frozen=True):
    """`author_id`: of an account, key or token. Times in ms since epoch."""

    note_id: bytes
    at: int
    text: str
    author_id: bytes
    created_at: int
    updated_at: int


class SignedNote(msgspec.Struct, frozen=True):
    """A note, and what its author is called; None if nobody knows any more."""

    note: Note
    author: str | None
