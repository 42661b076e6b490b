"""Visitors who keep walking into the demo's website, through the public API of a server on this machine."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

import msgspec

from footfall.demo.people import (
    MINUTE,
    SECOND,
    Said,
    any_source,
    body_of,
    event,
    new_visitor,
    populate,
    random_of,
    visit,
)
from footfall.demo.world import APP, PAGES
from footfall.errors import UsageError

BETWEEN_VISITS = 5 * SECOND
"""Between two visits that begin, on average."""
LONGEST_STAY = MINUTE
KNOWN = 0.4
"""Of the visits, how many are by people whom the website knows."""
TIMEOUT = 10.0


def walk_in(seed: int, now: int) -> Iterator[tuple[float, Said]]:
    """What visitors do from `now` (ms since epoch) on, for ever, each with the seconds to wait before it."""
    rng = random_of(seed, "live", now)
    waiting: list[tuple[int, int, Said]] = []
    numbers = itertools.count()
    for begins, said in _visits(seed, rng, now):
        for one in said:
            heapq.heappush(waiting, (one.at, next(numbers), one))
        while waiting and waiting[0][0] <= begins:
            at, _, first = heapq.heappop(waiting)
            yield max(0, at - now) / SECOND, first
            now = at


def _visits(seed: int, rng: random.Random, at: int) -> Iterator[tuple[int, list[Said]]]:
    """Each visit that begins, with when."""
    users = populate(seed).users
    while True:
        at += int(rng.expovariate(1 / BETWEEN_VISITS))
        if rng.random() < KNOWN:
            device = rng.choice(users).devices[0]  # on which they have signed in
            yield at, list(visit(rng, device, at, APP, longest=LONGEST_STAY))
            continue
        said = list(visit(rng, new_visitor(rng, at), at, PAGES, any_source(rng), LONGEST_STAY))
        if rng.random() < 0.1:
            signup = event("custom", "/signup", extraData={"eventName": "signup", "plan": "free"})
            said.append(Said(said[-1].at + 8 * SECOND, said[0].visitor, signup))
        yield at, said


class Door(NamedTuple):
    """Where visitors of a website walk in: the server on this machine."""

    port: int
    tracking_id: str

    def send(self, said: Said) -> str:
        """Send an event as a page does; why it was dropped, or "". Raises OSError and HTTPException when no server answers."""
        body = msgspec.json.encode({"websiteId": self.tracking_id, **body_of(said)})
        # Told to servers that believe this machine; others see 127.0.0.1, which is in no country.
        headers = {
            "User-Agent": said.visitor.device.agent,
            "X-DataFast-Real-IP": said.visitor.region.address,
        }
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("POST", "/api/events", body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.getheader("X-Footfall-Dropped") or ""
        finally:
            connection.close()


def keep_walking(
    door: Door, happening: Iterable[tuple[float, Said]], sleep: Callable[[float], object]
) -> None:
    """Send what happens until the server goes. Raises UsageError when it does not take the first event."""
    is_open = False
    for wait, said in happening:
        sleep(wait)
        try:
            dropped = door.send(said)
        except (OSError, HTTPException) as error:
            if is_open:
                return
            raise UsageError(
                f"no server answers at http://127.0.0.1:{door.port}. Start it first, in another terminal; --port names its port."
            ) from error
        if dropped and not is_open:
            raise UsageError(
                f"the server at http://127.0.0.1:{door.port} drops the demo's events ({dropped}): does it serve the same data?"
            )
        is_open = True
