"""Lines of files that somebody else wrote, and rows of CSV: a bad one spoils no others, and takes no more memory than it may."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from footfall.errors import ApiError, BadRequest, TooLarge, UsageError

_OPEN_QUOTE = "unexpected end of data"
"""How the csv module says that a quoted cell is not at its end."""
MOST_TOO_MANY = 64 * 1024 * 1024
"""Bytes of a line behind which nobody looks for its end: such a file has no lines."""


def require_file(path: Path) -> None:
    """Raises UsageError unless a file can be read to its end, and twice."""
    if not path.is_file():
        raise UsageError(f"{path.name}: is no file, but a device or a pipe")


def bounded_lines(file: BinaryIO, most: int) -> Iterator[bytes]:
    """The lines of a file; of one longer than `most` bytes the first of them, at least one too many. Raises UsageError if one has no end."""
    while line := file.readline(most + 1):
        rest, size = line, len(line)
        while len(rest) > most and rest[-1:] != b"\n":
            rest = file.readline(most + 1)
            size += len(rest)
            if size > MOST_TOO_MANY:
                raise UsageError(
                    f"a line is longer than {MOST_TOO_MANY // 1024**2} MB: this is no file of rows"
                )
        yield line


class Lines:
    """The lines of a file; those that were taken too many can be given back. `row`: the number of the line, from 1, at which a row begins."""

    def __init__(self, file: Iterable[bytes]) -> None:
        self._lines = iter(file)
        self._back: list[bytes] = []
        self._number = 0
        self.row = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes:
        line = self._back.pop() if self._back else next(self._lines)
        self._number += 1
        return line

    def begin_row(self) -> None:
        """A row begins with the line that was taken last."""
        self.row = self._number

    def give_back(self, lines: list[bytes]) -> None:
        """The next lines are these, in their order."""
        self._back += reversed(lines)
        self._number -= len(lines)


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of one row. Raises csv.Error."""
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def read_rows(lines: Lines, delimiter: str, most: int) -> Iterator[list[str] | ApiError]:
    """The cells of each row, or why it has none."""
    for line in lines:
        if line.strip():
            lines.begin_row()
            yield _row(line, lines, delimiter, most)


def _row(line: bytes, lines: Lines, delimiter: str, most: int) -> list[str] | ApiError:
    """The row that begins with a line. A quoted cell may go on in further ones; when the row is bad, those are rows of their own."""
    text, more = line, list[bytes]()
    while len(text) <= most:
        try:
            cells = cells_of(text.decode("utf-8", "replace"), delimiter)
        except csv.Error as error:
            if _OPEN_QUOTE not in str(error):
                break
            taken = _until_quote(lines, most - len(text))
            if not taken:
                break
            more += taken
            text = b"".join([text, *taken])
        else:
            return cells if _is_utf8(text) else BadRequest("The row is not UTF-8.")
    lines.give_back(more)
    if len(line) > most:
        return TooLarge(f"The row is larger than {most} bytes.")
    return BadRequest("The row is not well-formed CSV: a quote is open, or stands within a quoted cell.")


def _until_quote(lines: Lines, size: int) -> list[bytes]:
    """The next lines up to one with a quote, or up to more than `size` bytes."""
    taken: list[bytes] = []
    for line in lines:
        taken.append(line)
        size -= len(line)
        if b'"' in line or size < 0:
            break
    return taken


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
