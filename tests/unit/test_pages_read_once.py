"""A page tells of one state of the database: all that it shows is read at once, whatever is written meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from footfall.app import EXPORTERS
from footfall.collect.online import Online
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages import health, merging, payment_settings, payments, people, person, visitor
from footfall.dashboard.pages.live import Live
from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.sqlite.schema import migrate_file
from footfall.db.sqlite.session import SqliteSession
from footfall.errors import Unavailable
from footfall.identity.identify.service import identify
from footfall.identity.model import Operations
from footfall.ids import format_uuid
from footfall.payments.ratebook import RateBook
from footfall.payments.webhooks.sealing import SealingKey
from footfall.privacy.export import Exporting
from footfall.websites.store import put_website
from tests.laws.world import VISITORS, Said
from tests.support.outside import ACCOUNT, SITE
from tests.unit.test_pages_of_stored_data import (
    BARE,
    ID,
    _TxDatabase,
    context_of,
    store_visitor,
)

PAGES: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "people": (people.people, (), ""),
    "people found": (people.people, (), "search=nobody&trait.plan=pro"),
    "part of the list": (people.people, (), "part=list&search=an"),
    "health": (health.health, (), ""),
    "person": (person.person, ("user:ann",), ""),
    "person with all": (person.person, ("user:ann",), "why=1&ledger=1"),
    "journey": (person.person_journey, ("user:ann",), ""),
    "goals of a journey": (person.person_journey, ("user:ann",), "only=goals"),
    "export": (person.export, ("user:ann",), ""),
    "merge": (merging.show, ("user:ann",), ""),
    "merge preview": (merging.show, ("user:ann",), "other=bob"),
    "visitor": (visitor.visitor, (format_uuid(VISITORS[0]),), ""),
    "payments": (payments.payments, (), ""),
    "unmatched payments": (payments.payments, (), "matched=false"),
    "live": (Live().page, (), ""),
    "payment settings": (payment_settings.show, (), "provider=stripe"),
}


class CountingDatabase(_TxDatabase):
    """A database that counts the reads, and takes no writes."""

    def __init__(self, tx: Any) -> None:
        super().__init__(tx)
        self.reads = 0

    async def read(self, handler: Any, call: Any) -> Any:
        self.reads += 1
        return await super().read(handler, call)

    async def scan(self, handler: Any, call: Any, *, share: bytes = b"") -> Any:
        self.reads += 1
        return await super().scan(handler, call, share=share)

    async def write(self, handler: Any, call: Any) -> Any:
        raise AssertionError("a page that is looked at writes nothing")


async def look(database: CountingDatabase, name: str) -> int:
    """The status of a page."""
    show, values, query = PAGES[name]
    context = context_of(*values, query=query)

    async def flush() -> None:
        """There is nothing to write."""

    async def ask(composed: Any) -> Any:
        raise Unavailable("There are no columns.")

    services: Any = SimpleNamespace(
        database=database,
        analytics=SimpleNamespace(rows=ask),
        exporting=Exporting(EXPORTERS),
        directory=SimpleNamespace(websites={ID: SITE}),
        refused=SimpleNamespace(flush=flush),
        rates=RateBook(None),
        predictions=SimpleNamespace(model_of=lambda website: None),
        online=Online(),
        key=SealingKey("k" * 32, Path()),
        public_url="",
        suspicions=SimpleNamespace(note=lambda website_id, number: None),
    )
    call = PageRequest(context, services, pairs=context.pairs(), account=ACCOUNT, website=SITE, session="s")
    response = await show(call)
    return int(response.status)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two people."""
    path: Path = tmp_path_factory.mktemp("reads") / FILE_NAME
    migrate_file(path)
    session = SqliteSession(path)

    def fill(tx: Any) -> None:
        put_website(tx, SITE)
        for number, user in enumerate(("ann", "bob")):
            store_visitor(tx, VISITORS[number], None, None, BARE, None, None, None)
            identify(tx, [Said(number, user, number, Operations({"plan": "pro"}), True).call()])

    session.transact(fill)
    session.close()
    return path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_read_of_the_database(world: Path, name: str) -> None:
    session = SqliteSession(world)

    def run(tx: Any) -> tuple[int, int]:
        database = CountingDatabase(tx)
        return asyncio.run(look(database, name)), database.reads

    try:
        assert session.snapshot(run) == (200, 1)
    finally:
        session.close()
