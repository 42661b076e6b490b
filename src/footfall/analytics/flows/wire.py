"""Funnels, properties of goals and retention on the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from footfall.analytics.flows.model import Cohort, FunnelReport, PropertyCount
from footfall.analytics.model import NOTHING, Measures
from footfall.analytics.ranges import to_local_iso
from footfall.analytics.wire import measures_json, share
from footfall.errors import BadRequest
from footfall.funnels.model import Funnel
from footfall.funnels.wire import step_json

_SAID = ("visitors", "people", "payments", "revenue")


def read_goal(query: Mapping[str, str]) -> tuple[str, str | None]:
    """The name of a goal, and of one of its properties. Raises BadRequest."""
    goal, name = query.get("eventName", "").strip().lower(), query.get("propertyName", "").strip()
    if not goal:
        raise BadRequest("eventName is required: the name of a goal.")
    return goal, name or None


def property_json(one: PropertyCount, name: str | None) -> dict[str, Any]:
    """A property of a goal, or a value of the one that is named."""
    told = {"propertyName": one.shown} if name is None else {"propertyName": name, "propertyValue": one.shown}
    return {**told, "completions": one.completions, "visitors": one.visitors, "people": one.people}


def steps_json(one: FunnelReport, currency: str) -> list[dict[str, Any]]:
    """The steps of a funnel, in order."""
    shown = _steps_json(one.steps, currency)
    compared = _steps_json(one.compared, currency) if one.compared else []
    for row, before in zip(shown, compared, strict=False):
        row["compared"] = before
    return [
        {"step": number, **step_json(step), **row}
        for number, (step, row) in enumerate(zip(one.funnel.steps, shown, strict=True), 1)
    ]


def _steps_json(steps: list[Measures], currency: str) -> list[dict[str, Any]]:
    before, found = steps[0], []
    for one in steps:
        found.append(
            {
                **measures_json(one, currency, _SAID),
                "drop_off": before.visitors - one.visitors,
                "drop_off_rate": share(before.visitors - one.visitors, before.visitors),
                "step_conversion_rate": share(one.visitors, before.visitors),
                "conversion_rate": share(one.visitors, steps[0].visitors),
            }
        )
        before = one
    return found


def totals_json(steps: list[Measures], currency: str) -> dict[str, Any]:
    """The whole funnel in one."""
    first, last = (steps[0], steps[-1]) if steps else (NOTHING, NOTHING)
    return {
        "visitors": first.visitors,
        "people": first.people,
        "conversions": last.visitors,
        "conversion_rate": share(last.visitors, first.visitors),
        **measures_json(last, currency, ("currency", "revenue", "payments")),
    }


def named_json(funnel: Funnel) -> dict[str, Any]:
    """Which funnel it is."""
    shown = funnel.funnel_id.hex()
    return {"_id": shown, "id": shown, "name": funnel.name, "slug": funnel.slug}


def cohorts_json(cohorts: Iterable[Cohort], zone: str) -> list[dict[str, Any]]:
    """Each cohort with its weeks."""
    return [
        {
            "cohort": to_local_iso(one.began, zone),
            "people": one.people[0],
            "weeks": [
                {"week": week, "people": people, "share": share(people, one.people[0])}
                for week, people in enumerate(one.people)
            ],
        }
        for one in cohorts
    ]
