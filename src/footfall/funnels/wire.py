"""Funnels on the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footfall.clock import to_iso
from footfall.errors import BadRequest, FieldError
from footfall.funnels.model import GOAL, PAGEVIEW, Funnel, FunnelFields, FunnelStep
from footfall.goals.wire import read_goal_name
from footfall.labels import clean_label

FEWEST_STEPS, MOST_STEPS = 2, 8
MAX_URL = 2048


def read_funnel(body: Mapping[str, Any], *, is_new: bool) -> FunnelFields:
    """What a body sets on a funnel; everything, if it is new. Raises BadRequest."""
    name, steps = body.get("name"), body.get("steps")
    if name is None and (is_new or steps is None):
        raise BadRequest("name is required: say how to call the funnel.")
    if steps is None and is_new:
        raise BadRequest(f"steps is required: a list of {FEWEST_STEPS} to {MOST_STEPS} steps.")
    return FunnelFields(
        None if name is None else _read_label(name, "name"), None if steps is None else _read_steps(steps)
    )


def _read_label(value: object, field: str) -> str:
    if type(value) is not str:
        raise BadRequest(f"{field} must be a text.")
    try:
        return clean_label(value, field)
    except FieldError as error:
        raise BadRequest(f"{field}: {error.message}.") from error


def _read_steps(value: object) -> tuple[FunnelStep, ...]:
    if not isinstance(value, list) or not FEWEST_STEPS <= len(value) <= MOST_STEPS:
        raise BadRequest(f"steps must be a list of {FEWEST_STEPS} to {MOST_STEPS} steps.")
    return tuple(_read_step(step, f"steps[{number}]") for number, step in enumerate(value))


def _read_step(step: object, where: str) -> FunnelStep:
    if type(step) is not dict:
        raise BadRequest(f"{where} must be an object with name, type, and url or goalName.")
    kind = step.get("type")
    if kind == PAGEVIEW:
        value = _read_url(step.get("url"), f"{where}.url")
    elif kind == GOAL:
        value = read_goal_name(step.get("goalName"), f"{where}.goalName")
    else:
        raise BadRequest(f"{where}.type must be {PAGEVIEW} or {GOAL}.")
    name = step.get("name")
    return FunnelStep(value[:100] if name is None else _read_label(name, f"{where}.name"), kind, value)


def _read_url(value: object, field: str) -> str:
    text = value.strip() if type(value) is str else ""
    if (
        not text.startswith(("/", "*", "https://", "http://"))
        or len(text) > MAX_URL
        or not text.isprintable()
    ):
        raise BadRequest(
            f"{field} must be a path such as /pricing, or an http or https URL; * stands for any text, "
            f"and it has at most {MAX_URL} characters."
        )
    return text


def funnel_json(website_id: bytes, funnel: Funnel) -> dict[str, Any]:
    """A funnel as the API shows it."""
    return {
        "_id": funnel.funnel_id.hex(),
        "id": funnel.funnel_id.hex(),
        "websiteId": website_id.hex(),
        "name": funnel.name,
        "slug": funnel.slug,
        "steps": [step_json(step) for step in funnel.steps],
        "isActive": funnel.is_active,
        "createdAt": to_iso(funnel.created_at),
        "updatedAt": to_iso(funnel.updated_at),
    }


def step_json(step: FunnelStep) -> dict[str, str]:
    """A step as the API shows it."""
    field = "url" if step.type == PAGEVIEW else "goalName"
    return {"name": step.name, "type": step.type, field: step.value}
