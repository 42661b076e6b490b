"""Exports everything that happened on a website into a folder, as of one moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.history.exported import EXPORTED
from footfall.history.writing import ExportFiles, ExportFormat


def export_history(
    tx: Transaction, website_id: bytes, folder: Path, kind: ExportFormat, progress: Callable[[int], None]
) -> dict[str, int]:
    """Write all files into the new folder, which appears once they are whole; how many rows each kind has.

    `progress` gets the number of rows since its last call. Raises UsageError.
    """
    part = folder.with_name(folder.name + ".part")
    if folder.exists():
        raise UsageError(f"{folder}: is there already; choose a new folder")
    try:
        part.mkdir(parents=True)
    except FileExistsError:
        raise UsageError(f"{part}: is left of an export that was cut off; remove it first") from None
    except OSError as error:
        raise UsageError(f"{part}: cannot be created: {error.strerror}") from error
    counts = {}
    for file in EXPORTED:
        counts[file.name] = 0
        with ExportFiles(part, file.name, kind) as files:
            for lines in file.lines(tx, website_id):
                files.write(lines)
                counts[file.name] += len(lines)
                progress(len(lines))
    part.rename(folder)
    return counts
