"""Notes on the chart of the overview: shown, written, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from footfall.analytics.ranges import Buckets
from footfall.clock import find_zone
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.page import PageRequest, redirect, render
from footfall.dashboard.pages.segments import back_to
from footfall.errors import ApiError, BadRequest, Conflict, NotFound, accepted
from footfall.ids import parse_object_id
from footfall.notes.model import NoteCall, NoteFields, SignedNote
from footfall.notes.store import add_note, change_note, delete_note
from footfall.notes.wire import END_OF_MOMENTS, read_note_text
from footfall.web.envelope import Response

MOST_LISTED = 50
MOST_UNFOLDED = 3
MAX_TIP = 140
"""Characters of a note beside the numbers of its day."""


class NoteLine(NamedTuple):
    """A note of the list. `edit`: the page with a form in its place."""

    note_id: bytes
    at: int
    text: str
    author: str
    edit: str
    is_edited: bool


class ShownNotes(NamedTuple):
    """The notes of a range, the latest first; `more`: how many others there are."""

    lines: list[NoteLine]
    more: int
    is_open: bool


def show_notes(notes: Sequence[SignedNote], request: PageRequest, address: ViewAddress) -> ShownNotes:
    """Notes as the page lists them. `note` in its address: the one with a form in its place."""
    edited = parse_object_id(request.query.get("note", ""))
    lines = [_show(one, address, edited) for one in notes[:MOST_LISTED]]
    is_open = len(notes) <= MOST_UNFOLDED or any(one.is_edited for one in lines)
    return ShownNotes(lines, len(notes) - len(lines), is_open)


def _show(signed: SignedNote, address: ViewAddress, edited: bytes | None) -> NoteLine:
    note = signed.note
    edit = address.having(note=note.note_id.hex()).here
    return NoteLine(note.note_id, note.at, note.text, signed.author or "", edit, note.note_id == edited)


def notes_by_part(notes: Sequence[SignedNote], buckets: Buckets) -> Mapping[int, Sequence[str]]:
    """What was written about each part of a series, in order of time, on a line each. Notes from before it are left out."""
    found: dict[int, list[str]] = {}
    for one in reversed(notes):
        if one.note.at < buckets.starts[0]:
            continue
        found.setdefault(buckets.number(one.note.at), []).append(_line(one.note.text))
    return found


def _line(text: str) -> str:
    line = " ".join(text.split())
    return f"\u270e {line[:MAX_TIP]}\u2026" if len(line) > MAX_TIP else f"\u270e {line}"


async def save(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/notes`: a new note, or what an old one says now; the form again if that cannot be."""
    try:
        await _save(request)
    except (BadRequest, Conflict, NotFound) as error:
        return _again(request, error)
    return redirect(request, back_to(request).having(done="noted").href + "#notes")


async def _save(request: PageRequest) -> None:
    """Raises BadRequest, Conflict and NotFound."""
    website_id, form = request.site.website_id, request.form
    text, at = read_note_text(form.get("text", "")), _read_local(form.get("at", ""), request.site.timezone)
    if note_id := parse_object_id(form.get("id", "")):
        said = NoteFields(text, at)
        changed = await request.services.database.change(
            lambda tx: change_note(tx, website_id, note_id, said, request.now)
        )
        accepted(changed)
    else:
        call, author_id = NoteCall(text, at, None), request.user.account_id
        made = await request.services.database.change(
            lambda tx: add_note(tx, website_id, call, author_id, request.now)
        )
        accepted(made)


def _again(request: PageRequest, error: ApiError) -> Response:
    """The form as it was typed; of a note that is gone meanwhile, for a new one."""
    form = request.form
    return render(
        request,
        "note.html",
        status=error.status,
        section="overview",
        address=back_to(request).having(note=None),
        problem=error.message,
        note_id="" if isinstance(error, NotFound) else form.get("id", ""),
        text=form.get("text", ""),
        when=form.get("at", ""),
    )


async def delete(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/notes/delete`."""
    website_id = request.site.website_id
    if note_id := parse_object_id(request.form.get("id", "")):
        await request.services.database.change(lambda tx: delete_note(tx, website_id, note_id))
    return redirect(request, back_to(request).having(done="unnoted").href + "#notes")


def _read_local(text: str, zone: str) -> int:
    """A time as clocks of the website show it, in ms since epoch. Raises BadRequest."""
    try:
        local = datetime.fromisoformat(text)
        at = round(local.replace(tzinfo=local.tzinfo or find_zone(zone) or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at < END_OF_MOMENTS:
        raise BadRequest("at: use a date and time from 1970 on, such as 2026-05-05T12:00.")
    return at
