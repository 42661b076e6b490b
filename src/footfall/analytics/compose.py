"""From a question to SQL over the columns: named pieces put together, every value bound. Pure.

What is counted is defined in docs/metrics.md. Each query chooses rows first (`chosen`); what it counts, it counts over these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.dimensions import CARDS, Attribution, Card, Counted, MetricFilter, Operator, Scope
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets, TimeRange
from footfall.analytics.steps import reaching
from footfall.funnels.model import FunnelStep

_ROWS = "website = $website AND ts >= $since AND ts < $until"
_VISIT, _PAGEVIEW, _LINK, _GOAL, _MONEY = "type <= 5", "type = 1", "type = 4", "type IN (2, 6)", "type >= 10"
_PAID, _RENEWAL, _REFUND = "type IN (10, 11, 12) AND amount > 0", "type = 12", "type = 13"
"""Which rows are what: stored numbers of types. What a server tells of (goals, money) is no visit by itself."""


_BOUND = re.compile(r"\$([a-z_]\w*)", re.ASCII)


class Composed(NamedTuple):
    """A query, and what is bound in it."""

    text: str
    values: dict[str, object]


class BoundRates(NamedTuple):
    """What an amount in a currency's minor unit has to be multiplied with, by the UTC days on which it was paid (days since epoch)."""

    currencies: Sequence[str] = ()
    days: Sequence[int] = ()
    factors: Sequence[float] = ()


class Whom(NamedTuple):
    """People by their numbers, whom a condition keeps or excludes."""

    numbers: Sequence[int]
    is_excluded: bool = False


class Scene(NamedTuple):
    """What a question is asked of. `website`: its number; `people`: what its conditions on people came to."""

    website: int
    people: Sequence[Whom] = ()
    rates: BoundRates = BoundRates()
    attribution: Attribution = Attribution.LAST


MEASURES = (
    "visitors",
    "people",
    "new_visitors",
    "sessions",
    "begun",
    "bounces",
    "pageviews",
    "time",
    "payers",
    "payments",
    "revenue_new",
    "revenue_renewal",
    "refunds",
)
"""What overview and series say, in this order: time in ms, money in the minor unit of the website's currency.

begun: sessions that began in the range; bounces: those of them with just one pageview.
"""
PLACED = (
    "visitors",
    "people",
    "new_visitors",
    "payers",
    "payments",
    "revenue_new",
    "revenue_renewal",
    "refunds",
)
"""What cards of visitors say."""
TOUCHES = ("visitors", "people", "times", "payments", "revenue_new", "revenue_renewal", "refunds")
"""What cards of pages, links and goals say. times: views, exits, clicks, completions. Money is that of their visitors in the range."""


def compose_overview(scene: Scene, question: Question) -> Composed:
    """One row of MEASURES."""
    return _Pieces(scene, question).measured((), f"SELECT {', '.join(MEASURES)} FROM summed")


def compose_series(scene: Scene, question: Question, buckets: Buckets) -> Composed:
    """A row of the bucket's number and MEASURES for each bucket in which something happened. Each counts like a range of its own."""
    parts = _Pieces(scene, question, buckets)
    return parts.measured((), f"SELECT bucket, {', '.join(MEASURES)} FROM summed ORDER BY bucket")


def compose_card(scene: Scene, question: Question, name: str) -> Composed:
    """Rows of a card of CARDS: how many there are in all, the card's columns, PLACED or TOUCHES. One row of nulls behind the last one."""
    card, parts = CARDS[name], _Pieces(scene, question)
    if card.counted is Counted.VISITORS:
        return parts.measured(card.columns, _page(card, PLACED, question), needs_any=card.needs_any)
    return parts.touched(card, _page(card, TOUCHES, question))


def _page(card: Card, said: Iterable[str], question: Question) -> str:
    """The part of a card that is asked for, and how many rows it has in all."""
    order = "".join(f", {column} NULLS FIRST" for column in card.columns)
    page = f"SELECT * FROM summed ORDER BY visitors DESC{order} LIMIT {question.limit:d} OFFSET {question.offset:d}"
    columns = ", ".join((*card.columns, *said))
    return f"SELECT total, {columns} FROM (SELECT count(*) AS total FROM summed) LEFT JOIN ({page}) ON TRUE"


def compose_paid_days(scene: Scene, asked: TimeRange) -> Composed:
    """The currencies and UTC days (days since epoch) for which rates are needed."""
    text = f"SELECT DISTINCT currency, ts // 86400000 FROM event_row WHERE {_ROWS} AND {_MONEY} ORDER BY ALL"
    return Composed(text, _bound_range(scene, asked))


def compose_properties(scene: Scene, question: Question, goal: str, name: str | None) -> Composed:
    """Rows of a goal: how many there are in all, and names of its properties or values of one, each with visitors, people and completions.
    One row of nulls behind the last one."""
    parts = _Pieces(scene, question)
    said = "CASE WHEN type = 6 THEN properties -> '$.metadata' ELSE properties::JSON END"
    rows = f"SELECT visitor, person, ts, unnest(json_keys({said})) AS property, {said} AS said FROM chosen WHERE {_GOAL} AND name = $goal"
    shown = "property" if name is None else "said ->> property"
    page = f"SELECT * FROM summed ORDER BY visitors DESC, shown LIMIT {question.limit:d} OFFSET {question.offset:d}"
    kept = "" if name is None else "WHERE property = $property"
    parts.values |= {"goal": goal} | ({} if name is None else {"property": name})
    return parts.composed(
        {
            "chosen": parts.chosen(),
            "named": rows,
            "touched": f"SELECT {shown} AS shown, visitor, arg_min(person, ts) AS person, count(*) AS times FROM named {kept} GROUP BY ALL",
            "summed": """
                SELECT shown, count(*) AS visitors, count(DISTINCT person) AS people, sum(times)::BIGINT AS times
                FROM touched GROUP BY shown""",
        },
        f"SELECT total, shown, visitors, people, times FROM (SELECT count(*) AS total FROM summed) LEFT JOIN ({page}) ON TRUE",
    )


def compose_funnel(scene: Scene, question: Question, steps: Sequence[FunnelStep]) -> Composed:
    """A row for each step, in order: its number, the visitors that came so far, who they were at the first step, and their money: payments,
    revenue_new, ..., as in TOUCHES."""
    parts = _Pieces(scene, question)
    pieces = {"chosen": parts.chosen(), "paid": parts.paid(()), "spent": _SPENT}
    for number, step in enumerate(steps):
        pieces[f"step{number}"] = parts.step(number, step)
    money = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in TOUCHES[3:])
    counts = [
        f"SELECT {number} AS step, count(*) AS visitors, count(DISTINCT person) AS people, {money} "
        f"FROM step{number} LEFT JOIN spent USING (visitor)"
        for number in range(len(steps))
    ]
    return parts.composed(pieces, f"{' UNION ALL '.join(counts)} ORDER BY step")


def compose_retention(scene: Scene, question: Question, weeks: Buckets) -> Composed:
    """Rows of two weeks' numbers and how many people first came in the one and came in the other, which is the same or a later one."""
    parts = _Pieces(scene, question, weeks)
    first = f"SELECT person, min(ts) AS began FROM event_row WHERE website = $website AND ts < $until AND {_VISIT} GROUP BY person"
    return parts.composed(
        {
            "chosen": parts.chosen(),
            "active": f"SELECT DISTINCT person, bucket FROM chosen WHERE {_VISIT}",
            "first": first,
        },
        f"SELECT {parts.number('first.began')} AS cohort, bucket, count(*) FROM active JOIN first USING (person) "
        "WHERE first.began >= $since GROUP BY ALL ORDER BY ALL",
    )


_MONEY_SUMS = f"""
    count(*) FILTER (WHERE {_PAID}) AS payments,
    sum(minor) FILTER (WHERE {_PAID} AND NOT {_RENEWAL}) AS revenue_new,
    sum(minor) FILTER (WHERE {_PAID} AND {_RENEWAL}) AS revenue_renewal,
    sum(minor) FILTER (WHERE {_REFUND}) AS refunds"""
_SPENT = f"SELECT visitor, {_MONEY_SUMS} FROM paid WHERE visitor IS NOT NULL GROUP BY visitor"


class _Pieces:
    """The pieces of one query, and what is bound in them."""

    def __init__(self, scene: Scene, question: Question, buckets: Buckets | None = None) -> None:
        self._question = question
        self._attribution = scene.attribution
        self._buckets = buckets
        self._bucket = ("bucket",) if buckets else ()
        self._people = scene.people
        self._is_plain = not question.conditions and not scene.people
        self.values = _bound_range(scene, question.range) | _bound_rates(scene.rates)
        self.values |= {f"people{number}": list(one.numbers) for number, one in enumerate(scene.people)}
        if buckets:
            self.values["starts"] = list(buckets.starts)
            self.values |= {"months": list(buckets.months)} if buckets.months else {}

    def composed(self, pieces: Mapping[str, str], result: str) -> Composed:
        """The whole query, with what it binds."""
        # Without conditions it is cheaper to read the few columns again that each piece needs than to keep them all.
        again = {"chosen": "NOT MATERIALIZED "} if self._is_plain else {}
        listed = ", ".join(f"{name} AS {again.get(name, '')}({piece})" for name, piece in pieces.items())
        text = f"WITH {listed} {result}"
        return Composed(text, {name: self.values[name] for name in _BOUND.findall(text)})

    def measured(self, keys: Sequence[str], result: str, *, needs_any: bool = False) -> Composed:
        """MEASURES, or for keys PLACED, with each visitor where its first event was."""
        kept = f"WHERE coalesce({', '.join(keys)}) IS NOT NULL" if needs_any else ""
        pieces = {"chosen": self.chosen(keys), "seen": self._seen(keys), "paid": self.paid(keys)}
        if not keys:
            pieces["walked"] = self._walked()
        pieces["summed"] = _summed((*self._bucket, *keys), kept, is_placed=bool(keys))
        return self.composed(pieces, result)

    def touched(self, card: Card, result: str) -> Composed:
        """TOUCHES by what visitors viewed, left, clicked or reached."""
        keys = ", ".join(card.columns)
        rows = {
            Counted.VIEWS: f"SELECT {keys}, visitor, person, ts FROM chosen WHERE {_PAGEVIEW}",
            Counted.CLICKS: f"SELECT {keys}, visitor, person, ts FROM chosen WHERE {_LINK}",
            Counted.GOALS: f"SELECT {keys}, visitor, person, ts FROM chosen WHERE {_GOAL}",
            Counted.EXITS: _exits(card.columns),
        }[card.counted]
        return self.composed(
            {
                "chosen": self.chosen(),
                "touches": rows,
                "touched": f"SELECT {keys}, visitor, arg_min(person, ts) AS person, count(*) AS times FROM touches GROUP BY {keys}, visitor",
                "paid": self.paid(()),
                "spent": _SPENT,
                "summed": _touch_sums(card.columns),
            },
            result,
        )

    # Pieces

    def chosen(self, keys: Iterable[str] = ()) -> str:
        """The rows of the range that all conditions hold for."""
        columns = dict.fromkeys((*_CHOSEN, *keys))
        bucket = f", {self.number('ts')} AS bucket" if self._buckets else ""
        held = [
            self._held(number, one)
            for number, one in enumerate(self._question.conditions)
            if one.name != "person"
        ]
        held += [_held_by(number, whom) for number, whom in enumerate(self._people)]
        return f"SELECT {', '.join(columns)}{bucket} FROM event_row WHERE {' AND '.join((_ROWS, *held))}"

    @property
    def _begins(self) -> str:
        """When the range begins that a row counts in."""
        return "greatest($since, $starts[bucket + 1])" if self._buckets else "$since"

    def _seen(self, keys: Iterable[str]) -> str:
        """The visitors, who each was at its first event, and where that was."""
        by = ", ".join(("visitor", *self._bucket))
        who = f"row({by})" if self._buckets else by
        payer = f"{who} IN (SELECT {who} FROM chosen WHERE visitor IS NOT NULL AND {_PAID}) AS is_payer"
        if self._is_plain:
            columns = ", ".join((by, *keys, "person"))
            return f"SELECT {columns}, prev_at = 0 AS is_new, {payer} FROM chosen WHERE {_VISIT} AND prev_at < {self._begins}"
        shown = "".join(f", arg_min_null({key}, ts) AS {key}" for key in keys)
        first = f"row(visitor, {self.number('ts')})" if self._buckets else by
        return f"""
            SELECT {by}{shown}, arg_min(person, ts) AS person,
                {who} IN (SELECT {first} FROM event_row WHERE {_ROWS} AND {_FIRST}) AS is_new, {payer}
            FROM chosen WHERE {_VISIT} GROUP BY {by}"""

    def _walked(self) -> str:
        """Sessions, and what was done in them. All conditions keep sessions whole, so that rows can be counted, but for those on people."""
        shown = "".join(f"{name}, " for name in self._bucket)
        group = "GROUP BY bucket" if self._buckets else ""
        if not self._people:
            begun = f"session_at >= {self._begins}"
            return f"""
                SELECT {shown}count(*) FILTER (WHERE prev_at < greatest(session_at, {self._begins})) AS sessions,
                    count(*) FILTER (WHERE {begun} AND {_BEGINS}) AS begun,
                    count(*) FILTER (WHERE {begun} AND view_no = 1) - count(*) FILTER (WHERE {begun} AND view_no = 2) AS bounces,
                    count(*) FILTER (WHERE {_PAGEVIEW}) AS pageviews, sum(span) AS time
                FROM chosen WHERE {_VISIT} {group}"""
        return f"""
            SELECT {shown}count(*) AS sessions, count(*) FILTER (WHERE session_at >= {self._begins}) AS begun,
                count(*) FILTER (WHERE session_at >= {self._begins} AND views = 1) AS bounces,
                sum(views) AS pageviews, sum(time) AS time
            FROM (
                SELECT {shown}visitor, session_at, count(*) FILTER (WHERE {_PAGEVIEW}) AS views, sum(span) AS time
                FROM chosen WHERE {_VISIT} GROUP BY {shown}visitor, session_at
            ) {group}"""

    def paid(self, keys: Sequence[str]) -> str:
        """Payments in the website's currency, and the visit that each belongs to. `minor` is null where there is no rate."""
        by = ", ".join((*self._bucket, "visitor", "type", "amount"))
        last = "".join(f", {key}" for key in keys)
        rates = "SELECT unnest($currencies::VARCHAR[]) AS currency, unnest($days::BIGINT[]) AS day, unnest($factors::DOUBLE[]) AS factor"
        money = f"""
            SELECT {by}{last}, round(amount * factor)::BIGINT AS minor
            FROM chosen LEFT JOIN ({rates}) AS rate ON rate.currency = chosen.currency AND rate.day = chosen.ts // 86400000
            WHERE {_MONEY}"""
        if self._attribution is Attribution.LAST or not keys:
            return money
        first = "".join(f", arg_min_null({key}, ts) AS {key}" for key in keys)
        shown = "".join(
            f", CASE WHEN visitor IS NULL THEN last.{key} ELSE first.{key} END AS {key}" for key in keys
        )
        return f"""
            SELECT {by}{shown}, minor FROM ({money}) AS last LEFT JOIN (
                SELECT visitor{first} FROM event_row
                WHERE website = $website AND {_VISIT} AND visitor IN (SELECT visitor FROM chosen WHERE {_MONEY})
                GROUP BY visitor
            ) AS first USING (visitor)"""

    def step(self, number: int, step: FunnelStep) -> str:
        """The visitors that came so far as a step of a funnel, and when: each step is later than the one before."""
        name, reached = f"step_value{number}", reaching(step)
        self.values[name] = reached.value
        kept = reached.condition.format(f"${name}")
        if number == 0:
            return f"SELECT visitor, arg_min(person, ts) AS person, min(ts) AS began FROM chosen WHERE {kept} GROUP BY visitor"
        before = f"step{number - 1}"
        return f"""
            SELECT visitor, any_value({before}.person) AS person, min(ts) AS began FROM chosen JOIN {before} USING (visitor)
            WHERE ts > {before}.began AND {kept} GROUP BY visitor"""

    def _held(self, number: int, condition: MetricFilter) -> str:
        """A condition on a row. Whoever is not known to have something does not have it."""
        held = f"coalesce({self._found(f'value{number}', condition)}, FALSE)"
        return f"NOT {held}" if condition.operator.is_negation else held

    def _found(self, name: str, condition: MetricFilter) -> str:
        scope = condition.field.scope
        if scope is Scope.NEW:
            is_new = f"visitor IN (SELECT visitor FROM event_row WHERE {_ROWS} AND {_FIRST})"
            return is_new if condition.values == ("true",) else f"NOT {is_new}"
        if scope is Scope.VISITS:
            return f"visitor IN ({self._visit_counts(name, condition)})"
        match = self._match(name, condition)
        if scope is Scope.VISIT:
            return match
        if scope is Scope.VIEWED:
            return f"row(visitor, session_at) IN (SELECT row(visitor, session_at) FROM event_row WHERE {_ROWS} AND {_PAGEVIEW} AND {match})"
        return f"visitor IN (SELECT visitor FROM event_row WHERE {_ROWS} AND {_GOAL} AND {match})"

    def _visit_counts(self, name: str, condition: MetricFilter) -> str:
        self.values[name] = [int(value) for value in condition.values]
        compared = {Operator.GTE: ">= ", Operator.LTE: "<= "}.get(condition.operator, "= ")
        return f"""
            SELECT visitor FROM event_row WHERE website = $website AND ts < $until AND {_VISIT} AND {_BEGINS}
            GROUP BY visitor HAVING count(*) {compared} ANY ${name}::BIGINT[]"""

    def _match(self, name: str, condition: MetricFilter) -> str:
        """Whether a row's column has one of the values. What DuckDB takes for lower case, it takes on both sides."""
        column = condition.field.column
        shown, value = (column, "{}") if condition.field.is_case_kept else (f"lower({column})", "lower({})")
        self.values[name] = list(condition.values)
        listed = value.format(f"unnest(${name}::VARCHAR[])")
        if condition.operator in (Operator.CONTAINS, Operator.DOES_NOT_CONTAIN):
            each = (
                f"contains({shown}, {value.format(f'${name}[{n}]')})"
                for n in range(1, len(condition.values) + 1)
            )
            return f"({' OR '.join(each)})"
        found = f"{shown} IN (SELECT {listed})"
        return f"({column} IS NULL OR {found})" if condition.has_none else found

    def number(self, column: str) -> str:
        """The bucket of a time of the range."""
        assert self._buckets is not None  # noqa: S101 - nobody asks without buckets
        shifts = self._buckets.shifts
        self.values |= {f"shift{number}": one.shift for number, one in enumerate(shifts)}
        self.values |= {f"until{number}": one.until for number, one in enumerate(shifts[:-1])}
        self.values["unit"] = self._buckets.unit
        cases = "".join(
            f"WHEN {column} < $until{number} THEN $shift{number} " for number in range(len(shifts) - 1)
        )
        last = f"$shift{len(shifts) - 1}"
        shift = f"CASE {cases}ELSE {last} END" if cases else last
        number = f"(({column} + {shift}) // $unit)"
        return f"$months[{number} + 1]" if self._buckets.months else number


_CHOSEN = (
    "visitor",
    "person",
    "ts",
    "session_at",
    "prev_at",
    "type",
    "view_no",
    "span",
    "host",
    "path",
    "name",
    "properties",
    "amount",
    "currency",
)
_BEGINS = "prev_at < session_at"
"""The first row of a visit."""
_FIRST = f"{_VISIT} AND prev_at = 0"
"""The first row of a visitor."""
_SEEN_SUMS = """
    count(*) AS visitors, count(DISTINCT person) AS people, count(*) FILTER (WHERE is_new) AS new_visitors,
    count(*) FILTER (WHERE is_payer) AS payers"""


def _held_by(number: int, whom: Whom) -> str:
    held = f"coalesce(person IN (SELECT unnest($people{number}::BIGINT[])), FALSE)"
    return f"NOT {held}" if whom.is_excluded else held


def _summed(by: Sequence[str], kept: str, *, is_placed: bool) -> str:
    """The measures by keys, from those who were there and from what was paid: either may have keys that the other has not."""
    shown = "".join(f"{key}, " for key in by)
    group = f"GROUP BY {', '.join(by)}" if by else ""
    sums = ", ".join(
        f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in (PLACED if is_placed else MEASURES)
    )
    walked = "" if is_placed else "UNION ALL BY NAME SELECT * FROM walked"
    return f"""
        SELECT {shown}{sums} FROM (
            SELECT {shown}{_SEEN_SUMS} FROM seen {kept} {group}
            {walked}
            UNION ALL BY NAME
            SELECT {shown}{_MONEY_SUMS} FROM paid {kept} {group}
        ) {group}"""


def _touch_sums(keys: Sequence[str]) -> str:
    shown = ", ".join(keys)
    money = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in TOUCHES[3:])
    return f"""
        SELECT {shown}, count(*) AS visitors, count(DISTINCT person) AS people, sum(times)::BIGINT AS times, {money}
        FROM touched LEFT JOIN spent USING (visitor) GROUP BY {shown}"""


def _exits(keys: Sequence[str]) -> str:
    """The last page of each visit, as far as the range goes."""
    last = ", ".join(f"arg_max_null({key}, view_no) AS {key}" for key in keys)
    return f"""
        SELECT {last}, visitor, arg_max(person, view_no) AS person, max(ts) AS ts
        FROM chosen WHERE {_PAGEVIEW} GROUP BY visitor, session_at"""


def _bound_range(scene: Scene, asked: TimeRange) -> dict[str, object]:
    return {"website": scene.website, "since": asked.since, "until": asked.until}


def _bound_rates(rates: BoundRates) -> dict[str, object]:
    return {"currencies": list(rates.currencies), "days": list(rates.days), "factors": list(rates.factors)}
