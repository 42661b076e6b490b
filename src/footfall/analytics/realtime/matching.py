"""Which of those who are on a website now filters keep, by what is known of them at once. Pure.

A filter keeps or leaves out visitors, with all they did: by where their session came from and on what, by a page they saw or a goal they
reached in these minutes, or by who they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from footfall.analytics.dimensions import MetricFilter, Operator, Scope
from footfall.analytics.query import Question
from footfall.analytics.realtime.model import EventNow, VisitorNow, WebsiteNow
from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW
from footfall.ids import format_uuid
from footfall.visitors.channels import channel

KNOWN = frozenset(
    (
        "country",
        "region",
        "city",
        "device",
        "browser",
        "os",
        "referrer",
        "channel",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "ref",
        "source",
        "via",
        "page",
        "hostname",
        "goal",
        "person",
    )
)
"""Filters by what is known of whoever is there now."""


def not_known(question: Question) -> list[str]:
    """The filters of a question that say nothing of whoever is there now; of traits with their prefix."""
    names = [one.name for one in question.conditions if one.name not in KNOWN]
    return list(dict.fromkeys([*names, *(f"trait.{one.name}" for one in question.traits)]))


def keep(now: WebsiteNow, conditions: Sequence[MetricFilter]) -> WebsiteNow:
    """What goes on among those whom the filters keep."""
    held = [one for one in conditions if one.name in KNOWN]
    if not held:
        return now
    did: dict[bytes, list[EventNow]] = {}
    for event in now.events:
        did.setdefault(event.by.visitor.visitor_id, []).append(event)
    visitors = [
        one
        for one in now.visitors
        if all(_holds(condition, one, did.get(one.visitor.visitor_id, [])) for condition in held)
    ]
    ids = {one.visitor.visitor_id for one in visitors}
    people = {one.visitor.person.profile_id for one in visitors if one.visitor.person}
    return WebsiteNow(
        visitors,
        [one for one in now.events if one.by.visitor.visitor_id in ids],
        [
            one
            for one in now.payments
            if one.payment.visitor_id in ids or (one.person and one.person.profile_id in people)
        ],
    )


def _holds(condition: MetricFilter, visitor: VisitorNow, events: Sequence[EventNow]) -> bool:
    found = any(_matches(condition, value) for value in _values(condition, visitor, events))
    return found is not condition.operator.is_negation


def _values(condition: MetricFilter, visitor: VisitorNow, events: Sequence[EventNow]) -> Iterable[str | None]:
    """What a visitor has of what is filtered by."""
    scope, name = condition.field.scope, condition.name
    if scope is Scope.PERSON:
        return _called(visitor)
    if scope is Scope.REACHED:
        return [one.name for one in events if one.type in (CUSTOM, GOAL)]
    if scope is Scope.VIEWED:
        pages = [one.url.partition("/") for one in events if one.type == PAGEVIEW and one.url]
        return [host if name == "hostname" else f"/{path}" for host, _, path in pages]
    return [_of_visit(visitor)[name]]


def _called(visitor: VisitorNow) -> list[str]:
    """By what a filter may name somebody."""
    person, visitor_id = visitor.visitor.person, format_uuid(visitor.visitor.visitor_id)
    if person is None:
        return [visitor_id]
    return [person.user_id, f"user:{person.user_id}", person.profile_id.hex(), visitor_id]


def _of_visit(one: VisitorNow) -> Mapping[str, str | None]:
    """What is known of the session of a visitor, by the names of filters."""
    place, device, params = one.visitor.place, one.visitor.stored_device.device, one.params
    return msgspec.structs.asdict(params) | {
        "country": place.country_code,
        "region": place.region,
        "city": place.city,
        "device": device.type,
        "browser": device.browser,
        "os": device.os,
        "referrer": one.referrer.partition("/")[0].removeprefix("www.") if one.referrer else None,
        "channel": channel(one.referrer, params.utm_medium, params.utm_source, is_ad=one.is_ad),
    }


def _matches(condition: MetricFilter, value: str | None) -> bool:
    """Whether a value is one that is looked for, or contains one."""
    if value is None:
        return condition.has_none
    field = condition.field
    shown, wanted = value, condition.values
    if not field.is_case_kept and field.scope is not Scope.PERSON:
        shown, wanted = value.lower(), tuple(one.lower() for one in wanted)
    if condition.operator in (Operator.CONTAINS, Operator.DOES_NOT_CONTAIN):
        return any(one in shown for one in wanted)
    behind = shown.partition(field.divider)[2] if field.divider else ""
    return shown in wanted or (bool(behind) and behind in wanted)
