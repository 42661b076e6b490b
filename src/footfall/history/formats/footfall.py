"""Our own export of events: NDJSON, with a line for each. Pure.

What is read is checked like what pages send, and stored as it was.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from footfall.clock import from_iso, to_iso
from footfall.collect.enrich.geo import Place
from footfall.collect.enrich.text import MAX_PARAMETERS
from footfall.collect.model import (
    CUSTOM,
    EXTERNAL_LINK,
    GOAL,
    PAYMENT,
    RESERVED,
    GoalData,
    Hit,
    PastEvent,
    PastSession,
    StoredDevice,
)
from footfall.errors import BadRequest
from footfall.history.formats.values import check_time
from footfall.history.model import ImportTarget
from footfall.ids import EVENT_BYTES, at_of, format_uuid, parse_uuid

_Address = Annotated[str, Meta(min_length=1, max_length=4096)]
_Query = Annotated[str, Meta(max_length=2048)]
_Name = Annotated[str, Meta(pattern="^[a-z0-9_:-]{1,64}$")]
_Word = Annotated[str, Meta(max_length=255)]
_EventId = Annotated[str, Meta(pattern="^[0-9a-f]{20}$")]
_Parameters = Annotated[
    dict[Annotated[str, Meta(pattern="^[a-z0-9_-]{1,64}$")], _Word], Meta(max_length=MAX_PARAMETERS)
]

_encode = msgspec.json.Encoder().encode


class SessionLine(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The visit of an event. `started_at`: ISO 8601."""

    started_at: str
    entry_url: _Address | None = None
    referrer: _Address | None = None
    params: dict[_Word, _Word] | None = None
    click_ids: dict[_Word, _Word] | None = None
    place: Place | None = None
    device: StoredDevice | None = None


class _LinkData(msgspec.Struct, forbid_unknown_fields=True):
    """What is stored of a click on a link."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    text: _Word = ""


class _GoalLine(GoalData, frozen=True, forbid_unknown_fields=True):
    """What is stored of a goal of a server."""

    metadata: _Parameters = {}


_DATA: dict[str, Any] = {
    CUSTOM: _Parameters,
    GOAL: _GoalLine,
    EXTERNAL_LINK: _LinkData,
    PAYMENT: dict[str, _Word | int | float],
}
"""What `data` may be, by the type of the event: whoever reads it relies on that. Other types have none."""


class EventLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """An event as a line of an export. `at`: ISO 8601, what its id begins with."""

    event_id: _EventId
    at: str
    type: Literal["pageview", "custom", "identify", "external_link", "payment", "goal"]
    visitor_id: str
    session: SessionLine
    url: _Address | None = None
    query: _Query | None = None
    referrer: _Address | None = None
    name: _Name | None = None
    data: dict[str, Any] | None = None


_decode_line = msgspec.json.Decoder(EventLine).decode
_decode_params = msgspec.json.Decoder(dict[str, str]).decode
_decode_place = msgspec.json.Decoder(Place).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_data = msgspec.json.Decoder(dict[str, Any]).decode


def read_line(target: ImportTarget, line: bytes) -> PastEvent:
    """An event. Raises BadRequest that names the field."""
    if b"\0" in line or b"\\u0000" in line:
        raise BadRequest("The line holds the character U+0000.")
    try:
        one = _decode_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The line is no event of an export: {error}.") from None
    visitor_id, event_id = parse_uuid(one.visitor_id), bytes.fromhex(one.event_id)
    if visitor_id is None:
        raise BadRequest("visitorId must be a UUID.")
    at = check_time(_time(one.at, "at"), "at", target.now)
    if len(event_id) != EVENT_BYTES or at != at_of(event_id):
        raise BadRequest("at is not the time that eventId begins with.")
    if (one.name is not None) != (one.type in (CUSTOM, GOAL)):
        raise BadRequest("name is for the types custom and goal, which need one.")
    if one.name in RESERVED:
        raise BadRequest(f"name: {one.name} is reserved: such goals follow from payments and identify calls.")
    if one.data is not None:
        _check_data(one.type, one.data)
    session = _session(one.session, target.now)
    hit = Hit(
        target.website.website_id,
        visitor_id,
        event_id,
        at,
        one.type,
        one.url,
        one.query,
        one.referrer,
        one.name,
        _text(one.data),
        session.place,
        session.device or "",
        session.params,
        session.click_ids,
    )
    return PastEvent(hit, session)


def _check_data(kind: str, data: dict[str, Any]) -> None:
    if kind not in _DATA:
        raise BadRequest(f"data: an event of the type {kind} has none.")
    try:
        msgspec.convert(data, _DATA[kind])
    except msgspec.ValidationError as error:
        raise BadRequest(f"data: {error}.") from None


def _time(text: str, field: str) -> int:
    try:
        return from_iso(text)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{field}: {text[:40]!r} is no time with a zone, such as 2026-05-05T12:00:00.000Z."
        ) from None


def _session(one: SessionLine, now: int) -> PastSession:
    return PastSession(
        check_time(_time(one.started_at, "session.startedAt"), "session.startedAt", now),
        one.entry_url,
        one.referrer,
        _text(one.params),
        _text(one.click_ids),
        _text(one.place),
        _text(one.device),
    )


def _text(value: msgspec.Struct | dict[str, Any] | None) -> str | None:
    return None if value is None else _encode(value).decode()


def event_line(hit: Hit, session: PastSession) -> EventLine:
    """An event with its visit as a line of an export."""
    return EventLine(
        hit.event_id.hex(),
        to_iso(hit.at),
        hit.type,  # type: ignore[arg-type]
        format_uuid(hit.visitor_id),
        SessionLine(
            to_iso(session.at),
            session.entry_url,
            session.referrer,
            _decode_params(session.params) if session.params else None,
            _decode_params(session.click_ids) if session.click_ids else None,
            _decode_place(session.place) if session.place else None,
            _decode_device(session.device) if session.device else None,
        ),
        hit.url,
        hit.query,
        hit.referrer,
        hit.name,
        _decode_data(hit.data) if hit.data else None,
    )
