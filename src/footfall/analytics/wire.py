"""The names that analytics have on the wire, and the forms of their numbers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from footfall.analytics.dimensions import CAMPAIGN, CARDS
from footfall.analytics.model import (
    NOTHING,
    Asking,
    CardPage,
    CardRow,
    Keys,
    Measures,
    Overview,
    Series,
    SeriesPart,
)
from footfall.analytics.ranges import bucket_name, to_local_iso
from footfall.collect.enrich.countries import COUNTRIES
from footfall.currencies import DIGITS, SYMBOLS
from footfall.payments.money import USUAL_DIGITS, Money, to_major
from footfall.websites.model import Website

Tell = Callable[[Measures, str], Any]
"""A field from what was counted, in a currency."""
Shown = dict[str, Any]

UNKNOWN, DIRECT = "Unknown", "Direct/None"
"""What is said in place of what is not known. Filters take both."""


def share(part: int, whole: int) -> float:
    """Percent, with two decimal places."""
    return round(100 * part / whole, 2) if whole else 0.0


def _money(minor: int, currency: str) -> Any:
    return to_major(Money(minor, currency))


def _revenue_per_visitor(one: Measures, currency: str) -> float:
    """In major units, rounded to the minor one."""
    digits = DIGITS.get(currency, USUAL_DIGITS)
    return round(one.revenue / one.known_visitors / 10**digits, digits) if one.known_visitors else 0.0


def _breakdown(one: Measures, currency: str) -> Shown:
    parts = {"new": one.revenue_new, "renewal": one.revenue_renewal, "refund": one.refunds}
    return {name: _money(minor, currency) for name, minor in parts.items()}


FIELDS: Mapping[str, Tell] = {
    "visitors": lambda one, currency: one.visitors,
    "people": lambda one, currency: one.people,
    "new_visitors": lambda one, currency: one.new_visitors,
    "returning_visitors": lambda one, currency: one.known_visitors - one.new_visitors,
    "pageviews": lambda one, currency: one.pageviews,
    "sessions": lambda one, currency: one.sessions,
    "bounce_rate": lambda one, currency: share(one.bounces, one.begun),
    "avg_session_duration": lambda one, currency: round(one.time / one.sessions) if one.sessions else 0,
    "currency": lambda one, currency: SYMBOLS.get(currency, currency),
    "revenue": lambda one, currency: _money(one.revenue, currency),
    "revenueBreakdown": _breakdown,
    "payments": lambda one, currency: one.payments,
    "revenue_per_visitor": _revenue_per_visitor,
    "conversion_rate": lambda one, currency: share(one.payers, one.known_visitors),
}
"""What can be told of what was counted, in the order of answers."""
OF_OVERVIEW = tuple(name for name in FIELDS if name != "revenueBreakdown")
OF_SERIES = tuple(name for name in OF_OVERVIEW if name != "currency")
_OF_PLACES = ("visitors", "people", "new_visitors", "revenue", "payments", "conversion_rate")
_OF_TOUCHES = ("visitors", "people", "revenue", "payments")


def measures_json(one: Measures, currency: str, fields: Iterable[str]) -> Shown:
    """What was counted, as far as these fields tell of it."""
    return {name: FIELDS[name](one, currency) for name in fields}


def shown_fields(asked: Iterable[str], known: Iterable[str]) -> list[str]:
    """The fields of an answer: those asked for that there are, or all."""
    wanted = set(asked)
    return [name for name in known if not wanted or name in wanted]


def overview_json(one: Overview, currency: str, asked: Iterable[str]) -> Shown:
    """The whole range in one."""
    return _compared(one.measures, one.compared, currency, shown_fields(asked, OF_OVERVIEW))


def _compared(one: Measures, other: Measures | None, currency: str, fields: Sequence[str]) -> Shown:
    compared = {} if other is None else {"compared": measures_json(other, currency, fields)}
    return measures_json(one, currency, fields) | compared


# Series


class SeriesForm(NamedTuple):
    """How a series is shown: its fields, but for `name`, in a currency and time zone."""

    fields: list[str]
    asked: list[str]
    currency: str
    zone: str


def series_form(asking: Asking) -> SeriesForm:
    """How the answer to a question is to be shown. Revenue comes with its parts, and with the number of payments."""
    asked = shown_fields(asking.question.fields, ("name", *OF_SERIES))
    with_money = {"revenueBreakdown", "payments"} if "revenue" in asked else set()
    fields = [name for name in FIELDS if name in asked or name in with_money]
    return SeriesForm(fields, asked, asking.website.currency, asking.question.range.zone)


def series_json(one: Series, form: SeriesForm, parts: Iterable[SeriesPart]) -> Shown:
    """A series; `parts`: those of the page."""
    is_money = "revenue" in form.fields or "revenue_per_visitor" in form.fields
    return {
        "fields": form.asked,
        "interval": one.buckets.interval.value,
        "timezone": form.zone,
        "currency": SYMBOLS.get(form.currency, form.currency) if is_money else None,
        "totals": _compared(one.totals.measures, one.totals.compared, form.currency, form.fields),
        "data": [part_json(one, part, form) for part in parts],
    }


def part_json(one: Series, part: SeriesPart, form: SeriesForm) -> Shown:
    """A part of a series. Its name and time come always."""
    return {
        "name": bucket_name(part.start, form.zone, one.buckets.interval),
        "timestamp": to_local_iso(part.start, form.zone),
        **_compared(part.measures, part.compared, form.currency, form.fields),
    }


# Cards


class CardForm(NamedTuple):
    """How the rows of a card are shown: what they are about, and what is told of that. `times`: the name of what is counted besides visitors."""

    about: Callable[[Keys], Shown]
    fields: tuple[str, ...] = _OF_PLACES
    times: str = ""


def _named(name: str, without: str = UNKNOWN) -> Callable[[Keys], Shown]:
    return lambda keys: {name: keys[0] or without}


def _page(keys: Keys) -> Shown:
    return {"hostname": keys[0] or UNKNOWN, "path": keys[1] or UNKNOWN}


def _country(keys: Keys) -> Shown:
    code = keys[0]
    return {"country": COUNTRIES.get(code or "", code or UNKNOWN), "countryCode": code, "image": _flag(code)}


def _flag(code: str | None) -> str | None:
    """The flag of a country as an image that loads nothing."""
    if code not in COUNTRIES:
        return None
    letters = "".join(f"%26%23{0x1F1E6 + ord(letter) - ord('A')};" for letter in code)
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'%3E"
        f"%3Ctext y='16' font-size='16'%3E{letters}%3C/text%3E%3C/svg%3E"
    )


def _region(keys: Keys) -> Shown:
    return {"region": keys[1] or UNKNOWN, "country": keys[0]}


def _city(keys: Keys) -> Shown:
    return {"city": keys[2] or UNKNOWN, "region": keys[1], "country": keys[0]}


def _campaign(keys: Keys) -> Shown:
    return {"campaign": dict(zip(CAMPAIGN, keys, strict=True))}


CARD_FORMS: Mapping[str, CardForm] = {
    "pages": CardForm(_page, _OF_TOUCHES, "pageviews"),
    "hostnames": CardForm(_named("hostname"), _OF_TOUCHES, "pageviews"),
    "entry-pages": CardForm(_page),
    "exit-pages": CardForm(_page, _OF_TOUCHES, "exits"),
    "exit-clicks": CardForm(_named("url"), _OF_TOUCHES, "clicks"),
    "referrers": CardForm(_named("referrer", DIRECT)),
    "channels": CardForm(_named("channel")),
    "campaigns": CardForm(_campaign),
    "ad-networks": CardForm(_named("ad_network")),
    "countries": CardForm(_country),
    "regions": CardForm(_region),
    "cities": CardForm(_city),
    "devices": CardForm(_named("device")),
    "browsers": CardForm(_named("browser")),
    "operating-systems": CardForm(_named("operating_system")),
    "goals": CardForm(_named("goal"), _OF_TOUCHES, "completions"),
}
"""By the names of `dimensions.CARDS`."""
_OLD_NAMES = {"name": "goal"}
"""What fields were once called."""


def card_json(page: CardPage, currency: str, asked: Iterable[str]) -> list[Shown]:
    """The rows of a card."""
    form, wanted = CARD_FORMS[page.name], {_OLD_NAMES.get(name, name) for name in asked}
    return [_row_json(row, form, currency, wanted) for row in page.rows]


def row_like(name: str, currency: str, asked: Iterable[str]) -> Shown:
    """A row of a card of which nothing is known."""
    nobody = CardRow((None,) * len(CARDS[name].columns), NOTHING)
    return card_json(CardPage(name, 1, [nobody]), currency, asked)[0]


def _row_json(row: CardRow, form: CardForm, currency: str, wanted: set[str]) -> Shown:
    shown = form.about(row.keys) | _counts_json(row.measures, form, currency)
    kept = {name: value for name, value in shown.items() if not wanted or name in wanted}
    if row.compared is None:
        return kept
    return kept | {
        "compared": {
            name: value for name, value in _counts_json(row.compared, form, currency).items() if name in kept
        }
    }


def _counts_json(one: Measures, form: CardForm, currency: str) -> Shown:
    times = {form.times: one.times} if form.times else {}
    return times | measures_json(one, currency, form.fields)


def metadata_json(website: Website, asked: Iterable[str]) -> Shown:
    """How a website is set up."""
    shown = {
        "domain": website.domain,
        "timezone": website.timezone,
        "name": website.name,
        "logo": None,
        "kpiColorScheme": "blue",
        "kpi": None,
        "currency": website.currency,
    }
    return {name: shown[name] for name in shown_fields(asked, shown)}


class Paged(Protocol):
    """A question that asks for some of the rows."""

    @property
    def limit(self) -> int:
        """How many, at most."""

    @property
    def offset(self) -> int:
        """How many come before them."""


def pagination(asked: Paged, total: int) -> dict[str, Any]:
    """Which rows of `total` an answer has."""
    has_more = asked.offset + asked.limit < total
    return {"limit": asked.limit, "offset": asked.offset, "total": total, "hasMore": has_more}
