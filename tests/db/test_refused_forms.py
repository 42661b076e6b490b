"""Forms of the dashboard that are refused: each names its field, and no other call is written anew because of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from footfall.accounts.accounts import create_account, new_setup_link
from footfall.accounts.model import Account
from footfall.analytics.service import Analytics
from footfall.collect.drops import Drops
from footfall.collect.online import Online
from footfall.collect.service import DROPPED_HANDLER, RECORD_HANDLER
from footfall.column_parts import columns_client
from footfall.dashboard.page import PageRequest, PageServices
from footfall.dashboard.pages import sites
from footfall.dashboard.pages.login import Login
from footfall.db.postgres.session import PostgresSession
from footfall.db.protocol import Transaction
from footfall.db.sqlite.session import SqliteSession
from footfall.directory import Directory
from footfall.errors import NotFound
from footfall.payments.connecting.endpoints import ServerShelf
from footfall.payments.connecting.service import KeyConnections
from footfall.payments.ratebook import RateBook
from footfall.payments.webhooks.sealing import sealing_key
from footfall.predictions.book import Predictions
from footfall.privacy.erase import Erasing
from footfall.privacy.export import Exporting
from footfall.storage import migrate_database, open_database
from footfall.web.address import ClientAddress
from footfall.web.context import Context
from footfall.web.envelope import Response
from footfall.websites.counts import Counts
from footfall.websites.model import MOST_LISTED, Website
from footfall.websites.removal import remove_website
from footfall.websites.store import create_website, put_website, read_websites
from tests.support.engines import Place
from tests.unit.test_batches import pageview

Post = Callable[..., Awaitable[Response]]
PageHandler = Callable[[PageRequest], Awaitable[Response]]

FULL = tuple(f"h{number}.example" for number in range(MOST_LISTED))
ACCOUNT = Account(b"a" * 12, "ada@example.com", 1)
MARKED = re.compile(r'name="(\w+)"[^>]*aria-invalid')
OTHER_CALLS = 5


@pytest.fixture
def website(place: Place) -> Website:
    """A website that may allow no more hosts, beside taken.example."""
    migrate_database(place.settings)

    def make(tx: Transaction) -> Website:
        create_website(tx, "taken.example", 1)
        made = msgspec.structs.replace(create_website(tx, "a.example", 1), allowed_hostnames=FULL)
        put_website(tx, made)
        return made

    return place.transact(make)


@contextlib.asynccontextmanager
async def posting(place: Place, website: Website, *values: str) -> AsyncIterator[tuple[PageServices, Post]]:
    """What pages work with, and what sends a form to a page; `values`: the open parts of its address."""
    database = open_database(place.settings)
    await database.open()
    directory = Directory(database)
    await directory.refresh()
    services = PageServices(
        database,
        Analytics(database, columns_client(place.settings), rates := RateBook(None)),
        Erasing(()),
        Exporting(()),
        directory,
        Online(),
        Counts(database, DROPPED_HANDLER),
        Drops(database),
        ClientAddress(()),
        asyncio.Event(),
        frozenset(("analytics:read",)),
        rates,
        Predictions(database, dict, rates, lambda: 0),
        key := sealing_key(place.settings),
        KeyConnections(ServerShelf(database, directory), key, lambda: 0),
        "",
    )

    async def post(page: PageHandler, **fields: str) -> Response:
        context: Context[None] = Context({}, "127.0.0.1", b"", values, 1)
        call = PageRequest(context, services, fields=list(fields.items()), website=website, session="s")
        call.account = ACCOUNT
        return await page(call)

    try:
        yield services, post
    finally:
        await database.close()


def saved(**changes: str) -> dict[str, str]:
    """The form of the settings."""
    return {"domain": "a.example", "timezone": "UTC", "allowed_hostnames": ", ".join(FULL), **changes}


@pytest.mark.parametrize(
    ("page", "fields", "marked"),
    [
        (sites.new, {"domain": "no domain"}, ["domain"]),
        (sites.new, {"domain": "b.example", "name": "a\nb"}, ["name"]),
        (sites.new, {"domain": "b.example", "timezone": "Mars"}, ["timezone"]),
        (sites.save, saved(domain="x"), ["domain"]),
        (sites.save, saved(allowed_hostnames="x"), ["allowed_hostnames"]),
        (sites.save, saved(excluded_paths="admin"), ["excluded_paths"]),
        (sites.save, saved(excluded_countries="Germany"), ["excluded_countries"]),
        (sites.allow, {"host": "*.b.example"}, []),
        (sites.add_key, {"name": ""}, ["name"]),
        (sites.add_token, {"name": "", "scope": "analytics:read"}, ["name"]),
        (sites.add_token, {"name": "x", "scope": "nothing:read"}, ["scope"]),
    ],
)
def test_a_form_that_is_wrong_in_itself_begins_no_transaction(
    place: Place,
    website: Website,
    monkeypatch: pytest.MonkeyPatch,
    page: PageHandler,
    fields: dict[str, str],
    marked: list[str],
) -> None:
    async def work() -> Response:
        async with posting(place, website) as (services, post):
            monkeypatch.setattr(services.database, "change", None)
            return await post(page, **fields)

    response = asyncio.run(work())
    assert response.status == 400
    assert MARKED.findall(response.body.decode()) == marked
    assert response.body.count(b'id="wrong"') == 1


def rolled_back(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Sessions that will have rolled back."""
    found: list[Any] = []
    for kind in (SqliteSession, PostgresSession):
        monkeypatch.setattr(kind, "rollback", found.append)
    return found


async def beside_others(services: PageServices, website: Website, form: Awaitable[Response]) -> Response:
    """The answer to a form that is written together with some events."""
    answering = asyncio.ensure_future(form)
    await asyncio.sleep(0)  # the form is in the queue now, and the writer has not looked
    hits = [
        msgspec.structs.replace(pageview(uuid4().bytes, number), website_id=website.website_id)
        for number in range(OTHER_CALLS)
    ]
    await asyncio.gather(*(services.database.write(RECORD_HANDLER, hit) for hit in hits))
    return await answering


@pytest.mark.parametrize(
    ("page", "fields", "said"),
    [
        (sites.new, {"domain": "taken.example"}, "There is a website for taken.example already."),
        (sites.save, saved(domain="taken.example"), "There is a website for taken.example already."),
        (sites.allow, {"host": "one-more.example"}, f"At most {MOST_LISTED} are kept"),
    ],
)
def test_a_form_that_only_the_database_refuses_rolls_back_no_call_beside_it(
    place: Place,
    website: Website,
    monkeypatch: pytest.MonkeyPatch,
    page: PageHandler,
    fields: dict[str, str],
    said: str,
) -> None:
    undone = rolled_back(monkeypatch)

    async def work() -> Response:
        async with posting(place, website) as (services, post):
            return await beside_others(services, website, post(page, **fields))

    response = asyncio.run(work())
    assert response.status == 400
    assert said in response.body.decode()
    assert undone == []
    stored = place.snapshot(read_websites)
    assert stored[website.website_id] == website
    assert len(stored) == 2


def test_a_form_about_a_website_that_is_gone_rolls_back_no_call_beside_it(
    place: Place, website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    undone = rolled_back(monkeypatch)

    async def work() -> list[str]:
        async with posting(place, website) as (services, post):
            place.transact(lambda tx: remove_website(tx, website.website_id, 1))
            messages = []
            for page in (sites.rotate, sites.allow, sites.delete):
                with pytest.raises(NotFound) as error:
                    await beside_others(services, website, post(page, confirm="a.example"))
                messages.append(error.value.message)
            return messages

    assert asyncio.run(work()) == ["There is no such website."] * 3
    assert undone == []


def test_a_one_time_link_that_was_used_meanwhile_rolls_back_no_call(
    place: Place, website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = place.transact(lambda tx: new_setup_link(tx, 1))
    assert secret is not None
    undone = rolled_back(monkeypatch)
    login = Login()

    async def use_link(_: object) -> str:
        place.transact(lambda tx: create_account(tx, "bob@example.com", "hash", 1))
        return "hash"

    monkeypatch.setattr(login, "_passwords", SimpleNamespace(run=use_link))

    async def work() -> None:
        async with posting(place, website, secret) as (_, post):
            with pytest.raises(NotFound, match="in the meantime"):
                await post(login.setup, email="ada@example.com", password="long enough")

    asyncio.run(work())
    assert undone == []
