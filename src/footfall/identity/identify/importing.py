"""Identify calls from a file: NDJSON or CSV, a slice of them a transaction.

How far an import came is stored in the transaction of the rows themselves, under the checksum of the file: an import that is cut off,
at whatever moment, goes on with the row after the last one that is on disk.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from footfall.clock import Clock
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import ApiError, BadRequest, UsageError
from footfall.identity.identify.model import BeforeErasure, IdentifyCall
from footfall.identity.identify.service import IDENTIFY_HANDLER
from footfall.identity.identify.wire import MAX_BODY, Identify, read_identify
from footfall.identity.model import IMPORT
from footfall.rowfiles import Lines, bounded_lines, cells_of, read_rows, require_file
from footfall.web.batch import read_item
from footfall.websites.model import Website

sql = load(__file__, "importing.sql")

SLICE = 100
"""Rows of one transaction: live calls wait for it."""
SUFFIXES = (".csv", ".ndjson", ".jsonl")

_DELIMITERS = (",", ";", "\t")
_COLUMNS = {
    "userid": "user_id",
    "datafastvisitorid": "datafast_visitor_id",
    "visitorid": "visitorId",
    "$at": "$at",
}

Record = bytes | dict[str, Any] | ApiError
"""A line of NDJSON, or a row of CSV: texts by column, without those of empty cells; or why a row is none."""


class Progress(msgspec.Struct):
    """How far an import came: rows that were read, and what became of them. `dropped`: facts from before an erasure."""

    position: int = 0
    accepted: int = 0
    dropped: int = 0
    refused: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """A row that was not accepted. `row`: from 1, a CSV file's header not counted."""

    row: int
    status: int
    message: str


def records(path: Path) -> Iterator[Record]:
    """The rows of a file, by its suffix; of longer lines than MAX_BODY the beginning, with at least a byte too many. Raises UsageError."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name}: the name of the file must end in {', '.join(SUFFIXES)}")
    require_file(path)
    return _csv(path) if path.suffix.lower() == ".csv" else _lines(path)


def _lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(bounded_lines(file, MAX_BODY)):
            text = line if number else line.removeprefix(codecs.BOM_UTF8)
            if text.strip():
                yield text


def _csv(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        lines = Lines(bounded_lines(file, MAX_BODY))
        names, delimiter = _header(path, next(lines, b"").removeprefix(codecs.BOM_UTF8))
        for row in read_rows(lines, delimiter, MAX_BODY):
            if isinstance(row, ApiError):
                yield row
            elif [_column(cell) for cell in row] != names:  # files that were put together repeat it
                yield _record(names, row)


def _header(path: Path, line: bytes) -> tuple[list[str], str]:
    """The names of the columns, and what stands between cells. Raises UsageError."""
    for delimiter in _DELIMITERS:
        try:
            names = [_column(cell) for cell in cells_of(line.decode(), delimiter)]
        except UnicodeDecodeError:
            raise UsageError(f"{path.name}: the header, its first line, is not UTF-8") from None
        except csv.Error:
            continue
        if "user_id" not in names:
            continue
        if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
            raise UsageError(f"{path.name}: the header names the column {twice[0]} twice")
        return names, delimiter
    raise UsageError(
        f"{path.name}: the first line of a CSV file must be a header that names the columns, user_id among them, "
        "such as user_id,datafast_visitor_id,name"
    )


def _column(cell: str) -> str:
    """The field that a column is for: those that every row needs are known in any case, also with blanks."""
    name = cell.strip()
    return _COLUMNS.get(re.sub(r"[\s_-]", "", name.lower()), name)


def _record(names: list[str], row: list[str]) -> Record:
    if len(row) != len(names):
        few = "fewer" if len(row) < len(names) else "more"
        return BadRequest(f"The row has {few} cells than the header has columns.")
    if any("\0" in cell for cell in row):
        return BadRequest("A cell holds the character U+0000.")
    return {name: cell for name, cell in zip(names, row, strict=True) if cell != ""}


def read_record(record: Record) -> Identify:
    """The identify call of a row. Raises ApiError."""
    if isinstance(record, ApiError):
        raise record
    return read_identify(read_item(record) if isinstance(record, bytes) else record)


def import_id(path: Path) -> bytes:
    """What a file is known by: a checksum of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()[:16]


def read_progress(tx: Transaction, website_id: bytes, file_id: bytes) -> Progress:
    """How far the import of a file came; all zeros when it is new."""
    row = tx.one(sql.progress_get, (website_id, file_id))
    return Progress(row.position, row.accepted, row.dropped, row.refused) if row else Progress()


def put_progress(tx: Transaction, website_id: bytes, file_id: bytes, progress: Progress, now: int) -> None:
    """Note how far the import of a file came."""
    tx.execute(sql.progress_put, (website_id, file_id, *msgspec.structs.astuple(progress), now))


def import_slice(
    tx: Transaction,
    website: Website,
    file_id: bytes,
    rows: Iterable[Record],
    progress: Progress,
    clock: Clock,
    *,
    is_unseen_taken: bool = False,
) -> tuple[Progress, list[Refusal]]:
    """Write the rows after `progress`; the progress then, which is stored, and what was refused. `is_unseen_taken`: see `IdentifyCall`."""
    now = clock()
    refusals: list[Refusal] = []
    calls: list[tuple[int, IdentifyCall]] = []
    position = progress.position
    for position, record in enumerate(rows, progress.position + 1):
        try:
            said = read_record(record)
        except ApiError as error:
            refusals.append(Refusal(position, error.status, error.message))
        else:
            call = IdentifyCall(
                website.website_id, website.profile_secret, said, IMPORT, True, None, now, is_unseen_taken
            )
            calls.append((position, call))
    outcomes = _write(tx, [call for _, call in calls])
    for (row, _), outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, ApiError):
            refusals.append(Refusal(row, outcome.status, outcome.message))
    dropped = sum(isinstance(outcome, BeforeErasure) for outcome in outcomes)
    accepted = position - progress.position - len(refusals) - dropped
    after = Progress(
        position, progress.accepted + accepted, progress.dropped + dropped, progress.refused + len(refusals)
    )
    put_progress(tx, website.website_id, file_id, after, now)
    return after, sorted(refusals, key=lambda refusal: refusal.row)


def _write(tx: Transaction, calls: list[IdentifyCall]) -> list[Any]:
    handler = IDENTIFY_HANDLER
    if not calls or handler.locks is None or handler.shares is None:
        return []
    tx.lock(handler.locks(calls), handler.shares(calls))
    return handler.run(tx, calls)
