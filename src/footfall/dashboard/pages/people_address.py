"""What the address of the list of people asks, of the index of people or of the columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from footfall.analytics.ranges import Period
from footfall.analytics.roster import RosterLooking, RosterOrder, RosterPart
from footfall.dashboard.address import Pair, ViewAddress, has_range, read_address
from footfall.dashboard.filters import OPERATORS
from footfall.dashboard.pages.roster import RosterAsked
from footfall.dashboard.spans import DEFAULT
from footfall.people.find.terms import read_number
from footfall.people.wire import COMPARISONS, PeopleQuery, read_people_query

PAGE = 50
"""How many people are listed at once."""
OWN = ("search", "sort", "offset", "who")
SIGNED_UP = "signed_up"
"""By when they were identified, which the columns do not know."""
OF_INDEX = ("", RosterOrder.SEEN, SIGNED_UP)
"""By what the index sorts."""


class PeopleView(NamedTuple):
    """What it asks for. `search`: as it was typed; `is_indexed`: the index of people answers it."""

    address: ViewAddress
    search: str
    sort: str
    part: RosterPart
    is_indexed: bool

    @property
    def is_ranged(self) -> bool:
        """Whether it is about a range, rather than about all people who are known."""
        return has_range(self.address) or self.part is not RosterPart.EVERYBODY or _is_of_visits(self.address)

    @property
    def default(self) -> Period:
        """The range when none is named: as on other pages, but for a list of all who are known in another order."""
        return DEFAULT if self.is_ranged else Period.ALL

    def asked(self, offset: int) -> RosterAsked:
        """The same as the columns are asked it."""
        part = self.part if self.is_ranged else RosterPart.KNOWN
        order = RosterOrder(self.sort) if self.sort in list(RosterOrder) else RosterOrder.SEEN
        looking = RosterLooking(part, order)
        is_by_sign_up = self.sort == SIGNED_UP
        return RosterAsked(self.address, looking, self.default, self.search, PAGE, offset, is_by_sign_up)


def read_people_view(website_id: bytes, pairs: Sequence[Pair]) -> PeopleView:
    """The view of a website (its id) that an address asks for."""
    address = read_address(f"/w/{website_id.hex()}/people", [_renamed(*pair) for pair in pairs], OWN)
    sort = address.text("sort")
    part = next((one for one in RosterPart if one == address.text("who")), RosterPart.EVERYBODY)
    view = PeopleView(address, address.text("search").strip(), sort, part, is_indexed=False)
    return view._replace(is_indexed=not view.is_ranged and sort in OF_INDEX)


def _renamed(name: str, text: str) -> Pair:
    """Filters on traits in addresses of before had the names of the API of people."""
    return (f"filter_{name}" if name.startswith("trait.") else name), text


def _is_of_visits(address: ViewAddress) -> bool:
    """Whether it has filters that the index of people does not know."""
    return any(not chip.name.startswith("trait.") for chip in address.chips)


def index_query(view: PeopleView) -> PeopleQuery:
    """The same as the index is asked it, without what it does not know. Raises BadRequest."""
    traits = [
        (name.removeprefix("filter_"), text)
        for name, text in view.address.pairs
        if name.startswith("filter_trait.")
    ]
    order = "identifiedAt" if view.sort == SIGNED_UP else "lastSeenAt"
    offset = view.address.text("offset", "0")
    kept = (("search", view.search), ("limit", str(PAGE)), ("offset", offset), ("sort", order))
    return read_people_query([*kept, *traits])


def filter_problem(address: ViewAddress) -> str:
    """What is wrong with the values of a filter on a trait, in the words of the form; empty if nothing is."""
    for name, raw in address.pairs:
        operator, _, text = raw.partition(":")
        if not name.startswith("filter_trait.") or raw in ("exists", "missing"):
            continue
        said = f"{name.removeprefix('filter_trait.')} {OPERATORS.get(operator, 'is')}"
        if operator in COMPARISONS and read_number(text.strip()) is None:
            return f"“{said}” compares with a number or a date, such as 5 or 2026-05-05."
        if not (text if operator in OPERATORS else raw).replace(",", "").strip():
            return f"“{said}” needs a value."
    return ""
