"""Goals on the wire: what a call may say about one, which goals to delete, and how goals are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.collect.enrich.text import MAX_PARAMETERS, MAX_VALUE, clean_goal_name, clean_parameters
from footfall.collect.goals import Doomed, TrackedGoal
from footfall.collect.model import RESERVED, GoalData
from footfall.errors import BadRequest
from footfall.goals.model import COLORS, Goal, Look, LookChange
from footfall.identity.identify.wire import read_at, read_user_id, read_visitor_id
from footfall.ids import EVENT_BYTES, at_prefix, format_uuid, parse_uuid
from footfall.web.parameters import read_either, refuse_others

MAX_DESCRIPTION = 1000
MAX_KEY = 255
"""Characters of an idempotency key."""
MAX_LOOK_BODY = 4096
MAX_DISPLAY_NAME, MAX_LOOK_DESCRIPTION = 80, 300

_TAG = re.compile("</?[A-Za-z!?][^<>]*>")
_PARAMETER_NAME = re.compile("[a-z0-9_-]{1,64}")
_COLOR = re.compile("#[0-9a-f]{6}")
_VISITOR_NAMES = ("datafast_visitor_id", "visitorId", "visitor_id")
_GOAL_NAMES = ("name", "goalName", "goal_name")
_NO_FILTERS = ("user_id", "person", "profileId", "profile_id", "goal", "completedGoal", "idempotency_key")
"""What says elsewhere whose a goal is, or which one."""
_END = b"\xff" * (EVENT_BYTES + 1)
"""After all event ids."""


def read_goal(body: Mapping[str, Any]) -> Goal:
    """A goal from a server. Raises BadRequest that names the field and the reason."""
    name = read_goal_name(body.get("name"), "name")
    if name in RESERVED:
        raise BadRequest(f"name: {name} is reserved: such goals follow from payments and identify calls.")
    visitor_id, user_id = _read_who(body)
    description = _read_text(body.get("description"), "description", MAX_DESCRIPTION)
    at = body.get("at")
    return Goal(
        name,
        visitor_id,
        user_id,
        GoalData(description, _read_metadata(body.get("metadata"))),
        None if at is None else read_at(at, "at"),
        _read_key(body.get("idempotency_key")),
    )


def read_goal_name(value: object, field: str) -> str:
    """The name of a goal as it is stored. Raises BadRequest."""
    if value is None:
        raise BadRequest(f"{field} is required: send the name of the goal.")
    name = clean_goal_name(value)
    if name is None:
        raise BadRequest(
            f"{field} must be a goal's name: 1 to 64 letters, digits and any of _ - : without accents."
        )
    return name


def _read_who(body: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """(visitor id, user id); one of them is there."""
    user_id = body.get("user_id")
    if body.get("datafast_visitor_id") is None and body.get("visitorId") is None and user_id is not None:
        return None, read_user_id(user_id)
    visitor_id = read_visitor_id(body)
    if user_id is not None:
        raise BadRequest("datafast_visitor_id and user_id: send one of them.")
    return visitor_id, None


def _read_metadata(value: object) -> dict[str, str]:
    """Strings, numbers and booleans, as strings. null counts as missing."""
    if value is None:
        return {}
    if type(value) is not dict:
        raise BadRequest("metadata must be an object of names and values.")
    given = {key: item for key, item in value.items() if item is not None}
    if len(given) > MAX_PARAMETERS:
        raise BadRequest(f"metadata has at most {MAX_PARAMETERS} keys; this one has {len(given)}.")
    for key, item in given.items():
        if _PARAMETER_NAME.fullmatch(key) is None:
            raise BadRequest(f"metadata.{key[:64]}: a key has 1 to 64 of a-z, 0-9, _ and -.")
        if type(item) not in (str, int, float, bool):
            raise BadRequest(f"metadata.{key}: a value is a text, a number, true or false.")
        if type(item) is str:
            given[key] = text = without_markup(item)
            if len(text) > MAX_VALUE:
                raise BadRequest(f"metadata.{key}: a value has at most {MAX_VALUE} characters.")
    return clean_parameters(given)


def without_markup(text: str) -> str:
    """`text` without HTML tags. Where taking some out leaves others, as of `<<b>script>`, no `<` and `>` stay either."""
    bare = _TAG.sub("", text)
    return bare.replace("<", "").replace(">", "") if _TAG.search(bare) else bare


def _read_text(value: object, field: str, limit: int) -> str | None:
    """A string without HTML tags, control characters and surrounding blanks; None if there is none. Raises BadRequest."""
    if value is None:
        return None
    if type(value) is not str:
        raise BadRequest(f"{field} must be a text.")
    text = without_markup(value).strip()
    if len(text) > limit:
        raise BadRequest(f"{field} has at most {limit} characters; this one has {len(text)}.")
    return "".join(one if one.isprintable() else " " for one in text) or None


def _read_key(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is not str or not 1 <= len(value) <= MAX_KEY:
        raise BadRequest(f"idempotency_key must be a text of 1 to {MAX_KEY} characters.")
    return value


# Which goals to delete


class Deletion(NamedTuple):
    """Which goals a call wants to delete, and its period (ms since epoch), if it gave one."""

    doomed: Doomed
    start: int | None
    end: int | None


def read_deletion(query: Mapping[str, str], website_id: bytes) -> Deletion:
    """What `DELETE /api/v1/goals` asks for, under any spelling of its parameters. Raises BadRequest."""
    refuse_others(query, _NO_FILTERS, "datafast_visitor_id, name, startAt and endAt")
    visitor = read_either(query, _VISITOR_NAMES)
    name = read_either(query, _GOAL_NAMES)
    start, end = _time(query, ("startAt", "start")), _time(query, ("endAt", "end"))
    if visitor is None and name is None and start is None and end is None:
        raise BadRequest("Say which goals: datafast_visitor_id, name, or startAt and endAt.")
    if start is not None and end is not None and start > end:
        raise BadRequest("startAt is later than endAt.")
    visitor_id = parse_uuid(visitor)
    if visitor is not None and visitor_id is None:
        raise BadRequest("datafast_visitor_id must be a UUID.")
    since = b"" if start is None else at_prefix(start)
    until = _END if end is None else at_prefix(end + 1)
    kept = None if name is None else read_goal_name(name, "name")
    return Deletion(Doomed(website_id, visitor_id, kept, since, until), start, end)


def _time(query: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    text = read_either(query, names)
    return None if text is None else read_at(text, names[0])


def deleted_json(asked: Deletion, count: int) -> dict[str, Any]:
    """The result of a deletion."""
    doomed = asked.doomed
    shown: dict[str, Any] = {"message": "Goal events deleted successfully", "deleted": count}
    if doomed.visitor_id is not None:
        shown["datafast_visitor_id"] = format_uuid(doomed.visitor_id)
    if doomed.name is not None:
        shown["goal_name"] = doomed.name
    if asked.start is not None or asked.end is not None:
        shown["message"] += " within time range"
        shown["timeRange"] = {"start": _iso(asked.start), "end": _iso(asked.end)}
    return shown


def _iso(at: int | None) -> str | None:
    return None if at is None else to_iso(at)


# What is tracked, and how it is shown


def tracked_json(goal: TrackedGoal, visitors: int) -> dict[str, Any]:
    """A goal with its counts; `visitors`: all those of the website."""
    return {
        "name": goal.name,
        "total": goal.total,
        "uv": goal.visitors,
        "conversionRate": round(goal.visitors / visitors, 6) if visitors else 0,
        "eventType": "custom",
    }


def read_look(body: Mapping[str, Any]) -> LookChange:
    """How a goal is to be shown from now on. Raises BadRequest."""
    name = read_goal_name(body.get("goalName"), "goalName")
    shown = body.get("displayName", body.get("name", msgspec.UNSET))
    change = LookChange(
        name,
        _given(shown, "displayName", MAX_DISPLAY_NAME),
        _read_color(body.get("color", msgspec.UNSET)),
        _given(body.get("description", msgspec.UNSET), "description", MAX_LOOK_DESCRIPTION),
    )
    if change == LookChange(name, msgspec.UNSET, msgspec.UNSET, msgspec.UNSET):
        raise BadRequest("Say what to change: displayName, color or description; null removes it.")
    return change


def _given(value: object, field: str, limit: int) -> str | msgspec.UnsetType | None:
    return value if isinstance(value, msgspec.UnsetType) else _read_text(value, field, limit)


def _read_color(value: object) -> str | msgspec.UnsetType | None:
    if value is None or isinstance(value, msgspec.UnsetType):
        return value
    color = value.lower() if type(value) is str else ""
    if _COLOR.fullmatch(color) is None:
        raise BadRequest("color must be of the form #rrggbb, such as #22c55e.")
    return color


def look_json(look: Look) -> dict[str, Any]:
    """How a goal is shown."""
    return {
        "goalName": look.name,
        "displayName": look.display_name,
        "color": look.color,
        "description": look.description,
        "updatedAt": to_iso(look.updated_at),
    }


def colors_json() -> list[dict[str, str]]:
    """The colours to choose from."""
    return [msgspec.to_builtins(color) for color in COLORS]
