"""Identify calls from a file: NDJSON or CSV, a slice of them a transaction.

How far an import came is stored in the transaction of the rows themselves, under the checksum of the file: an import that is cut off,
at whatever moment, goes on with the row after the last one that is on disk.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from footfall.clock import Clock
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import ApiError, BadRequest, UsageError
from footfall.identity.batch import read_item
from footfall.identity.model import IMPORT
from footfall.identity.service import IDENTIFY_HANDLER, Dropped, IdentifyCall
from footfall.identity.wire import Identify, read_identify
from footfall.websites.model import Website

sql = load(__file__, "importing.sql")

SLICE = 100
"""Rows of one transaction: live calls wait for it."""
SUFFIXES = (".csv", ".ndjson", ".jsonl")

Record = bytes | dict[str, Any]
"""A line of NDJSON, or a row of CSV: texts by column, without those of empty cells."""


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
    """The rows of a file, by its suffix. Raises UsageError."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name}: the name of the file must end in {', '.join(SUFFIXES)}")
    return _csv(path) if path.suffix.lower() == ".csv" else _lines(path)


def _lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file):
            text = line if number else line.removeprefix(codecs.BOM_UTF8)
            if text.strip():
                yield text


def _csv(path: Path) -> Iterator[Record]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                yield {name: cell for name, cell in row.items() if cell != ""}
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{path.name} is no well-formed CSV file: {error}") from error


def read_record(record: Record) -> Identify:
    """The identify call of a row. Raises ApiError."""
    if isinstance(record, bytes):
        return read_identify(read_item(record))
    if None in record:
        raise BadRequest("The row has more cells than the header has columns.")
    if any(cell is None or "\0" in cell for cell in record.values()):
        raise BadRequest(
            "The row has fewer cells than the header has columns, or one holds the character U+0000."
        )
    return read_identify(record)


def import_id(path: Path) -> bytes:
    """What a file is known by: a checksum of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()[:16]


def read_progress(tx: Transaction, website_id: bytes, file_id: bytes) -> Progress:
    """How far the import of a file came; all zeros when it is new."""
    row = tx.one(sql.progress_get, (website_id, file_id))
    return Progress(*row) if row else Progress()


def import_slice(
    tx: Transaction,
    website: Website,
    file_id: bytes,
    rows: Iterable[Record],
    progress: Progress,
    clock: Clock,
) -> tuple[Progress, list[Refusal]]:
    """Write the rows after `progress`; the progress then, which is stored, and what was refused."""
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
            call = IdentifyCall(website.website_id, website.profile_secret, said, IMPORT, True, None, now)
            calls.append((position, call))
    outcomes = _write(tx, [call for _, call in calls])
    for (row, _), outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, ApiError):
            refusals.append(Refusal(row, outcome.status, outcome.message))
    dropped = sum(isinstance(outcome, Dropped) for outcome in outcomes)
    accepted = position - progress.position - len(refusals) - dropped
    after = Progress(
        position, progress.accepted + accepted, progress.dropped + dropped, progress.refused + len(refusals)
    )
    tx.run(sql.progress_put, (website.website_id, file_id, *msgspec.structs.astuple(after), now))
    return after, sorted(refusals, key=lambda refusal: refusal.row)


def _write(tx: Transaction, calls: list[IdentifyCall]) -> list[Any]:
    handler = IDENTIFY_HANDLER
    if not calls or handler.locks is None or handler.shares is None:
        return []
    tx.lock(handler.locks(calls), handler.shares(calls))
    return handler.run(tx, calls)
