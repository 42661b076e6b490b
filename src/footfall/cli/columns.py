"""`footfall columns`, which servers start beside themselves, and `footfall status`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import click
import msgspec

from footfall import log
from footfall.backups.schedule import BackupState, read_state
from footfall.cli.common import collect_rarely, command_options, place_options, show
from footfall.cli.standing import advice_on, read_standing, readable
from footfall.clock import system_clock, to_iso
from footfall.column_parts import column_process, columns_client
from footfall.columns.wire import ColumnsHealth
from footfall.errors import Unavailable, UsageError
from footfall.settings import Settings, read_settings
from footfall.storage import command_session, require_database


@click.command()
@command_options
def status(settings: Settings, as_json: bool) -> None:
    """What runs here, how large it is, when the last backup was made, how far analytics are behind, and what to do. Exits with 1 if nobody
    keeps the columns that analytics are answered from."""
    require_database(settings)
    standing, backups = read_standing(settings), read_state(settings, system_clock())
    told = msgspec.to_builtins(standing) | _last_backup(backups)
    more = [*advice_on(standing), *_told_of(backups)]
    try:
        health = asyncio.run(columns_client(settings).health())
    except Unavailable as error:
        _tell(told | {"isThere": False, "message": " ".join(more) or None}, as_json)
        raise UsageError(AWAY) from error
    told |= {name: item for name, item in msgspec.to_builtins(health).items() if name != "type"}
    _tell(told | {"message": " ".join([advice(health), *more])}, as_json)


def _last_backup(state: BackupState | None) -> dict[str, Any]:
    if state is None:
        return {}
    return {"lastBackup": to_iso(state.last.at) if state.last else None}


def _told_of(backups: BackupState | None) -> list[str]:
    return [backups.advice] if backups is not None and backups.late_by else []


def _tell(told: dict[str, Any], as_json: bool) -> None:
    show(told if as_json else _renamed(readable(told)), as_json)


def _renamed(told: dict[str, Any]) -> dict[str, Any]:
    """By the words that a person reads."""
    return {NAMES.get(name, name): value for name, value in told.items() if value != ""}


NAMES = {
    "serverMemory": "  memory",
    "serverMapped": "  mapped files",
    "databaseBytes": "database",
    "logBytes": "  log",
    "indexBytes": "  index",
    "freeBytes": "disk has left",
    "lastBackup": "last backup",
    "isThere": "analytics answer",
    "bytes": "  columns",
    "memory": "  their memory",
    "lag": "  behind by",
    "made": "  visitors done",
    "waitsFor": "  wait for",
    "message": "what to do",
}


AWAY = (
    "Nobody keeps the columns of this machine, so analytics are answered with 503. Is a server running here, with this --data? "
    "It starts the process that keeps them within seconds. If one runs: its log says why, in lines with component=columns."
)
NICENESS = 10
"""By how much calls that come in go first where the processor is busy."""
LATE_MS = 60_000
"""Analytics that are so far behind are worth a word."""


def advice(health: ColumnsHealth) -> str:
    """What an operator has to know, and to do."""
    if health.waits_for:
        return f"Analytics wait, and go on by themselves once this is mended: {health.waits_for} Events are taken as usual."
    if not health.is_there:
        return (
            f"The columns are being made from the database: {health.made or 0} visitors so far. Until then, analytics are answered with "
            "503. Nothing else is affected, and there is nothing to do."
        )
    if health.lag > LATE_MS:
        return f"Analytics are {health.lag // 1000} s behind. They catch up by themselves; if this number grows, the machine is too busy."
    return "Analytics are up to date."


@click.command(hidden=True)
@place_options
def columns(data: str | None, database: str | None) -> None:
    """Keep the columns that analytics are answered from, until the standard input ends. Servers start this by themselves."""
    settings = read_settings(os.environ, data=data, database_url=database)
    log.configure(settings.log_level)
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the server gets it too, and ends this
    collect_rarely()
    with command_session(settings) as session:
        process = column_process(settings, session)

        def stop_when_alone() -> None:
            while os.read(
                sys.stdin.fileno(), 1024
            ):  # unbuffered: a buffer must not be in use when Python ends
                pass
            process.stop()

        signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
        threading.Thread(target=stop_when_alone, daemon=True).start()
        asyncio.run(process.run())
