"""People of other products, as identify calls: what a row of each product's export means. Pure.

- PostHog: the persons API's answer (https://posthog.com/docs/api/persons: `results` of `distinct_ids`, `properties`, `created_at`), its rows
  one a line, or a CSV whose columns are `distinct_ids.0`, `properties.email` and so on.
- Mixpanel: profiles, one a line or as the answer of the query API (https://docs.mixpanel.com/reference/engage-query: `results` of
  `$distinct_id`, `$properties`), or a CSV with these names.
- Segment: identify calls, one a line (https://www.twilio.com/docs/segment/connections/spec/identify: `userId`, `traits`, `timestamp`).
- Any CSV with a column of user ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.errors import BadRequest
from footfall.history.formats.values import visitor_id
from footfall.history.model import LeftOut
from footfall.ids import format_uuid


class Product(StrEnum):
    """Whose export a file is."""

    POSTHOG = "posthog"
    MIXPANEL = "mixpanel"
    SEGMENT = "segment"
    CSV = "csv"


class PeopleMapping(msgspec.Struct, frozen=True):
    """What columns are called here: traits by column (`$at`: when the row was true), and the column of user ids, if another one is meant."""

    product: Product
    traits: Mapping[str, str] = {}
    user_id: str | None = None


ANONYMOUS = "nobody is known: there is no user id, only anonymous ones"
OTHER_CALL = "no identify call"
_NO_ID = ("", None)
_RANDOM = re.compile(r"[0-9a-f]+(?:-[0-9a-f]+){4}", re.IGNORECASE)
"""Ids that PostHog gives browsers: UUIDs, and older ones of as many parts."""
_DEVICE = "$device:"
"""What Mixpanel's ids of devices begin with."""
_MIXPANEL = {
    "$email": "email",
    "$name": "name",
    "$first_name": "first_name",
    "$last_name": "last_name",
    "$phone": "phone",
    "$avatar": "image",
}
_PREFIX = "properties."


class _Said(msgspec.Struct):
    """What a row says. `at`: when that was true, None for when the file was written; `since`: when the person came to be known."""

    user_id: object
    traits: dict[str, Any]
    at: object = None
    since: object = None


def read_person(
    mapping: PeopleMapping, website_id: bytes, row: Mapping[str, Any], written_at: int
) -> list[dict[str, Any]] | LeftOut:
    """The identify calls of a row. `written_at`: when the file was written (ms since epoch). Raises BadRequest."""
    said = _READERS[mapping.product](mapping, row)
    if isinstance(said, LeftOut):
        return said
    user_id = str(said.user_id).strip() if type(said.user_id) in (str, int) else ""
    if not user_id:
        return LeftOut(ANONYMOUS)
    traits = _mapped(mapping, said.traits)
    told = traits.pop("$at", None) or said.at
    at = to_iso(written_at) if told is None else _iso(told)
    who = {"user_id": user_id, "datafast_visitor_id": format_uuid(visitor_id(website_id, "person", user_id))}
    since = None if said.since in _NO_ID else _iso(said.since)
    known = {name: value for name, value in traits.items() if value not in _NO_ID}
    whole = {**who, "$at": max(at, since or at), **known}
    return [whole] if since is None else [{**who, "$at": since}, whole]


def _mapped(mapping: PeopleMapping, traits: Mapping[str, Any]) -> dict[str, Any]:
    """Traits under the names they get here; those whose names begin with a `$` are the product's own, and stay away unless they are mapped."""
    names = {name: mapping.traits.get(name, name) for name in traits}
    return {
        names[name]: value
        for name, value in traits.items()
        if name in mapping.traits or (name[:1] != "$" and name)
    }


def _posthog(mapping: PeopleMapping, row: Mapping[str, Any]) -> _Said | LeftOut:
    properties = _object(row, "properties") or {
        name.removeprefix(_PREFIX): value for name, value in row.items() if name.startswith(_PREFIX)
    }
    listed = row.get("distinct_ids")
    ids = listed if isinstance(listed, list) else _ids(row)
    known = [one for one in ids if one not in _NO_ID and not _RANDOM.fullmatch(str(one))]
    user_id = _named(mapping, properties, row) if mapping.user_id else next(iter(known), None)
    return _Said(user_id, dict(properties), None, row.get("created_at"))


def _ids(row: Mapping[str, Any]) -> list[Any]:
    names = sorted(
        (name for name in row if name.startswith("distinct_ids.")), key=lambda name: (len(name), name)
    )
    return [row[name] for name in (*names, "distinct_ids", "distinct_id") if name in row]


def _mixpanel(mapping: PeopleMapping, row: Mapping[str, Any]) -> _Said | LeftOut:
    told = _object(row, "$properties") or {
        name: value for name, value in row.items() if name != "$distinct_id"
    }
    user_id = _named(mapping, told, row) if mapping.user_id else row.get("$distinct_id")
    if str(user_id).startswith(_DEVICE):
        return LeftOut(ANONYMOUS)
    traits = {
        name if name in mapping.traits else _MIXPANEL.get(name, name): value
        for name, value in told.items()
        if not name.startswith("mp_") or name in mapping.traits
    }
    return _Said(user_id, traits, None, told.get("$created"))


def _segment(mapping: PeopleMapping, row: Mapping[str, Any]) -> _Said | LeftOut:
    if row.get("type", "identify") != "identify":
        return LeftOut(OTHER_CALL)
    traits = _object(row, "traits") or {}
    user_id = _named(mapping, traits, row) if mapping.user_id else row.get("userId", row.get("user_id"))
    times = (row.get(name) for name in ("timestamp", "originalTimestamp", "sentAt", "receivedAt"))
    return _Said(user_id, dict(traits), next((one for one in times if one not in _NO_ID), None))


def _csv(mapping: PeopleMapping, row: Mapping[str, Any]) -> _Said | LeftOut:
    column = mapping.user_id or "user_id"
    if column not in row:
        return LeftOut(ANONYMOUS)
    return _Said(row[column], {name: value for name, value in row.items() if name != column})


def _named(mapping: PeopleMapping, *places: Mapping[str, Any]) -> object:
    """What stands in the column of user ids."""
    column = mapping.user_id or ""
    return next((one[column] for one in places if column in one), None)


def _object(row: Mapping[str, Any], field: str) -> dict[str, Any] | None:
    """An object, which a cell holds as JSON. Raises BadRequest."""
    value = row.get(field)
    if type(value) is str:
        try:
            value = msgspec.json.decode(value) if value.strip() else None
        except (msgspec.DecodeError, RecursionError):
            raise BadRequest(f"{field} is no JSON object.") from None
    if value is not None and not isinstance(value, dict):
        raise BadRequest(f"{field} must be an object.")
    return value


def _iso(value: object) -> str:
    """A time in the form of the API; without a zone it is UTC. Raises BadRequest."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return to_iso(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise BadRequest(f"{str(value)[:40]!r} is no time such as 2026-05-05T12:00:00Z.") from None


_READERS = {
    Product.POSTHOG: _posthog,
    Product.MIXPANEL: _mixpanel,
    Product.SEGMENT: _segment,
    Product.CSV: _csv,
}


def traits_of(records: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of the traits that calls set."""
    own = ("user_id", "datafast_visitor_id", "$at")
    return {name for one in records for name in one if name not in own}
