"""Two processes that change the same at once: the second sees what the first did."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar
from uuid import uuid4

import msgspec
import psycopg
import pytest

from footfall.accounts.accounts import list_accounts, new_setup_link
from footfall.collect.service import record
from footfall.dashboard.pages.login import _create_first
from footfall.db.postgres.session import PostgresSession
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.errors import NotFound, UsageError, accepted
from footfall.identity.audit.rebuild import rebuild_identity
from footfall.identity.audit.verify import verify_identity
from footfall.identity.identify.importing import Progress, Refusal, import_slice
from footfall.ids import format_uuid
from footfall.storage import migrate_database
from footfall.websites.fields import clean_changes
from footfall.websites.model import Changes, Website
from footfall.websites.store import create_website, read_websites, rotate_signing_secret, update_website
from tests.support.engines import Place
from tests.support.servers import until
from tests.unit.test_batches import pageview

R = TypeVar("R")
S = TypeVar("S")
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
DONE = make_statement("done", "", "SELECT 1 AS one", "one int")


@pytest.fixture
def website(empty: Place) -> Website:
    """A website of an otherwise empty database."""
    migrate_database(empty.settings)
    return empty.transact(lambda tx: create_website(tx, "a.example", 1))


def side_by_side(
    place: Place, first: Callable[[Transaction], R], second: Callable[[Transaction], S]
) -> tuple[R, S]:
    """The results of two transactions, of which the second begins when the first has done all but commit."""
    with closing(PostgresSession(place.database_url)) as session, ThreadPoolExecutor(1) as pool:
        tx = session.begin()
        done = first(tx)
        tx.one(DONE)
        other = pool.submit(place.transact, second)
        until(lambda: other.done() or is_waiting(place))
        session.commit()
        return done, other.result()


def is_waiting(place: Place) -> bool:
    """Whether a transaction waits for another one."""
    with psycopg.connect(place.database_url) as connection:
        return connection.execute(WAITING).fetchone() is not None


def test_settings_that_are_saved_beside_a_rotation_keep_the_new_secret(
    empty: Place, website: Website
) -> None:
    def rename(tx: Transaction) -> Website:
        return accepted(update_website(tx, website.website_id, Changes(name="New")))

    def rotate(tx: Transaction) -> Website:
        return accepted(rotate_signing_secret(tx, website.website_id, end=False))

    rotated, _ = side_by_side(empty, rotate, rename)
    _, rotated_again = side_by_side(empty, rename, rotate)
    kept = empty.snapshot(read_websites)[website.website_id]
    assert kept.name == "New"
    assert kept.signing_secrets == rotated_again.signing_secrets
    assert kept.signing_secrets[1] == rotated.signing_secrets[0]


@pytest.mark.parametrize("changes", [("create", "create"), ("create", "move"), ("move", "create")])
def test_two_websites_never_get_one_domain(empty: Place, website: Website, changes: tuple[str, str]) -> None:
    make: dict[str, Callable[[Transaction], Website]] = {
        "create": lambda tx: create_website(tx, "b.example", 2),
        "move": lambda tx: accepted(update_website(tx, website.website_id, Changes(domain="b.example"))),
    }
    with pytest.raises(UsageError, match=r"a website for b\.example already"):
        side_by_side(empty, *(make[change] for change in changes))
    domains = [one.domain for one in empty.snapshot(read_websites).values()]
    assert domains.count("b.example") == 1


def test_a_website_moves_to_any_domain_but_that_of_another(place: Place) -> None:
    website = place.transact(lambda tx: create_website(tx, "a.example", 1))
    place.transact(lambda tx: create_website(tx, "b.example", 1))

    def move(domain: str) -> str:
        changes = clean_changes(Changes(domain=domain, name=domain), website)
        return place.transact(lambda tx: accepted(update_website(tx, website.website_id, changes))).domain

    with pytest.raises(UsageError, match=r"a website for b\.example already"):
        move("www.b.example")
    assert move("A.example") == "a.example"
    assert move("c.example") == "c.example"


def test_the_one_time_link_makes_one_account(empty: Place, website: Website) -> None:
    secret = empty.transact(lambda tx: new_setup_link(tx, 1))
    assert secret is not None
    with pytest.raises(NotFound):
        side_by_side(
            empty,
            lambda tx: accepted(_create_first(tx, secret, "one@example.com", "hash", 2)),
            lambda tx: accepted(_create_first(tx, secret, "two@example.com", "hash", 2)),
        )
    assert [account.email for account in empty.snapshot(list_accounts)] == ["one@example.com"]


def test_an_import_waits_for_a_rebuild(empty: Place, website: Website) -> None:
    visitor = uuid4().bytes

    def identify(key: str, at: int) -> Callable[[Transaction], list[Refusal]]:
        row = msgspec.json.encode({"user_id": "ada", "datafast_visitor_id": format_uuid(visitor), key: at})
        return lambda tx: import_slice(tx, website, key.encode(), [row], Progress(), lambda: at)[1]

    seen = msgspec.structs.replace(pageview(visitor, 1), website_id=website.website_id)
    empty.transact(lambda tx: record(tx, [seen]))
    assert empty.transact(identify("plan", 1)) == []
    assert side_by_side(empty, rebuild_identity, identify("seats", 2))[1] == []
    assert empty.snapshot(verify_identity).shown == []
    assert side_by_side(empty, identify("city", 3), rebuild_identity)[0] == []
    assert empty.snapshot(verify_identity).shown == []
