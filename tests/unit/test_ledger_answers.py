"""Answers that hold as much as a person has."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from footfall.auth.principal import Principal, WebsitePrincipal
from footfall.db.protocol import Database
from footfall.identity.ledger import endpoints as ledger_endpoints
from footfall.identity.ledger.endpoints import Ledger
from footfall.identity.ledger.merge import Merged
from footfall.web.context import Context
from footfall.websites.counts import Counts
from tests.laws.world import VISITORS, WEBSITE


class Store:
    """A database that has merged two users."""

    async def write(self, *_: Any) -> Merged:
        return Merged(bytes(16), bytes(12), "ann", ["ann", "bob"], list(VISITORS), {}, [])


def test_the_answer_to_a_merge_is_built_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def note(visitor_id: bytes) -> str:
        threads.append(threading.current_thread())
        return visitor_id.hex()

    monkeypatch.setattr(ledger_endpoints, "format_uuid", note)
    principal = WebsitePrincipal(Principal(b"", None, None, frozenset("*"), frozenset()), WEBSITE)
    asked = Context({}, "", b"", (), 0, b'{"userIds": ["ann", "bob"]}', principal)
    ledger = Ledger(cast(Database, Store()), cast(Counts, None))
    response = asyncio.run(ledger.merge(asked))
    assert all(visitor.hex().encode() in response.body for visitor in VISITORS)
    assert len(threads) == len(VISITORS)
    assert threading.main_thread() not in threads
