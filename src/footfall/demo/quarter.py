"""A quarter of the demo's website: made by the same handlers that real events go through."""

from __future__ import annotations

import functools
import itertools
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from footfall.collect.model import Dropped, Hit
from footfall.collect.pipeline import Arrival, read_hit
from footfall.collect.service import RECORD_HANDLER
from footfall.db.protocol import Transaction
from footfall.demo.furniture import furnish
from footfall.demo.people import (
    DAY,
    DAYS,
    HOUR,
    MINUTE,
    SECOND,
    DemoUser,
    DemoVisitor,
    Said,
    World,
    any_source,
    body_of,
    buyers_source,
    event,
    populate,
    random_of,
    rush,
    visit,
)
from footfall.demo.world import APP, CURRENCIES, DESKTOP, DIRECT, GROWTH, HOURS, PAGES, PRICES, QUIET, WEEKEND
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import IDENTIFY_HANDLER
from footfall.identity.identify.wire import read_browser_identify, read_identify
from footfall.identity.model import BROWSER, SERVER
from footfall.ids import at_prefix
from footfall.payments import service as payments
from footfall.payments.service import PaymentCall
from footfall.payments.wire import read_payment
from footfall.visitors.listing import look_at_all
from footfall.websites.model import Website

MONTH = 30 * DAY
FREQUENT = 0.35
"""Of those who pay, how many do so in the visit in which they sign up."""
STAYING = 0.9
"""Of those who pay, how many pay for another month."""
INVITING = 1
"""How often a user with a team has come back before inviting somebody."""
SLICE = 500


def fill(
    website: Website,
    seed: int,
    now: int,
    transact: Callable[[Callable[[Transaction], Any]], Any],
    key_id: bytes,
) -> int:
    """Let a quarter up to `now` (ms since epoch) happen on a website; the number of things that did. The same people for a seed."""
    happened = happenings(seed, now)
    for start in range(0, len(happened), SLICE):
        part = list(enumerate(happened[start : start + SLICE], start))
        transact(lambda tx, part=part: _write(tx, website, part, key_id))  # type: ignore[misc]
    transact(lambda tx: look_at_all(tx, [website.website_id]))
    transact(lambda tx: furnish(tx, website, seed, now, key_id))
    return len(happened)


def happenings(seed: int, now: int) -> list[Said]:
    """All that happens in the quarter up to `now` (ms since epoch), in order."""
    return sorted(
        (said for said in _quarter(populate(seed), seed, now) if said.at < now), key=lambda said: said.at
    )


def _write(tx: Transaction, website: Website, part: list[tuple[int, Said]], key_id: bytes) -> None:
    hits: list[Hit] = []
    for number, said in part:
        if said.user is None and said.body["type"] != "identify":
            hits.append(_hit(website, said, number))
            continue
        if hits:
            RECORD_HANDLER.run(tx, hits)
            hits = []
        if said.is_payment:
            payments.RECORD_HANDLER.run(tx, [_payment(website, said)])
        else:
            IDENTIFY_HANDLER.run(tx, [_call(website, said, key_id)])
    if hits:
        RECORD_HANDLER.run(tx, hits)


def _hit(website: Website, said: Said, number: int) -> Hit:
    event_id = at_prefix(said.at) + (number & 0xFFFF).to_bytes(2, "big") + b"\0\0"
    who = said.visitor
    arrival = Arrival(said.at, event_id, who.device.agent, "", who.region.place, b"")
    hit = read_hit(body_of(said), website, arrival)
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


def _payment(website: Website, said: Said) -> PaymentCall:
    body = {"datafast_visitor_id": said.visitor.visitor_id, **said.body}
    return PaymentCall(website.website_id, read_payment(body, said.at), said.at, is_first=True)


def _quarter(world: World, seed: int, now: int) -> Iterator[Said]:
    for user in world.users:
        yield from _life(random_of(seed, user.user_id), user, now)
    yield from _shared_computer(random_of(seed, "shared"), world, now)
    for stranger in world.strangers:
        yield from _looks(random_of(seed, stranger.visitor_id), stranger, now)


def _looks(rng: random.Random, visitor: DemoVisitor, now: int) -> Iterator[Said]:
    """Somebody who is never identified: most come once."""
    at = _moment(rng, visitor, now)
    for _ in range(rng.choices((1, 2, 3, 4, 6, 9), (70, 15, 7, 4, 3, 1))[0]):
        yield from visit(rng, visitor, at, PAGES, any_source(rng, _ago(at, now)))
        at = _later(rng, at, rng.randint(1, 6), visitor.region.zone)


def _life(rng: random.Random, user: DemoUser, now: int) -> Iterator[Said]:
    """Someone finds the website, signs up, comes back, and perhaps pays."""
    first = user.devices[0]
    signed_up = _moment(rng, first, now, latest=6)
    found = signed_up - rng.choice((4 * MINUTE, 9 * MINUTE, DAY - HOUR, 3 * DAY + 2 * HOUR))
    plan = user.traits["plan"]
    source = any_source if plan == "free" else buyers_source
    yield from visit(rng, first, found, PAGES, source(rng, _ago(found, now)))
    yield Said(signed_up, first, event("pageview", "/pricing"))
    yield Said(signed_up + MINUTE, first, _reached("signup", "/signup", plan="free"))
    traits = {**user.traits, "plan": "free", "$set_once": {"signup_page": "/pricing"}}
    yield Said(signed_up + MINUTE + SECOND, first, traits, user.user_id)
    if rng.random() < 0.3:
        theme = {"user_id": user.user_id, "name": "", "image": "", "theme": rng.choice(("light", "dark"))}
        yield Said(signed_up + MINUTE + 5 * SECOND, first, event("identify", "/app", extraData=theme))
    is_sure = plan != "free" and first.device.kind == DESKTOP and rng.random() < FREQUENT
    if is_sure:
        yield from _pay(rng, user, first, signed_up + 6 * MINUTE)
    yield from _work(rng, user, signed_up, now, has_paid=is_sure)


def _work(rng: random.Random, user: DemoUser, at: int, now: int, *, has_paid: bool) -> Iterator[Said]:
    """What a user does after signing up at `at` (ms since epoch): some never come back, some come every day."""
    plan = user.traits["plan"]
    pause = rng.choice((1, 2, 4, 8))
    for number in range(rng.choices((0, 1, 2, 4, 8, 20), (18, 22, 22, 20, 12, 6))[0]):
        at = _later(rng, at, rng.randint(1, pause), user.devices[0].region.zone)
        device = rng.choice(user.devices)
        pays = plan != "free" and not has_paid
        pays = pays and rng.random() < (0.4 if device.device.kind == DESKTOP else 0.1)
        # Who pays often comes by a link: in the newsletter, or an advertisement.
        source = buyers_source(rng, _ago(at, now)) if pays else DIRECT
        yield from visit(rng, device, at, APP, source)
        yield Said(at + SECOND // 2, device, {"plan": plan}, user.user_id)
        if number == INVITING and user.traits["seats"] > 1:
            yield Said(at + 2 * MINUTE, device, _reached("invited_teammate", "/app/team", role="member"))
        if pays:
            has_paid = True
            yield from _pay(rng, user, device, at + 4 * MINUTE)
        elif number == 0 and plan != "free" and not has_paid:
            yield _checkout(user, device, at + 3 * MINUTE)  # and thinks it over


def _pay(rng: random.Random, user: DemoUser, device: DemoVisitor, at: int) -> Iterator[Said]:
    """A user pays for the plan, again each month while they stay, and once in a while wants the first money back."""
    paid = {
        "transaction_id": f"demo_{user.user_id}",
        "amount": PRICES[user.traits["plan"]],
        "currency": CURRENCIES.get(device.region.place.country_code or "", "USD"),
        "email": user.traits["email"],
        "name": user.traits["name"],
        "customer_id": f"cus_{user.user_id}",
    }
    yield _checkout(user, device, at - MINUTE)
    yield Said(at, device, paid, user.user_id, is_payment=True)
    if rng.random() < 0.08:
        back = {**paid, "transaction_id": f"{paid['transaction_id']}_refund", "refunded": True}
        yield Said(at + 3 * DAY, device, back, user.user_id, is_payment=True)
        return
    for month in range(1, DAYS * DAY // MONTH + 1):
        if rng.random() > STAYING:
            return
        again = {**paid, "transaction_id": f"{paid['transaction_id']}_{month}", "renewal": True}
        yield Said(at + month * MONTH, device, again, user.user_id, is_payment=True)


def _checkout(user: DemoUser, device: DemoVisitor, at: int) -> Said:
    return Said(at, device, _reached("started_checkout", "/app/settings/billing", plan=user.traits["plan"]))


def _reached(goal: str, path: str, **properties: str) -> dict[str, Any]:
    """The body of an event with which a page tells of a goal."""
    return event("custom", path, extraData={"eventName": goal, **properties})


def _shared_computer(rng: random.Random, world: World, now: int) -> Iterator[Said]:
    """Two colleagues take turns on one browser that is never reset."""
    at = now - 20 * DAY
    for user in world.users[:2] * 3:
        at = _later(rng, at, rng.randint(1, 3), world.shared.region.zone)
        yield from visit(rng, world.shared, at, APP)
        yield Said(at + SECOND // 2, world.shared, user.traits, user.user_id)


def _moment(rng: random.Random, visitor: DemoVisitor, now: int, latest: int = 0) -> int:
    """A time of the quarter up to `latest` hours before `now`, at which people like this one are about (ms since epoch)."""
    starts, weights = _hours(now, visitor.region.zone)
    return rng.choices(starts[latest:], weights[latest:])[0] + rng.randrange(HOUR)


@functools.lru_cache(32)
def _hours(now: int, zone: int) -> tuple[list[int], list[float]]:
    """The hours before `now`, the latest first, and how lively each is in a zone. The website slowly gets better known."""
    starts = list(itertools.islice(itertools.count(now - HOUR, -HOUR), DAYS * 24))
    return starts, [
        _liveliness(start + zone * HOUR) * _season(_ago(start, now)) * rush(_ago(start, now))
        for start in starts
    ]


def _ago(at: int, now: int) -> int:
    """How many whole days before `now` a time is (both ms since epoch)."""
    return (now - at) // DAY


def _season(day: int) -> float:
    """How lively a day, told in days before now, is beside others, whatever brings people."""
    first, last, share = QUIET
    return (1 + GROWTH * (1 - day / DAYS)) * (share if last <= day <= first else 1)


def _liveliness(local: int) -> float:
    return HOURS[local // HOUR % 24] * (WEEKEND if _is_weekend(local // DAY) else 1)


def _is_weekend(day: int) -> bool:
    """`day`: since epoch, which was a Thursday."""
    return (day + 3) % 7 >= 5


def _later(rng: random.Random, at: int, days: int, zone: int) -> int:
    """A time at which people are about, some days after `at` (ms since epoch); rather not on a weekend."""
    day = (at + zone * HOUR) // DAY + days
    if _is_weekend(day) and rng.random() > WEEKEND:
        day += 2
    hour = rng.choices(range(24), HOURS)[0]
    return day * DAY + (hour - zone) * HOUR + rng.randrange(HOUR)
