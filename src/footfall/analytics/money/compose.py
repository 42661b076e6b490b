"""From a question to SQL about payments: their sources, hours, and who made them. Pure.

What is counted is defined in docs/metrics.md. Customers are who a payment is of by what is known today, so these questions do not depend
on `revenue=at_payment`.
"""

from __future__ import annotations

from collections.abc import Sequence

from footfall.analytics.conditions import BEGINS, MONEY, PAID, REFUND, ROWS, VISIT
from footfall.analytics.dialects import Dialect
from footfall.analytics.dimensions import CARDS, Attribution, RevenueAs
from footfall.analytics.money.model import CustomerSum
from footfall.analytics.pieces import DAY, Pieces
from footfall.analytics.query import Question
from footfall.analytics.ranges import local_shifts
from footfall.analytics.scene import Composed, Scene

HOUR = "3600000"


_FIRST_VISITS = "first_visits"


class _SourcePieces(Pieces):
    """The pieces of revenue by source, which share the first visits of whoever paid."""

    def first_visits(self, keys: Sequence[str], payments: str) -> str:
        return f"SELECT * FROM {_FIRST_VISITS}"

    def sources(self, columns: Sequence[str]) -> Composed:
        """Rows of some columns, payments and revenue."""
        listed = ", ".join(columns)
        told = f"{self._dialect.count_if(PAID)} AS payments, {_revenue(self._dialect)} AS revenue"
        return self.composed(
            {"paid": self.paid(columns)}, f"SELECT {listed}, {told} FROM paid GROUP BY {listed}"
        )

    def all_first_visits(self, columns: Sequence[str]) -> str:
        """Those of everybody who paid in the range."""
        both = f"(SELECT visitor FROM event_row WHERE {ROWS} AND {MONEY} UNION ALL SELECT then_visitor AS visitor FROM event_row WHERE {ROWS} AND {MONEY}) AS payment"
        return super().first_visits(columns, both)


def _revenue(dialect: Dialect) -> str:
    """What payments bring, less refunds."""
    return dialect.integer(f"coalesce({dialect.sum_if('minor', f'({PAID}) OR {REFUND}')}, 0)")


class _MoneyPieces(Pieces):
    """The pieces of a question about who paid when."""

    def _firsts(self, people: str) -> str:
        """When those of a piece first paid of all, whatever the range and the conditions."""
        held = self._dialect.among("event_row", ("person",), f"SELECT person FROM {people}")
        return f"SELECT person, min(ts) AS first_at FROM event_row WHERE website = $website AND ts < $until AND {PAID} AND {held} GROUP BY person"

    def customers(self, limit: int) -> Composed:
        dialect, order = self._dialect, "revenue DESC, payments DESC, person"
        known = "max(CASE WHEN visitor IS NULL OR person <> visitor THEN 1 ELSE 0 END)"
        return self.composed(
            {
                "paid": self.paid(("person", "ts")),
                "spent": f"""
                    SELECT person, {known} AS is_known, {dialect.count_if(PAID)} AS payments, {_revenue(dialect)} AS revenue,
                        min(CASE WHEN {PAID} THEN ts END) AS paid_at, max(ts) AS last_at
                    FROM paid WHERE person IS NOT NULL GROUP BY person""",
                "firsts": self._firsts("spent"),
                "summed": """
                    SELECT person, is_known, payments, revenue, first_at, last_at, CASE WHEN paid_at = first_at THEN 1 ELSE 0 END AS is_fresh
                    FROM spent JOIN firsts USING (person) WHERE payments > 0""",
                "page": f"SELECT * FROM summed ORDER BY {order} LIMIT {limit:d}",
            },
            f"""
            SELECT total, fresh, {", ".join(CustomerSum._fields)}
            FROM (SELECT count(*) AS total, {dialect.count_if("is_fresh = 1")} AS fresh FROM summed) AS counted
            LEFT JOIN page ON TRUE ORDER BY {order}""",
            is_narrow=True,
        )

    def delays(self) -> Composed:
        dialect = self._dialect
        return self.composed(
            {
                "spent": f"SELECT person, min(ts) AS paid_at FROM chosen WHERE {PAID} AND person IS NOT NULL GROUP BY person",
                "firsts": self._firsts("spent"),
                "fresh": "SELECT person, first_at FROM spent JOIN firsts USING (person) WHERE paid_at = first_at",
                "came": f"""
                    SELECT person, first_at, min(ts) AS began, count(*) AS visits FROM event_row JOIN fresh USING (person)
                    WHERE website = $website AND ts < $until AND {VISIT} AND {BEGINS} AND ts <= first_at GROUP BY person, first_at""",
                "told": f"""
                    SELECT 0 AS what, {dialect.quotient("(first_at - began)", DAY)} AS amount FROM came
                    UNION ALL SELECT 1 AS what, visits AS amount FROM came""",
            },
            "SELECT what, amount, count(*) AS customers FROM told GROUP BY what, amount ORDER BY what, amount",
            is_narrow=True,
            kept=("fresh",),
        )

    def hours(self) -> Composed:
        dialect, shifts = self._dialect, local_shifts(self._question.range)
        self.values["changes"] = [self._question.range.since, *(one.until for one in shifts[:-1])]
        self.values["offsets"] = [one.shift for one in shifts]
        offset = dialect.told_at("ts", "$changes", "$offsets", len(shifts))
        weekday, hour = (
            f"({dialect.quotient('local', DAY)} + 3) % 7",
            f"{dialect.quotient('local', HOUR)} % 24",
        )
        return self.composed(
            {
                "paid": self.paid(("ts",)),
                "timed": f"SELECT ts + {offset} AS local, minor FROM paid WHERE {PAID}",
                "placed": f"SELECT {weekday} AS weekday, {hour} AS hour, minor FROM timed",
            },
            f"""
            SELECT weekday, hour, count(*) AS payments, {dialect.integer("coalesce(sum(minor), 0)")} AS revenue
            FROM placed GROUP BY weekday, hour ORDER BY weekday, hour""",
            is_narrow=True,
        )


def _as_known_now(scene: Scene) -> Scene:
    """What somebody paid is theirs, whichever visit led to it and whenever that was found out."""
    return scene._replace(attribution=Attribution.LAST, revenue_as=RevenueAs.NOW)


def compose_sources(scene: Scene, question: Question, name: str, limit: int) -> Composed:
    """Rows of a card of CARDS, those that brought most first: its columns, payments, revenue as known now, and as known at payment."""
    card = CARDS[name]
    parts = [
        _SourcePieces(scene._replace(revenue_as=one), question)
        for one in (RevenueAs.NOW, RevenueAs.AT_PAYMENT)
    ]
    now, then = (one.sources(card.columns) for one in parts)
    listed, integer = ", ".join(card.columns), scene.dialect.integer
    held = f"WHERE coalesce({listed}) IS NOT NULL" if card.needs_any else ""
    order = ", ".join(f"{column} NULLS FIRST" for column in card.columns)
    first = scene.dialect.piece(_FIRST_VISITS, parts[0].all_first_visits(card.columns), is_kept=True)
    shared = f"WITH {first}" if scene.attribution is Attribution.FIRST else ""
    text = f"""
        {shared} SELECT {listed}, {integer("sum(times)")} AS payments, {integer("sum(now)")} AS revenue, {integer("sum(back)")} AS at_payment FROM (
            SELECT {listed}, payments AS times, revenue AS now, 0 AS back FROM ({now.text}) AS as_now
            UNION ALL SELECT {listed}, 0 AS times, 0 AS now, revenue AS back FROM ({then.text}) AS as_then
        ) AS part {held} GROUP BY {listed} ORDER BY revenue DESC, at_payment DESC, payments DESC, {order} LIMIT {limit:d}"""
    return Composed(text, now.values | then.values)


def compose_customers(scene: Scene, question: Question, limit: int) -> Composed:
    """Rows of how many customers there are, how many of them are new, and those who paid most, as a `CustomerSum`; a row of nulls without any."""
    return _MoneyPieces(_as_known_now(scene), question).customers(limit)


def compose_delays(scene: Scene, question: Question) -> Composed:
    """Rows of 0 or 1, and of how many new customers it was so many days (0) or visits (1) from the first visit to the first payment."""
    return _MoneyPieces(_as_known_now(scene), question).delays()


def compose_hours(scene: Scene, question: Question) -> Composed:
    """Rows of an `HourSum`, of hours in which somebody paid."""
    return _MoneyPieces(_as_known_now(scene), question).hours()
