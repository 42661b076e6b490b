"""The demo's people, drawn from a seed, and what one visit of theirs is made of. The same for a seed, whatever the time."""

from __future__ import annotations

import functools
import random
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from footfall.demo import DOMAIN
from footfall.demo.world import (
    BUYERS,
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
    DemoDevice,
    Region,
    Source,
)

VISITORS, USERS = 3000, 300
TWICE = 6
"""How many of the users are somebody's second account."""
DAY, HOUR, MINUTE, SECOND = 86_400_000, 3_600_000, 60_000, 1000
DAYS = 90
"""Of the quarter."""

T = TypeVar("T")


class DemoVisitor(NamedTuple):
    """One browser of the demo."""

    visitor_id: str
    device: DemoDevice
    region: Region


class DemoUser(NamedTuple):
    """One account; a human may have two."""

    user_id: str
    traits: dict[str, Any]
    devices: list[DemoVisitor]


class World(NamedTuple):
    """Everybody. `shared`: a computer on which the first two users, who are colleagues, take turns."""

    users: list[DemoUser]
    shared: DemoVisitor
    strangers: list[DemoVisitor]


class Said(NamedTuple):
    """One thing that happens at `at` (ms since epoch): an event's body, or (with `user`) an identify call of the backend, or a payment."""

    at: int
    visitor: DemoVisitor
    body: dict[str, Any]
    user: str | None = None
    is_payment: bool = False


def random_of(seed: int, *what: object) -> random.Random:
    """Randomness that is the same for a seed and what it is used for."""
    return random.Random(repr((seed, *what)))  # noqa: S311 - a demo is to be the same again


def pick(rng: random.Random, weights: Mapping[T, float]) -> T:
    """One of the keys, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def populate(seed: int) -> World:
    """The people of a seed: VISITORS browsers, with USERS accounts among them."""
    rng = random_of(seed, "people")
    humans = list(_humans(rng, USERS - TWICE))
    users = [DemoUser(f"user_{1000 + number}", *human) for number, human in enumerate(humans)]
    users += [_second_account(rng, users[5 + number], number) for number in range(TWICE)]
    shared = _visitor(rng, users[0].devices[0].region, DESKTOP)
    used = sum(len(user.devices) for user in users) + 1
    strangers = [_visitor(rng, _weighted(rng, REGIONS)) for _ in range(VISITORS - used)]
    return World(users, shared, strangers)


def _humans(rng: random.Random, number: int) -> Iterator[tuple[dict[str, Any], list[DemoVisitor]]]:
    """Traits and devices. No two have a name in common; the second is a colleague of the first."""
    first_company = rng.choice(list(COMPANIES))
    first_region = _weighted(rng, REGIONS)
    names = rng.sample([(first, last) for first in FIRST for last in LAST], number)
    for position, (first, last) in enumerate(names):
        company = first_company if position < 2 else rng.choice(list(COMPANIES))
        region = first_region if position < 2 else _weighted(rng, REGIONS)
        name = f"{first}.{last}".lower().replace("ë", "e")
        traits = {
            "name": f"{first} {last}",
            "email": f"{name}@{COMPANIES[company]}.example",
            "plan": pick(rng, _plans(region)),
            "company": company,
            "seats": min(80, 1 + int(rng.expovariate(1 / 6))),
        }
        yield traits, _devices(rng, region)


def _plans(region: Region) -> dict[str, float]:
    """How often each plan is chosen in a region."""
    buyers = BUYERS.get(region.place.country_code or "", 1)
    return {plan: weight * (1 if plan == "free" else buyers) for plan, weight in PLANS.items()}


def _devices(rng: random.Random, region: Region) -> list[DemoVisitor]:
    """One to three browsers of one human: the second is of the other kind."""
    first = _visitor(rng, region)
    other = PHONE if first.device.kind == DESKTOP else DESKTOP
    further = [_visitor(rng, region, kind) for kind in (other, DESKTOP)]
    return [first, *further[: rng.choices((0, 1, 2), (55, 38, 7))[0]]]


def _second_account(rng: random.Random, first: DemoUser, number: int) -> DemoUser:
    """The account of somebody who signed up again, elsewhere, and typed the address in another way."""
    email = first.traits["email"]
    traits = {**first.traits, "email": email.title() if number % 2 else email, "plan": "free", "seats": 1}
    kind = PHONE if first.devices[0].device.kind == DESKTOP else DESKTOP
    return DemoUser(
        f"user_{1000 + USERS - TWICE + number}", traits, [_visitor(rng, first.devices[0].region, kind)]
    )


def new_visitor(rng: random.Random, at: int) -> DemoVisitor:
    """Somebody from where it is a time to be awake at `at` (ms since epoch)."""
    weights = [region.weight * HOURS[(at // HOUR + region.zone) % 24] for region in REGIONS]
    return _visitor(rng, rng.choices(REGIONS, weights)[0])


def _visitor(rng: random.Random, region: Region, kind: str = "") -> DemoVisitor:
    device = _weighted(rng, tuple(one for one in DEVICES if kind in ("", one.kind)))
    return DemoVisitor(str(uuid.UUID(int=rng.getrandbits(128), version=4)), device, region)


W = TypeVar("W", Region, DemoDevice)


def _weighted(rng: random.Random, among: tuple[W, ...]) -> W:
    return rng.choices(among, [one.weight for one in among])[0]


def any_source(rng: random.Random, day: int = 0) -> Source:
    """Where somebody new comes from, on a day that is told in days before now."""
    return rng.choices(SOURCES, _source_weights(day))[0]


def buyers_source(rng: random.Random, day: int = 0) -> Source:
    """The same of somebody who will pay."""
    weights = [weight * one.buyers for one, weight in zip(SOURCES, _source_weights(day), strict=True)]
    return rng.choices(SOURCES, weights)[0]


def rush(day: int) -> float:
    """How many more come on a day, told in days before now, than on one on which no source brings more than usual."""
    return sum(_source_weights(day)) / sum(one.weight for one in SOURCES)


@functools.lru_cache(256)
def _source_weights(day: int) -> tuple[float, ...]:
    return tuple(one.weight_on(day) for one in SOURCES)


def visit(
    rng: random.Random,
    visitor: DemoVisitor,
    at: int,
    pages: Mapping[str, float],
    source: Source = DIRECT,
    longest: int = 4 * MINUTE,
) -> Iterator[Said]:
    """Some pages, up to `longest` ms on each; sometimes a goal, or a link to elsewhere."""
    path = source.landing or pick(rng, pages)
    for number in range(rng.choices((1, 2, 3, 4, 5, 7, 11), (42, 21, 14, 9, 7, 5, 2))[0]):
        first = {"referrer": source.referrer} if number == 0 and source.referrer else {}
        yield Said(at, visitor, event("pageview", path + (source.query if number == 0 else ""), **first))
        stay = min(longest, int(rng.expovariate(3 / longest)) + 4 * SECOND)
        if rng.random() < 0.05:
            video = {"eventName": "watched_video", "length": "90"}
            yield Said(at + stay // 2, visitor, event("custom", path, extraData=video))
        if rng.random() < 0.04:
            link = {"url": "https://github.com/demo/project", "text": "Source"}
            yield Said(at + stay * 2 // 3, visitor, event("external_link", path, extraData=link))
        at += stay
        path = pick(rng, {page: weight for page, weight in pages.items() if page != path})


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
