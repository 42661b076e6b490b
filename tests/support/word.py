"""Sees to it that no transaction of the tests changes what columns tell of without leaving word of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from footfall.db.postgres.transaction import PostgresTransaction
from footfall.db.protocol import Params
from footfall.db.sqlite.session import SqliteSession
from footfall.db.sqlite.transaction import SqliteTransaction
from footfall.db.statements import Statement
from footfall.ids import AT_BYTES

WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (?:event|link|payment|session)\b")
WITHOUT_WORD = {
    "event_blank": "an erasure leaves word of a visitor once all of it is blanked",
    "session_blank": "an erasure leaves word of a visitor once all of it is blanked",
    "payment_blank": "an erasure leaves word of a visitor once all of it is blanked",
    **dict.fromkeys(
        ("put_event", "put_link", "put_payment", "put_session"),
        "nobody keeps columns yet of a database that is copied to",
    ),
    "payment_fill": "who is named was not seen yet; who gives a payment to a visitor leaves word",
    "remove_event": "what belongs to a website that is gone goes from the columns with it",
    "remove_link": "what belongs to a website that is gone goes from the columns with it",
    "remove_payment": "what belongs to a website that is gone goes from the columns with it",
    "remove_session": "what belongs to a website that is gone goes from the columns with it",
}
"""Statements that change what columns tell of, after which word is not due in the same transaction -> why."""
WHOLE = {"links_clear": "columns are made anew after the ledger was folded again"}
"""Statements after which no word is due at all -> why."""

Noted = list[tuple[Statement, Sequence[Params]]]


def untold(noted: Noted) -> Iterator[str]:
    """What was written in a transaction without word of it."""
    told: dict[object, bytes] = {}
    people: set[object] = set()
    for statement, rows in noted:
        if statement.name in WHOLE:
            return
        if statement.name == "change_add":
            for website_id, _, kind, keys in rows:
                told[website_id] = told.get(website_id, b"") + keys  # type: ignore[operator]
                if kind in ("person", "erased"):
                    people.add(website_id)
    for statement, rows in noted:
        if WRITES.search(statement.sqlite) and statement.name not in WITHOUT_WORD:
            for row in rows:
                named = dict(zip(statement.parameters, row, strict=True))
                if named["website_id"] not in people and not _is_told(
                    named, told.get(named["website_id"], b"")
                ):
                    yield statement.name


def _is_told(named: dict[str, Any], keys: bytes) -> bool:
    visitor_id, payment_id = named.get("visitor_id"), named.get("payment_id")
    if payment_id is not None:
        return payment_id[:AT_BYTES] in keys
    return visitor_id is not None and visitor_id in keys


@contextmanager
def watched() -> Iterator[list[str]]:
    """The names of statements that were written in this process without word."""
    found: list[str] = []

    def noting(of: type, name: str) -> Callable[..., Any]:
        original = getattr(of, name)
        is_many = name == "execute_many"

        def run(self: Any, statement: Statement, params: Any = ()) -> Any:
            if is_many or WRITES.search(statement.sqlite) or statement.name in WHOLE:
                vars(self).setdefault("noted", []).append((statement, list(params) if is_many else [params]))
            return original(self, statement, params)

        return run

    def ending(of: type, name: str, tx_of: Callable[[Any], Any], *, is_checked: bool) -> Callable[..., Any]:
        original = getattr(of, name)

        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            noted = vars(tx_of(self)).pop("noted", [])
            result = original(self, *args, **kwargs)
            if is_checked:
                found.extend(untold(noted))
            return result

        return run

    with pytest.MonkeyPatch.context() as patch:
        for of in (SqliteTransaction, PostgresTransaction):
            for name in ("execute", "execute_many"):
                patch.setattr(of, name, noting(of, name))
        for name in ("commit", "rollback"):
            is_checked = name == "commit"
            ended = ending(SqliteSession, name, lambda session: session._tx, is_checked=is_checked)
            patch.setattr(SqliteSession, name, ended)
        patch.setattr(
            PostgresTransaction,
            "commit",
            ending(PostgresTransaction, "commit", lambda tx: tx, is_checked=True),
        )
        yield found
