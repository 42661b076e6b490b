"""The demo's people, drawn from a seed, and what one visit of theirs is made of. The same for a seed, whatever the time."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from footfall.demo import DOMAIN
from footfall.demo.world import (
    COMPANIES,
    DESKTOP,
    DEVICES,
    DIRECT,
    FIRST,
    HOURS,
    LAST,
    PHONE,
    PLANS,
    REGIONS,
    SOURCES,
    Device,
    Region,
    Source,
)

VISITORS, USERS = 2000, 300
TWICE = 6
"""How many of the users are somebody's second account."""
DAY, HOUR, MINUTE, SECOND = 86_400_000, 3_600_000, 60_000, 1000

T = TypeVar("T")


class Visitor(NamedTuple):
    """One browser of the demo."""

    visitor_id: str
    device: Device
    region: Region


class User(NamedTuple):
    """One account; a human may have two."""

    user_id: str
    traits: dict[str, Any]
    devices: list[Visitor]


class World(NamedTuple):
    """Everybody. `shared`: a computer on which the first two users, who are colleagues, take turns."""

    users: list[User]
    shared: Visitor
    strangers: list[Visitor]


class Said(NamedTuple):
    """One thing that happens at `at` (ms since epoch): an event's body, or (with `user`) an identify call of the backend."""

    at: int
    visitor: Visitor
    body: dict[str, Any]
    user: str | None = None


def random_of(seed: int, *what: object) -> random.Random:
    """Randomness that is the same for a seed and what it is used for."""
    return random.Random(repr((seed, *what)))  # noqa: S311 - a demo is to be the same again


def pick(draw: random.Random, weights: Mapping[T, float]) -> T:
    """One of the keys, by weight."""
    return draw.choices(list(weights), list(weights.values()))[0]


def populate(seed: int) -> World:
    """The people of a seed: VISITORS browsers, with USERS accounts among them."""
    draw = random_of(seed, "people")
    humans = list(_humans(draw, USERS - TWICE))
    users = [User(f"user_{1000 + number}", *human) for number, human in enumerate(humans)]
    users += [_second_account(draw, users[5 + number], number) for number in range(TWICE)]
    shared = _visitor(draw, users[0].devices[0].region, DESKTOP)
    used = sum(len(user.devices) for user in users) + 1
    strangers = [_visitor(draw, _weighted(draw, REGIONS)) for _ in range(VISITORS - used)]
    return World(users, shared, strangers)


def _humans(draw: random.Random, number: int) -> Iterator[tuple[dict[str, Any], list[Visitor]]]:
    """Traits and devices. No two have a name in common; the second is a colleague of the first."""
    first_company = draw.choice(list(COMPANIES))
    first_region = _weighted(draw, REGIONS)
    names = draw.sample([(first, last) for first in FIRST for last in LAST], number)
    for position, (first, last) in enumerate(names):
        company = first_company if position < 2 else draw.choice(list(COMPANIES))
        region = first_region if position < 2 else _weighted(draw, REGIONS)
        name = f"{first}.{last}".lower().replace("ë", "e")
        traits = {
            "name": f"{first} {last}",
            "email": f"{name}@{COMPANIES[company]}.example",
            "plan": pick(draw, PLANS),
            "company": company,
            "seats": min(80, 1 + int(draw.expovariate(1 / 6))),
        }
        yield traits, _devices(draw, region)


def _devices(draw: random.Random, region: Region) -> list[Visitor]:
    """One to three browsers of one human: the second is of the other kind."""
    first = _visitor(draw, region)
    other = PHONE if first.device.kind == DESKTOP else DESKTOP
    further = [_visitor(draw, region, kind) for kind in (other, DESKTOP)]
    return [first, *further[: draw.choices((0, 1, 2), (55, 38, 7))[0]]]


def _second_account(draw: random.Random, first: User, number: int) -> User:
    """The account of somebody who signed up again, elsewhere, and typed the address in another way."""
    email = first.traits["email"]
    traits = {**first.traits, "email": email.title() if number % 2 else email, "plan": "free", "seats": 1}
    kind = PHONE if first.devices[0].device.kind == DESKTOP else DESKTOP
    return User(
        f"user_{1000 + USERS - TWICE + number}", traits, [_visitor(draw, first.devices[0].region, kind)]
    )


def new_visitor(draw: random.Random, at: int) -> Visitor:
    """Somebody from where it is a time to be awake at `at` (ms since epoch)."""
    weights = [region.weight * HOURS[(at // HOUR + region.zone) % 24] for region in REGIONS]
    return _visitor(draw, draw.choices(REGIONS, weights)[0])


def _visitor(draw: random.Random, region: Region, kind: str = "") -> Visitor:
    device = _weighted(draw, tuple(one for one in DEVICES if kind in ("", one.kind)))
    return Visitor(str(uuid.UUID(int=draw.getrandbits(128), version=4)), device, region)


W = TypeVar("W", Region, Device, Source)


def _weighted(draw: random.Random, among: tuple[W, ...]) -> W:
    return draw.choices(among, [one.weight for one in among])[0]


def any_source(draw: random.Random) -> Source:
    """Where somebody new comes from."""
    return _weighted(draw, SOURCES)


def visit(
    draw: random.Random,
    visitor: Visitor,
    at: int,
    pages: Mapping[str, float],
    source: Source = DIRECT,
    longest: int = 4 * MINUTE,
) -> Iterator[Said]:
    """Some pages, up to `longest` ms on each; sometimes a goal, or a link to elsewhere."""
    path = source.landing or pick(draw, pages)
    for number in range(draw.choices((1, 2, 3, 4, 5, 7, 11), (42, 21, 14, 9, 7, 5, 2))[0]):
        first = {"referrer": source.referrer} if number == 0 and source.referrer else {}
        yield Said(at, visitor, event("pageview", path + (source.query if number == 0 else ""), **first))
        stay = min(longest, int(draw.expovariate(3 / longest)) + 4 * SECOND)
        if draw.random() < 0.05:
            video = {"eventName": "watched_video", "length": "90"}
            yield Said(at + stay // 2, visitor, event("custom", path, extraData=video))
        if draw.random() < 0.04:
            link = {"url": "https://github.com/demo/project", "text": "Source"}
            yield Said(at + stay * 2 // 3, visitor, event("external_link", path, extraData=link))
        at += stay
        path = pick(draw, {page: weight for page, weight in pages.items() if page != path})


def event(kind: str, path: str, **fields: Any) -> dict[str, Any]:
    """The body of an event, but for its visitor."""
    return {"type": kind, "href": f"https://{DOMAIN}{path}", "domain": DOMAIN, **fields}


def body_of(said: Said) -> dict[str, Any]:
    """The body of an event as a page sends it, but for the website."""
    who = said.visitor
    return {
        "visitorId": who.visitor_id,
        "viewport": {"width": who.device.width, "height": who.device.height},
        "language": who.region.language,
        **said.body,
    }
