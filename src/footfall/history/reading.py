"""From files to rows: which format they have, and what each row means."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from footfall.errors import ApiError, BadRequest, TooLarge, UsageError
from footfall.history.formats import footfall, goatcounter, plausible, umami
from footfall.history.model import HistoryFormat, ImportRow, ImportTarget, Item, RowReader, TableRow
from footfall.history.sources import MAX_LINE, SourceFile
from footfall.rowfiles import Lines, cells_of, read_rows

UNKNOWN = {
    HistoryFormat.FOOTFALL: (),
    HistoryFormat.UMAMI: umami.UNKNOWN,
    HistoryFormat.GOATCOUNTER: goatcounter.UNKNOWN,
    HistoryFormat.PLAUSIBLE: plausible.UNKNOWN,
}
"""What an export of each format does not tell."""
_KNOWN = (
    "the first line must be that of an export: a JSON object of Footfall, or the header of Umami's website_event.csv, of GoatCounter's CSV, "
    "or of one of Plausible's imported_*.csv"
)


NEAR = 1000
"""Rows among which equal ones are counted, so that each of them is an event of its own."""


class KnownFile(NamedTuple):
    """A file whose rows can be read."""

    source: SourceFile
    format: HistoryFormat
    read: Callable[[ImportTarget, Iterable[bytes]], Iterator[ImportRow]]

    def rows(self, target: ImportTarget) -> Iterator[ImportRow]:
        """What its rows mean. Raises UsageError if it cannot be read on."""
        return self.read(target, self.source.lines())


def know_files(sources: list[SourceFile], wanted: HistoryFormat | None) -> tuple[list[KnownFile], list[str]]:
    """The files that can be read, and the names of the others. Raises UsageError unless they have one format, the wanted one if any is."""
    found = [(source, _know(source)) for source in sources]
    known = [one for _, one in found if isinstance(one, KnownFile)]
    formats = sorted({one.format for one in known})
    if not known:
        reasons = [f"{source.name}: {one}" for source, one in found if not isinstance(one, KnownFile)]
        raise UsageError(reasons[0] if reasons else "there is no file to import")
    if len(formats) > 1:
        raise UsageError(
            f"the files are exports of several systems, {' and '.join(formats)}: import them one by one"
        )
    if wanted not in (None, formats[0]):
        raise UsageError(f"{known[0].source.name}: this is no export of {wanted}, but of {formats[0]}")
    return known, [source.name for source, one in found if not isinstance(one, KnownFile)]


def _know(source: SourceFile) -> KnownFile | str:
    """A file by its first line; why that is none that is known."""
    first = next(source.lines(), b"").removeprefix(codecs.BOM_UTF8)
    if first.lstrip()[:1] == b"{":
        if b'"eventId"' not in first:
            return "line 1 is a JSON object, but no event of an export"
        return KnownFile(source, HistoryFormat.FOOTFALL, _read_lines)
    try:
        cells = [cell.strip() for cell in cells_of(first.decode(), ",")] if len(first) <= MAX_LINE else []
    except UnicodeDecodeError:
        return "line 1 is not UTF-8"
    except (csv.Error, StopIteration):
        return _KNOWN
    if len(set(cells)) < len(cells):
        return "line 1 names a column twice"
    if set(cells) >= umami.COLUMNS:
        return KnownFile(source, HistoryFormat.UMAMI, partial(_read_table, cells, umami.read_row))
    if cells[:1] and cells[0] in goatcounter.FIRST:
        names = ["Path", *cells[1:]]
        return KnownFile(source, HistoryFormat.GOATCOUNTER, partial(_read_table, names, goatcounter.read_row))
    table = plausible.table_of(source.name)
    if table and plausible.columns_of(table) <= set(cells):
        read = partial(_read_table, cells, partial(plausible.read_row, table))
        return KnownFile(source, HistoryFormat.PLAUSIBLE, read)
    return _KNOWN


def _read_lines(target: ImportTarget, lines: Iterable[bytes]) -> Iterator[ImportRow]:
    for number, line in enumerate(lines, 1):
        text = line if number > 1 else line.removeprefix(codecs.BOM_UTF8)
        if text.strip():
            yield ImportRow(number, _read_line(target, text))


def _read_line(target: ImportTarget, line: bytes) -> Item:
    if len(line) > MAX_LINE:
        return TooLarge(f"The line is longer than {MAX_LINE} bytes.")
    try:
        return footfall.read_line(target, line)
    except ApiError as error:
        return error


def _read_table(
    names: list[str], read: RowReader, target: ImportTarget, source: Iterable[bytes]
) -> Iterator[ImportRow]:
    lines = Lines(source)
    next(lines)  # the header
    seen: Counter[tuple[str, ...]] = Counter()
    for row in read_rows(lines, ",", MAX_LINE):
        if isinstance(row, ApiError):
            yield ImportRow(lines.row, row)
            continue
        if len(seen) == NEAR:
            seen.clear()
        repeat = seen[tuple(row)]
        seen[tuple(row)] += 1
        yield ImportRow(lines.row, _read_row(names, row, repeat, read, target))


def _read_row(names: list[str], row: list[str], repeat: int, read: RowReader, target: ImportTarget) -> Item:
    if len(row) != len(names):
        few = "fewer" if len(row) < len(names) else "more"
        return BadRequest(f"The row has {few} cells than the header has columns.")
    if any("\0" in cell for cell in row):
        return BadRequest("A cell holds the character U+0000.")
    try:
        return read(target, TableRow(dict(zip(names, row, strict=True)), repeat))
    except ApiError as error:
        return error
