"""Which visitors a list asks for: its parameters, in every spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo

import msgspec

from footfall.clock import from_iso
from footfall.collect.model import LIFECYCLE
from footfall.errors import BadRequest
from footfall.ids import AT_BYTES, VISITOR_BYTES, at_of, at_prefix
from footfall.payments.rules import kinds_reaching
from footfall.people.find.terms import folded as folded_search
from footfall.people.wire import MAX_FILTERS, Filter, read_filter
from footfall.visitors.folding import country_code, folded, folded_referrer
from footfall.web.parameters import read_cursor, read_number_parameter, read_zone

DEFAULT_LIMIT, MAX_LIMIT = 100, 250
MAX_OFFSET = 1_000_000
MAX_ANY_OF = 50
MAX_VALUE = 2000
"""Characters of a search value."""
PARAMS = ("ref", "source", "via", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
FACETS = ("country", "region", "city", "browser", "os", "device", "referrer")
PAGES = ("visitedPage", "visitedPageContains", "hostname")
_OTHER_NAMES = {
    "page": "visitedPage",
    "pageContains": "visitedPageContains",
    "goal": "completedGoal",
    "hasRevenue": "isCustomer",
}
_SNAKE = re.compile(r"_([a-z])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MEANT: dict[str, Callable[[str], str]] = {
    "country": country_code,
    "referrer": folded_referrer,
}


class AnyOf(msgspec.Struct, frozen=True):
    """One of PARAMS, FACETS or PAGES, and the values to match, any of them, in stored form."""

    name: str
    values: tuple[str, ...]


class VisitorQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which visitors, and which page of them, most recently seen first.

    `since`, `until`: seen in this period, ms since epoch; the second is exclusive. `goal`: who reached it, most recent first.
    `is_customer`, `is_identified`: None for all. `people`, `search`: conditions on the person, see `people.wire`.
    `after`: (ms since epoch, visitor id) after which the page begins.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: tuple[int, bytes] | None = None
    since: int | None = None
    until: int | None = None
    any_of: tuple[AnyOf, ...] = ()
    goal: str | None = None
    is_customer: bool | None = None
    is_identified: bool | None = None
    people: tuple[Filter, ...] = ()
    search: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether all visitors are asked for."""
        return self == VisitorQuery(limit=self.limit, offset=self.offset, after=self.after)


def read_visitor_query(pairs: Iterable[tuple[str, str]], timezone: str) -> VisitorQuery:
    """The query of a list of visitors of a website in a time zone. Ignores unknown and empty parameters. Raises BadRequest naming the parameter."""
    given = [(_known_name(name), name, text) for name, text in pairs if text.strip()]
    query = {known: text for known, _, text in given}
    spelled = {known: name for known, name, _ in given}
    since, until = _span(query, timezone)
    goal, is_customer = _goal(query, spelled), _flag(query, spelled, "isCustomer")
    if goal is not None and is_customer is not None:
        raise BadRequest(f"{spelled['completedGoal']} and {spelled['isCustomer']} cannot be combined.")
    people = tuple(read_filter(name, text) for known, name, text in given if known.startswith("trait."))
    if len(people) > MAX_FILTERS:
        raise BadRequest(f"trait: at most {MAX_FILTERS} filters at once.")
    offset, after = read_number_parameter(query, "offset", 0, 0, MAX_OFFSET), _after(query)
    if offset and after:
        raise BadRequest("cursor and offset cannot be combined.")
    return VisitorQuery(
        limit=read_number_parameter(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        offset=offset,
        after=after,
        since=since,
        until=until,
        any_of=tuple(
            AnyOf(name, _values(name, spelled[name], query[name]))
            for name in (*FACETS, *PARAMS, *PAGES)
            if name in query
        ),
        goal=goal,
        is_customer=is_customer,
        is_identified=_flag(query, spelled, "identified"),
        people=people,
        search=folded_search(query.get("search", "")),
    )


def _known_name(name: str) -> str:
    """The name of a parameter that may be spelled differently: `visited_page`, `page`, `utmSource`."""
    if name.startswith("trait."):
        return name
    if (snake := _to_snake(name)) in PARAMS:
        return snake
    camel = _SNAKE.sub(lambda found: found[1].upper(), name)
    return _OTHER_NAMES.get(camel, camel)


def _to_snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


def _values(name: str, spelled: str, text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not 1 <= len(parts) <= MAX_ANY_OF:
        raise BadRequest(f"{spelled}: name 1 to {MAX_ANY_OF} values, separated by commas.")
    if max(map(len, parts)) > MAX_VALUE:
        raise BadRequest(f"{spelled}: a value has at most {MAX_VALUE} characters.")
    return tuple(dict.fromkeys(_meant(name, part) for part in parts))


def _meant(name: str, text: str) -> str:
    """A value in stored form."""
    if name == "visitedPage":
        return text if text.startswith("/") else "/" + text
    if name == "visitedPageContains":
        return text
    if name == "hostname":
        return text.lower()
    return _MEANT.get(name, folded)(text)


def _goal(query: Mapping[str, str], spelled: Mapping[str, str]) -> str | None:
    text = query.get("completedGoal")
    if text is None:
        return None
    if len(text) > MAX_VALUE:
        raise BadRequest(f"{spelled['completedGoal']}: a goal has at most {MAX_VALUE} characters.")
    goal = text.strip().lower()
    if goal in LIFECYCLE and not kinds_reaching(goal):
        raise BadRequest(
            f"{spelled['completedGoal']}: of lifecycle goals, visitors are found by payment and free_trial."
        )
    return goal


def _flag(query: Mapping[str, str], spelled: Mapping[str, str], name: str) -> bool | None:
    text = query.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise BadRequest(f"{spelled[name]} must be true or false.")
    return text == "true"


def _after(query: Mapping[str, str]) -> tuple[int, bytes] | None:
    size = AT_BYTES + VISITOR_BYTES
    cursor = read_cursor(query.get("cursor"), size, size, "list of visitors")
    return (at_of(cursor), cursor[AT_BYTES:]) if cursor else None


def cursor_behind(at: int, visitor_id: bytes) -> str:
    """The cursor of the page after a visitor and the time (ms since epoch) that determines their place."""
    return (at_prefix(at) + visitor_id).hex()


def _span(query: Mapping[str, str], timezone: str) -> tuple[int | None, int | None]:
    """(since, until) in ms since epoch; a day lasts until its end in the time zone."""
    first, last = query.get("startAt"), query.get("endAt")
    if first is None and last is None:
        return None, None
    if first is None or last is None:
        raise BadRequest("startAt and endAt come together, or neither of them does.")
    zone = read_zone(query, timezone)
    since, until = _moment("startAt", first, zone, 0), _moment("endAt", last, zone, 1)
    if until <= since:
        raise BadRequest("endAt must not be before startAt.")
    return since, until


def _moment(name: str, text: str, zone: tzinfo, days: int) -> int:
    """When a day begins, or ends if `days` is 1; or a time as it is, or its end if `days` is 1. ms since epoch."""
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=days)
            begins = datetime(day.year, day.month, day.day, tzinfo=zone)
            at = round(begins.timestamp() * 1000)
        else:
            at = from_iso(text) + days
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name} must be a day such as 2026-05-05, or a time with a zone such as 2026-05-05T12:00:00Z."
        ) from None
    return max(0, at)
