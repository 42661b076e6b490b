"""Which visitors were read, and as of when: a small file in the data folder, a line for each. It holds ids and times, nothing else.

A visitor's line is written once what it did is stored. So an import that is cut off goes on from there, and a later one asks only for
those who came since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from footfall.errors import UsageError


class _Line(msgspec.Struct, omit_defaults=True):
    """`seen`: as the API told it; `part`: of the website's setup, which was taken over."""

    visitor: str = ""
    seen: str = ""
    part: str = ""


_decode = msgspec.json.Decoder(_Line).decode


def progress_file(folder: Path, website_id: bytes, source: str) -> Path:
    """The file of a website here and of a `source`."""
    return folder / f"moving-{website_id.hex()}-{hashlib.sha256(source.encode()).hexdigest()[:12]}.ndjson"


class MoveProgress:
    """What an import did so far. Raises UsageError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._seen: dict[str, str] = {}
        self._parts: set[str] = set()
        try:
            text = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error}") from error
        self._is_cut_off = bool(text) and not text.endswith(b"\n")
        for line in text.splitlines():
            self._read(line)

    def _read(self, line: bytes) -> None:
        try:
            one = _decode(line)
        except msgspec.DecodeError:
            return  # cut off by a kill: it is read again
        if one.visitor:
            self._seen[one.visitor] = one.seen
        if one.part:
            self._parts.add(one.part)

    def has(self, visitor: str, seen: str) -> bool:
        """Whether a visitor was read that was last seen at that time."""
        return self._seen.get(visitor) == seen

    def note(self, visitor: str, seen: str) -> None:
        """A visitor was read."""
        self._seen[visitor] = seen
        self._write(_Line(visitor, seen))

    def has_part(self, part: str) -> bool:
        """Whether a part of the website's setup was taken over."""
        return part in self._parts

    def note_part(self, part: str) -> None:
        """It was."""
        self._parts.add(part)
        self._write(_Line(part=part))

    def close(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: _Line) -> None:
        try:
            if self._file is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = self._path.open("ab")
                if self._is_cut_off:
                    self._file.write(b"\n")
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be written: {error}") from error
