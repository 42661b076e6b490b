"""One key calls as fast as it can, far beyond its limit, while another goes about its work."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from typing import NamedTuple

from bench import servers
from bench.engines import Engine
from bench.servers import BenchmarkError
from bench.store import IDENTIFY, World, fill
from footfall.auth.store import create_key
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.websites.store import configuration_changed, create_website

LIMIT = 6000
"""Calls a minute for each key."""
RATE = 50
"""Calls a second of the key that keeps to its limit."""
MOST_MS = 100.0
"""The most that the 99th percentile of its calls may be in the flood."""


class Flooded(NamedTuple):
    """ms of each call of the quiet key, without the flood and in it, rising; and what wrk counted of the flood."""

    before: list[float]
    during: list[float]
    flood: servers.Load


def other_world(engine: Engine, world: World) -> World:
    """A website beside the first, with a key of its own."""

    def make(tx: Transaction) -> World:
        website = create_website(tx, "flood.example", system_clock())
        key = create_key(tx, website.website_id, "Flood", system_clock())
        configuration_changed(tx)
        return world._replace(website=website, key_id=key.key.api_key_id, key=key.secret)

    with closing(engine.open_session()) as session:
        return session.transact(make)


def call(address: str, world: World, seconds: int) -> list[float]:
    """Identify calls at RATE, one after the other; ms of each. Raises BenchmarkError if one is not taken."""
    host, _, port = address.removeprefix("http://").partition(":")
    times: list[float] = []
    begin = time.perf_counter()
    with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        for number in range(RATE * seconds):
            time.sleep(max(begin + number / RATE - time.perf_counter(), 0))
            started = time.perf_counter()
            body = fill(IDENTIFY.body, number % world.visitors, world)
            connection.request("POST", IDENTIFY.path, body, servers.headers(world))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.client.OK:
                raise BenchmarkError(f"the quiet key was answered {text[:500].decode()}")
            times.append(1000 * (time.perf_counter() - started))
    return sorted(times)


def show(flooded: Flooded) -> str:
    """The lines of the report."""
    before, during = (_p99(one) for one in (flooded.before, flooded.during))
    return (
        f"the quiet key, {RATE} calls/s: p99 {before:.1f} ms alone, {during:.1f} ms beside the flood\n"
        f"the flood: {flooded.flood.rate:,.0f} calls/s, of which {flooded.flood.errors / flooded.flood.requests:.0%} were refused"
    )


def is_harmed(flooded: Flooded) -> bool:
    """Whether the quiet key waited for too long."""
    return _p99(flooded.during) > MOST_MS


def _p99(times: list[float]) -> float:
    return times[int((len(times) - 1) * 0.99)]
