"""The address of a page as its state: what it shows, and addresses that show the same with one thing changed. Pure.

Ranges and filters have the names and values of the API, so that what an address says can be asked of the API too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlencode

from footfall.analytics.dimensions import FILTERS, Operator
from footfall.analytics.query import MAX_FILTERS, MAX_VALUES
from footfall.web.parameters import split_values

FILTER, TRAIT = "filter_", "filter_trait."
RANGE = ("period", "startAt", "endAt")
ASKED = (*RANGE, "compare", "timezone", "attribution", "revenue")
"""What a question is asked by, besides filters."""
KEPT = (*ASKED, "interval", "metric")
"""What goes along from page to page, besides filters."""
OF_PEOPLE = ("person", "funnel")
"""Filters, besides those on traits, that no stranger may use."""
MOST_KEPT = MAX_FILTERS + 1
"""Filters of an address that are read, and no more of them than have too many values: enough to be told that they are too many.

Each is drawn with links that hold all of them.
"""
_ESCAPED = re.compile(r"[\\,]|^ | $")
_TRAIT_OPERATORS = ("is", "is_not", "contains", "gt", "gte", "lt", "lte")
OPPOSITES = {"is": "is_not", "contains": "does_not_contain", "exists": "missing"}
OPPOSITES |= {other: one for one, other in OPPOSITES.items()}
"""What the second click on a filter makes of it."""

Pair = tuple[str, str]


class Chip(NamedTuple):
    """A filter of an address. `name`: without the prefix of all filters; `operator`: one of `OPPOSITES`, or a comparison."""

    name: str
    operator: str
    values: tuple[str, ...] = ()

    @property
    def pair(self) -> Pair:
        """The filter as a parameter."""
        is_bare = self.operator in ("exists", "missing")
        return FILTER + self.name, self.operator if is_bare else f"{self.operator}:{_listed(self.values)}"


def _listed(values: Iterable[str]) -> str:
    """Values as a list separated by commas, from which `split_values` gets them back."""
    return ",".join(_ESCAPED.sub(lambda found: "\\" + found[0], value) for value in values)


class ViewAddress(NamedTuple):
    """What a page shows: parameters, each but filters at most once, and the path of the page. `own`: parameters that only this page has."""

    path: str
    pairs: tuple[Pair, ...]
    own: tuple[str, ...] = ()

    @property
    def href(self) -> str:
        """The address as a link from anywhere."""
        return self.path + (self.here if self.pairs else "")

    @property
    def here(self) -> str:
        """The same as a link from a page at this path, which is much shorter."""
        return "?" + urlencode(self.pairs, safe=":,/")

    @property
    def asked(self) -> list[Pair]:
        """What is asked of the API."""
        return [pair for pair in self.pairs if pair[0] in ASKED or pair[0].startswith(FILTER)]

    @property
    def chips(self) -> list[Chip]:
        """The filters."""
        return [_read_chip(*pair) for pair in self.pairs if pair[0].startswith(FILTER)]

    def text(self, name: str, default: str = "") -> str:
        """The value of a parameter."""
        return next((value for key, value in self.pairs if key == name), default)

    def having(self, **changed: str | None) -> ViewAddress:
        """The same with some parameters set, or left out. What leads elsewhere in a list begins at its front."""
        left = [pair for pair in self.pairs if pair[0] not in changed and pair[0] != "offset"]
        return self._replace(
            pairs=(*left, *((name, value) for name, value in changed.items() if value is not None))
        )

    def during(self, **range_: str) -> ViewAddress:
        """The same of another range."""
        return self.having(**dict.fromkeys(RANGE), interval=None).having(**range_)

    def at(self, path: str, own: tuple[str, ...] = ()) -> ViewAddress:
        """Another page with the same range and filters."""
        kept = tuple(pair for pair in self.pairs if pair[0] in (*KEPT, *own) or pair[0].startswith(FILTER))
        return ViewAddress(path, kept, own)

    def with_chip(self, chip: Chip) -> ViewAddress:
        """The same with one more filter."""
        return self._filtered(dict.fromkeys([*self.chips, chip]))

    def without(self, chip: Chip) -> ViewAddress:
        """The same without a filter."""
        return self._filtered(one for one in self.chips if one != chip)

    def turned(self, chip: Chip) -> ViewAddress | None:
        """The same with the opposite of a filter; None if it has none."""
        if (opposite := OPPOSITES.get(chip.operator)) is None or not _takes(chip.name, opposite):
            return None
        return self._filtered(one._replace(operator=opposite) if one == chip else one for one in self.chips)

    def clicked(self, name: str, value: str) -> ViewAddress:
        """The same after a click on a row: its value is looked for too; or, if it alone was, everything but it; or, if that was so, all.

        One of several values that are looked for is no longer.
        """
        for chip in self.chips:
            if chip.name != name or chip.operator not in (Operator.IS, Operator.IS_NOT):
                continue
            if chip.values == (value,):
                is_kept = chip.operator == Operator.IS
                return (self.turned(chip) or self.without(chip)) if is_kept else self.without(chip)
            left = tuple(one for one in chip.values if one != value)
            values = left if value in chip.values else (*chip.values, value)
            changed = chip._replace(values=values)
            return self._filtered(changed if one == chip else one for one in self.chips)
        return self.also(name, value)

    def only(self, name: str, value: str) -> ViewAddress:
        """The same of one row of a list alone, whichever rows of it are chosen."""
        chosen = (Operator.IS, Operator.IS_NOT)
        others = [one for one in self.chips if one.name != name or one.operator not in chosen]
        return self._filtered([*others, Chip(name, Operator.IS.value, (value,))])

    def also(self, name: str, value: str) -> ViewAddress:
        """The same of those alone who have a value too, whatever else they are chosen by."""
        return self.with_chip(Chip(name, Operator.IS.value, (value,)))

    def without_people(self) -> ViewAddress:
        """The same without filters that find single people, or tell of funnels and so of who paid."""
        kept = (one for one in self.chips if one.name not in OF_PEOPLE and not one.name.startswith("trait."))
        return self._filtered(kept)

    def _filtered(self, chips: Iterable[Chip]) -> ViewAddress:
        others = [pair for pair in self.pairs if not pair[0].startswith(FILTER) and pair[0] != "offset"]
        return self._replace(pairs=(*others, *(chip.pair for chip in chips)))


def read_address(path: str, pairs: Iterable[Pair], own: tuple[str, ...] = ()) -> ViewAddress:
    """The state that an address has, of which anything unknown or empty is left out, and filters that are too many."""
    known, single, filters = (*KEPT, *own), dict[str, str](), list[Pair]()
    for name, text in pairs:
        if name in known and text.strip():
            single[name] = text
        elif text.strip() and _is_filter(name):
            filters.append((name, text))
    return ViewAddress(path, (*single.items(), *_first_filters(filters)), own)


def _first_filters(filters: Iterable[Pair]) -> Iterator[Pair]:
    values = 0
    for name, text in islice(dict.fromkeys(filters), MOST_KEPT):
        if values > MAX_VALUES:
            return
        yield name, text
        values += len(split_values(text))


def has_range(address: ViewAddress) -> bool:
    """Whether it names a range."""
    return any(address.text(name) for name in RANGE)


def _is_filter(name: str) -> bool:
    bare = name.removeprefix(FILTER)
    return name.startswith(FILTER) and (bare in FILTERS or (name.startswith(TRAIT) and name != TRAIT))


def _takes(name: str, operator: str) -> bool:
    known = _TRAIT_OPERATORS if name.startswith("trait.") else FILTERS[name].operators
    return operator in known or operator in ("exists", "missing")


def _read_chip(name: str, text: str) -> Chip:
    """A filter as it is written; whether it is right, the API says."""
    bare = name.removeprefix(FILTER)
    if text in ("exists", "missing"):
        return Chip(bare, text)
    word, colon, rest = text.partition(":")
    operator, values = (word.strip(), rest) if colon and _takes(bare, word.strip()) else ("is", text)
    return Chip(bare, operator, split_values(values))
