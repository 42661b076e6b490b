"""Filters as people read and choose them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from footfall.analytics.dimensions import FILTERS
from footfall.collect.enrich.countries import COUNTRIES
from footfall.dashboard.address import Chip, ViewAddress, read_address
from footfall.web.parameters import split_values

TITLES = {
    "ad_network": "Ad network",
    "os": "System",
    "entry_page": "Entry page",
    "hostname": "Host",
    "visit_count": "Visits",
    "new": "New visitors",
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
    "utm_campaign": "UTM campaign",
    "utm_term": "UTM term",
    "utm_content": "UTM content",
}
"""What filters are called; others by their name."""
OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "does_not_contain": "does not contain",
    "gt": "more than",
    "gte": "at least",
    "lt": "less than",
    "lte": "at most",
    "exists": "is known",
    "missing": "is not known",
}
ADDING = frozenset(("field", "operator", "text"))
"""Fields of the form that adds a filter."""
_BY_CLICK = ("funnel",)
"""What nobody types."""
MOST_SHOWN = 3
"""Values of a filter that are shown."""


class ShownChip(NamedTuple):
    """A filter. `turned`: the address with its opposite, empty if it has none; `without`: the address without it."""

    name: str
    operator: str
    text: str
    turned: str
    without: str


def show_chips(address: ViewAddress) -> list[ShownChip]:
    """The filters of an address."""
    return [_show_chip(address, chip) for chip in address.chips]


def _show_chip(address: ViewAddress, chip: Chip) -> ShownChip:
    turned = address.turned(chip)
    return ShownChip(
        filter_title(chip.name),
        OPERATORS[chip.operator],
        _values_text(chip),
        turned.here if turned else "",
        address.without(chip).here,
    )


def _values_text(chip: Chip) -> str:
    spelled = _SPELLED.get(chip.name, str)
    values = [spelled(one) for one in chip.values]
    more = len(values) - MOST_SHOWN
    return " or ".join(values[:MOST_SHOWN]) + (f" or {more} more" if more > 0 else "")


def _funnel_text(value: str) -> str:
    """`checkout, stopped at step 2`; what is no such value as it is."""
    funnel, _, part = value.partition(":")
    step, _, way = part.partition(":")
    return f"{funnel}, {way} {'at ' if way == 'stopped' else ''}step {step}" if way else value


_SPELLED: Mapping[str, Callable[[str], str]] = {
    "country": lambda code: COUNTRIES.get(code.upper(), code),
    "funnel": _funnel_text,
}
"""How values of some filters are shown."""


def filter_title(name: str) -> str:
    """What a filter is called; one on a trait by the trait."""
    return name.removeprefix("trait.") if name.startswith("trait.") else TITLES.get(name, name.capitalize())


def filter_fields(traits: list[str], *, has_people: bool = True) -> dict[str, dict[str, str]]:
    """What can be filtered by: titles by parameter, in groups. Without `has_people`, nothing that finds single people."""
    return {
        "Visits": {
            name: filter_title(name)
            for name in FILTERS
            if name not in _BY_CLICK and (has_people or name != "person")
        },
        "People": {f"trait.{name}": name for name in traits},
    }


def with_added(address: ViewAddress, form: Mapping[str, str]) -> ViewAddress:
    """The address with the filter that the fields of a form describe."""
    name, operator = form.get("field", ""), form.get("operator", "is")
    values = split_values(form.get("text", ""))
    added = Chip(name, operator, () if operator in ("exists", "missing") else values).pair
    return read_address(address.path, [*address.having().pairs, added], address.own)
