"""Reads a file of people of another product, and stores them: each row once, however often the same file is imported."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from time import perf_counter, sleep
from typing import Any, NamedTuple

import msgspec

from footfall.clock import Clock
from footfall.errors import ApiError, BadRequest, TooLarge, UsageError
from footfall.history.importing import ImportSession
from footfall.history.model import MOST_REFUSED, LeftOut
from footfall.history.sources import MAX_LINE, SourceFile
from footfall.identity.identify.importing import SLICE, import_slice, read_progress
from footfall.identity.identify.wire import read_identify
from footfall.moving.model import PeopleReport
from footfall.moving.people import PeopleMapping, Product, read_person, traits_of
from footfall.rowfiles import Lines, cells_of, read_rows
from footfall.websites.model import Website

MAX_WHOLE = 256 * 1024 * 1024
"""Bytes of a file that is one JSON document."""
_DELIMITERS = (",", ";", "\t")
Cells = Mapping[str, Any] | ApiError
"""A row by column; why it is none."""


class _Call(NamedTuple):
    """An identify call of a row. `is_last`: whether the row has no further one."""

    row: int
    record: dict[str, Any]
    is_last: bool


class PeopleImporter:
    """Imports one file into a website. `written_at`: when it was written (ms since epoch); `rest`: see `Importer`."""

    def __init__(
        self,
        session: ImportSession,
        website: Website,
        mapping: PeopleMapping,
        file: SourceFile,
        written_at: int,
        clock: Clock,
        *,
        is_dry: bool,
        rest: float,
    ) -> None:
        self._session = session
        self._website = website
        self._mapping = mapping
        self._file = file
        self._written_at = min(written_at, clock())
        self._clock = clock
        self._is_dry = is_dry
        self._rest = rest
        self._report = PeopleReport()
        self._users: set[str] = set()
        self._traits: set[str] = set()

    def run(self, update: Callable[[int], None]) -> PeopleReport:
        """Import all rows. `update` gets the number of rows since its last call. Raises UsageError and DatabaseError."""
        report, file_id = self._report, self._file_id()
        progress = self._session.snapshot(lambda tx: read_progress(tx, self._website.website_id, file_id))
        calls = self._calls()
        known = list(islice(calls, progress.position))
        report.already_there = sum(one.is_last for one in known)
        update(report.already_there)
        while some := list(islice(calls, SLICE)):
            started = perf_counter()
            if not self._is_dry:
                work = partial(
                    import_slice,
                    website=self._website,
                    file_id=file_id,
                    rows=[one.record for one in some],
                    progress=progress,
                    clock=self._clock,
                    is_unseen_taken=True,
                )
                before = progress.position
                progress, refusals = self._session.transact(work)
                for refusal in refusals:
                    self._refuse(some[refusal.row - before - 1].row, refusal.message)
                report.imported -= len(refusals)
            taken = sum(one.is_last for one in some)
            report.imported += taken
            update(taken)
            if not self._is_dry:
                sleep(self._rest * (perf_counter() - started))
        report.people, report.traits = len(self._users), sorted(self._traits)
        return report

    def _file_id(self) -> bytes:
        """What the file and its mapping are known by."""
        with self._file.open() as file:
            digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
        return hashlib.sha256(
            b"people\0" + digest + msgspec.json.encode(self._mapping, order="sorted")
        ).digest()[:16]

    def _calls(self) -> Iterator[_Call]:
        """The calls of all rows; what is none is noted."""
        for number, row in read_people_file(self._file, self._mapping.product):
            self._report.rows += 1
            try:
                records = self._records(row)
            except ApiError as error:
                self._refuse(number, error.message)
                continue
            for record in records:
                yield _Call(number, record, record is records[-1])

    def _records(self, row: Cells) -> list[dict[str, Any]]:
        """Raises ApiError."""
        if isinstance(row, ApiError):
            raise row
        found = read_person(self._mapping, self._website.website_id, row, self._written_at)
        if isinstance(found, LeftOut):
            self._report.left_out[found.reason] = self._report.left_out.get(found.reason, 0) + 1
            return []
        for record in found:
            read_identify(record)
        self._users.add(found[0]["user_id"])
        self._traits |= traits_of(found)
        return found

    def _refuse(self, row: int, message: str) -> None:
        self._report.refused += 1
        if len(self._report.refusals) < MOST_REFUSED:
            self._report.refusals.append(f"row {row}: {message}")


def read_people_file(file: SourceFile, product: Product) -> Iterator[tuple[int, Cells]]:
    """The rows of a file, numbered from 1, a header not counted. Raises UsageError if it cannot be read."""
    first = next(file.lines(), b"").removeprefix(codecs.BOM_UTF8)
    if product is Product.CSV or first.lstrip()[:1] not in (b"{", b"["):
        rows = _table(file)
    elif _is_row(first):
        rows = _lines(file)
    else:
        rows = _document(file)
    return enumerate(rows, 1)


def _is_row(line: bytes) -> bool:
    """Whether a line is one person, not the beginning, or all, of a document."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and not isinstance(found.get("results"), list)


def _lines(file: SourceFile) -> Iterator[Cells]:
    for line in file.lines():
        text = line.removeprefix(codecs.BOM_UTF8).strip()
        if text:
            yield _object(text)


def _object(text: bytes) -> Cells:
    if len(text) > MAX_LINE:
        return TooLarge(f"The row is longer than {MAX_LINE} bytes.")
    try:
        return _checked(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadRequest(f"The row is no JSON object: {error}.")


def _checked(row: object) -> Cells:
    return row if isinstance(row, dict) else BadRequest("The row is no JSON object.")


def _document(file: SourceFile) -> Iterator[Cells]:
    with file.open() as opened:
        text = opened.read(MAX_WHOLE + 1)
    if len(text) > MAX_WHOLE:
        raise UsageError(
            f"{file.name}: is larger than {MAX_WHOLE // 1024**2} MB; write one person a line, and any size will do"
        )
    try:
        found = msgspec.json.decode(text.removeprefix(codecs.BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{file.name}: is no JSON: {error}") from error
    rows = found.get("results") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise UsageError(f"{file.name}: holds no list of people")
    yield from map(_checked, rows)


def _table(file: SourceFile) -> Iterator[Cells]:
    lines = Lines(file.lines())
    names, delimiter = _header(file.name, next(lines, b"").removeprefix(codecs.BOM_UTF8))
    for row in read_rows(lines, delimiter, MAX_LINE):
        if isinstance(row, ApiError):
            yield row
        elif len(row) != len(names):
            yield BadRequest("The row has another number of cells than the header.")
        elif any("\0" in cell for cell in row):
            yield BadRequest("A cell holds the character U+0000.")
        else:
            yield {name: cell for name, cell in zip(names, row, strict=True) if cell != ""}


def _header(name: str, line: bytes) -> tuple[list[str], str]:
    """The names of the columns, and what stands between cells. Raises UsageError."""
    found: list[tuple[int, list[str], str]] = []
    for delimiter in _DELIMITERS:
        try:
            cells = [cell.strip() for cell in cells_of(line.decode(), delimiter)]
        except (csv.Error, UnicodeDecodeError, StopIteration):
            continue
        found.append((len(cells), cells, delimiter))
    if not found:
        raise UsageError(f"{name}: the first line must be a header that names the columns")
    _, names, delimiter = max(found, key=lambda one: one[0])
    if twice := [one for one in dict.fromkeys(names) if one and names.count(one) > 1]:
        raise UsageError(f"{name}: the header names the column {twice[0]} twice")
    return names, delimiter
