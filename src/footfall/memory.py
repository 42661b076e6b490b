"""What memory of a process is its own, and what is a file that it has mapped."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Bytes in memory: of the process alone, and of files, which the system takes back when it needs room."""

    own: int
    mapped: int


def read_memory(process: int | str = "self") -> Memory | None:
    """That of a process, by its number; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines()
        kib = {name: int(value.split()[0]) for name, _, value in _fields(lines) if name.startswith("Rss")}
        return Memory(1024 * kib["RssAnon"], 1024 * (kib["RssFile"] + kib["RssShmem"]))
    return None


def _fields(lines: list[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines]
