"""The store without a server: filling it, and what its handlers reach alone. Each runs in a process of its own."""

from __future__ import annotations

import random
from time import perf_counter
from typing import Any

from bench.engines import Engine, StoreSession
from bench.operations import DOMAIN, Operation, World, calls, operations, visitor_id
from footfall.auth.store import create_key
from footfall.clock import system_clock
from footfall.collect.visitors import read_visitor
from footfall.db.protocol import WriteHandler
from footfall.ids import parse_uuid
from footfall.websites.store import create_website

SEED_BATCH = 1000
BATCH = 64
"""Calls in one commit: as many as wrk has connections."""


def seed(engine: Engine, visitors: int) -> World:
    """Give each visitor a pageview and make each a user with eight traits, through the handlers."""
    session, now = engine.open_session(), system_clock()
    try:
        website = session.transact(lambda tx: create_website(tx, DOMAIN, now))
        key = session.transact(lambda tx: create_key(tx, website.website_id, "benchmark", now))
        world = World(visitors, website, bytes.fromhex(key["apiKeyId"]), key["key"])
        known = {operation.name: operation for operation in operations(world)}
        for start in range(0, visitors, SEED_BATCH):
            batch = range(start, min(start + SEED_BATCH, visitors))
            for operation in (known["pageview"], known["identify-unchanged"]):
                assert operation.handler is not None
                _write(session, operation.handler, calls(operation, world, batch))
    finally:
        session.close()
    return world


def measure(engine: Engine, operation: Operation, world: World, seconds: float) -> float:
    """Calls a second: writes with a commit for every 64, reads one by one."""
    session = engine.open_session()
    try:
        _run(session, operation, world, min(seconds, 2.0))
        return _run(session, operation, world, seconds)
    finally:
        session.close()


def _run(session: StoreSession, operation: Operation, world: World, seconds: float) -> float:
    """Calls a second; making the calls is not counted."""
    done, spent = 0, 0.0
    while spent < seconds:
        visitors = [random.randrange(world.visitors) for _ in range(BATCH)]
        if (handler := operation.handler) is not None:
            batch = calls(operation, world, visitors)
            started = perf_counter()
            _write(session, handler, batch)
        else:
            started = perf_counter()
            _read(session, world.website.website_id, visitors)
        spent += perf_counter() - started
        done += BATCH
    return done / spent


def _write(session: StoreSession, handler: WriteHandler, batch: list[Any]) -> None:
    """One batch as the server's writer does it."""
    tx = session.begin()
    if not session.is_local and handler.locks is not None:
        tx.lock(handler.locks(batch), handler.shares(batch) if handler.shares else [])
    handler.run(tx, batch)
    session.commit()
    session.between_batches()


def _read(session: StoreSession, website_id: bytes, visitors: list[int]) -> None:
    now = system_clock()
    for i in visitors:
        key = parse_uuid(visitor_id(i))
        assert key is not None
        found = session.snapshot(lambda tx, asked=(website_id, key, now): read_visitor(tx, asked))  # type: ignore[misc]
        assert found is not None
