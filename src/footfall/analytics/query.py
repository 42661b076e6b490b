"""From a query string to a question: the range, the filters in every spelling, what to show. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from footfall.analytics.dimensions import (
    ALSO_MEANT,
    FILTERS,
    Attribution,
    FilterField,
    MetricFilter,
    Operator,
    RevenueAs,
    Scope,
    countries_named,
)
from footfall.analytics.ranges import Compare, Period, TimeRange, read_choice, read_range
from footfall.errors import BadRequest
from footfall.people.wire import Filter, read_filter
from footfall.web.parameters import read_number_parameter, split_values

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
MAX_OFFSET = 1_000_000
MAX_ROWS = 100_000
"""Of a file."""
MAX_FILTERS = 20
MAX_VALUES = 500
"""Of all filters together, each that a part of a country's name stands for among them."""
MAX_CONTAINED = 20
"""Of texts of which one has to be contained."""
MAX_VALUE = 2048
"""Characters, as many as a path has."""
_PREFIX, _TRAIT = "filter_", "trait."
_WORD = re.compile(r"[a-z]+(?:_[a-z]+)*")
_HOSTS = ("host", "referrer")
_FUNNEL = re.compile("[^:]+:[1-8]:(?:passed|stopped)")
_PORT = re.compile(r"\d{1,5}(?:[,/]|$)", re.ASCII)


class AnswerFormat(StrEnum):
    """The form of an answer: a page of JSON, or a file of all rows."""

    JSON = "json"
    CSV = "csv"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. All of `conditions` and `traits` hold. `fields`: what to show, as asked for; empty for everything.

    What people are meant by conditions on traits or a person, others find out: composing takes their numbers.
    """

    range: TimeRange
    conditions: tuple[MetricFilter, ...] = ()
    traits: tuple[Filter, ...] = ()
    fields: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    compare: Compare | None = None
    attribution: Attribution = Attribution.LAST
    revenue_as: RevenueAs = RevenueAs.NOW
    format: AnswerFormat = AnswerFormat.JSON


def read_question(
    pairs: Iterable[tuple[str, str]], timezone: str, now: int, earliest: int, default: Period = Period.ALL
) -> Question:
    """The question of a query string; the rest as for `read_range`. Ignores unknown and empty parameters. Raises BadRequest naming one.

    Filters count all, also several by one field; those that say the same are one.
    """
    given = [(name, text) for name, text in pairs if text.strip()]
    query = dict(given)
    filters = _read_filters(given)
    form = read_choice(query, "format", AnswerFormat) or AnswerFormat.JSON
    limit = read_number_parameter(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    offset = read_number_parameter(query, "offset", 0, 0, MAX_OFFSET)
    is_page = form is AnswerFormat.JSON
    return Question(
        range=read_range(query, timezone, now, earliest, default),
        conditions=tuple(one for one in filters if isinstance(one, MetricFilter)),
        traits=tuple(one for one in filters if isinstance(one, Filter)),
        fields=tuple(dict.fromkeys(split_values(query.get("fields", "")))),
        limit=limit if is_page else MAX_ROWS,
        offset=offset if is_page else 0,
        compare=read_choice(query, "compare", Compare),
        attribution=read_choice(query, "attribution", Attribution) or Attribution.LAST,
        revenue_as=read_choice(query, "revenue", RevenueAs) or RevenueAs.NOW,
        format=form,
    )


def refuse_file(query: Mapping[str, str]) -> None:
    """For what is answered as JSON alone. Raises BadRequest if a file is asked for."""
    if query.get("format", "").strip() == AnswerFormat.CSV:
        raise BadRequest(
            "format: this is answered as JSON alone. Overview, series and lists come as CSV, too."
        )


_BARE = FILTERS.keys() - {"new", "person", "visit_count", "channel", "funnel", "ad_network"}
"""Filters that may do without the prefix, as they once were called."""


def _read_filters(given: Iterable[tuple[str, str]]) -> list[MetricFilter | Filter]:
    """The filters among parameters, each once."""
    named = [(name, name.removeprefix(_PREFIX), text) for name, text in dict.fromkeys(given)]
    filters = [one for one in named if _is_filter(*one[:2]) or one[1].startswith(_TRAIT)]
    if len(filters) > MAX_FILTERS:
        raise BadRequest(f"filter_: at most {MAX_FILTERS} filters at once.")
    found: dict[MetricFilter | Filter, None] = {}
    for name, bare, text in filters:
        found[(_read_condition if bare in FILTERS else _read_trait)(name, bare, text)] = None
        if sum(len(one.values) for one in found) > MAX_VALUES:
            raise BadRequest(f"{name}: all filters together have at most {MAX_VALUES} values.")
    return list(found)


def _is_filter(name: str, bare: str) -> bool:
    return bare in (FILTERS if name.startswith(_PREFIX) else _BARE)


def _read_trait(name: str, bare: str, text: str) -> Filter:
    try:
        return read_filter(bare, text)
    except BadRequest as error:
        raise BadRequest(error.message.replace(bare, name, 1)) from None


def _read_condition(name: str, bare: str, text: str) -> MetricFilter:
    """One filter: `op:v1,v2`, or values alone for `is`."""
    field = FILTERS[bare]
    operator, rest = _read_operator(name, text, field)
    values = split_values(rest)
    most = MAX_CONTAINED if operator in _CONTAINING else MAX_VALUES
    if not 1 <= len(values) <= most:
        raise BadRequest(f"{name}: name 1 to {most} values, separated by commas.")
    if max(map(len, values)) > MAX_VALUE:
        raise BadRequest(f"{name}: a value has at most {MAX_VALUE} characters.")
    if any("\0" in value for value in values):
        raise BadRequest(f"{name}: a value holds the character U+0000, which nothing contains.")
    if field.scope in _CHECKS:
        _check(name, field.scope, operator, values)
    return _condition(bare, operator, tuple(map(field.spelled, values)))


def _condition(bare: str, operator: Operator, values: tuple[str, ...]) -> MetricFilter:
    if operator in _CONTAINING and bare == "country":
        return MetricFilter(bare, _CONTAINING[operator], _countries(values))
    if operator not in (Operator.IS, Operator.IS_NOT):
        return MetricFilter(bare, operator, values)
    field = FILTERS[bare]
    none = (field.without, f"{field.without}/none")
    is_found = field.scope is Scope.VISIT
    named = [value for value in values if not (is_found and value.lower() in none)]
    meant = [field.meant(value) for value in named]
    also = [more for value in meant if bare == "browser" for more in ALSO_MEANT.get(value.lower(), ())]
    return MetricFilter(bare, operator, tuple(dict.fromkeys((*meant, *also))), len(named) < len(values))


_CONTAINING = {Operator.CONTAINS: Operator.IS, Operator.DOES_NOT_CONTAIN: Operator.IS_NOT}


def _countries(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Codes are stored, but names are shown, and looked for."""
    return tuple(dict.fromkeys(code for part in parts for code in countries_named(part)))


def _read_operator(name: str, text: str, field: FilterField) -> tuple[Operator, str]:
    """The operator, `is` if there is none, and the values. A host may be followed by a port, and a scheme by a host."""
    word, colon, rest = text.partition(":")
    word = word.strip()
    if colon and word in field.operators:
        return Operator(word), rest
    is_address = rest.startswith("//") or (field.column in _HOSTS and _PORT.match(rest))
    if not colon or not _WORD.fullmatch(word) or is_address:
        return Operator.IS, text
    listed = ", ".join(field.operators)
    raise BadRequest(
        f"{name}: there is no operator {word[:40]}; use one of {listed}, such as is:{text[:40]}."
    )


def _check(name: str, scope: Scope, operator: Operator, values: tuple[str, ...]) -> None:
    """Values that are none. Raises BadRequest."""
    is_list = operator in (Operator.IS, Operator.IS_NOT)
    if scope is Scope.NEW:
        if len(values) > 1 or values[0] not in ("true", "false"):
            raise BadRequest(f"{name} must be true or false.")
    elif scope is Scope.FUNNEL:
        if len(values) > 1 or _FUNNEL.fullmatch(values[0]) is None:
            raise BadRequest(
                f"{name}: name a funnel by its id or slug, one of its steps, and passed or stopped, such as is:checkout:2:stopped."
            )
    elif not all(value.isascii() and value.isdigit() and len(value) <= 9 for value in values) or (
        len(values) > 1 and not is_list
    ):
        raise BadRequest(f"{name}: name whole numbers such as 2 or gte:3.")


_CHECKS = (Scope.NEW, Scope.VISITS, Scope.FUNNEL)
