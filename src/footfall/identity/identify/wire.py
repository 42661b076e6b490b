"""Identity on the wire: what the body of an identify may hold, and how answers show people, ledgers and findings. Pure.

The rules of names and placeholders follow the DataFast API, whose clients send `name: ""` and `undefined undefined` when they have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.clock import from_iso, to_iso
from footfall.errors import BadRequest
from footfall.identity.junk import JUNK, is_placeholder_name, user_id_problem
from footfall.identity.model import (
    IDENTIFY,
    MERGE,
    Example,
    Explanation,
    Finding,
    FutureFact,
    JunkCalls,
    LedgerEntry,
    ManyVisitors,
    MergePreview,
    Named,
    Operations,
    Origin,
    Person,
    SharedVisitor,
    Stay,
    TraitValues,
    Twins,
    Warn,
)
from footfall.identity.rules import MAX_INTEGER, MIN_INTEGER
from footfall.ids import MAX_AT, format_uuid, parse_uuid

MAX_BODY = 64 * 1024
MAX_KEY = 128
MAX_DEPTH = 8
"""Levels of objects and lists in the metadata, itself the first."""
MAX_IMAGE = 250

NAME_KEYS = frozenset(
    ("name", "first_name", "last_name", "firstName", "lastName", "full_name", "fullName", "username")
)
_NAMES_AND_IMAGE = NAME_KEYS | {"image"}
_VISITOR_KEYS = ("datafast_visitor_id", "visitorId")
_OWN_KEYS = frozenset(("user_id", *_VISITOR_KEYS))
_SPECIAL = _OWN_KEYS | _NAMES_AND_IMAGE
_SCALARS = (bool, float)


class JunkUserId(BadRequest):
    """The user id is a placeholder; such calls are counted for the doctor."""


class Identify(msgspec.Struct, frozen=True):
    """One well-formed identify call. `at`: ms since epoch, None for now."""

    user_id: str
    visitor_id: bytes
    operations: Operations
    at: int | None
    warnings: list[Warn]


def read_identify(body: Mapping[str, Any]) -> Identify:
    """An identify call of a server. Raises BadRequest that names the field and the reason."""
    user_id = read_user_id(body.get("user_id"))
    visitor_id = read_visitor_id(body)
    warnings: list[Warn] = []
    sets: dict[str, Any] = {}
    once: dict[str, Any] = {}
    unset: list[str] = []
    at: int | None = None
    for key, value in body.items():
        if type(value) is str and key not in _SPECIAL and 0 < len(key) <= MAX_KEY and key[0] != "$":
            sets[key] = value  # what most fields are
        elif key in _OWN_KEYS:
            continue
        elif key[:1] == "$":
            if key == "$set_once":
                once = _read_once(value, warnings)
            elif key == "$unset":
                unset += _read_unset(value)
            elif key == "$at":
                at = read_at(value, "$at")
            else:
                raise BadRequest(
                    f"{key}: unknown operation. Keys with a $ are $set_once, $unset and $at only."
                )
        elif value is None:
            unset.append(_read_key(key))
        elif key not in _NAMES_AND_IMAGE or _is_usable(key, value, warnings):
            _check_trait(key, value)
            sets[key] = value
    if once or unset:
        _refuse_twice(sets, once, unset)
    return Identify(user_id, visitor_id, Operations(sets, once, tuple(unset)), at, warnings)


def read_browser_identify(extra: Mapping[str, Any], visitor_id: bytes) -> Identify:
    """An identify event of a page: the same rules, but keys with a `$` are dropped with a warning. Raises BadRequest."""
    warnings: list[Warn] = []
    body: dict[str, Any] = {}
    for key, value in extra.items():
        if key[:1] == "$":
            warnings.append(
                Warn("operation_ignored", key, "Operations are for servers; the page's was ignored.")
            )
        elif key not in _VISITOR_KEYS and key != "user_hash":
            body[key] = value
    user_id = read_user_id(body.pop("user_id", None))
    sets: dict[str, Any] = {}
    unset: list[str] = []
    for key, value in body.items():
        if value is None:
            unset.append(_read_key(key))
        elif _is_usable(key, value, warnings):
            _check_trait(key, value)
            sets[key] = value
    return Identify(user_id, visitor_id, Operations(sets, {}, tuple(unset)), None, warnings)


def read_user_id(value: object) -> str:
    """A user_id as it was sent. Raises BadRequest."""
    if value is None:
        raise BadRequest("user_id is required: send your own stable id of the person.")
    problem = user_id_problem(value)
    if problem is None:
        return str(value)
    raise (JunkUserId if problem == JUNK else BadRequest)(f"user_id {problem}.")


def read_visitor_id(body: Mapping[str, Any]) -> bytes:
    """The visitor id of a body, under either of its names. Raises BadRequest."""
    value = body.get("datafast_visitor_id")
    other = body.get("visitorId")
    field = "datafast_visitor_id"
    if value is None:
        if other is None:
            raise BadRequest(
                "datafast_visitor_id is required: send the value of the visitor's cookie of that name."
            )
        value, other, field = other, None, "visitorId"
    visitor_id = parse_uuid(value)
    if visitor_id is None:
        raise BadRequest(
            f"{field} must be a UUID such as 3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b, not nil and not max."
        )
    if other is not None and parse_uuid(other) != visitor_id:
        raise BadRequest("datafast_visitor_id and visitorId differ: send one of them.")
    return visitor_id


def _read_key(key: str) -> str:
    if not 1 <= len(key) <= MAX_KEY:
        raise BadRequest(f"{key[:40] or 'the empty key'}: a key has 1 to {MAX_KEY} characters.")
    return key


def _read_once(value: object, warnings: list[Warn]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("$set_once must be an object of fields and values.")
    kept = {}
    for key, item in value.items():
        if item is None:
            raise BadRequest(
                f"$set_once.{key[:MAX_KEY]}: null is no value to set. Use $unset to remove a field."
            )
        if key[:1] == "$" or key in _OWN_KEYS:
            raise BadRequest(f"$set_once.{key[:MAX_KEY]}: this name is reserved.")
        if _is_usable(key, item, warnings):
            _check_trait(key, item)
            kept[key] = item
    return kept


def _read_unset(value: object) -> list[str]:
    if not isinstance(value, list) or not all(type(key) is str for key in value):
        raise BadRequest("$unset must be a list of field names.")
    return [_read_key(key) for key in dict.fromkeys(value)]


def read_at(value: object, field: str) -> int:
    """A time as a call states it (ms since epoch). Raises BadRequest."""
    if type(value) is str:
        try:
            at = from_iso(value)
        except (ValueError, OverflowError):
            at = -1
        if 0 <= at <= MAX_AT:
            return at
    raise BadRequest(
        f'{field} must be an ISO 8601 time with a zone, from 1970 on, such as "2026-05-05T12:00:00Z".'
    )


def _refuse_twice(sets: dict[str, Any], once: dict[str, Any], unset: list[str]) -> None:
    seen: set[str] = set()
    for key in [*sets, *once, *unset]:
        if key in seen:
            raise BadRequest(f"{key}: named in two operations of one call. Keep one of them.")
        seen.add(key)


def _is_usable(key: str, value: Any, warnings: list[Warn]) -> bool:
    """Whether a name or image is one; a warning says what was left out."""
    if key in NAME_KEYS:
        if type(value) is str and is_placeholder_name(value):
            warnings.append(
                Warn("placeholder_ignored", key, f"{key} is blank or a placeholder and was ignored.")
            )
            return False
    elif key == "image":
        return _is_image(value, warnings)
    return True


def _is_image(value: Any, warnings: list[Warn]) -> bool:
    if type(value) is str and not value.strip():
        warnings.append(Warn("placeholder_ignored", "image", "image is blank and was ignored."))
        return False
    if type(value) is str and len(value) <= MAX_IMAGE and value.lower().startswith(("http://", "https://")):
        return True
    warnings.append(
        Warn(
            "image_ignored",
            "image",
            f"image must be an http or https URL of at most {MAX_IMAGE} characters; it was ignored.",
        )
    )
    return False


def _check_trait(key: str, value: Any) -> None:
    if not 0 < len(key) <= MAX_KEY:
        _read_key(key)
    kind = type(value)
    if kind is str or kind in _SCALARS:
        return
    if kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise BadRequest(f"{key}: integers beyond 64 bits cannot be kept. Send it as a string.")
    else:
        _check_nested(key, value, 2)


def _check_nested(key: str, value: Any, level: int) -> None:
    """`level`: that of `value`, the metadata being level 1."""
    if type(value) is int and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise BadRequest(f"{key}: integers beyond 64 bits cannot be kept. Send it as a string.")
    if not isinstance(value, dict | list):
        return
    if level > MAX_DEPTH:
        raise BadRequest(f"{key}: nested more than {MAX_DEPTH} levels deep.")
    for item in value.values() if isinstance(value, dict) else value:
        _check_nested(key, item, level + 1)


# Answers


def identity_json(
    profile_id: bytes, user_ids: list[str], traits: TraitValues, identified_at: int
) -> dict[str, Any]:
    """Who a person is. `user_ids`: first identified first."""
    return {
        "profileId": profile_id.hex(),
        "userId": user_ids[0],
        "userIds": user_ids,
        "metadata": traits,
        "name": traits.get("name"),
        "image": traits.get("image"),
        "identifiedAt": to_iso(identified_at),
    }


def person_json(person: Person) -> dict[str, Any]:
    """The same of a person."""
    return identity_json(person.person_id, person.user_ids, person.traits, person.identified_at)


def stay_json(stay: Stay) -> dict[str, Any]:
    """From when until when a visitor was a person; None: from its beginning, or until now."""
    return {"from": iso_or_none(stay.since), "until": iso_or_none(stay.until)}


def iso_or_none(at: int | None) -> str | None:
    """A time (ms since epoch) as ISO 8601, if there is one."""
    return None if at is None else to_iso(at)


def explanation_json(reasons: Explanation) -> dict[str, Any]:
    """Why a person is what they are."""
    traits = {
        key: {"value": reason.value, **_origin_json(reason.origin), "replaced": reason.replaced}
        for key, reason in reasons.traits.items()
    }
    links = [
        {
            "visitorId": format_uuid(reason.visitor_id),
            "userId": reason.user_id,
            **_origin_json(reason.origin),
            "replaced": reason.replaced.hex() if reason.replaced else None,
        }
        for reason in reasons.links
    ]
    return {"traits": traits, "links": links}


def _origin_json(origin: Origin) -> dict[str, Any]:
    return {
        "at": to_iso(origin.at),
        "source": origin.source,
        "trusted": origin.is_trusted,
        "key": origin.key_name,
        "factId": origin.fact_id.hex(),
    }


def ledger_json(entry: LedgerEntry) -> dict[str, Any]:
    """A fact; `active` says whether it counts."""
    shown: dict[str, Any] = {
        "factId": entry.fact_id.hex(),
        "kind": entry.kind,
        "at": to_iso(entry.at),
        "receivedAt": to_iso(entry.received_at),
        "source": entry.source,
        "trusted": entry.is_trusted,
        "key": entry.key_name,
        "active": entry.is_active,
        "profileId": entry.profile_id.hex(),
        "userId": entry.user_id,
    }
    if entry.kind == IDENTIFY:
        visitor = format_uuid(entry.visitor_id or b"")
        return {**shown, "visitorId": visitor, "operations": entry.operations}
    if entry.kind == MERGE:
        return {**shown, "merged": [one.hex() for one in entry.merged], "reason": entry.reason}
    return {**shown, "undone": entry.undone.hex(), "reason": entry.reason}


def health_json(findings: list[Finding]) -> dict[str, Any]:
    """What looks wrong in a website's identities."""
    shown = [
        {
            "kind": one.kind,
            "count": one.count,
            "examples": [_example_json(example) for example in one.examples],
            "advice": one.advice,
        }
        for one in findings
    ]
    return {"ok": not any(one.count for one in findings), "findings": shown}


def _example_json(one: Example) -> dict[str, Any]:
    match one:
        case SharedVisitor():
            who = [_named_json(who) for who in one.who]
            return {"visitorId": format_uuid(one.visitor_id), "people": one.people, "who": who}
        case ManyVisitors():
            return {
                "profileId": one.who.profile_id.hex(),
                "userId": one.who.user_id,
                "visitors": one.visitors,
                "who": [_named_json(one.who)],
            }
        case Twins():
            return _twins_json(one)
        case JunkCalls():
            return {"day": to_iso(one.at)[:10], "source": one.source, "calls": one.calls}
        case FutureFact():
            return {"factId": one.fact_id.hex(), "userId": one.user_id, "at": to_iso(one.at)}


def _twins_json(one: Twins) -> dict[str, Any]:
    user_ids = [user_id for _, user_id in one.people]
    shown = {
        "profileIds": [profile_id.hex() for profile_id, _ in one.people],
        "userIds": user_ids,
        "who": [_named_json(who) for who in one.who],
        "merge": {"userIds": user_ids[:2], "dryRun": True},
        "preview": _preview_json(one.preview),
    }
    return shown if one.email is None else {**shown, "email": one.email}


def _named_json(who: Named) -> dict[str, Any]:
    return {
        "profileId": who.profile_id.hex(),
        "userId": who.user_id,
        "name": who.name,
        "email": who.email,
    }


def _preview_json(preview: MergePreview) -> dict[str, Any]:
    return {
        "profileId": preview.person_id.hex(),
        "userId": preview.user_ids[0],
        "userIds": preview.user_ids,
        "visitors": preview.visitor_count,
        "metadata": preview.traits,
        "leftOut": preview.left_out,
    }
