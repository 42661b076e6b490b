"""Makes the columns anew from the database, beside those that there are.

What changes meanwhile leaves word, and is taken by the first steps after: so it need not all be read in one state of the database.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from footfall.columns.feeder import Reader
from footfall.columns.file import (
    FileLimits,
    append_rows,
    copy_sorted,
    forget_file,
    make_file,
)
from footfall.columns.model import Columns
from footfall.columns.reading import FreshRows, Millisecond, Tails, Visitor, read_found, sql, websites_there
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import Statement
from footfall.ids import at_of
from footfall.outbox.store import change_ids

SLICE = 1000
"""Visitors, or payments, that are read at once."""


def fresh_path(path: Path) -> Path:
    """Where columns are made anew that are to be at `path`."""
    return path.with_name(path.name + ".fresh")


def rebuild(
    reader: Reader,
    path: Path,
    limits: FileLimits,
    token: bytes,
    progress: Callable[[int], None] = lambda visitors: None,
) -> None:
    """Make the columns of a database anew, at `fresh_path`. It keeps word of changes for the columns of this token by now.

    `progress` gets the number of visitors since its last call. Raises DatabaseError.
    """
    fresh = fresh_path(path)
    unsorted = fresh.with_name(fresh.name + ".unsorted")
    connection = make_file(unsorted, token, reader.snapshot(change_ids), limits)
    try:
        for visitors, rows in everything(reader):
            append_rows(connection, rows)
            progress(visitors)
        copy_sorted(connection, fresh)
    finally:
        connection.close()
        forget_file(unsorted)


def count_visitors(tx: Transaction) -> int:
    """How many visitors `progress` is told of."""
    row = tx.one(sql.visitors_shown)
    return row.count if row else 0


def everything(reader: Reader) -> Iterator[tuple[int, list[Columns]]]:
    """The rows of all websites, slice by slice, with the number of visitors that they are of."""
    for website_id in sorted(reader.snapshot(websites_there)):
        for visitors in _slices(reader, sql.visitors_behind, website_id):
            found = _read(reader, {(website_id, one): 0 for one in visitors}, ())
            yield len(visitors), [row for one in found.visitors for row in one.rows]
        last = -1
        for payments in _slices(reader, sql.payments_behind, website_id):
            times = {at_of(one) for one in payments} - {last}
            last = at_of(payments[-1])
            found = _read(reader, {}, [(website_id, at) for at in times])
            yield 0, [row for one in found.payments for row in one.rows]


def _slices(reader: Reader, statement: Statement, website_id: bytes) -> Iterator[list[bytes]]:
    """What the statement gives behind an id, slice by slice."""
    ids = [b""]
    while ids:
        ids = reader.snapshot(functools.partial(_ids, statement, (website_id, ids[-1], SLICE)))
        if ids:
            yield ids


def _ids(statement: Statement, params: Params, tx: Transaction) -> list[bytes]:
    return [row.id for row in tx.all(statement, params)]


def _read(reader: Reader, visitors: dict[Visitor, int], payments: Iterable[Millisecond]) -> FreshRows:
    return reader.snapshot(lambda tx: read_found(tx, visitors, payments, Tails()))
