"""Payments in great number: how long a person with revenue takes, and the erasure of somebody who paid a thousand times."""

from __future__ import annotations

import time
import urllib.request
from contextlib import closing

from bench.engines import Engine
from bench.people import Question
from bench.servers import BenchmarkError
from bench.store import OPERATIONS, World, calls, fill, write
from footfall.websites.store import note_payments

BEST_CUSTOMER, THEIR_PAYMENTS = 0, 1000
"""A visitor, and how many payments it makes."""
LIST_SECONDS = 1800.0
"""How long a server may take to complete the list of visitors; a million take some minutes."""
QUESTIONS = {
    "person with revenue": Question("/api/v1/profiles/<profile>", '"paymentCount":', 15),
    "visitor with revenue": Question("/api/v1/visitors/<visitor>", '"hasRevenue":true', 15),
    "payments of a person": Question("/api/v1/payments?person=<profile>", '"tx_', 15),
    "newest payments": Question("/api/v1/payments?limit=100", '"tx_', 200),
    "visitors, counted": Question("/api/v1/visitors?limit=1", '"total":', 5),
}


def seed(engine: Engine, world: World) -> None:
    """A payment of each visitor, and those of the best customer."""
    payment = OPERATIONS["payment"]
    with closing(engine.open_session()) as session:
        session.transact(lambda tx: note_payments(tx, world.website.website_id))
        for start in range(0, world.visitors, 1000):
            batch = range(start, min(start + 1000, world.visitors))
            write(session, payment.handler, calls(payment, world, batch))
        write(session, payment.handler, calls(payment, world, [BEST_CUSTOMER] * THEIR_PAYMENTS))
    engine.settle()


def wait_for_list(address: str, world: World) -> None:
    """Return once the list of visitors, which a server completes after its start, holds all of them. Raises BenchmarkError."""
    headers = {"Authorization": f"Bearer {world.key}"}
    request = urllib.request.Request(f"{address}/api/v1/visitors?limit=1", headers=headers)
    until = time.monotonic() + LIST_SECONDS
    while time.monotonic() < until:
        with urllib.request.urlopen(request, timeout=60) as response:
            if f'"total":{world.visitors},' in response.read().decode():
                return
        time.sleep(0.5)
    raise BenchmarkError(f"the list of visitors did not hold {world.visitors} within {LIST_SECONDS:.0f} s")


def erase_best_customer(address: str, world: World) -> float:
    """Seconds until the server says that the person is erased. Raises BenchmarkError."""
    url = address + fill("/api/v1/profiles/<profile>", BEST_CUSTOMER, world)
    headers = {"Authorization": f"Bearer {world.key}"}
    started = time.perf_counter()
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=headers, method="DELETE"), timeout=60
    ) as response:
        answer = response.read().decode()
    if f'"payments":{THEIR_PAYMENTS + 2}' not in answer:  # each of their two visitors made one before
        raise BenchmarkError(f"the erasure answered {answer}")
    return time.perf_counter() - started
