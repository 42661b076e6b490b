"""Notes on the wire. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from footfall.clock import from_iso, to_iso
from footfall.errors import BadRequest
from footfall.labels import is_text
from footfall.notes.model import NoteCall, NoteFields, SignedNote

MAX_NOTE, MAX_KEY = 1000, 255
"""Characters."""
END_OF_MOMENTS = from_iso("9999-01-01T00:00:00Z")
"""ms since epoch. Moments before it have a date in every zone."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, but for tabs and line breaks."""


def read_new_note(body: Mapping[str, Any]) -> NoteCall:
    """What a body says of a new note. Raises BadRequest."""
    if body.get("text") is None:
        raise BadRequest("text is required: say what happened.")
    text, at = read_note_text(body["text"]), _read_moment(body.get("timestamp"))
    return NoteCall(text, at, _read_key(body.get("idempotencyKey")))


def read_note_change(body: Mapping[str, Any]) -> NoteFields:
    """What a body sets on a note. Raises BadRequest."""
    text, at = body.get("text"), _read_moment(body.get("timestamp"))
    if text is None and at is None:
        raise BadRequest("text or timestamp is required: say what to change.")
    return NoteFields(None if text is None else read_note_text(text), at)


def read_note_text(value: object) -> str:
    """The text of a note as it is stored; it may have several lines. Raises BadRequest."""
    if type(value) is not str:
        raise BadRequest("text must be a text.")
    text = value.replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= MAX_NOTE:
        raise BadRequest(f"text must have 1 to {MAX_NOTE} characters.")
    if not is_text(text) or _UNSEEN.search(text):
        raise BadRequest("text holds control characters, which cannot be kept.")
    return text


def _read_moment(value: object) -> int | None:
    if value is None:
        return None
    try:
        at = from_iso(value) if type(value) is str else -1
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at < END_OF_MOMENTS:
        raise BadRequest(
            "timestamp must be an ISO 8601 time with a zone from 1970 on, such as 2026-05-05T12:00:00Z."
        )
    return at


def _read_key(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is not str or not 1 <= len(value) <= MAX_KEY or not is_text(value):
        raise BadRequest(f"idempotencyKey must be a text of 1 to {MAX_KEY} characters.")
    return value


def note_json(website_id: bytes, signed: SignedNote) -> dict[str, Any]:
    """A note as the API shows it."""
    note, name = signed.note, signed.author
    return {
        "_id": note.note_id.hex(),
        "id": note.note_id.hex(),
        "websiteId": website_id.hex(),
        "text": note.text,
        "timestamp": to_iso(note.at),
        "author": None if name is None else {"id": note.author_id.hex(), "name": name, "image": None},
        "createdAt": to_iso(note.created_at),
        "updatedAt": to_iso(note.updated_at),
    }
