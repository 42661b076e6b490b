"""What the commands share: options, the connection, and how results are printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from footfall.app import command_session
from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.ids import parse_object_id
from footfall.settings import Settings, read_settings
from footfall.websites.store import configuration_changed

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """`--data`, and `--json` for scripts."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the embedded database [FOOTFALL_DATA, ./data].",
    )(command)


def settings_of(data: Path | None) -> Settings:
    """The settings of a command. Raises UsageError."""
    return read_settings(os.environ, data=data)


def transact(data: Path | None, work: Callable[[Transaction], R]) -> R:
    """Run `work` in one transaction on the database; beside a running server, too."""
    with command_session(settings_of(data)) as session:
        return session.transact(work)


def configure(data: Path | None, work: Callable[[Transaction], R]) -> R:
    """Like `transact`, for work that changes a website, key or token: servers notice within a second."""

    def change(tx: Transaction) -> R:
        result = work(tx)
        configuration_changed(tx)
        return result

    return transact(data, change)


def object_id(text: str, what: str) -> bytes:
    """An id of 24 hex digits. Raises UsageError that names `what`."""
    parsed = parse_object_id(text)
    if parsed is None:
        raise UsageError(f"{what}: {text[:60]!r} is no id of 24 hex digits")
    return parsed


def show(value: dict[str, Any], as_json: bool) -> None:
    """Print one thing: JSON on one line, or a line for each field."""
    if as_json:
        click.echo(msgspec.json.encode(value))
        return
    width = max(map(len, value), default=0)
    for name, item in value.items():
        click.echo(f"{name:<{width}}  {_text(item)}")


def show_list(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    """Print many things: a JSON list, or a table; `empty` when there is none."""
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    if not rows:
        click.echo(empty)
        return
    table = [list(rows[0]), *([_text(item) for item in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _text(item: Any) -> str:
    if item is None:
        return "-"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return ", ".join(map(str, item)) if isinstance(item, list) else str(item)
