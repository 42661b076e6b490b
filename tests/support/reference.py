"""The metrics as docs/metrics.md defines them, in plain Python over lists: slow, and easy to see through."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from footfall.analytics.compose import MEASURES, PLACED, Scene, Whom
from footfall.analytics.dimensions import (
    CARDS,
    Attribution,
    Card,
    Counted,
    MetricFilter,
    Operator,
    RevenueAs,
    Scope,
)
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets
from footfall.funnels.model import FunnelStep
from tests.support.stories import (
    CUSTOM,
    FIRST,
    FREE_TRIAL,
    GOAL,
    LINK,
    PAGEVIEW,
    PAID,
    REFUND,
    RENEWAL,
    Entry,
)

Counts = dict[str, int]
Keys = tuple[str | None, ...]
VisitKey = tuple[int | None, int]
DAY = 86_400_000


class Reference:
    """Answers questions about everything that ever happened."""

    def __init__(self, entries: Sequence[Entry], scene: Scene) -> None:
        known = entries if scene.revenue_as is RevenueAs.NOW else map(as_then, entries)
        self.entries = sorted(known, key=lambda one: one.deed.at)
        self.scene = scene
        self.factors = dict(
            zip(zip(scene.rates.currencies, scene.rates.days, strict=True), scene.rates.factors, strict=True)
        )

    # Which entries a question is about

    def chosen(self, question: Question) -> list[Entry]:
        inside = [one for one in self.entries if question.range.since <= one.deed.at < question.range.until]
        tests = [
            self._test(condition, inside, question)
            for condition in question.conditions
            if condition.name != "person"
        ]
        tests += [partial(is_whom, whom) for whom in self.scene.people]
        return [one for one in inside if all(test(one) for test in tests)]

    def _test(
        self, condition: MetricFilter, inside: list[Entry], question: Question
    ) -> Callable[[Entry], bool]:
        negated, find = condition.operator.is_negation, self._find(condition, inside, question)
        return lambda one: find(one) != negated

    def _find(
        self, condition: MetricFilter, inside: list[Entry], question: Question
    ) -> Callable[[Entry], bool]:
        scope = condition.field.scope
        if scope is Scope.VISIT:
            return lambda one: matches(one.columns[condition.field.column], condition)
        if scope is Scope.NEW:
            new = self.new_visitors(question.range.since, question.range.until)
            return lambda one: (one.deed.visitor in new) == (condition.values == ("true",))
        if scope is Scope.VISITS:
            counts = self.visit_counts(question.range.until)
            wanted = {visitor for visitor, number in counts.items() if compares(number, condition)}
            return lambda one: one.deed.visitor in wanted
        if scope is Scope.VIEWED:
            visits = {
                visit_of(one)
                for one in inside
                if one.deed.type == PAGEVIEW and matches(shown(one, condition.field.column), condition)
            }
            return lambda one: visit_of(one) in visits
        reached = {one.deed.visitor for one in goals(inside) if matches(one.deed.name, condition)}
        return lambda one: one.deed.visitor in reached

    def new_visitors(self, since: int, until: int) -> set[int | None]:
        """The visitors whose first event of all lies in a range."""
        first: dict[int | None, int] = {}
        for one in self.entries:
            if one.is_visit:
                first.setdefault(one.deed.visitor, one.deed.at)
        return {visitor for visitor, at in first.items() if since <= at < until}

    def visit_counts(self, until: int) -> dict[int | None, int]:
        visits = {visit_of(one) for one in self.entries if one.is_visit and one.deed.at < until}
        return {visitor: sum(other == visitor for other, _ in visits) for visitor, _ in visits}

    # What is counted

    def overview(self, question: Question) -> Counts:
        return self.measure(self.chosen(question), question.range.since, question.range.until)

    def series(self, question: Question, buckets: Buckets) -> dict[int, Counts]:
        """Each bucket like a range of its own, but for the conditions, which are those of the whole range."""
        chosen, found = self.chosen(question), {}
        ends = [*buckets.starts[1:], question.range.until]
        for number, (start, end) in enumerate(zip(buckets.starts, ends, strict=True)):
            since = max(start, question.range.since)
            if inside := [one for one in chosen if since <= one.deed.at < end]:
                found[number] = self.measure(inside, since, end)
        return found

    def measure(self, chosen: list[Entry], since: int, until: int) -> Counts:
        there = [one for one in chosen if one.is_visit]
        visitors = {one.deed.visitor for one in there}
        visits = {visit_of(one) for one in there}
        views = [visit_of(one) for one in there if one.deed.type == PAGEVIEW]
        begun = [visit for visit in visits if visit[1] >= since]
        payers = {one.deed.visitor for one in chosen if is_paid(one)}
        return {
            "visitors": len(visitors),
            "people": len(set(self.people(there).values())),
            "new_visitors": len(visitors & self.new_visitors(since, until)),
            "sessions": len(visits),
            "begun": len(begun),
            "bounces": sum(views.count(visit) == 1 for visit in begun),
            "pageviews": len(views),
            "time": sum(one.deed.at - one.before_in_session.at for one in there if one.before_in_session),
            "payers": len(visitors & payers),
            **self.money(chosen),
        }

    def people(self, there: Iterable[Entry]) -> dict[int | None, int | None]:
        """By visitor who it was at its first event."""
        found: dict[int | None, int | None] = {}
        for one in there:
            found.setdefault(one.deed.visitor, one.person)
        return found

    def money(self, chosen: Iterable[Entry]) -> Counts:
        chosen = list(chosen)
        return {
            "payments": sum(is_paid(one) for one in chosen),
            "revenue_new": sum(
                self.minor(one) for one in chosen if is_paid(one) and one.deed.type != RENEWAL
            ),
            "revenue_renewal": sum(
                self.minor(one) for one in chosen if is_paid(one) and one.deed.type == RENEWAL
            ),
            "refunds": sum(self.minor(one) for one in chosen if one.deed.type == REFUND),
        }

    def minor(self, one: Entry) -> int:
        """An amount in the website's currency; 0 if there is no rate. Halves are rounded away from zero."""
        if one.deed.currency == self.scene.rates.own:
            return one.deed.amount or 0
        amount = (one.deed.amount or 0) * self.factors.get((one.deed.currency or "", one.deed.at // DAY), 0.0)
        return int(abs(amount) + 0.5) * (1 if amount >= 0 else -1)

    # Cards

    def card(self, question: Question, name: str) -> dict[Keys, Counts]:
        card, chosen = CARDS[name], self.chosen(question)
        if card.counted is not Counted.VISITORS:
            return self._touches(card, chosen)
        places: dict[int | None, Keys] = {}
        for one in chosen:
            if one.is_visit:
                places.setdefault(one.deed.visitor, keys_of(one, card))
        parts: dict[Keys, list[Entry]] = defaultdict(list)
        for one in chosen:
            parts[places[one.deed.visitor] if one.is_visit else self._paid_from(one, card)].append(one)
        found = {}
        for keys, entries in parts.items():
            if card.needs_any and not any(key is not None for key in keys):
                continue
            counts = self.measure(entries, question.range.since, question.range.until)
            payers = {one.deed.visitor for one in chosen if is_paid(one)}
            counts["payers"] = len(payers & {one.deed.visitor for one in entries if one.is_visit})
            if any(one.is_visit or one.deed.type >= PAID for one in entries):
                found[keys] = {name: counts[name] for name in PLACED}
        return found

    def _paid_from(self, one: Entry, card: Card) -> Keys:
        if self.scene.attribution is Attribution.LAST or one.deed.visitor is None:
            return keys_of(one, card)
        return keys_of(
            next(
                other for other in self.entries if other.is_visit and other.deed.visitor == one.deed.visitor
            ),
            card,
        )

    def _touches(self, card: Card, chosen: list[Entry]) -> dict[Keys, Counts]:
        parts: dict[Keys, list[Entry]] = defaultdict(list)
        for one in touched(card, chosen):
            parts[keys_of(one, card)].append(one)
        found = {}
        for keys, entries in parts.items():
            visitors = {one.deed.visitor for one in entries}
            found[keys] = {
                "visitors": len(visitors),
                "people": len(set(self.people(entries).values())),
                "times": len(entries),
                **self.money(one for one in chosen if one.deed.visitor in visitors),
            }
        return found

    def properties(self, question: Question, goal: str, name: str | None) -> dict[str, tuple[int, int, int]]:
        """By the name of a property, or a value of one: visitors, people and completions."""
        parts: dict[str, list[Entry]] = defaultdict(list)
        for one in goals(self.chosen(question)):
            if one.deed.name == goal and one.deed.properties:
                for key, value in said(one).items():
                    if name in (None, key):
                        parts[key if name is None else value].append(one)
        return {
            shown: (
                len({one.deed.visitor for one in entries}),
                len(set(self.people(entries).values())),
                len(entries),
            )
            for shown, entries in parts.items()
        }

    # Funnels and retention

    def funnel(self, question: Question, steps: Sequence[FunnelStep]) -> list[Counts]:
        chosen, found = self.chosen(question), []
        reached: dict[int | None, int] | None = None
        people = self.people(one for one in chosen if one.is_visit)
        for step in steps:
            fits = [one for one in chosen if one.deed.visitor in people and is_step(one, step)]
            if reached is not None:
                fits = [one for one in fits if one.deed.at > reached.get(one.deed.visitor, one.deed.at)]
            reached = {}
            for one in fits:
                reached.setdefault(one.deed.visitor, one.deed.at)
            money = self.money(one for one in chosen if one.deed.visitor in reached)
            who = {people[visitor] for visitor in reached}
            found.append({"visitors": len(reached), "people": len(who), **money})
        return found

    def retention(self, question: Question, weeks: Buckets) -> dict[tuple[int, int], int]:
        first: dict[int | None, int] = {}
        for one in self.entries:
            if one.is_visit:
                first.setdefault(one.person, one.deed.at)
        there = {(one.person, weeks.number(one.deed.at)) for one in self.chosen(question) if one.is_visit}
        found: dict[tuple[int, int], int] = defaultdict(int)
        for person, week in there:
            if first[person] >= question.range.since:
                found[weeks.number(first[person]), week] += 1
        return dict(found)


# What single entries are


def matches(value: str | None, condition: MetricFilter) -> bool:
    """Whether a value is one of those that a condition names, or contains one, whether it excludes them or not."""
    if value is None:
        return condition.has_none
    here, named = (
        (value, list(condition.values))
        if condition.field.is_case_kept
        else (value.lower(), [one.lower() for one in condition.values])
    )
    if condition.operator in (Operator.IS, Operator.IS_NOT):
        divider = condition.field.divider
        return here in named or (divider != "" and here.partition(divider)[2] in named)
    return any(one in here for one in named)


def compares(number: int, condition: MetricFilter) -> bool:
    values = [int(value) for value in condition.values]
    if condition.operator is Operator.GTE:
        return number >= values[0]
    return number <= values[0] if condition.operator is Operator.LTE else number in values


def is_whom(whom: Whom, one: Entry) -> bool:
    return (one.person in whom.numbers) != whom.is_excluded


def as_then(one: Entry) -> Entry:
    """A payment as it was known when it was made: of a visitor who was nobody known, or of nobody, who came from nowhere."""
    if one.deed.type < PAID or one.deed.visitor is None:
        return one
    if one.deed.is_known:
        return one._replace(person=one.deed.visitor)
    return one._replace(deed=one.deed._replace(visitor=None), person=None, columns=dict.fromkeys(one.columns))


def visit_of(one: Entry) -> VisitKey:
    return one.deed.visitor, one.session_at


def goals(entries: Iterable[Entry]) -> list[Entry]:
    return [one for one in entries if one.deed.type in (CUSTOM, GOAL)]


def is_paid(one: Entry) -> bool:
    return one.deed.type in (PAID, FIRST, RENEWAL) and (one.deed.amount or 0) > 0


def shown(one: Entry, column: str) -> str | None:
    if column in one.columns:
        return one.columns[column]
    value: str | None = getattr(one.deed, column)
    return value


def keys_of(one: Entry, card: Card) -> Keys:
    return tuple(shown(one, column) for column in card.columns)


def said(one: Entry) -> dict[str, str]:
    data: dict[str, Any] = msgspec.json.decode(one.deed.properties or "{}")
    return data.get("metadata", {}) if one.deed.type == GOAL else data


def touched(card: Card, chosen: list[Entry]) -> list[Entry]:
    if card.counted is Counted.EXITS:
        last = {visit_of(one): one for one in chosen if one.deed.type == PAGEVIEW}
        return list(last.values())
    types = {Counted.VIEWS: (PAGEVIEW,), Counted.CLICKS: (LINK,), Counted.GOALS: (CUSTOM, GOAL)}[card.counted]
    return [one for one in chosen if one.deed.type in types]


PAID_STEPS = {
    "payment": (PAID, FIRST, RENEWAL),
    "free_trial": (FREE_TRIAL,),
    "subscription_started": (FIRST,),
}
"""Lifecycle goals, and the payments by which they are reached."""


def is_step(one: Entry, step: FunnelStep) -> bool:
    if step.type == "goal" and step.value in PAID_STEPS:
        return one.deed.visitor is not None and one.deed.type in PAID_STEPS[step.value]
    if step.type == "goal":
        return one in goals([one]) and (one.deed.name or "").lower() == step.value.lower()
    if one.deed.type != PAGEVIEW:
        return False
    bare = step.value.removeprefix("https://").partition("?")[0]
    here = one.deed.path if bare.startswith(("/", "*")) else f"{one.deed.host}{one.deed.path}"
    return re.fullmatch(".*".join(map(re.escape, bare.split("*"))), here or "", re.DOTALL) is not None


NOTHING = dict.fromkeys(MEASURES, 0)
