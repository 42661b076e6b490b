"""What analytics can be filtered by and grouped by: closed sets, each in one table. Pure.

Nothing else names columns of `event_row` to group or filter by, and nothing from outside ever becomes a name.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from urllib.parse import quote

import msgspec

from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.enrich.page import KEPT_CHARACTERS
from footfall.visitors.folding import country_code, folded


class Operator(StrEnum):
    """How a filter compares. Several values are alternatives; a negation excludes all of them."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    DOES_NOT_CONTAIN = "does_not_contain"
    GTE = "gte"
    LTE = "lte"

    @property
    def is_negation(self) -> bool:
        """Whether it keeps what it does not find."""
        return self in (Operator.IS_NOT, Operator.DOES_NOT_CONTAIN)


class Scope(StrEnum):
    """What a filter keeps whole."""

    VISIT = "visit"
    """Visits that came from there, or on that."""
    VIEWED = "viewed"
    """Visits in which such a page was viewed in the range."""
    REACHED = "reached"
    """Visitors who reached such a goal in the range."""
    VISITS = "visits"
    """Visitors with so many visits until the end of the range."""
    NEW = "new"
    """Visitors whose first visit began in the range."""
    PERSON = "person"
    """What a person did."""
    FUNNEL = "funnel"
    """Visitors who came so far through a funnel."""


TEXTS = (Operator.IS, Operator.IS_NOT, Operator.CONTAINS, Operator.DOES_NOT_CONTAIN)
NUMBERS = (Operator.IS, Operator.IS_NOT, Operator.GTE, Operator.LTE)
EQUALS = (Operator.IS, Operator.IS_NOT)


class FilterField(msgspec.Struct, frozen=True):
    """What can be filtered by. `column`: of `event_row`; `spelled`: any value, whole or a part, with its characters as they are stored;
    `meant`: a whole value as it is stored, but for its case.

    `divider`: a value may also be what stands behind it. `without`: the word, in lower case, for what has none.
    """

    scope: Scope
    column: str
    operators: tuple[Operator, ...] = TEXTS
    is_case_kept: bool = False
    spelled: Callable[[str], str] = str
    meant: Callable[[str], str] = str
    divider: str = ""
    without: str = "unknown"


def spell_path(text: str) -> str:
    """A path, or a part of one, with its characters as they are stored."""
    return quote(text, safe=KEPT_CHARACTERS + "#")


def _path(text: str) -> str:
    return text if text.startswith("/") else "/" + text


def countries_named(part: str) -> tuple[str, ...]:
    """The countries whose name or code contains a text, as codes; case and blanks make no difference."""
    sought = folded(part)
    return tuple(code for code, known in _KNOWN_AS.items() if sought and sought in known)


_KNOWN_AS = {code: f"{folded(name)} {folded(code)}" for code, name in COUNTRIES.items()}
"""Countries as they are looked for: nothing that is looked for holds a blank."""


def _referrer_host(text: str) -> str:
    bare = text.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return bare.removeprefix("www.")


FILTERS: dict[str, FilterField] = {
    "country": FilterField(Scope.VISIT, "country", meant=country_code),
    "region": FilterField(Scope.VISIT, "region", divider="-"),
    "city": FilterField(Scope.VISIT, "city"),
    "device": FilterField(Scope.VISIT, "device"),
    "browser": FilterField(Scope.VISIT, "browser"),
    "os": FilterField(Scope.VISIT, "os"),
    "referrer": FilterField(Scope.VISIT, "referrer", meant=_referrer_host, without="direct"),
    "channel": FilterField(Scope.VISIT, "channel"),
    "entry_page": FilterField(Scope.VISIT, "entry_path", is_case_kept=True, spelled=spell_path, meant=_path),
    "utm_source": FilterField(Scope.VISIT, "utm_source"),
    "utm_medium": FilterField(Scope.VISIT, "utm_medium"),
    "utm_campaign": FilterField(Scope.VISIT, "utm_campaign"),
    "utm_term": FilterField(Scope.VISIT, "utm_term"),
    "utm_content": FilterField(Scope.VISIT, "utm_content"),
    "ref": FilterField(Scope.VISIT, "ref"),
    "source": FilterField(Scope.VISIT, "source"),
    "via": FilterField(Scope.VISIT, "via"),
    "ad_network": FilterField(Scope.VISIT, "ad_network"),
    "page": FilterField(Scope.VIEWED, "path", is_case_kept=True, spelled=spell_path, meant=_path),
    "hostname": FilterField(Scope.VIEWED, "host"),
    "goal": FilterField(Scope.REACHED, "name"),
    "visit_count": FilterField(Scope.VISITS, "", NUMBERS),
    "new": FilterField(Scope.NEW, "", (Operator.IS,)),
    "person": FilterField(Scope.PERSON, "", EQUALS),
    "funnel": FilterField(Scope.FUNNEL, "", EQUALS),
}
"""By the name behind `filter_`; but for traits, which people are found by, each of these may be filtered by."""
ALSO_MEANT = {"safari": ("mobile safari",)}
"""Browsers that are meant too by the name of one."""


class Counted(StrEnum):
    """What a card counts."""

    VISITORS = "visitors"
    """Each visitor of the range once, where its first event of the range was: such a card adds up to the total."""
    VIEWS = "views"
    EXITS = "exits"
    CLICKS = "clicks"
    GOALS = "goals"


class Card(msgspec.Struct, frozen=True):
    """A list of what visitors have in common. `columns`: of `event_row`; `needs_any`: leaves out who has none of them."""

    counted: Counted
    columns: tuple[str, ...]
    needs_any: bool = False


CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "ref", "source", "via")
CARDS: dict[str, Card] = {
    "pages": Card(Counted.VIEWS, ("host", "path")),
    "hostnames": Card(Counted.VIEWS, ("host",)),
    "entry-pages": Card(Counted.VISITORS, ("entry_host", "entry_path"), needs_any=True),
    "exit-pages": Card(Counted.EXITS, ("host", "path")),
    "exit-clicks": Card(Counted.CLICKS, ("name",)),
    "referrers": Card(Counted.VISITORS, ("referrer",)),
    "channels": Card(Counted.VISITORS, ("channel",)),
    "campaigns": Card(Counted.VISITORS, CAMPAIGN, needs_any=True),
    "ad-networks": Card(Counted.VISITORS, ("ad_network",), needs_any=True),
    "countries": Card(Counted.VISITORS, ("country",)),
    "regions": Card(Counted.VISITORS, ("country", "region")),
    "cities": Card(Counted.VISITORS, ("country", "region", "city")),
    "devices": Card(Counted.VISITORS, ("device",)),
    "browsers": Card(Counted.VISITORS, ("browser",)),
    "operating-systems": Card(Counted.VISITORS, ("os",)),
    "goals": Card(Counted.GOALS, ("name",)),
}
"""By the last part of the route."""


class MetricFilter(msgspec.Struct, frozen=True):
    """A filter, by a name of FILTERS. `has_none`: whether it looks for what has no value too."""

    name: str
    operator: Operator
    values: tuple[str, ...]
    has_none: bool = False

    @property
    def field(self) -> FilterField:
        """What it filters by."""
        return FILTERS[self.name]


class Attribution(StrEnum):
    """To which visit a payment belongs: the visitor's first one, or the last before it was made."""

    FIRST = "first"
    LAST = "last"


class RevenueAs(StrEnum):
    """Whose payments are: as is known now, or as was known when they were made."""

    NOW = "now"
    AT_PAYMENT = "at_payment"
