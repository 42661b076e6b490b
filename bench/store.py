"""The operations, and the store without a server: filling it, and what the operations' handlers reach alone."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from time import perf_counter
from typing import Any, NamedTuple

from bench.engines import Engine, StoreSession
from footfall.auth.store import create_key
from footfall.clock import system_clock
from footfall.collect.enrich.geo import NOWHERE
from footfall.collect.goals import ServerGoal
from footfall.collect.pipeline import Arrival, read_hit
from footfall.collect.service import RECORD_HANDLER
from footfall.db.protocol import WriteHandler
from footfall.db.statements import make_statement
from footfall.goals.service import GOAL_HANDLER, GoalCall
from footfall.goals.wire import read_goal
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import IDENTIFY_HANDLER
from footfall.identity.identify.wire import read_identify
from footfall.identity.model import SERVER
from footfall.identity.rules import profile_id
from footfall.ids import at_of, at_prefix
from footfall.payments.money import read_decimal
from footfall.payments.service import RECORD_HANDLER as PAYMENT_HANDLER
from footfall.payments.service import PaymentCall
from footfall.payments.wire import read_payment
from footfall.people.find.terms import FORM
from footfall.people.index.indexer import Take, index_step, sql
from footfall.visitors.retrieve import VisitorRead, read_visitors
from footfall.web.json import decode_object, decoding, encode
from footfall.websites.model import Website
from footfall.websites.store import create_website

BATCH = 64
"""Calls in one commit: as many as wrk has connections."""
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
_USER = (
    '{"user_id":"user_<i>","datafast_visitor_id":"<visitor>","email":"user_<i>@example.com","name":"User Number <i>",'
    '"plan":"pro","company":"Acme Inc","role":"admin","seats":12,"country":"DE","locale":"de-DE"}'
)
_PAGE = (
    '{"websiteId":"<tracking>","domain":"bench.example","visitorId":"<visitor>","type":"pageview",'
    '"href":"https://bench.example/p<page>?utm_source=newsletter","referrer":"https://news.example.org/",'
    '"viewport":{"width":1280,"height":720},"language":"en-US"}'
)
_PERSON = (
    '{"user_id":"user_<person>","datafast_visitor_id":"<visitor>","email":"<first>.<last>.<person>@example.com",'
    '"name":"<first> <last>","plan":"<plan>","company":"Company <company>","seats":<seats>,"country":"<country>",'
    '"signed_up":"2026-<month>-<day>"}'
)
DEVICES = 2
"""Visitors of each person, where the data are people rather than visitors."""
FIRST_NAMES = ["Ada", "Alan", "Barbara", "Donald", "Edsger", "Grace", "Ken", "Linus", "Margaret", "Radia"]
LAST_NAMES = [
    head + tail
    for head in ("Ander", "Berg", "Carl", "Dahl", "Erik", "Fors", "Gran", "Holm")
    for tail in ("berg", "ing", "man", "son")
]
COUNTRIES = ["BR", "DE", "FR", "GB", "IN", "JP", "NL", "US"]
_PLACEHOLDER = re.compile("<([a-z]+)>")
_sequence = itertools.count()
_OLDEST = make_statement(
    "oldest", "", "SELECT min(change_id) AS change_id FROM profile_change", "change_id bytes?"
)


class Operation(NamedTuple):
    """A request whose `path` and `body` hold placeholders, see `fill`. `proof`: what a right answer contains.

    `handler`: the write behind it; None for a read, which has no body.
    """

    path: str
    body: str
    proof: str
    handler: WriteHandler | None

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


IDENTIFY = Operation("/api/v1/identify", _USER, '"action":"unchanged"', IDENTIFY_HANDLER)
PAGEVIEW = Operation("/api/events", _PAGE, '{"status":"success"}', RECORD_HANDLER)
_CHANGED = _USER.replace("pro", "plan <draw>").replace("admin", "role <draw>")
_GOAL = '{"name":"goal_<page>","datafast_visitor_id":"<visitor>","metadata":{"plan":"pro","seats":"12"}}'
_PAYMENT = (
    '{"amount":<page>.99,"currency":"USD","transaction_id":"tx_<draw>_<i>","datafast_visitor_id":"<visitor>",'
    '"email":"user_<i>@example.com","name":"User Number <i>","customer_id":"cus_<i>"}'
)
CHANGING = IDENTIFY._replace(body=_CHANGED, proof='"action":"updated"')
PERSON = IDENTIFY._replace(body=_PERSON)
OPERATIONS = {  # in an order in which none spoils the data of a later one
    "identify-unchanged": IDENTIFY,
    "visitor": Operation("/api/v1/visitors/<visitor>", "", '"user_', None),
    "pageview": PAGEVIEW,
    "identify-changing": CHANGING,
    "goal": Operation("/api/v1/goals", _GOAL, '"eventId":"', GOAL_HANDLER),
    "payment": Operation("/api/v1/payments", _PAYMENT, '"transaction_id":"tx_', PAYMENT_HANDLER),
}


class World(NamedTuple):
    """The seeded data: visitors 0 to `visitors` - 1 of one website, each of them a known user. `key`: an API key."""

    visitors: int
    website: Website
    key_id: bytes
    key: str


def visitor_id(i: int) -> bytes:
    """The id of visitor `i`; neighbours lie far apart, as random ids do."""
    return bytes.fromhex(f"{i * 2654435761 % 2**32:08x}000040008000{i % 65536:012x}")


def fill(template: str, i: int, world: World) -> str:
    """A path or body for visitor `i`; `<draw>` is another number at each call."""
    visitor = f"{i * 2654435761 % 2**32:08x}-0000-4000-8000-{i % 65536:012x}"
    values = {"i": i, "page": i % 50, "visitor": visitor, "draw": random.randint(1, 10**9)}
    values |= {"tracking": world.website.tracking_id, "website": world.website.website_id.hex()}
    if set(_PLACEHOLDER.findall(template)) - values.keys():
        values |= _person(i // DEVICES, world)
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)


def _person(number: int, world: World) -> dict[str, Any]:
    """A person: one in a hundred has the plan `enterprise`, one in five `pro`, all others `free`."""
    draw, user_id = random.Random(number), f"user_{number}"
    percent = draw.randrange(100)
    return {
        "person": number,
        "profile": profile_id(world.website.profile_secret, 0, user_id).hex(),
        "first": draw.choice(FIRST_NAMES),
        "last": draw.choice(LAST_NAMES),
        "plan": "enterprise" if percent == 0 else "pro" if percent <= 20 else "free",
        "company": draw.randrange(5000),
        "seats": draw.randrange(200),
        "country": draw.choice(COUNTRIES),
        "month": f"{draw.randint(1, 12):02}",
        "day": f"{draw.randint(1, 28):02}",
    }


def calls(operation: Operation, world: World, visitors: Iterable[int]) -> list[Any]:
    """The calls of a write for `visitors`, as the endpoint would hand them to its handler."""
    now, make = system_clock(), _MAKERS[operation.handler]
    return [make(fill(operation.body, i, world).encode(), world, now) for i in visitors]


def _identify_call(body: bytes, world: World, now: int) -> IdentifyCall:
    site, said = world.website, read_identify(decode_object(body))
    return IdentifyCall(site.website_id, site.profile_secret, said, SERVER, True, world.key_id, now)


def _hit(body: bytes, world: World, now: int) -> Any:
    arrival = Arrival(now, _event_id(now), BROWSER, "127.0.0.1", NOWHERE, b"")
    return read_hit(decode_object(body), world.website, arrival)


def _goal_call(body: bytes, world: World, now: int) -> GoalCall:
    goal, website_id = read_goal(decode_object(body)), world.website.website_id
    assert goal.visitor_id is not None
    data = encode(goal.data).decode()
    return GoalCall(ServerGoal(website_id, goal.visitor_id, _event_id(now), goal.name, data), None)


def _payment_call(body: bytes, world: World, now: int) -> PaymentCall:
    paid = read_payment(decode_object(body, decoding(read_decimal)), now)
    return PaymentCall(world.website.website_id, paid, now, is_first=False)


def _event_id(now: int) -> bytes:
    return at_prefix(now) + next(_sequence).to_bytes(4, "big")


_MAKERS: dict[WriteHandler | None, Callable[[bytes, World, int], Any]] = {
    IDENTIFY_HANDLER: _identify_call,
    RECORD_HANDLER: _hit,
    GOAL_HANDLER: _goal_call,
    PAYMENT_HANDLER: _payment_call,
}
"""What makes a call of the body of a request."""


def seed(engine: Engine, visitors: int, identify: Operation = IDENTIFY) -> World:
    """Give each visitor a pageview and identify each, through the handlers."""
    with closing(engine.open_session()) as session:
        website = session.transact(lambda tx: create_website(tx, "bench.example", system_clock()))
        key = session.transact(lambda tx: create_key(tx, website.website_id, "benchmark", system_clock()))
        world = World(visitors, website, key.key.api_key_id, key.secret)
        for start in range(0, visitors, 1000):
            for operation in (PAGEVIEW, identify):
                batch = calls(operation, world, range(start, min(start + 1000, visitors)))
                write(session, operation.handler, batch)
        _index(session)
    engine.settle()
    return world


def _index(session: StoreSession) -> None:
    """Bring the trait index up to date."""
    is_behind = True
    while is_behind:
        is_behind = session.transact(lambda tx: index_step(tx, [Take(1000)])[-1].changes > 0)
    session.transact(lambda tx: tx.execute(sql.form_put, (FORM,)))  # else a server makes it anew


@contextlib.contextmanager
def watch_index(engine: Engine) -> Iterator[list[float]]:
    """A list that grows by how many seconds the trait index is behind, twice a second."""
    behind, is_over = [0.0], threading.Event()

    def watch() -> None:
        with closing(engine.open_session()) as session:
            while not is_over.wait(0.5):
                oldest = session.snapshot(lambda tx: tx.all(_OLDEST))[0].change_id
                behind.append((system_clock() - at_of(oldest)) / 1000 if oldest else 0.0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield behind
    finally:
        is_over.set()
        watcher.join()


def measure(
    engine: Engine, operation: Operation, world: World, warm_up: float, seconds: float, together: int = BATCH
) -> float:
    """Calls a second on one connection: writes with a commit for every so many `together`, reads one by one."""
    with closing(engine.open_session()) as session:
        _run(session, operation, world, warm_up, together)
        return _run(session, operation, world, seconds, together)


def _run(session: StoreSession, operation: Operation, world: World, seconds: float, together: int) -> float:
    """Calls a second; making the calls is not counted."""
    done, spent = 0, 0.0
    while spent < seconds:
        visitors = random.choices(range(world.visitors), k=together)
        batch = calls(operation, world, visitors) if operation.handler else []
        keys = [VisitorRead(world.website, visitor_id(i), system_clock(), None) for i in visitors]
        started = perf_counter()
        if operation.handler:
            write(session, operation.handler, batch)
        else:
            assert None not in session.snapshot(lambda tx, keys=keys: read_visitors(tx, keys))  # type: ignore[misc]
        spent += perf_counter() - started
        done += together
    return done / spent


def write(session: StoreSession, handler: WriteHandler | None, batch: list[Any]) -> None:
    """One batch as the server's writer does it."""
    assert handler is not None
    tx = session.begin()
    if not session.is_local and handler.locks:
        tx.lock(handler.locks(batch), handler.shares(batch) if handler.shares else [])
    handler.run(tx, batch)
    session.commit()
    session.between_batches()
