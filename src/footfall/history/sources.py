"""Files to import: plain, gzipped, in a zip or in a folder; read line by line, whatever is in them."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from footfall.errors import UsageError
from footfall.rowfiles import bounded_lines, require_file

MAX_LINE = 64 * 1024
"""Bytes of a row; a longer one is refused."""
MOST_FILES = 1000
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class SourceFile(NamedTuple):
    """A file to read. `name`: of the file alone, without folders and `.gz`."""

    name: str
    open: Callable[[], BinaryIO]

    def lines(self) -> Iterator[bytes]:
        """Its lines; of longer ones than MAX_LINE the beginning, with at least a byte too many. Raises UsageError."""
        number = 0
        try:
            with self.open() as file:
                for line in bounded_lines(file, MAX_LINE):
                    number += 1
                    yield line
        except UsageError as error:
            raise UsageError(f"{self.name}: behind line {number}, {error}") from error
        except _UNREADABLE as error:
            raise UsageError(
                f"{self.name}: cannot be read on behind line {number}: {error or 'the file is cut off'}"
            ) from error


def find_sources(path: Path) -> list[SourceFile]:
    """The files that a path leads to, by name. Raises UsageError."""
    try:
        found = _in_folder(path) if path.is_dir() else _in_file(path)
    except _UNREADABLE as error:
        raise UsageError(f"{path.name}: cannot be read: {error}") from error
    if len(found) > MOST_FILES:
        raise UsageError(f"{path.name}: holds more than {MOST_FILES} files")
    return sorted(found, key=lambda one: one.name)  # several may have one name


def _in_folder(path: Path) -> list[SourceFile]:
    found = [one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")]
    for one in found:
        if not one.resolve().is_relative_to(path.resolve()):
            raise UsageError(f"{one.name}: is a link that leads out of the folder; put the file itself there")
    return [_plain(one) for one in found]


def _in_file(path: Path) -> list[SourceFile]:
    require_file(path)
    with path.open("rb") as file:
        is_zip = file.read(len(_ZIP)) == _ZIP
    if not is_zip:
        return [_plain(path)]
    with zipfile.ZipFile(path) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [
        SourceFile(PurePosixPath(name).name, partial(_member, path, name))
        for name in names
        if not name.startswith("__MACOSX/")
    ]


def _member(path: Path, name: str) -> BinaryIO:
    return cast(BinaryIO, zipfile.ZipFile(path).open(name))


def _plain(path: Path) -> SourceFile:
    with path.open("rb") as file:
        is_gzip = file.read(len(_GZIP)) == _GZIP
    if is_gzip:
        return SourceFile(path.name.removesuffix(".gz"), partial(_gunzip, path))
    return SourceFile(path.name, partial(_open, path))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _gunzip(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb"))
