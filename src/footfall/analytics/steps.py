"""What reaches a step of a funnel, as a condition on rows of the columns. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from footfall.analytics.conditions import GOAL, PAGEVIEW
from footfall.analytics.dialects import Dialect
from footfall.analytics.dimensions import spell_path
from footfall.collect.model import LIFECYCLE
from footfall.columns.model import OF_PAYMENT
from footfall.funnels.model import GOAL as GOAL_STEP
from footfall.funnels.model import FunnelStep
from footfall.payments.model import Kind
from footfall.payments.rules import goals_of


class Reaching(NamedTuple):
    """A condition, and what is bound in it; None for nothing."""

    condition: str
    value: str | None


def reaching(step: FunnelStep, bound: str, dialect: Dialect) -> Reaching:
    """Which rows reach a step. `bound`: the place of what is bound, such as `$step`."""
    if step.type == GOAL_STEP:
        return _by_payment(step.value) if step.value in LIFECYCLE else _by_goal(step.value, bound, dialect)
    has_host = not step.value.startswith(("/", "*"))
    if not has_host and "*" not in step.value:  # cheaper than a pattern
        return Reaching(f"{PAGEVIEW} AND path = {bound}", _stored(step.value))
    shown = "host || path" if has_host else "path"
    value = _page_pattern(step.value, has_host=has_host)
    return Reaching(f"{PAGEVIEW} AND {dialect.matches(shown, bound)}", value)


def _by_goal(name: str, bound: str, dialect: Dialect) -> Reaching:
    return Reaching(f"{GOAL} AND {dialect.lower('name')} = {dialect.lower(bound)}", name)


def _by_payment(goal: str) -> Reaching:
    """Payments reach it, or nothing that the columns know."""
    types = [f"{OF_PAYMENT[kind]:d}" for kind in Kind if goal in goals_of(kind)]
    return Reaching(f"type IN ({', '.join(types)})" if types else "FALSE", None)


def _page_pattern(address: str, *, has_host: bool) -> str:
    """The address of a page as a regular expression: `*` stands for any text, all else for itself. Queries are no part of stored addresses."""
    bare = address.partition("://")[2] if has_host else address
    text = _stored(bare)
    if not has_host:
        return f"(?s){_any_text(text)}"
    host, slash, path = text.partition("/")
    root = "/" if slash or not host.endswith("*") else ""
    return rf"(?s)(?:www\.)?{_any_text(host.lower().removeprefix('www.') + root + path)}"


def _stored(address: str) -> str:
    """An address as it is stored."""
    return spell_path(address.partition("?")[0])


def _any_text(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("*"))
