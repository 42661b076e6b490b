"""Answers as CSV files (RFC 4180). Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With what text begins that a spreadsheet would calculate."""


def render_csv(rows: Sequence[Mapping[str, Any]], like: Mapping[str, Any]) -> bytes:
    """A header and a line for each row; what is nested has names such as `compared.visitors`. `like`: a row as all are, if there are any."""
    flat = [dict(_flattened(row)) for row in rows]
    file = io.StringIO()
    writer = csv.writer(file)  # lines end as the RFC wants
    writer.writerow(flat[0] if flat else dict(_flattened(like)))
    writer.writerows(map(_cell, row.values()) for row in flat)
    return file.getvalue().encode()


def _flattened(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{name}.")
        else:
            yield before + name, value


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
