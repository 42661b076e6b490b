"""What is measured: each operation as the request that wrk sends, and as the calls that its handler gets."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.collect.enrich.geo import NOWHERE
from footfall.collect.model import Dropped
from footfall.collect.pipeline import Arrival, read_hit
from footfall.collect.service import RECORD_HANDLER
from footfall.db.protocol import WriteHandler
from footfall.identity.model import SERVER
from footfall.identity.service import IDENTIFY_HANDLER, IdentifyCall
from footfall.identity.wire import read_identify
from footfall.ids import at_prefix
from footfall.web.json import decode_object
from footfall.websites.model import Website

DOMAIN = "bench.example"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
TRAITS = {
    "email": "user_<i>@example.com",
    "name": "User Number <i>",
    "plan": "pro",
    "company": "Acme Inc",
    "role": "admin",
    "seats": 12,
    "country": "DE",
    "locale": "de-DE",
}

_sequence = itertools.count()


class World(NamedTuple):
    """The seeded data: visitors 0 to `visitors` - 1 of one website, each of them a known user. `key`: an API key."""

    visitors: int
    website: Website
    key_id: bytes
    key: str


class Operation(NamedTuple):
    """A request whose `path` and `body` hold placeholders, see `fill`. `proof`: what a right answer contains.

    `handler`: the write behind it; None for a read.
    """

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    proof: str
    handler: WriteHandler | None


def operations(world: World) -> list[Operation]:
    """All operations, in an order in which none spoils the data of a later one."""
    json, key = {"Content-Type": "application/json"}, {"Authorization": f"Bearer {world.key}"}
    user = {"user_id": "user_<i>", "datafast_visitor_id": "<visitor>", **TRAITS}
    page = {
        "websiteId": world.website.tracking_id,
        "domain": DOMAIN,
        "visitorId": "<visitor>",
        "href": f"https://{DOMAIN}/p<page>?utm_source=newsletter",
        "referrer": "https://news.example.org/",
        "type": "pageview",
        "viewport": {"width": 1280, "height": 720},
        "language": "en-US",
    }

    def identify(name: str, body: dict[str, Any], action: str) -> Operation:
        proof = f'"action":"{action}"'
        return Operation(name, "POST", "/api/v1/identify", json | key, _encode(body), proof, IDENTIFY_HANDLER)

    return [
        identify("identify-unchanged", user, "unchanged"),
        identify("identify-changing", user | {"plan": "plan <draw>", "role": "role <draw>"}, "updated"),
        Operation("visitor", "GET", "/api/v1/visitors/<visitor>", key, "", '"userId":"user_', None),
        Operation(
            "pageview",
            "POST",
            "/api/events",
            json | {"User-Agent": BROWSER},
            _encode(page),
            '{"status":"success"}',
            RECORD_HANDLER,
        ),
    ]


def _encode(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body).decode()


def visitor_id(i: int) -> str:
    """The id of visitor `i`; neighbours lie far apart, as random ids do."""
    return f"{i * 2654435761 % 2**32:08x}-0000-4000-8000-00000000{i % 65536:04x}"


def fill(template: str, i: int) -> str:
    """A path or body for visitor `i`: `<i>`, `<page>`, `<visitor>`, and `<draw>`, which is another at each call."""
    values = {"i": i, "page": i % 50, "visitor": visitor_id(i), "draw": random.randint(1, 10**9)}
    return re.sub("<([a-z]+)>", lambda found: str(values[found[1]]), template)


def calls(operation: Operation, world: World, visitors: Iterable[int]) -> list[Any]:
    """The calls of a write for `visitors`, as the endpoint would hand them to its handler."""
    now, website = system_clock(), world.website
    bodies = [decode_object(fill(operation.body, i).encode()) for i in visitors]
    if operation.handler == IDENTIFY_HANDLER:
        return [
            IdentifyCall(
                website.website_id,
                website.profile_secret,
                read_identify(body),
                SERVER,
                True,
                world.key_id,
                now,
            )
            for body in bodies
        ]
    hits = []
    for body in bodies:
        event_id = at_prefix(now) + next(_sequence).to_bytes(4, "big")
        hit = read_hit(body, website, Arrival(now, event_id, BROWSER, "127.0.0.1", NOWHERE, b""))
        if isinstance(hit, Dropped):
            raise RuntimeError(f"the benchmark's pageview was dropped: {hit.reason}")
        hits.append(hit)
    return hits
