"""Makes the columns anew from the database, beside those that there are.

What changes meanwhile leaves word, and is taken by the first steps after: so it need not all be read in one state of the database.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from footfall.columns.derive import derive
from footfall.columns.feeder import Reader
from footfall.columns.file import (
    FileLimits,
    append_rows,
    copy_sorted,
    forget_file,
    make_file,
)
from footfall.columns.model import Columns
from footfall.columns.pages import read_page
from footfall.columns.reading import (
    Since,
    Tails,
    Visitor,
    read_payments,
    read_slices,
    sql,
    starts,
    websites_there,
)
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import Statement
from footfall.ids import at_of
from footfall.outbox.store import change_ids

PAGE = 20_000
"""Events that are read at once, and most of what else there is about their visitors; payments that are no visitor's."""


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
        connection.execute("BEGIN")  # no log is written
        for visitors, rows in everything(reader):
            append_rows(connection, rows)
            progress(visitors)
        connection.execute("COMMIT")
        copy_sorted(connection, fresh)
    finally:
        connection.close()
        forget_file(unsorted)


def count_visitors(tx: Transaction) -> int:
    """How many visitors `progress` is told of."""
    row = tx.one(sql.visitors_shown)
    return row.count if row else 0


def everything(reader: Reader) -> Iterator[tuple[int, list[Columns]]]:
    """The rows of all websites, part by part, with the number of visitors that they are of."""
    for website_id in sorted(reader.snapshot(websites_there)):
        behind: bytes | None = b""
        while behind is not None:
            found = reader.snapshot(
                functools.partial(read_page, website_id=website_id, behind=behind, most=PAGE)
            )
            yield len(found.histories), [row for one in found.histories for row in derive(one).rows]
            if found.large is not None:
                yield from _large(reader, (website_id, found.large))
            behind = found.following
        last = -1
        for payments in _slices(reader, sql.payments_behind, website_id):
            times = {at_of(one) for one in payments} - {last}
            last = at_of(payments[-1])
            loose = reader.snapshot(
                functools.partial(read_payments, wanted=[(website_id, at) for at in times])
            )
            yield 0, [row for one in loose for row in one.rows]


def _large(reader: Reader, visitor: Visitor) -> Iterator[tuple[int, list[Columns]]]:
    """The rows of a visitor of whom there is too much for a page, slice by slice; none before its first pageview."""
    positions = reader.snapshot(lambda tx: starts(tx, {visitor: Since()}, Tails()))
    while positions:
        (found,) = reader.snapshot(functools.partial(read_slices, positions=positions, most=PAGE)).values()
        positions = {visitor: found.following} if found.following else {}
        yield int(not positions), found.derived.rows


def _slices(reader: Reader, statement: Statement, website_id: bytes) -> Iterator[list[bytes]]:
    """What the statement gives behind an id, slice by slice."""
    ids = [b""]
    while ids:
        ids = reader.snapshot(functools.partial(_ids, statement, (website_id, ids[-1], PAGE)))
        if ids:
            yield ids


def _ids(statement: Statement, params: Params, tx: Transaction) -> list[bytes]:
    return [row.id for row in tx.all(statement, params)]
