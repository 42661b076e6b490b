"""Migrations: numbered `.sql` files, each applied once, in order, in a transaction of its own.

Beside `NNNN_name.sql` there may be a `NNNN_name.derived.sql`: what it makes can be rebuilt from the rest, and lies in a file of its own
with SQLite. `-- Left out of backups.` above a table keeps its rows out of them.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files

from footfall import __version__
from footfall.errors import SchemaMismatch

DERIVED = ".derived.sql"
_LEFT_OUT = re.compile(r"^-- Left out of backups\.\nCREATE TABLE (\w+)", re.MULTILINE)


def migrations() -> dict[int, str]:
    """The text of each migration by its number, from 1 without gaps."""
    return {int(name[:4]): text for name, text in _texts() if not name.endswith(DERIVED)}


def derived() -> dict[int, str]:
    """The texts about derived tables by the numbers of their migrations."""
    return {int(name[:4]): text for name, text in _texts() if name.endswith(DERIVED)}


@functools.cache
def _texts() -> list[tuple[str, str]]:
    folder = files("footfall.db") / "migrations"
    return sorted((f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".sql"))


def whole() -> dict[int, str]:
    """The same as `migrations`, with what is derived: for an engine that keeps everything in one place."""
    texts = derived()
    return {number: f"{text}\n{texts.get(number, '')}" for number, text in migrations().items()}


def left_out_of_backups() -> list[str]:
    """The tables above which a migration says so."""
    return [name for text in migrations().values() for name in _LEFT_OUT.findall(text)]


def statements_of(text: str) -> list[str]:
    """The statements of a migration. Its comments stand on lines of their own, and no value holds a semicolon."""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def too_old(version: int) -> SchemaMismatch:
    """The error for a schema at `version` that has to be migrated first."""
    return SchemaMismatch(
        f"The database has schema {version}, this program needs {max(migrations())}: run `footfall db migrate` first."
    )


def pending(version: int) -> list[int]:
    """The numbers still to be applied to a schema at `version`. Raises SchemaMismatch when it is newer than this program."""
    known = migrations()
    if version > max(known):
        newest = max(known)
        raise SchemaMismatch(
            f"The database has schema {version}, Footfall {__version__} knows up to {newest}: start a newer Footfall "
            "(docs/upgrading.md says which version has which schema). To stay with this one, restore the backup from before the update: "
            f"footfall db restore DATA/backups/before-schema-{newest + 1:04d}-....db"
        )
    return [number for number in known if number > version]
