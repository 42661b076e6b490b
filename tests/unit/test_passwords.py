"""Passwords are looked at a few at a time, and what is kept of attempts."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from pathlib import Path

import pytest

from footfall.accounts import accounts
from footfall.accounts.accounts import create_account, open_session, set_password
from footfall.accounts.attempts import (
    KNOWN_DAYS,
    PER_ACCOUNT,
    WINDOW_MS,
    begin_attempt,
    place_of,
    remember_address,
)
from footfall.accounts.passwords import AT_ONCE, MOST_WAITING, Passwords
from footfall.clock import DAY_MS
from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.sqlite.session import SqliteSession
from footfall.db.sqlite.session import open_session as open_database
from footfall.errors import Unavailable, accepted

NOW = 1_700_000_000_000
EMAIL = "ada@example.com"


@pytest.fixture
def session(tmp_path: Path) -> SqliteSession:
    return open_database(tmp_path / FILE_NAME)


def test_few_passwords_are_looked_at_at_once_and_the_rest_wait_in_a_bounded_queue() -> None:
    running, most, go_on = [0], [0], threading.Event()
    lock = threading.Lock()

    def work() -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        assert go_on.wait(30)
        with lock:
            running[0] -= 1
        return 1

    async def crowd() -> int:
        passwords = Passwords()
        tasks = [asyncio.create_task(passwords.run(work)) for _ in range(AT_ONCE + MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.run(work)
        tasks.pop().cancel()  # whoever left makes room
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(passwords.run(work)))
        go_on.set()
        return sum(await asyncio.gather(*tasks))

    assert asyncio.run(crowd()) == AT_ONCE + MOST_WAITING
    assert most[0] <= AT_ONCE


def test_a_password_of_no_account_is_compared_with_a_hash_that_costs_as_much_as_a_real_one() -> None:
    found = importlib.util.find_spec(accounts.__name__)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)  # as it is, without the cheap hashes of tests
    found.loader.exec_module(module)
    assert not module._hasher.check_needs_rehash(module._NOBODY)
    assert not module.is_password(None, "nobody has this password")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_an_ipv6_address_counts_as_its_network(one: str, other: str, is_same: bool) -> None:
    assert (place_of(one) == place_of(other)) == is_same


def attempt(session: SqliteSession, address: str, at: int = NOW) -> bool:
    """Whether a password may be tried; it is wrong."""
    return bool(session.transact(lambda tx: begin_attempt(tx, b"salt", EMAIL, address, at)))


def exhaust(session: SqliteSession, at: int = NOW) -> None:
    assert [attempt(session, f"198.51.100.{n}", at) for n in range(PER_ACCOUNT + 1)] == [
        *[True] * PER_ACCOUNT,
        False,
    ]


def test_an_address_that_has_logged_in_keeps_its_own_budget(session: SqliteSession) -> None:
    account = session.transact(lambda tx: accepted(create_account(tx, EMAIL, "hash", NOW)))
    session.transact(lambda tx: remember_address(tx, EMAIL, "192.0.2.1", NOW))
    exhaust(session)
    assert [attempt(session, "192.0.2.1") for _ in range(PER_ACCOUNT + 1)] == [*[True] * PER_ACCOUNT, False]
    assert not attempt(session, "192.0.2.2")

    later = NOW + KNOWN_DAYS * DAY_MS - WINDOW_MS
    exhaust(session, later)
    assert attempt(session, "192.0.2.1", later)
    much_later = NOW + (KNOWN_DAYS + 1) * DAY_MS
    exhaust(session, much_later)
    assert not attempt(session, "192.0.2.1", much_later)

    session.transact(lambda tx: remember_address(tx, EMAIL, "192.0.2.1", NOW))
    session.transact(lambda tx: set_password(tx, account, "another hash"))
    exhaust(session, NOW + 2 * WINDOW_MS)
    assert not attempt(session, "192.0.2.1", NOW + 2 * WINDOW_MS)


def test_no_address_is_stored_as_it_is(session: SqliteSession) -> None:
    session.transact(lambda tx: create_account(tx, EMAIL, "hash", NOW))
    session.transact(lambda tx: remember_address(tx, EMAIL, "192.0.2.1", NOW))
    attempt(session, "2001:db8:1:2::1")
    rows = session.connection.execute("SELECT key_hash FROM login_attempt").fetchall()
    assert len(rows) == 3
    assert all(isinstance(row[0], bytes) and len(row[0]) == 32 for row in rows)


def test_a_session_is_not_opened_with_a_password_that_was_changed_meanwhile(session: SqliteSession) -> None:
    account = session.transact(lambda tx: accepted(create_account(tx, EMAIL, "hash", NOW)))
    assert session.transact(lambda tx: open_session(tx, account, "hash", NOW)) is not None
    assert session.transact(lambda tx: set_password(tx, account, "another", "hash"))
    assert session.transact(lambda tx: open_session(tx, account, "hash", NOW)) is None
    assert not session.transact(lambda tx: set_password(tx, account, "a third", "hash"))
    assert session.connection.execute("SELECT count(*) FROM account_session").fetchone() == (0,)
