"""The pieces of SQL of which questions over the columns are put together. Pure.

Only columns that are needed are read, and only numbers are kept: texts are grouped by their hash.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.conditions import (
    BEGINS,
    GOAL,
    IS_NEW,
    LINK,
    MONEY,
    PAGEVIEW,
    PAID,
    REFUND,
    RENEWAL,
    ROWS,
    VISIT,
    Conditions,
)
from footfall.analytics.dialects import BoundType, Dialect
from footfall.analytics.dimensions import CARDS, FILTERS, Attribution, Card, Counted, RevenueAs, Scope
from footfall.analytics.passing import WALKED, Passing, walk
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets, SeriesInterval, TimeRange
from footfall.analytics.scene import (
    MEASURES,
    MONEYS,
    PLACED,
    BoundRates,
    Composed,
    Scene,
    card_columns,
    needed_measures,
)
from footfall.funnels.model import FunnelStep

DAY = "86400000"
_NUMBERS = (
    "visitor",
    "person",
    "ts",
    "session_at",
    "prev_at",
    "type",
    "view_no",
    "span",
    "amount",
    "currency",
)
"""What has to be known of rows that are not shown."""
_BOUND = re.compile(r"\$([a-z_]\w*)", re.ASCII)


_OF_VISITS = dict.fromkeys(field.column for field in FILTERS.values() if field.scope is Scope.VISIT)
_AS_THEN = f"""
    SELECT * REPLACE (
        {", ".join(f"CASE WHEN {MONEY} THEN then_{name} ELSE {name} END AS {name}" for name in ("visitor", "person"))},
        {", ".join(f"CASE WHEN {MONEY} AND then_visitor IS NULL AND event_row.visitor IS NOT NULL THEN NULL ELSE {name} END AS {name}" for name in (*_OF_VISITS, "entry_host"))}
    ) FROM event_row WHERE {ROWS}"""
"""The rows with payments as they were known when they were made. One whose visitor was found later came from nowhere by then."""


class _Part(NamedTuple):
    """Some of the measures, counted over `source` (what follows FROM)."""

    source: str
    said: Mapping[str, str]

    def only(self, names: Collection[str]) -> _Part:
        """What it says of these alone."""
        return self._replace(said={name: told for name, told in self.said.items() if name in names})


class Pieces:
    """The pieces of one query, and what is bound in them."""

    def __init__(self, scene: Scene, question: Question, buckets: Buckets | None = None) -> None:
        self._question, self._scene, self._buckets = question, scene, buckets
        self._dialect = scene.dialect
        self._bucket = ("bucket",) if buckets else ()
        conditions = Conditions(question.conditions, scene.people, scene.dialect)
        self._keeps_visits, self._keeps_visitors = conditions.keep_visits, conditions.keep_visitors
        self._rows = "event_row" if scene.revenue_as is RevenueAs.NOW else f"({_AS_THEN}) AS event_row"
        passing = Passing(scene.funnels, self._rows, conditions.held, scene.dialect)
        self._held, self._found = [*conditions.held, *passing.held], conditions.found | passing.found
        self.values = bound_range(scene, question.range) | _bound_rates(scene.rates)
        self.values |= conditions.values | passing.values

    def composed(
        self,
        pieces: Mapping[str, str],
        result: str,
        slot: Sequence[str] = (),
        *,
        is_narrow: bool = False,
        kept: Collection[str] = (),
    ) -> Composed:
        """The whole query, with what it binds. `is_narrow`: the rows need but their numbers. `kept`: pieces that are better found once."""
        # With conditions it is cheaper to keep the numbers of the few rows than to look for them again for each piece.
        is_kept = is_narrow and bool(self._held)
        found_once = {*self._found, *kept, "touched", "spent", "shared", "summed"} - {WALKED}
        found_once |= {"chosen"} if is_kept else set()
        found_once |= set() if self._keeps_visitors else {"seen"}
        chosen = self._chosen(slot, ", ".join(_NUMBERS) if is_kept else "*")
        whole = {**self._found, "chosen": chosen, **pieces}
        listed = ", ".join(
            self._dialect.piece(name, piece, is_kept=name in found_once) for name, piece in whole.items()
        )
        text = self._dialect.whole(f"WITH {listed} {result}")
        return Composed(text, {name: self.values[name] for name in _BOUND.findall(text)})

    def _chosen(self, slot: Sequence[str], columns: str) -> str:
        """The rows of the range that all conditions hold for, with their bucket, and a hash of the columns to group by."""
        bucket = f", {self.number('ts')} AS bucket" if self._buckets else ""
        hashed = f", {self._dialect.hashed(slot)} AS slot" if slot else ""
        return f"SELECT {columns}{bucket}{hashed} FROM {self._rows} WHERE {' AND '.join((ROWS, *self._held))}"

    # What is asked for

    def measured(self) -> Composed:
        """MEASURES of the range, or of each bucket, as far as the question's fields tell of them; the others are 0."""
        wanted = needed_measures(self._question.fields)
        again = _Part("shared", {"people": "-sum(visitors - 1)"})
        counted = [*self._visitor_parts(), again, *self._walked(), self._money_part()]
        parts = [one.only(wanted) for one in counted if wanted & one.said.keys()]
        order = "ORDER BY bucket" if self._buckets else ""
        return self.composed(
            {
                "seen": self._seen(),
                "shared": self._shared(),
                "paid": self.paid(),
                "summed": self._added(parts, MEASURES, self._bucket, self._bucket),
            },
            f"SELECT {', '.join((*self._bucket, *MEASURES))} FROM summed {order}",
            is_narrow=True,
        )

    def placed(self, card: Card, result: str) -> Composed:
        """PLACED, with each visitor where its first event was."""
        kept = f"coalesce({', '.join(card.columns)}) IS NOT NULL" if card.needs_any else "TRUE"
        parts = [*self._visitor_parts(kept), self._shared_part(kept), self._money_part(kept)]
        return self.composed(
            {
                "seen": self._seen(),
                "shared": self._shared(),
                "paid": self.paid(card.columns, has_slot=True),
                "summed": self._added(parts, PLACED, ("slot",), card.columns),
            },
            result,
            card.columns,
        )

    def placed_in(self, names: Sequence[str]) -> Composed:
        """PLACED of several cards."""
        cards, columns = [CARDS[name] for name in names], card_columns(names)
        sets = ", ".join(f"({', '.join(card.columns)})" for card in cards)
        masks = [_mask(card.columns, columns) for card in cards]
        mask = f"grouping({', '.join(columns)})"
        number = f"CASE {mask} {' '.join(f'WHEN {one} THEN {n}' for n, one in enumerate(masks))} END AS card"
        parts = [*self._visitor_parts(), self._shared_part(), self._money_part()]
        left_out = " OR ".join(
            f"(card = {n} AND coalesce({', '.join(card.columns)}) IS NULL)"
            for n, card in enumerate(cards)
            if card.needs_any
        )
        listed = ", ".join(columns)
        order = ", ".join(f"{column} NULLS FIRST" for column in columns)
        return self.composed(
            {
                "seen": self._seen(),
                "shared": self._shared(),
                "paid": self.paid(columns),
                "parts": self._united(
                    parts, PLACED, f"{number}, {listed}, ", f"GROUP BY GROUPING SETS ({sets})"
                ),
                "summed": f"""
                    SELECT card, {listed}, {self._sums(PLACED)} FROM parts
                    {f"WHERE NOT ({left_out})" if left_out else ""} GROUP BY card, {listed}""",
                "ranked": f"""
                    SELECT *, count(*) OVER (PARTITION BY card) AS total,
                        row_number() OVER (PARTITION BY card ORDER BY visitors DESC, {order}) AS place FROM summed""",
            },
            f"""
            SELECT card, total, {listed}, {", ".join(PLACED)} FROM ranked
            WHERE place <= {self._question.limit:d} ORDER BY card, place""",
        )

    def touched(self, card: Card, result: str) -> Composed:
        """TOUCHES by what visitors viewed, left, clicked or reached."""
        dialect = self._dialect
        shown = ", ".join(f"{dialect.any_of(column)} AS {column}" for column in card.columns)
        kind = {Counted.CLICKS: LINK, Counted.GOALS: GOAL}.get(card.counted, PAGEVIEW)
        pieces = {"rows_touched": f"SELECT * FROM chosen WHERE {kind}"}
        pieces["touches"] = (
            self._exits()
            if card.counted is Counted.EXITS
            else "SELECT slot, visitor, person, ts FROM rows_touched"
        )
        return self.composed(
            {
                **pieces,
                "named": f"SELECT slot, {shown} FROM rows_touched GROUP BY slot",
                "touched": f"SELECT slot, visitor, {dialect.first_known_by('person', 'ts')} AS person, count(*) AS times FROM touches GROUP BY slot, visitor",
                "counted": f"SELECT slot, count(*) AS visitors, {dialect.count_if('person = visitor')} AS unknown, sum(times) AS times FROM touched GROUP BY slot",
                "person_touched": "SELECT DISTINCT slot, person FROM touched WHERE person <> visitor",
                "people": "SELECT slot, count(*) AS known FROM person_touched GROUP BY slot",
                "paid": self.paid(),
                "spent": self.spent(),
                "earned": f"SELECT slot, {self._sums(MONEYS)} FROM touched JOIN spent USING (visitor) GROUP BY slot",
                "summed": f"""
                    SELECT {", ".join(card.columns)}, visitors, unknown + coalesce(known, 0) AS people, {dialect.integer("times")} AS times,
                        {", ".join(f"coalesce({name}, 0) AS {name}" for name in MONEYS)}
                    FROM counted JOIN named USING (slot) LEFT JOIN people USING (slot) LEFT JOIN earned USING (slot)""",
            },
            result,
            card.columns,
        )

    def _exits(self) -> str:
        """The last page of each visit, as far as the range goes, and when the visit began."""
        last = self._dialect.last_known_by
        return f"""
            SELECT {last("slot", "view_no")} AS slot, visitor, {last("person", "view_no")} AS person, session_at AS ts
            FROM rows_touched GROUP BY visitor, session_at"""

    # Sums

    def _sums(self, names: Iterable[str]) -> str:
        return ", ".join(f"{total(name, self._dialect)} AS {name}" for name in names)

    def _united(self, parts: Sequence[_Part], names: Sequence[str], shown: str, group: str) -> str:
        """The rows of all parts; what a part does not count is 0 there."""
        return " UNION ALL ".join(
            f"SELECT {shown}{', '.join(f'{part.said.get(name, 0)} AS {name}' for name in names)} FROM {part.source} {group}"
            for part in parts
        )

    def _added(
        self, parts: Sequence[_Part], names: Sequence[str], by: Sequence[str], shown: Sequence[str]
    ) -> str:
        """The sum of all parts, by columns, with others that are the same for all rows of these: either part may have keys that others have not."""
        keys = "".join(f"{key}, " for key in by)
        columns = "".join(
            f"{self._dialect.any_of(column)} AS {column}, " for column in shown if column not in by
        )
        group = f"GROUP BY {', '.join(by)}" if by else ""
        return f"""
            SELECT {keys}{columns}{self._sums(names)}
            FROM ({self._united(parts, names, keys + columns, group)}) AS part {group}"""

    # Visitors

    def _before(self, column: str) -> str:
        """Whether a time lies before the range that a row counts in: the whole one, or its bucket."""
        if not self._buckets:
            return f"{column} < $since"
        return f"({column} < $since OR {self.number(column)} < bucket)"

    def _seen(self) -> str:
        """The first row of each visitor in the range, or in each bucket.

        Where conditions may have left out a visitor's first row, the first of those is looked for that come first in a visit, or, where visits
        are not whole, in a moment.
        """
        if self._keeps_visitors:
            return f"SELECT * FROM chosen WHERE {VISIT} AND {self._before('prev_at')}"
        first = f"({BEGINS} OR {self._before('prev_at')})" if self._keeps_visits else "prev_at < ts"
        by = ", ".join(("visitor", *self._bucket))
        return f"""
            SELECT chosen.* FROM chosen JOIN (
                SELECT {by}, min(ts) AS ts FROM chosen WHERE {VISIT} AND {first} GROUP BY {by}
            ) AS opened USING ({by}, ts) WHERE {VISIT} AND {first}"""

    def _visitor_parts(self, kept: str = "TRUE") -> Iterable[_Part]:
        """Visitors, also as people, new visitors and payers."""
        by = ("visitor", *self._bucket)
        among, dialect = self._dialect.among, self._dialect
        said = {"visitors": "count(*)", "people": "count(*)"}
        if self._keeps_visitors:
            said["new_visitors"] = dialect.count_if(IS_NEW)
        yield _Part(f"seen WHERE {kept}", said)
        if not self._keeps_visitors:
            new = f"SELECT visitor{self._numbered('ts')} FROM event_row WHERE {ROWS} AND {VISIT} AND {IS_NEW}"
            yield _Part(f"seen WHERE {kept} AND {among('seen', by, new)}", {"new_visitors": "count(*)"})
        payers = f"SELECT {', '.join(by)} FROM chosen WHERE {PAID}"
        yield _Part(f"seen WHERE {kept} AND {among('seen', by, payers)}", {"payers": "count(*)"})

    def _shared(self) -> str:
        """The people who have several visitors, and how many: all others are as many as their visitors, and need not be told from each other."""
        by = ", ".join(("person", *self._bucket))
        return f"SELECT {by}, count(*) AS visitors FROM seen WHERE person <> visitor GROUP BY {by} HAVING count(*) > 1"

    def _shared_part(self, kept: str = "TRUE") -> _Part:
        """By how many people are less than visitors where these are."""
        shared = self._dialect.among("seen", ("person",), "SELECT person FROM shared")
        people = f"{self._dialect.count_distinct('person')} - count(*)"
        return _Part(f"seen WHERE {kept} AND {shared}", {"people": people})

    def _numbered(self, column: str) -> str:
        return f", {self.number(column)} AS bucket" if self._buckets else ""

    def _walked(self) -> Iterable[_Part]:
        """Sessions, and what was done in them. All conditions keep sessions whole, so that rows can be counted, but for those on people."""
        if not self._keeps_visits:
            yield self._walked_by_some()
            return
        count_if = self._dialect.count_if
        bounces = f"{count_if('view_no = 1')} - {count_if('view_no = 2')}"
        yield _Part(
            f"chosen WHERE {VISIT}",
            {
                "sessions": count_if(BEGINS),
                "begun": count_if(BEGINS),
                "bounces": bounces,
                "pageviews": count_if(PAGEVIEW),
                "time": "sum(span)",
            },
        )
        # Few sessions go on from before: they did not begin here, and do not bounce.
        gone_on = f"{self._before('prev_at')} AND NOT {BEGINS}"
        yield _Part(
            f"chosen WHERE {VISIT} AND {self._before('session_at')}",
            {"sessions": count_if(gone_on), "bounces": f"-({bounces})"},
        )

    def _walked_by_some(self) -> _Part:
        """Sessions of which some rows may be left out."""
        count_if = self._dialect.count_if
        shown = "".join(f"{name}, " for name in self._bucket)
        visits = f"""
            SELECT {shown}visitor, session_at, {count_if(PAGEVIEW)} AS views, sum(span) AS spent
            FROM chosen WHERE {VISIT} GROUP BY {shown}visitor, session_at"""
        begun = f"NOT {self._before('session_at')}"
        return _Part(
            f"({visits}) AS visit",
            {
                "sessions": "count(*)",
                "begun": count_if(begun),
                "bounces": count_if(f"views = 1 AND {begun}"),
                "pageviews": "sum(views)",
                "time": "sum(spent)",
            },
        )

    def _is_exit(self) -> str:
        """Whether a row is the last page of its visit, as far as the range goes: none comes after it."""
        after = (
            f"SELECT visitor, session_at, view_no - 1 AS view_no FROM chosen WHERE {PAGEVIEW} AND view_no > 1"
        )
        if self._keeps_visits:
            return self._dialect.among("chosen", ("visitor", "session_at", "view_no"), after, is_negated=True)
        last = f"SELECT visitor, session_at, max(view_no) AS view_no FROM chosen WHERE {PAGEVIEW} GROUP BY visitor, session_at"
        return self._dialect.among("chosen", ("visitor", "session_at", "view_no"), last)

    # Money

    def _money_part(self, kept: str = "TRUE") -> _Part:
        return _Part(f"paid WHERE {kept}", self._money_sums())

    def _money_sums(self) -> dict[str, str]:
        sum_if = self._dialect.sum_if
        return {
            "payments": self._dialect.count_if(PAID),
            "revenue_new": sum_if("minor", f"{PAID} AND NOT {RENEWAL}"),
            "revenue_renewal": sum_if("minor", f"{PAID} AND {RENEWAL}"),
            "refunds": sum_if("minor", REFUND),
        }

    def spent(self) -> str:
        """The money of each visitor in the range."""
        sums = ", ".join(f"{told} AS {name}" for name, told in self._money_sums().items())
        return f"SELECT visitor, {sums} FROM paid WHERE visitor IS NOT NULL GROUP BY visitor"

    def paid(self, keys: Sequence[str] = (), *, has_slot: bool = False) -> str:
        """Payments in the website's currency, and the visit that each belongs to. `minor` is null where there is no rate."""
        dialect = self._dialect
        by = ", ".join((*self._bucket, "visitor", "type", "amount"))
        rates = dialect.listed(
            {
                "currency": ("$currencies", BoundType.TEXT),
                "day": ("$days", BoundType.INTEGER),
                "factor": ("$factors", BoundType.NUMBER),
            }
        )
        is_first = self._scene.attribution is Attribution.FIRST and bool(keys)
        last = "".join(f", {key}" for key in keys) + (", slot" if has_slot else "")
        money = f"""
            SELECT {by}{last}, CASE WHEN chosen.currency = $own THEN amount ELSE {dialect.rounded("amount * factor")} END AS minor
            FROM chosen LEFT JOIN ({rates}) AS rate
            ON rate.currency = chosen.currency AND rate.day = {dialect.quotient("chosen.ts", DAY)}
            WHERE {MONEY}"""
        return self._paid_first(money, keys) if is_first else money

    def _paid_first(self, money: str, keys: Sequence[str]) -> str:
        """Payments, each with the place, device and source of the visitor's first visit of all."""
        shown = "".join(
            f", CASE WHEN last.visitor IS NULL THEN last.{key} ELSE first.{key} END AS {key}" for key in keys
        )
        return f"""
            SELECT *, {self._dialect.hashed(keys)} AS slot FROM (
                SELECT last.visitor AS visitor, type, amount, minor{shown} FROM ({money}) AS last
                LEFT JOIN ({self.first_visits(keys, f"chosen WHERE {MONEY}")}) AS first ON first.visitor = last.visitor
            ) AS attributed"""

    def first_visits(self, keys: Sequence[str], payments: str) -> str:
        """The place, device and source of the first visit of all of each visitor of some rows (what follows FROM)."""
        # Found once: else an engine may build its table of all visitors, to look up those few in it, which takes ten times as long.
        payers = f"SELECT DISTINCT visitor FROM {payments}"
        dialect = self._dialect
        first = "".join(f", {dialect.first_by(key, 'ts')} AS {key}" for key in keys)
        return f"""
            WITH {dialect.piece("payers", payers, is_kept=True)} SELECT visitor{first} FROM event_row
            WHERE website = $website AND {VISIT} AND {BEGINS} AND {dialect.among("event_row", ("visitor",), "SELECT visitor FROM payers")}
            GROUP BY visitor"""

    # Funnels

    def steps(self, steps: Sequence[FunnelStep]) -> Mapping[str, str]:
        """The visitors that came so far as each step of a funnel, `step0` and so on, and who they were at their first event in the range."""
        walked = walk("step", steps, "chosen", f"({self._seen()}) AS seen", self._dialect)
        self.values |= walked.values
        return walked.pieces

    # Buckets

    def number(self, column: str) -> str:
        """The bucket of a time of the range; of one before, 0 or less."""
        assert self._buckets is not None  # noqa: S101 - nobody asks without buckets
        if self._buckets.interval is SeriesInterval.MONTH:
            starts = self._buckets.starts
            self.values["starts"] = list(starts)
            return self._dialect.place(column, "$starts", len(starts), self._buckets.unit)
        shifts = self._buckets.shifts
        self.values["changes"] = [self._question.range.since, *(one.until for one in shifts[:-1])]
        self.values["shifts"] = [one.shift for one in shifts]
        self.values["unit"] = self._buckets.unit
        shift = self._dialect.told_at(column, "$changes", "$shifts", len(shifts))
        return self._dialect.quotient(f"({column} + {shift})", "$unit")


def total(name: str, dialect: Dialect) -> str:
    """The sum of a column, 0 for none."""
    return dialect.integer(f"coalesce(sum({name}), 0)")


def _mask(shown: Sequence[str], columns: Sequence[str]) -> int:
    """What `grouping` says of rows that are grouped by `shown`: a bit, the last column's lowest, for each of the others."""
    return int("".join("0" if column in shown else "1" for column in columns), 2)


def bound_range(scene: Scene, asked: TimeRange) -> dict[str, object]:
    """What ROWS refers to. What has nothing before it says 0 there, which lies before every range."""
    return {"website": scene.website, "since": max(1, asked.since), "until": asked.until}


def _bound_rates(rates: BoundRates) -> dict[str, object]:
    listed = {"currencies": list(rates.currencies), "days": list(rates.days), "factors": list(rates.factors)}
    return listed | {"own": rates.own}
