"""What the commands share: options, the connection, and how to print results."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Mapping, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import msgspec

from footfall.db.protocol import Transaction
from footfall.errors import ApiError, FieldError, UsageError, accepted
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.settings import Settings, read_place
from footfall.storage import CommandSession, command_session, require_database
from footfall.websites.model import Website
from footfall.websites.store import configuration_changed, read_websites

WIDTH = 80
"""Columns of the terminal."""
REST = 1.0
"""After each slice of an import, the embedded database is left alone for this many times as long as the slice took. A waiting server
checks only now and then whether the database is free: without the pause it would wait for seconds, and refuse calls."""
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def place_options(command: F) -> F:
    """`--data` and `--database`: where the data is."""
    command = click.option(
        "--database", metavar="URL", help="PostgreSQL server to use instead [FOOTFALL_DATABASE_URL]."
    )(command)
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the embedded database [FOOTFALL_DATA, ./data].",
    )(command)


def command_options(command: F) -> F:
    """`--data` and `--database`, given to the command as `settings`, and `--json`, as `as_json`."""

    @functools.wraps(command)
    def run(*args: Any, data: Path | None, database: str | None, **kwargs: Any) -> Any:
        return command(*args, settings=read_place(os.environ, data=data, database_url=database), **kwargs)

    return place_options(
        click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(run)
    )  # type: ignore[return-value]


def transact(
    settings: Settings, work: Callable[[Transaction], R | ApiError | FieldError], *, makes: bool = False
) -> R:
    """Run `work` in one transaction on the database, even next to a running server. Raises whatever it refuses with.

    `makes`: create a missing embedded database; otherwise, as in the wrong folder, raise UsageError.
    """
    if not makes:
        require_database(settings)
    with command_session(settings) as session:
        return session.transact(lambda tx: accepted(work(tx)))


def configure(
    settings: Settings, work: Callable[[Transaction], R | ApiError | FieldError], *, makes: bool = False
) -> R:
    """Like `transact`, for work that changes a website, key or token. Servers notice within a second."""

    def change(tx: Transaction) -> R:
        result = accepted(work(tx))
        configuration_changed(tx)
        return result

    return transact(settings, change, makes=makes)


def object_id(text: str, what: str) -> bytes:
    """An id of 24 hex digits. Raises UsageError that names `what`."""
    parsed = parse_object_id(text)
    if parsed is None:
        raise UsageError(f"{what}: {text[:60]!r} is no id of 24 hex digits")
    return parsed


def website_of(tx: Transaction, text: str, what: str = "WEBSITE_ID") -> Website:
    """The website with an id or a tracking id. Raises UsageError that names `what` if the text is neither."""
    websites = read_websites(tx)
    if text.startswith(TRACKING_PREFIX):
        found = next((one for one in websites.values() if one.tracking_id == text), None)
    else:
        found = websites.get(object_id(text, what))
    if found is None:
        raise UsageError(f"website: there is none with the id {text[:60]}; see footfall website list")
    return found


def find_website(session: CommandSession, text: str | None) -> Website:
    """The website with an id, or the only one. Raises UsageError."""
    websites = session.snapshot(read_websites)
    if text is None and len(websites) == 1:
        return next(iter(websites.values()))
    if text is None:
        raise UsageError("--website is required: there is more than one website, or none")
    return session.snapshot(lambda tx: website_of(tx, text, "website"))


def told(report: msgspec.Struct, left_out: Set[str] = frozenset()) -> dict[str, Any]:
    """A report with names as in JSON, without the fields `left_out`."""
    found: Mapping[str, Any] = msgspec.to_builtins(report)
    return {_camel(name): value for name, value in found.items() if name not in left_out}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def show(value: dict[str, Any], as_json: bool) -> None:
    """Print one thing: JSON on one line, or a line for each field."""
    if as_json:
        click.echo(msgspec.json.encode(value))
        return
    width = max(map(len, value), default=0)
    for name, item in value.items():
        click.echo(f"{name:<{width}}  {_text(item)}")


def show_list(rows: list[dict[str, Any]], as_json: bool, empty: str, columns: tuple[str, ...]) -> None:
    """Print many things: a JSON list, or a table of some columns, at most WIDTH wide; `empty` if there is nothing.

    The last column is cut off if there is no room for it, and times are shown as days.
    """
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    if not rows:
        click.echo(empty)
        return
    table = [list(columns), *([_cell(name, row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(columns) - 1)]
    room = WIDTH - sum(width + 2 for width in widths)
    for *cells, last in table:
        line = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join([*line, last if len(last) <= room else last[: room - 1] + "…"]).rstrip())


def _cell(name: str, item: Any) -> str:
    return str(item)[:10] if item and name.endswith("At") else _text(item)


def _text(item: Any) -> str:
    if item is None or item == []:
        return "-"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return ", ".join(map(str, item)) if isinstance(item, list) else str(item)


def progress_bar(length: int, label: str, *, is_hidden: bool) -> AbstractContextManager[TerminalBar]:
    """A bar on the standard error, if that is a terminal: in a log, its label would stand there alone."""
    hidden = is_hidden or not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, hidden=hidden, file=sys.stderr)


class TerminalBar(Protocol):
    """Shows how far a command is."""

    def update(self, n_steps: int) -> None: ...


class Whole(click.IntRange):
    """A whole number within bounds; click calls it an "integer range"."""

    name = "whole number"


def ask_secret(what: str) -> str:
    """A secret that somebody types unseen, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    given: str = click.prompt(what, hide_input=True, err=True)
    return given


SWITCH_SECONDS = 0.0005
"""For how long a thread that computes keeps the event loop waiting each time the loop comes back from a system call."""


def take_short_turns() -> None:
    """Let threads, such as those that read people for analytics, hand the interpreter over ten times as soon as Python does by itself."""
    sys.setswitchinterval(SWITCH_SECONDS)


def collect_rarely() -> None:
    """Whatever is loaded by now stays for good; neither requests nor rows leave cycles, so collect garbage rarely."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
