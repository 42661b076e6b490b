"""`footfall columns`, which servers start beside themselves, and `footfall status`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import click
import msgspec

from footfall import log
from footfall.app import column_folder, column_process
from footfall.cli.common import collect_rarely, command_options, place_options, show
from footfall.columns.client import ColumnsClient
from footfall.columns.process import socket_path
from footfall.settings import Settings, read_settings


@click.command()
@command_options
def status(settings: Settings, as_json: bool) -> None:
    """How the columns are that analytics are answered from, while a server runs on this machine."""
    client = ColumnsClient(socket_path(column_folder(settings)))
    show(msgspec.to_builtins(asyncio.run(client.health())), as_json)


@click.command(hidden=True)
@place_options
def columns(data: str | None, database: str | None) -> None:
    """Keep the columns that analytics are answered from, until the standard input ends. Servers start this by themselves."""
    settings = read_settings(os.environ, data=data, database_url=database)
    log.configure(settings.log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the server gets it too, and ends this
    collect_rarely()
    with column_process(settings) as process:

        def stop_when_alone() -> None:
            sys.stdin.buffer.read()
            process.stop()

        signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
        threading.Thread(target=stop_when_alone, daemon=True).start()
        asyncio.run(process.run())
