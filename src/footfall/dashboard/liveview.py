"""Who is on a website now, as the page Live shows it: what they do, where they are, and how many they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any, NamedTuple

import msgspec

from footfall.analytics.realtime.model import EventNow, PaymentNow, VisitorNow, WebsiteNow
from footfall.analytics.realtime.service import MINUTE_MS
from footfall.analytics.wire import DIRECT
from footfall.collect.enrich.centres import CENTRES
from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.model import CUSTOM, EXTERNAL_LINK, GOAL, PAGEVIEW, SOURCES
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.names import friendly_name
from footfall.dashboard.rendering import called, counted, money_text, place_text, readable, time_text
from footfall.dashboard.worldmap import placed
from footfall.hostnames import to_unicode
from footfall.identity.model import KnownPerson
from footfall.ids import at_of, format_uuid
from footfall.payments.model import Kind
from footfall.payments.money import to_major
from footfall.visitors.model import Visitor

MOST_LINES = 50
"""What has just happened, the newest."""
MOST_ROWS = 8
BAR_HEIGHT = 60
SMALLEST_DOT, LARGEST_DOT = 6.0, 20.0

_decode_said = msgspec.json.Decoder(dict[str, Any]).decode


class LiveFace(NamedTuple):
    """Somebody. `key`: decides the colour of the avatar; `path`: below the website's."""

    name: str
    key: str
    path: str
    image: object = None
    is_known: bool = False


class LiveLine(NamedTuple):
    """Something that happened (`at`: ms since epoch). `did` and `what`: in words; `is_moment`: whether it stands out; `place`: where."""

    key: str
    at: int
    face: LiveFace
    did: str
    what: str = ""
    place: str = ""
    is_moment: bool = False


class LiveRow(NamedTuple):
    """A page or a source, and how many are there or came from there. `share`: the length of its bar, percent; `href`: after a click on it."""

    label: str
    visitors: int
    share: float
    href: str
    state: str


class LiveDot(NamedTuple):
    """The visitors of a country, in units of the world map."""

    x: float
    y: float
    radius: float
    title: str
    href: str


class LiveBar(NamedTuple):
    """The visitors of a minute."""

    x: int
    y: float
    height: float
    title: str


def show_lines(now: WebsiteNow, since: int) -> list[LiveLine]:
    """What happened since a time (ms since epoch), the newest in front."""
    lines = [
        *map(_event_line, now.events),
        *_sign_ups(now.visitors, since),
        *map(_payment_line, now.payments),
    ]
    lines.sort(key=lambda line: (line.at, line.key), reverse=True)
    return lines[:MOST_LINES]


def _event_line(event: EventNow) -> LiveLine:
    visitor = event.by.visitor
    did, what = _deed(event)
    return LiveLine(
        f"{event.event_id.hex()}{visitor.visitor_id[-4:].hex()}",
        at_of(event.event_id),
        _face_of(visitor),
        did,
        what,
        place_text(visitor.place.city, visitor.place.country),
        event.type in (CUSTOM, GOAL),
    )


def _deed(event: EventNow) -> tuple[str, str]:
    if event.type == PAGEVIEW:
        return "opened", _path(event.url)
    if event.type in (CUSTOM, GOAL):
        return "reached the goal", event.name or "without a name"
    if event.type == EXTERNAL_LINK:
        url = (_decode_said(event.data) if event.data else {}).get("url")
        return ("left to", readable(url)) if isinstance(url, str) and url else ("left", "")
    return "reported a payment", ""


def _path(url: str | None) -> str:
    return readable(url[url.index("/") :] if url and "/" in url else "/")


def _sign_ups(visitors: Iterable[VisitorNow], since: int) -> Iterable[LiveLine]:
    """Who was identified for the first time, each person once."""
    people = {one.visitor.person.profile_id: one.visitor for one in visitors if one.visitor.person}
    for profile_id, visitor in people.items():
        person = visitor.person
        if person is not None and person.identified_at > since:
            place = place_text(visitor.place.city, visitor.place.country)
            yield LiveLine(
                profile_id.hex(), person.identified_at, _known(person), "signed up", "", place, True
            )


def _payment_line(paid: PaymentNow) -> LiveLine:
    payment = paid.payment
    amount = money_text(to_major(payment.money), payment.money.currency)
    did = "renewed for" if payment.kind is Kind.RENEWAL else "paid"
    return LiveLine(payment.payment_id.hex(), payment.at, _payer(paid), did, amount, is_moment=True)


def _payer(paid: PaymentNow) -> LiveFace:
    payment, key = paid.payment, paid.payment.payment_id.hex()
    if paid.person:
        return _known(paid.person)
    if payment.visitor_id:
        return _anonymous(payment.visitor_id, payment.name)
    return LiveFace(payment.name or "Somebody", key, f"payments/{key}")


def _face_of(visitor: Visitor) -> LiveFace:
    return _known(visitor.person) if visitor.person else _anonymous(visitor.visitor_id)


def _known(person: KnownPerson) -> LiveFace:
    key, traits = person.profile_id.hex(), person.traits
    return LiveFace(called(traits, person.user_id), key, f"people/{key}", traits.get("image"), True)


def _anonymous(visitor_id: bytes, name: str | None = None) -> LiveFace:
    key = format_uuid(visitor_id)
    return LiveFace(name or friendly_name(visitor_id), key, f"visitors/{key}")


# How many


def show_pages(visitors: Iterable[VisitorNow], address: ViewAddress) -> list[LiveRow]:
    """On which pages they are."""
    urls = [one.visitor.current_url for one in visitors if one.visitor.current_url]
    counts = Counter(url[url.index("/") :] if "/" in url else "/" for url in urls)
    return _rows(Counter({("page", path, readable(path)): count for path, count in counts.items()}), address)


def show_sources(visitors: Iterable[VisitorNow], address: ViewAddress) -> list[LiveRow]:
    """Where they came from."""
    return _rows(Counter(map(_source, visitors)), address)


def _source(one: VisitorNow) -> tuple[str, str, str]:
    """A filter, its value, and how that is called."""
    for name in SOURCES:
        if value := getattr(one.params, name):
            return name, value, value
    if one.referrer:
        host = one.referrer.partition("/")[0].removeprefix("www.")
        return "referrer", host, to_unicode(host)
    return "referrer", DIRECT, "Direct"


def _rows(counts: Counter[tuple[str, str, str]], address: ViewAddress) -> list[LiveRow]:
    """The most frequent of some values, each with the filter that finds it."""
    chosen = {(chip.name, value): chip.operator for chip in address.chips for value in chip.values}
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0][2]))[:MOST_ROWS]
    most = ranked[0][1] if ranked else 1
    return [
        LiveRow(
            label,
            count,
            round(100 * count / most, 1),
            address.clicked(name, value).here,
            chosen.get((name, value), ""),
        )
        for (name, value, label), count in ranked
    ]


def show_dots(visitors: Iterable[VisitorNow], address: ViewAddress) -> list[LiveDot]:
    """Where they are: a dot for each country, the smaller ones on top."""
    counts = Counter(one.visitor.place.country_code for one in visitors)
    dots = []
    for code, count in counts.most_common():
        if code and (centre := CENTRES.get(code)):
            x, y = placed((centre.longitude, centre.latitude))
            radius = min(LARGEST_DOT, SMALLEST_DOT * sqrt(count))
            title = f"{COUNTRIES.get(code, code)}: {counted(count, 'visitor')}"
            dots.append(
                LiveDot(
                    round(x, 1), round(y, 1), round(radius, 1), title, address.clicked("country", code).here
                )
            )
    return dots


def unplaced(visitors: Iterable[VisitorNow]) -> int:
    """How many are nowhere on the map."""
    return sum(one.visitor.place.country_code not in CENTRES for one in visitors)


def show_bars(counts: Sequence[int], now: int, zone: str) -> list[LiveBar]:
    """The visitors of the last minutes, the running one last."""
    most, begin = max(counts, default=0) or 1, now - now % MINUTE_MS - (len(counts) - 1) * MINUTE_MS
    bars = []
    for number, count in enumerate(counts):
        height = max(1.5, round(BAR_HEIGHT * count / most, 1))
        title = f"{time_text(begin + number * MINUTE_MS, zone)}: {counted(count, 'visitor')}"
        bars.append(LiveBar(10 * number, BAR_HEIGHT - height, height, title))
    return bars
