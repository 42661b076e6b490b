"""Writes the files of an export, as NDJSON or Parquet: each whole, and none larger than it may be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from footfall.errors import UsageError
from footfall.history.exported import IdentifyLine, Line, PaymentLine, PersonLine
from footfall.history.formats.footfall import EventLine

ROWS = 1_000_000
"""Rows of a file; more go into further ones, such as `events-2.ndjson`."""
MEMORY = "256MB"

encode = msgspec.json.Encoder(decimal_format="number").encode
_encode_text = msgspec.json.Encoder().encode


class ExportFormat(StrEnum):
    """How an export is written. Only NDJSON can be imported again."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class LineFile(Protocol):
    """A file that gets lines."""

    def write(self, lines: Sequence[Line]) -> None: ...
    def close(self) -> None: ...


class ExportFiles:
    """The files of one kind in a folder. Raises UsageError if they cannot be written."""

    def __init__(self, folder: Path, name: str, kind: ExportFormat) -> None:
        self._folder = folder
        self._name = name
        self._format = kind
        self._rows = 0
        self._files = 0
        self._file: LineFile | None = None

    def __enter__(self) -> ExportFiles:
        self._next()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not None:
            with _told(self._folder):
                self._file.close()

    def write(self, lines: Sequence[Line]) -> None:
        """Add lines, to a new file if this one has ROWS of them."""
        if self._rows >= ROWS:
            self.__exit__(None)
            self._next()
        with _told(self._folder):
            if self._file is not None:
                self._file.write(lines)
        self._rows += len(lines)

    def _next(self) -> None:
        self._files += 1
        self._rows = 0
        number = f"-{self._files}" if self._files > 1 else ""
        path = self._folder / f"{self._name}{number}.{self._format}"
        with _told(self._folder):
            self._file = (
                NdjsonFile(path) if self._format is ExportFormat.NDJSON else ParquetFile(path, self._name)
            )


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    import duckdb  # takes as long as all other commands need to start

    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise UsageError(f"{folder}: cannot be written: {error}") from error


class NdjsonFile:
    """A JSON object on each line."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")

    def write(self, lines: Sequence[Line]) -> None:
        """Add lines."""
        self._file.write(b"".join(encode(line) + b"\n" for line in lines))

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class ParquetFile:
    """A table with a column for each field, whose rows wait in a database beside it until there are no more."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._waiting = path.with_name(path.name + ".rows")
        self._columns = _COLUMNS[name]
        import duckdb

        self._connection = duckdb.connect(str(self._waiting), config={"memory_limit": MEMORY, "threads": 1})
        held = ", ".join(f'"{column}" {held}' for column, (held, _) in self._columns.items())
        self._connection.execute(f"CREATE TABLE line ({held})")

    def write(self, lines: Sequence[Line]) -> None:
        """Add lines."""
        appender = self._connection.appender("line")
        appender.append_rows([_cells(line) for line in lines])
        appender.flush()

    def close(self) -> None:
        """Nothing more comes: write the file."""
        shown = ", ".join(f'{shown} AS "{column}"' for column, (_, shown) in self._columns.items())
        target = str(self._path).replace("'", "''")
        self._connection.execute(
            f"COPY (SELECT {shown} FROM line) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
        self._connection.close()
        self._waiting.unlink()


def _text(name: str) -> tuple[str, str]:
    return ("VARCHAR", f'"{name}"')


def _time(name: str) -> tuple[str, str]:
    return ("VARCHAR", f'"{name}"::TIMESTAMPTZ')


_DEVICE = ("device", "browser", "browser_version", "os", "os_version", "vendor", "model", "language")
_COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "events": {
        "event_id": _text("event_id"),
        "happened_at": _time("happened_at"),
        "type": _text("type"),
        "visitor_id": _text("visitor_id"),
        "url": _text("url"),
        "query": _text("query"),
        "referrer": _text("referrer"),
        "name": _text("name"),
        "data": _text("data"),
        "session_started_at": _time("session_started_at"),
        "session_entry_url": _text("session_entry_url"),
        "session_referrer": _text("session_referrer"),
        "session_params": _text("session_params"),
        "session_click_ids": _text("session_click_ids"),
        **{name: _text(name) for name in ("country_code", "country", "region", "city", *_DEVICE)},
        "viewport_width": ("INTEGER", "viewport_width"),
        "viewport_height": ("INTEGER", "viewport_height"),
    },
    "people": {
        "person_id": _text("person_id"),
        "user_ids": ("VARCHAR[]", "user_ids"),
        "identified_at": _time("identified_at"),
        "visitor_ids": ("VARCHAR[]", "visitor_ids"),
        "traits": _text("traits"),
    },
    "identify": {
        "user_id": _text("user_id"),
        "visitor_id": _text("visitor_id"),
        "happened_at": _time("happened_at"),
        "traits": _text("traits"),
        "set_once": _text("set_once"),
        "unset": ("VARCHAR[]", '"unset"'),
    },
    "payments": {
        "transaction_id": _text("transaction_id"),
        "amount": ("DECIMAL(20, 4)", "amount"),
        "currency": _text("currency"),
        "happened_at": _time("happened_at"),
        "kind": _text("kind"),
        "email": _text("email"),
        "name": _text("name"),
        "customer_id": _text("customer_id"),
        "visitor_id": _text("visitor_id"),
    },
}
"""By file its columns, and for each of them how its value is held, and what it becomes. JSON is text; times are UTC."""


def _cells(line: Line) -> tuple[object, ...]:
    if isinstance(line, EventLine):
        return _event_cells(line)
    if isinstance(line, PersonLine):
        return (line.person_id, line.user_ids, line.identified_at, line.visitor_ids, _json(line.traits))
    return _payment_cells(line) if isinstance(line, PaymentLine) else _identify_cells(line)


def _event_cells(line: EventLine) -> tuple[object, ...]:
    session, place, device = line.session, line.session.place, line.session.device
    names = device.device if device else None
    return (
        line.event_id,
        line.at,
        line.type,
        line.visitor_id,
        line.url,
        line.query,
        line.referrer,
        line.name,
        _json(line.data),
        session.started_at,
        session.entry_url,
        session.referrer,
        _json(session.params),
        _json(session.click_ids),
        *((place.country_code, place.country, place.region, place.city) if place else (None,) * 4),
        *((names.type, names.browser, names.browser_version) if names else (None,) * 3),
        *((names.os, names.os_version, names.vendor, names.model) if names else (None,) * 4),
        device.language if device else None,
        device.viewport_width if device else None,
        device.viewport_height if device else None,
    )


def _identify_cells(line: IdentifyLine) -> tuple[object, ...]:
    traits = {
        name: value
        for name, value in line.items()
        if name not in ("user_id", "datafast_visitor_id") and name[:1] != "$"
    }
    return (
        line["user_id"],
        line["datafast_visitor_id"],
        line["$at"],
        _json(traits),
        _json(line.get("$set_once")),
        line.get("$unset"),
    )


def _payment_cells(line: PaymentLine) -> tuple[object, ...]:
    kind = "refund" if line.refunded else "renewal" if line.renewal else line.kind or "payment"
    return (
        line.transaction_id,
        -line.amount if line.refunded else line.amount,
        line.currency,
        line.timestamp,
        "free_trial" if line.is_free_trial else kind,
        line.email,
        line.name,
        line.customer_id,
        line.datafast_visitor_id,
    )


def _json(value: object) -> str | None:
    return _encode_text(value).decode() if value else None
