"""A website with a believable month, for newcomers: made by the same handlers that real events go through."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from footfall.collect.enrich.geo import Place
from footfall.collect.model import Dropped, Hit
from footfall.collect.pipeline import Arrival, read_hit
from footfall.collect.service import RECORD_HANDLER
from footfall.db.protocol import Transaction
from footfall.identity.model import BROWSER, SERVER
from footfall.identity.service import IDENTIFY_HANDLER, IdentifyCall
from footfall.identity.wire import read_browser_identify, read_identify
from footfall.ids import at_prefix
from footfall.websites.model import Website

VISITORS, USERS, DAYS = 2000, 300, 30
DAY, MINUTE = 86_400_000, 60_000
SLICE = 500

BROWSERS = (
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        1440,
        900,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        1920,
        1080,
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", 1680, 1050),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
        390,
        844,
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
        412,
        915,
    ),
)
PLACES = (
    Place("DE", "Germany", "DE-BE", "Berlin"),
    Place("US", "United States", "US-CA", "San Francisco"),
    Place("GB", "United Kingdom", "GB-ENG", "London"),
    Place("FR", "France", "FR-IDF", "Paris"),
    Place("BR", "Brazil", "BR-SP", "São Paulo"),
    Place("IN", "India", "IN-KA", "Bengaluru"),
    Place("JP", "Japan", "JP-13", "Tokyo"),
)
SOURCES = (
    "",
    "",
    "",
    "?utm_source=newsletter&utm_medium=email",
    "?utm_source=google&utm_medium=cpc&gclid=demo",
    "?ref=producthunt",
    "?via=partner",
)
REFERRERS = (
    "",
    "",
    "https://news.ycombinator.com/",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://x.com/",
)
PAGES = (
    "/",
    "/pricing",
    "/features",
    "/docs",
    "/docs/start",
    "/blog/why-people-not-cookies",
    "/about",
    "/changelog",
)
APP = ("/app", "/app/reports", "/app/settings", "/app/team", "/app/import")
FIRST = "Ada Alan Grace Linus Maya Noor Omar Pia Quinn Rosa Sofia Tariq Uma Victor Wanda Yuki Zoë Ben Carla Diego Elif Farid Greta Hugo".split()  # noqa: SIM905 - reads better
LAST = "Almeida Becker Chen Dubois Eriksen Fischer Garcia Haddad Ito Jensen Kumar Lopez Moreau Nowak Okafor Petrov Rossi Sato Tanaka Weber".split()  # noqa: SIM905 - reads better
COMPANIES = (
    "Acme Inc",
    "Blue Harbor",
    "Cedar Labs",
    "Delta Freight",
    "Evergreen Foods",
    "Fable Studio",
    "Granite Bank",
    "Harvest & Co",
)
PLANS = ("free", "free", "free", "pro", "pro", "team")


class Visitor(NamedTuple):
    """One browser of the demo."""

    visitor_id: str
    agent: str
    width: int
    height: int
    place: Place


class Said(NamedTuple):
    """One thing that happens: an event's body, or (with `user`) an identify call of the backend."""

    at: int
    visitor: Visitor
    body: dict[str, Any]
    user: str | None = None


def fill(
    website: Website,
    seed: int,
    now: int,
    transact: Callable[[Callable[[Transaction], Any]], Any],
    key_id: bytes,
) -> int:
    """Let a month up to `now` (ms since epoch) happen on a website; the number of things that did. The same for a seed but for the dates."""
    draw = random.Random(seed)  # noqa: S311 - a demo is to be the same again
    happened = sorted(_month(draw, now), key=lambda said: said.at)
    for start in range(0, len(happened), SLICE):
        part = list(enumerate(happened[start : start + SLICE], start))
        transact(lambda tx, part=part: _write(tx, website, part, key_id))  # type: ignore[misc]
    return len(happened)


def _write(tx: Transaction, website: Website, part: list[tuple[int, Said]], key_id: bytes) -> None:
    hits: list[Hit] = []
    for number, said in part:
        if said.user is None and said.body["type"] != "identify":
            hits.append(_hit(website, said, number))
            continue
        if hits:
            RECORD_HANDLER.run(tx, hits)
            hits = []
        IDENTIFY_HANDLER.run(tx, [_call(website, said, key_id)])
    if hits:
        RECORD_HANDLER.run(tx, hits)


def _hit(website: Website, said: Said, number: int) -> Hit:
    who = said.visitor
    event_id = at_prefix(said.at) + (number & 0xFFFF).to_bytes(2, "big") + b"\0\0"
    hit = read_hit(
        {
            "visitorId": who.visitor_id,
            "viewport": {"width": who.width, "height": who.height},
            "language": "en",
            **said.body,
        },
        website,
        Arrival(said.at, event_id, who.agent, "", who.place, b""),
    )
    if isinstance(hit, Dropped):
        raise ValueError(f"the demo makes an event that is dropped: {hit.reason}")
    return hit


def _call(website: Website, said: Said, key_id: bytes) -> IdentifyCall:
    base = (website.website_id, website.profile_secret)
    if said.user is None:
        extra = said.body["extraData"]
        call = read_browser_identify(extra, uuid.UUID(said.visitor.visitor_id).bytes)
        return IdentifyCall(*base, call, BROWSER, False, None, said.at)
    body = {"user_id": said.user, "datafast_visitor_id": said.visitor.visitor_id, **said.body}
    return IdentifyCall(*base, read_identify(body), SERVER, True, key_id, said.at)


def _month(draw: random.Random, now: int) -> Iterator[Said]:
    visitors = [_visitor(draw) for _ in range(VISITORS)]
    users = [_user(draw, number) for number in range(USERS)]
    own = visitors[: USERS * 2]
    for number, (user_id, traits) in enumerate(users):
        devices = own[number * 2 : number * 2 + draw.choice((1, 1, 2))]
        yield from _life(draw, user_id, traits, devices, now)
    yield from _shared_computer(draw, users, visitors[USERS * 2], now)
    for visitor in visitors[USERS * 2 + 1 :]:
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            yield from _visit(draw, visitor, now - int(draw.uniform(0.01, DAYS) * DAY), PAGES, now)


def _visitor(draw: random.Random) -> Visitor:
    agent, width, height = draw.choice(BROWSERS)
    visitor_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    return Visitor(visitor_id, agent, width, height, draw.choice(PLACES))


def _user(draw: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    first, last = draw.choice(FIRST), draw.choice(LAST)
    email = f"{first}.{last}{number}@demo.example".lower().replace("ë", "e")
    if number % 75 == 74:
        email = f"shared{number // 150}@demo.example"  # what the doctor finds
    return f"user_{1000 + number}", {
        "name": f"{first} {last}",
        "email": email,
        "plan": draw.choice(PLANS),
        "company": draw.choice(COMPANIES),
        "seats": draw.randint(1, 40),
    }


def _life(
    draw: random.Random, user_id: str, traits: dict[str, Any], devices: list[Visitor], now: int
) -> Iterator[Said]:
    """Someone finds the website, signs up, comes back, and perhaps pays."""
    began = now - int(draw.uniform(1, DAYS) * DAY)
    yield from _visit(draw, devices[0], began, PAGES, now)
    signed_up = began + int(draw.uniform(0.01, 0.9) * DAY)
    yield from _visit(draw, devices[0], signed_up, PAGES[:3], now)
    end = signed_up + 12 * MINUTE
    plan = traits["plan"]
    yield Said(
        end, devices[0], _event("custom", "/signup", extraData={"eventName": "signup", "plan": "free"})
    )
    yield Said(
        end + 900, devices[0], {**traits, "plan": "free", "$set_once": {"signup_page": "/pricing"}}, user_id
    )
    if draw.random() < 0.3:
        extra = {"user_id": user_id, "name": "", "image": "", "theme": draw.choice(("light", "dark"))}
        yield Said(end + 5000, devices[0], _event("identify", "/app", extraData=extra))
    at = end
    for _ in range(draw.randint(1, 5)):
        at += int(draw.uniform(0.2, 6) * DAY)
        if at > now:
            return
        device = draw.choice(devices)
        yield from _visit(draw, device, at, APP, now)
        yield Said(at + 500, device, {"plan": plan}, user_id)
        if plan != "free" and draw.random() < 0.5:
            amount = 29 if plan == "pro" else 99
            paid = {"email": traits["email"], "amount": amount, "currency": "USD"}
            yield Said(at + 4 * MINUTE, device, _event("payment", "/app/settings", extraData=paid))


def _shared_computer(
    draw: random.Random, users: list[tuple[str, dict[str, Any]]], computer: Visitor, now: int
) -> Iterator[Said]:
    """Two users who take turns on one browser that is never reset."""
    for turn in range(6):
        at = now - (6 - turn) * 3 * DAY
        user_id, traits = users[turn % 2]
        yield from _visit(draw, computer, at, APP, now)
        yield Said(at + 500, computer, traits, user_id)


def _visit(
    draw: random.Random, visitor: Visitor, at: int, pages: tuple[str, ...], now: int
) -> Iterator[Said]:
    """Some pages, a minute or two on each; sometimes a goal, or a link to elsewhere."""
    query, referrer = draw.choice(SOURCES), draw.choice(REFERRERS)
    for number in range(draw.choice((1, 2, 2, 3, 4, 6))):
        if at >= now:
            return
        path = pages[0] if number == 0 and draw.random() < 0.6 else draw.choice(pages)
        yield Said(
            at,
            visitor,
            _event(
                "pageview", path + (query if number == 0 else ""), referrer=referrer if number == 0 else None
            ),
        )
        if draw.random() < 0.08:
            yield Said(
                at + 20_000,
                visitor,
                _event("custom", path, extraData={"eventName": "watched_video", "length": "90"}),
            )
        if draw.random() < 0.05:
            url = "https://github.com/demo/project"
            yield Said(
                at + 30_000, visitor, _event("external_link", path, extraData={"url": url, "text": "Source"})
            )
        at += int(draw.uniform(0.2, 3) * MINUTE)


def _event(kind: str, path: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "href": f"https://demo.example{path}", "domain": "demo.example", **fields}
