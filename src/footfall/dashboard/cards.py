"""The cards of the overview: which lists they hold, what a row is called, and what a click on it filters by. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.dimensions import CAMPAIGN, CARDS, Counted
from footfall.analytics.model import CardPage, CardRow, Keys
from footfall.analytics.wire import DIRECT, UNKNOWN
from footfall.collect.enrich.countries import COUNTRIES
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.figures import money_column
from footfall.dashboard.spans import people_address
from footfall.hostnames import to_unicode

ROWS = 9
"""Rows of a card on the overview."""
MAP = "map"
SHADES = 5


class Invitation(NamedTuple):
    """What an empty list says: what will be there, and where to go for that: a path of the dashboard or of the website, or a query of its home page.

    `sample`: what it might look like, rows and their visitors.
    """

    text: str
    call: str
    path: str
    sample: tuple[tuple[str, int], ...]

    def href(self, website_id: str, domain: str) -> str:
        """Where to go."""
        if self.path.startswith("?"):
            return f"https://{domain}/{self.path}"
        return self.path if self.path.startswith("/") else f"/w/{website_id}/{self.path}"


class CardTab(NamedTuple):
    """A list. `name`: of `dimensions.CARDS`, or the map; `filter`: by what a click on a row filters, and by which value.

    `times`: what it counts besides visitors; `hint`: for lists that stay empty until somebody does something.
    """

    name: str
    title: str
    of_rows: str
    label: Callable[[Keys], str]
    filter: Callable[[Keys], tuple[str, str]]
    filters: tuple[str, ...]
    times: str = ""
    hint: Invitation | None = None

    @property
    def card(self) -> str:
        """The card of `dimensions.CARDS` that it shows."""
        return "countries" if self.name == MAP else self.name

    @property
    def is_card(self) -> bool:
        """Whether analytics have such a card."""
        return self.card in CARDS


class CardGroup(NamedTuple):
    """A card of the overview. `name`: the parameter that says which tab it shows."""

    name: str
    tabs: tuple[CardTab, ...]

    def chosen(self, address: ViewAddress) -> CardTab:
        """The tab that an address shows: the first unless it names another."""
        wanted = address.text(self.name)
        return next((tab for tab in self.tabs if tab.name == wanted), self.tabs[0])


def _simple(name: str, title: str, of_rows: str, by: str, place: int = 0, without: str = UNKNOWN) -> CardTab:
    """A list of the values of one filter."""
    return CardTab(
        name,
        title,
        of_rows,
        lambda keys: keys[place] or without,
        lambda keys: (by, keys[place] or without),
        (by,),
    )


def _country_text(keys: Keys) -> str:
    return COUNTRIES.get(keys[0] or "", keys[0] or UNKNOWN)


def _country(name: str, title: str) -> CardTab:
    return CardTab(
        name,
        title,
        "Country",
        _country_text,
        lambda keys: ("country", keys[0] or UNKNOWN),
        ("country",),
    )


def _region_text(keys: Keys) -> str:
    region = (keys[1] or UNKNOWN).removeprefix(f"{keys[0]}-")
    return f"{region}, {_country_text(keys)}" if keys[0] else region


def _city_text(keys: Keys) -> str:
    return f"{keys[2] or UNKNOWN}, {_country_text(keys)}" if keys[0] else keys[2] or UNKNOWN


def _page(name: str, title: str, by: str = "page", times: str = "") -> CardTab:
    return CardTab(
        name,
        title,
        "Page",
        lambda keys: keys[1] or UNKNOWN,
        lambda keys: (by, keys[1] or UNKNOWN),
        (by,),
        times,
    )


def _campaign_text(keys: Keys) -> str:
    return " · ".join(dict.fromkeys(key for key in keys if key)) or UNKNOWN


_CAMPAIGN_FIRST = (
    "utm_campaign",
    "utm_source",
    "ref",
    "source",
    "via",
    "utm_medium",
    "utm_content",
    "utm_term",
)


def _campaign_filter(keys: Keys) -> tuple[str, str]:
    """By the first of its parts that a row has, its name before all."""
    said = dict(zip(CAMPAIGN, keys, strict=True))
    return next(
        ((name, value) for name in _CAMPAIGN_FIRST if (value := said[name])), ("utm_campaign", UNKNOWN)
    )


_OF_CAMPAIGNS = Invitation(
    "Links with utm_source, utm_campaign or ref in their address are listed here, with what they bring in.",
    "Try such a link",
    "?utm_source=newsletter&utm_campaign=test",
    (("newsletter", 100), ("launch", 64), ("partner", 27)),
)
_OF_ADS = Invitation(
    "Google, Meta, Microsoft, LinkedIn, TikTok and X mark the visits that their ads bring. Those are listed here, with what they bring in.",
    "Try such a click",
    "?gclid=test",
    (("Google Ads", 100), ("Meta Ads", 58), ("LinkedIn Ads", 23)),
)
_OF_CLICKS = Invitation(
    "Clicks on links to other websites are listed here. The script takes note of them.",
    "Check the script",
    "settings#install",
    (("github.com", 100), ("calendly.com", 52), ("x.com", 31)),
)
_OF_GOALS = Invitation(
    "What visitors should do: sign up, start a trial, download. A goal is one line of code.",
    "Track a goal",
    "/docs",
    (("signup", 100), ("trial_started", 48), ("invite_sent", 17)),
)
_OF_FUNNELS = Invitation(
    "Funnels show where visitors stop on their way: from the pricing page to the sign-up to the first payment. Each number of them leads to its people.",
    "Make a funnel",
    "funnels",
    (("Pricing", 100), ("Sign-up", 34), ("Payment", 9)),
)
_OF_PAYMENTS = Invitation(
    "Whoever pays is listed here within seconds, by name.",
    "Connect payments",
    "settings/payments",
    (("Ada Lovelace", 100), ("Grace Hopper", 70), ("Mary Jackson", 40)),
)
_OF_CRAWLERS = Invitation(
    "What AI crawlers fetch is listed here once your server tells of it: they run no script.",
    "Report AI crawlers",
    "/docs",
    (("GPTBot", 100), ("ClaudeBot", 64), ("PerplexityBot", 27)),
)


def _told(name: str, title: str, of_rows: str = "", hint: Invitation | None = None) -> CardTab:
    """A list that is no card of analytics: `pages.boards` tells it."""
    return CardTab(name, title, of_rows, lambda keys: "", lambda keys: ("", ""), (), hint=hint)


GROUPS = (
    CardGroup(
        "sources",
        (
            _simple("channels", "Channels", "Channel", "channel"),
            _simple("referrers", "Referrers", "Referrer", "referrer", without=DIRECT),
            CardTab(
                "campaigns",
                "Campaigns",
                "Campaign",
                _campaign_text,
                _campaign_filter,
                CAMPAIGN,
                hint=_OF_CAMPAIGNS,
            ),
            _simple("ad-networks", "Ad clicks", "Network", "ad_network")._replace(hint=_OF_ADS),
        ),
    ),
    CardGroup(
        "pages",
        (
            _page("pages", "Pages", times="Views"),
            _page("entry-pages", "Entry", "entry_page"),
            _page("exit-pages", "Exit", times="Exits"),
            _simple("hostnames", "Hosts", "Host", "hostname"),
            CardTab(
                "exit-clicks",
                "Exit clicks",
                "Link",
                lambda keys: keys[0] or UNKNOWN,
                lambda keys: ("", ""),
                (),
                "Clicks",
                _OF_CLICKS,
            ),
        ),
    ),
    CardGroup(
        "places",
        (
            _country(MAP, "Map"),
            _country("countries", "Countries"),
            CardTab(
                "regions",
                "Regions",
                "Region",
                _region_text,
                lambda keys: ("region", keys[1] or UNKNOWN),
                ("region",),
            ),
            CardTab(
                "cities", "Cities", "City", _city_text, lambda keys: ("city", keys[2] or UNKNOWN), ("city",)
            ),
        ),
    ),
    CardGroup(
        "systems",
        (
            _simple("devices", "Devices", "Device", "device")._replace(
                label=lambda keys: (keys[0] or UNKNOWN).capitalize()
            ),
            _simple("browsers", "Browsers", "Browser", "browser"),
            _simple("operating-systems", "Systems", "System", "os"),
        ),
    ),
    CardGroup(
        "goals",
        (
            _simple("goals", "Goals", "Goal", "goal")._replace(times="Completions", hint=_OF_GOALS),
            _told("funnels", "Funnels", "Funnel", _OF_FUNNELS),
        ),
    ),
    CardGroup(
        "moments",
        (
            _told("paid", "Just paid", hint=_OF_PAYMENTS),
            _told("new", "New people"),
            _told("back", "Came back"),
        ),
    ),
    CardGroup(
        "bots",
        (
            _told("crawlers", "Crawlers", "Crawler", _OF_CRAWLERS),
            _told("crawled", "What they read", "Page", _OF_CRAWLERS),
        ),
    ),
)
TABS: Mapping[str, tuple[CardGroup, CardTab]] = {
    tab.name: (group, tab) for group in GROUPS for tab in group.tabs
}
GROUP_NAMES = tuple(group.name for group in GROUPS)
_PRIVATE = frozenset(("paid", "new", "back", "funnels"))
"""Lists that tell of single people, or of who paid."""


def _shared(group: CardGroup) -> CardGroup:
    """A card without private lists, and without invitations."""
    tabs = (tab._replace(hint=None) for tab in group.tabs if tab.name not in _PRIVATE)
    return group._replace(tabs=tuple(tabs))


SHARED_GROUPS = tuple(group for group in map(_shared, GROUPS) if group.tabs)
"""The cards that anybody sees who has a link."""


class ShownRow(NamedTuple):
    """A row. `share`: the length of its bar, percent; `href`: after a click on it; `who`: its people; `state`: how the filters stand to it;
    `times`: -1 for none."""

    label: str
    code: str
    share: float
    visitors: int
    people: int
    times: int
    money: str
    href: str
    who: str
    state: str


class Moment(NamedTuple):
    """Somebody, and what they did last. `key`: decides the colour of the avatar; `path`: below the website's; `at`: ms since epoch."""

    name: str
    key: str
    image: object
    path: str
    detail: str
    at: int


class BoardLine(NamedTuple):
    """A row of a list that is no card. `share`: the length of its bar, percent."""

    label: str
    share: float
    figures: tuple[str, ...]


class ShownCard(NamedTuple):
    """A card with the rows of one tab; of one that is no card of analytics, moments or lines with their `heads`.

    `more`: where all of them are, below the website's path.
    """

    group: CardGroup
    tab: CardTab
    total: int
    rows: list[ShownRow]
    has_money: bool
    moments: Sequence[Moment] = ()
    lines: Sequence[BoardLine] = ()
    heads: tuple[str, ...] = ()
    more: str = ""

    def without_links(self) -> ShownCard:
        """The same without ways to its people."""
        return self._replace(rows=[row._replace(who="") for row in self.rows])

    @property
    def has_people(self) -> bool:
        """Whether anybody is known by several visitors, so that people are fewer."""
        return any(row.people != row.visitors for row in self.rows)


def is_of_visitors(tab: CardTab) -> bool:
    """Whether it can be asked for together with others."""
    return CARDS[tab.card].counted is Counted.VISITORS


def show_card(
    group: CardGroup, tab: CardTab, page: CardPage, address: ViewAddress, currency: str
) -> ShownCard:
    """A card as a page shows it."""
    most = max((row.measures.visitors for row in page.rows), default=0) or 1
    chosen = {(chip.name, value): chip.operator for chip in address.chips for value in chip.values}
    is_narrowed = any(name in tab.filters and operator == "is" for (name, _), operator in chosen.items())
    spelled = money_column((row.measures.revenue for row in page.rows), currency)
    rows = [_show_row(tab, row, most, address, spelled, chosen, is_narrowed) for row in page.rows]
    return ShownCard(group, tab, page.total, rows, any(row.measures.payments for row in page.rows))


def _show_row(
    tab: CardTab,
    row: CardRow,
    most: int,
    address: ViewAddress,
    spelled: Callable[[int], str],
    chosen: Mapping[tuple[str, str], str],
    is_narrowed: bool,
) -> ShownRow:
    counts, pair = row.measures, tab.filter(row.keys)
    state = chosen.get(pair, "")
    return ShownRow(
        to_unicode(tab.label(row.keys)) if tab.name in ("hostnames", "referrers") else tab.label(row.keys),
        row.keys[0] or "",
        round(100 * counts.visitors / most, 1),
        counts.visitors,
        counts.people,
        counts.times if tab.times else -1,
        spelled(counts.revenue) if counts.payments else "",
        address.clicked(*pair).here if pair[0] else "",
        people_address(address).only(*pair).href if pair[0] else "",
        "off" if state == "is_not" or (is_narrowed and state != "is") else state,
    )


def shade(row: ShownRow) -> int:
    """How dark a country of the map is, 1 to SHADES: by the square root, so that small ones differ too."""
    return max(1, min(SHADES, round(math.sqrt(row.share / 100) * SHADES)))


def codes_of(text: str) -> list[str]:
    """The countries whose names contain a text."""
    return [code for code, name in COUNTRIES.items() if text.lower() in name.lower()]


def tabs_of(
    address: ViewAddress, groups: Iterable[CardGroup] = GROUPS
) -> Iterable[tuple[CardGroup, CardTab]]:
    """Cards with the tabs that an address shows."""
    return ((group, group.chosen(address)) for group in groups)
