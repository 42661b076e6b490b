"""Connections by key in the database, and how far their imports are."""

from __future__ import annotations

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.payments.connecting.model import ImportPeriod, ImportProgress, KeyConnection

sql = load(__file__, "connecting.sql")

HELD_MS = 60_000
"""How long an import is held by who works on it without a word."""


def connection_of(tx: Transaction, asked: tuple[bytes, str]) -> KeyConnection | None:
    """How a website (id) was connected to a provider (name) by key."""
    row = tx.one(sql.connection_get, asked)
    return None if row is None else _connection(row)


def connections_of(tx: Transaction, website_id: bytes) -> list[KeyConnection]:
    """How a website was connected to providers by key."""
    return [_connection(row) for row in tx.all(sql.connections_of, (website_id,))]


def put_connection(tx: Transaction, one: KeyConnection) -> None:
    """Store a connection whose import begins, in place of an older one."""
    period = (one.period.since, one.period.until)
    made = (one.webhook_id, one.account, one.sealed_key, one.run_id)
    tx.execute(sql.connection_put, (one.website_id, one.provider, *made, *period, one.held_until))


def remove_connection(tx: Transaction, website_id: bytes, provider: str) -> None:
    """Forget a connection; its import ends."""
    tx.execute(sql.connection_remove, (website_id, provider))


def advance(tx: Transaction, one: KeyConnection, progress: ImportProgress, now: int) -> bool:
    """Store how far an import is; False if it is somebody else's by now, or was ended."""
    place = (progress.state, progress.listing, progress.cursor, progress.objects, progress.unreadable)
    rest = (progress.reason, now + HELD_MS, progress.ended_at)
    return tx.execute(sql.import_advance, (one.website_id, one.provider, one.run_id, *place, *rest)) == 1


def imports_left(tx: Transaction, now: int) -> list[KeyConnection]:
    """The imports on which nobody works any more, and whose key is kept."""
    return [_connection(row) for row in tx.all(sql.imports_left, (now,))]


def take_import(tx: Transaction, one: KeyConnection, run_id: bytes, now: int) -> bool:
    """Take over an import; False if another one was faster."""
    return tx.execute(sql.import_take, (one.website_id, one.provider, run_id, now, now + HELD_MS)) == 1


def _connection(row: Row) -> KeyConnection:
    progress = ImportProgress(
        row.state, row.listing, row.place, row.objects, row.unreadable, row.reason, row.ended_at
    )
    period = ImportPeriod(row.since, row.until)
    made = (row.webhook_id, row.account, row.api_key, row.run_id)
    return KeyConnection(row.website_id, row.provider, *made, period, progress, row.held_until)
