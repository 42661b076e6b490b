"""What the demo's people are drawn from: countries, devices, pages, and where visits come from. Weights are relative to each other."""

from __future__ import annotations

from typing import NamedTuple

from footfall.collect.enrich.geo import Place

DESKTOP, PHONE = "desktop", "phone"


class Region(NamedTuple):
    """Where people live. `zone`: hours east of UTC; `address`: an IP address of the country."""

    weight: float
    place: Place
    zone: int
    language: str
    address: str


class DemoDevice(NamedTuple):
    """A browser: its User-Agent and viewport."""

    weight: float
    kind: str
    agent: str
    width: int
    height: int


class Burst(NamedTuple):
    """Some days, told in days before now, on which a source brings more: `weight` on the first, and half as much on each day that follows; with
    `is_steady` the same on all."""

    first: int
    last: int
    weight: float
    is_steady: bool = False

    def weight_on(self, day: int) -> float:
        """What it adds on a day, told in days before now."""
        if not self.last <= day <= self.first:
            return 0
        return self.weight if self.is_steady else self.weight / 2 ** (self.first - day)


class Source(NamedTuple):
    """Where a visit comes from. `landing`: the page that it leads to; empty for any. `buyers`: how much oftener somebody comes from there who will pay."""

    weight: float
    referrer: str = ""
    query: str = ""
    landing: str = ""
    buyers: float = 1
    bursts: tuple[Burst, ...] = ()

    def weight_on(self, day: int) -> float:
        """How often somebody comes from there on a day, told in days before now."""
        return self.weight + sum(burst.weight_on(day) for burst in self.bursts)


def _region(
    weight: float,
    code: str,
    country: str,
    region: str,
    city: str,
    zone: int,
    language: str,
    address: str,
) -> Region:
    return Region(weight, Place(code, country, region, city), zone, language, address)


REGIONS = (
    _region(11, "US", "United States", "US-CA", "San Francisco", -8, "en-US", "155.242.0.1"),
    _region(10, "US", "United States", "US-NY", "New York", -5, "en-US", "155.242.0.1"),
    _region(7, "US", "United States", "US-TX", "Austin", -6, "en-US", "155.242.0.1"),
    _region(8, "DE", "Germany", "DE-BE", "Berlin", 1, "de-DE", "87.160.0.1"),
    _region(5, "DE", "Germany", "DE-BY", "Munich", 1, "de-DE", "87.160.0.1"),
    _region(9, "GB", "United Kingdom", "GB-ENG", "London", 0, "en-GB", "107.60.0.1"),
    _region(6, "IN", "India", "IN-KA", "Bengaluru", 5, "en-IN", "106.79.0.1"),
    _region(6, "FR", "France", "FR-IDF", "Paris", 1, "fr-FR", "194.119.0.1"),
    _region(5, "CA", "Canada", "CA-ON", "Toronto", -5, "en-CA", "107.161.0.1"),
    _region(4, "NL", "Netherlands", "NL-NH", "Amsterdam", 1, "nl-NL", "156.83.0.1"),
    _region(4, "BR", "Brazil", "BR-SP", "São Paulo", -3, "pt-BR", "191.61.0.1"),
    _region(3, "AU", "Australia", "AU-NSW", "Sydney", 10, "en-AU", "141.243.0.1"),
    _region(3, "ES", "Spain", "ES-MD", "Madrid", 1, "es-ES", "185.198.183.1"),
    _region(3, "IT", "Italy", "IT-25", "Milan", 1, "it-IT", "87.14.0.1"),
    _region(3, "PL", "Poland", "PL-14", "Warsaw", 1, "pl-PL", "89.66.0.1"),
    _region(2.5, "JP", "Japan", "JP-13", "Tokyo", 9, "ja-JP", "124.45.0.1"),
    _region(2, "SE", "Sweden", "SE-AB", "Stockholm", 1, "sv-SE", "2.249.0.1"),
    _region(2, "CH", "Switzerland", "CH-ZH", "Zurich", 1, "de-CH", "160.59.0.1"),
    _region(1.5, "AT", "Austria", "AT-9", "Vienna", 1, "de-AT", "137.208.0.1"),
    _region(1.5, "SG", "Singapore", "SG-01", "Singapore", 8, "en-SG", "8.137.0.1"),
    _region(1.3, "DK", "Denmark", "DK-84", "Copenhagen", 1, "da-DK", "87.58.171.1"),
    _region(1.2, "PT", "Portugal", "PT-11", "Lisbon", 0, "pt-PT", "109.48.0.1"),
    _region(1, "BE", "Belgium", "BE-BRU", "Brussels", 1, "fr-BE", "161.59.0.1"),
    _region(1, "MX", "Mexico", "MX-CMX", "Mexico City", -6, "es-MX", "148.227.0.1"),
    _region(1, "FI", "Finland", "FI-18", "Helsinki", 2, "fi-FI", "86.114.0.1"),
    _region(1, "IE", "Ireland", "IE-D", "Dublin", 0, "en-IE", "57.137.0.1"),
    _region(0.8, "NO", "Norway", "NO-03", "Oslo", 1, "nb-NO", "81.93.109.1"),
    _region(0.8, "CZ", "Czechia", "CZ-10", "Prague", 1, "cs-CZ", "82.208.0.1"),
    _region(0.8, "KR", "South Korea", "KR-11", "Seoul", 9, "ko-KR", "121.132.0.1"),
    _region(0.7, "UA", "Ukraine", "UA-30", "Kyiv", 2, "uk-UA", "188.163.0.1"),
    _region(0.7, "TR", "Türkiye", "TR-34", "Istanbul", 3, "tr-TR", "81.215.0.1"),
    _region(0.6, "AR", "Argentina", "AR-C", "Buenos Aires", -3, "es-AR", "190.111.227.1"),
    _region(0.6, "ID", "Indonesia", "ID-JK", "Jakarta", 7, "id-ID", "103.25.194.1"),
    _region(0.5, "NG", "Nigeria", "NG-LA", "Lagos", 1, "en-NG", "129.18.0.1"),
    _region(0.5, "NZ", "New Zealand", "NZ-AUK", "Auckland", 12, "en-NZ", "132.181.0.1"),
    _region(0.4, "ZA", "South Africa", "ZA-WC", "Cape Town", 2, "en-ZA", "213.172.142.1"),
    _region(0.4, "VN", "Vietnam", "VN-SG", "Ho Chi Minh City", 7, "vi-VN", "27.2.0.1"),
    _region(0.3, "KE", "Kenya", "KE-30", "Nairobi", 3, "en-KE", "41.212.0.1"),
    _region(0.3, "CL", "Chile", "CL-RM", "Santiago", -3, "es-CL", "190.98.217.1"),
    _region(0.2, "EG", "Egypt", "EG-C", "Cairo", 2, "ar-EG", "156.201.0.1"),
)

_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
_CHROME_PHONE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
DEVICES = (
    DemoDevice(20, DESKTOP, f"{_MAC} {_CHROME}", 1440, 900),
    DemoDevice(17, DESKTOP, f"{_WINDOWS} {_CHROME}", 1920, 1080),
    DemoDevice(7, DESKTOP, f"{_WINDOWS} {_CHROME} Edg/141.0.0.0", 1536, 864),
    DemoDevice(
        6,
        DESKTOP,
        f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        1512,
        982,
    ),
    DemoDevice(3, DESKTOP, f"{_WINDOWS[:-1]}; rv:144.0) Gecko/20100101 Firefox/144.0", 1920, 1080),
    DemoDevice(
        3, DESKTOP, "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", 1680, 1050
    ),
    DemoDevice(1, DESKTOP, f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}", 2560, 1440),
    DemoDevice(22, PHONE, f"{_IPHONE} Version/18.6 Mobile/15E148 Safari/604.1", 390, 844),
    DemoDevice(3, PHONE, f"{_IPHONE} CriOS/141.0.0.0 Mobile/15E148 Safari/604.1", 430, 932),
    DemoDevice(8, PHONE, f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_CHROME_PHONE}", 412, 915),
    DemoDevice(8, PHONE, f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_CHROME_PHONE}", 384, 832),
    DemoDevice(
        2,
        PHONE,
        "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
        412,
        892,
    ),
)

_POST = "/blog/why-people-not-cookies"


def _newsletter(issue: str, sent: int) -> Source:
    """An issue of the newsletter, sent so many days ago: the links of old ones are followed for weeks."""
    query = f"?utm_source=newsletter&utm_medium=email&utm_campaign={issue}"
    bursts = (Burst(sent, sent - 5, 90), Burst(sent, 0, 0.6, is_steady=True))
    return Source(0, query=query, landing="/changelog", buyers=3, bursts=bursts)


DIRECT = Source(40)
SOURCES = (
    DIRECT,
    Source(21, "https://www.google.com/"),
    Source(1.5, "https://news.ycombinator.com/", landing=_POST, buyers=0.3, bursts=(Burst(23, 18, 320),)),
    _newsletter("whats-new", 83),
    _newsletter("people-not-cookies", 54),
    _newsletter("a-year-of-footsteps", 26),
    _newsletter("annual-plans", 9),
    Source(
        4,
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=demo",
        "/pricing",
        2.5,
    ),
    Source(
        0,
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=alternatives&gclid=demo",
        "/features",
        1.5,
        (Burst(45, 0, 5, is_steady=True),),
    ),
    Source(
        0,
        "https://www.linkedin.com/",
        "?utm_source=linkedin&utm_medium=paid_social&utm_campaign=founders&li_fat_id=demo",
        "/customers",
        1.2,
        (Burst(62, 42, 4, is_steady=True),),
    ),
    Source(3.5, "https://duckduckgo.com/"),
    Source(1, "https://www.producthunt.com/", "?ref=producthunt", "/", bursts=(Burst(66, 60, 240),)),
    Source(3, "https://github.com/demo/project", landing="/docs/start"),
    Source(2.5, "https://www.bing.com/"),
    Source(2.5, "https://chatgpt.com/", "?utm_source=chatgpt.com", "/docs", 1.6),
    Source(2, "https://t.co/", landing=_POST, buyers=0.4),
    Source(2, "https://www.linkedin.com/", landing=_POST),
    Source(2, "https://www.reddit.com/", landing=_POST, buyers=0.3),
    Source(1.5, query="?via=partner", landing="/pricing", buyers=4),
    Source(1, "https://www.youtube.com/", landing="/features"),
    Source(0.8, "https://dev.to/", landing=_POST),
    Source(0.7, "https://lobste.rs/", landing=_POST),
    Source(0.6, "https://www.perplexity.ai/"),
    Source(0.5, "https://alternativeto.net/software/demo/", landing="/"),
    Source(0.5, "https://mastodon.social/", landing=_POST),
    Source(0.4, "https://www.indiehackers.com/", landing="/"),
    Source(0.4, "https://bsky.app/", landing=_POST),
    Source(0.4, "https://www.ecosia.org/"),
    Source(0.3, "https://kagi.com/"),
    Source(0.3, "https://search.brave.com/"),
    Source(0.3, "android-app://com.google.android.gm/", landing="/changelog"),
    Source(0.2, "https://stackoverflow.com/questions", landing="/docs/identify"),
    Source(0.2, "https://yandex.com/"),
    Source(0.2, "https://www.baidu.com/"),
    Source(0.2, "https://en.wikipedia.org/wiki/Web_analytics", landing="/docs"),
    Source(0.1, "https://weekly.example/issues/212", landing="/blog/one-process"),
    Source(0.1, "https://notes.example/self-hosting", landing="/docs/install"),
)

PAGES = {
    "/": 30,
    "/pricing": 14,
    "/docs": 8,
    "/features": 8,
    _POST: 7,
    "/docs/start": 6,
    "/docs/install": 4,
    "/docs/identify": 4,
    "/changelog": 3,
    "/about": 2.5,
    "/blog": 2.5,
    "/blog/one-process": 2,
    "/docs/merge": 1.5,
    "/customers": 1.5,
    "/blog/a-year-of-footsteps": 1,
    "/docs/erase": 0.8,
    "/security": 0.7,
    "/careers": 0.6,
    "/imprint": 0.4,
    "/privacy": 0.4,
}
APP = {
    "/app": 30,
    "/app/reports": 24,
    "/app/team": 8,
    "/app/settings": 7,
    "/app/reports/weekly": 6,
    "/app/import": 3,
    "/app/settings/billing": 2,
}

HOURS = (4, 3, 2, 2, 2, 3, 6, 10, 15, 19, 20, 20, 17, 19, 20, 19, 18, 16, 14, 13, 14, 14, 11, 7)
"""How lively each hour of the visitor's own day is."""
WEEKEND = 0.45
"""How lively a day of the weekend is beside a working day."""
QUIET = (41, 35, 0.6)
"""Holidays: from so many days ago until so many, the website is so lively."""
GROWTH = 0.9
"""How much livelier the website is now than a quarter ago, as a share of what it was."""

FIRST = "Ada Alan Grace Linus Maya Noor Omar Pia Quinn Rosa Sofia Tariq Uma Victor Wanda Yuki Zoë Ben Carla Diego Elif Farid Greta Hugo".split()  # noqa: SIM905 - reads better
LAST = "Almeida Becker Chen Dubois Eriksen Fischer Garcia Haddad Ito Jensen Kumar Lopez Moreau Nowak Okafor Petrov Rossi Sato Tanaka Weber".split()  # noqa: SIM905 - reads better
COMPANIES = {
    "Acme Inc": "acme",
    "Blue Harbor": "blueharbor",
    "Cedar Labs": "cedarlabs",
    "Delta Freight": "deltafreight",
    "Evergreen Foods": "evergreen",
    "Fable Studio": "fable",
    "Granite Bank": "granitebank",
    "Harvest & Co": "harvest",
}
"""Companies, and the names of their hosts below `.example`."""
PLANS = {"free": 5, "pro": 3, "team": 1}
PRICES = {"pro": 29, "team": 99}
"""What a plan costs a month, whatever the currency."""
CURRENCIES = {"GB": "GBP"} | dict.fromkeys("DE FR NL ES IT AT PT BE FI IE".split(), "EUR")  # noqa: SIM905
"""By country; all others pay in dollars."""
BUYERS = (
    dict.fromkeys("US GB DE CH AU SE DK NO".split(), 1.6)  # noqa: SIM905
    | dict.fromkeys("IN BR NG VN ID UA EG AR KE TR".split(), 0.3)  # noqa: SIM905
)
"""How much oftener people of a country choose a plan that costs something."""
