"""`footfall db`."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import click

from footfall.app import CommandSession, backup_database, command_session, exclusive, migrate_database
from footfall.cli.common import command_options, show
from footfall.db.copying import checksum, copy_all, count_rows, tables
from footfall.db.protocol import Params
from footfall.db.sqlite_file import FILE_NAME
from footfall.errors import UsageError
from footfall.identity.rebuild import rebuild_identity
from footfall.identity.verify import verify_identity
from footfall.people.index import START, mark_profiles
from footfall.settings import Settings, read_settings


@click.group()
def db() -> None:
    """The database itself."""


@db.command()
@command_options
def migrate(settings: Settings, as_json: bool) -> None:
    """Bring the schema up to date, after a backup when it holds data."""
    applied = migrate_database(settings)
    show({"applied": applied, "message": "The schema is up to date."}, as_json)


@db.command()
@command_options
@click.pass_context
def verify(context: click.Context, settings: Settings, as_json: bool) -> None:
    """Fold the ledger anew and compare it with what is stored; exit code 1 when they differ."""
    with command_session(settings) as session:
        report = session.snapshot(verify_identity)
    show(report.as_json(), as_json)
    if report.differences:
        context.exit(1)


@db.command()
@click.argument("what", type=click.Choice(["identity"]))
@command_options
def rebuild(what: str, settings: Settings, as_json: bool) -> None:
    """Make profiles and links anew from the ledger. No server may run on the data meanwhile."""
    with exclusive(settings), command_session(settings) as session:
        show(session.transact(rebuild_identity), as_json)


@db.command()
@click.option("--from", "source", required=True, metavar="URL", help="A data folder, or postgresql://...")
@click.option("--to", "target", required=True, metavar="URL", help="A data folder, or postgresql://...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def copy(source: str, target: str, as_json: bool) -> None:
    """Move everything from one database to another, then compare both; run it again to go on where it stopped.

    No server may write to either meanwhile.
    """
    source_settings, target_settings = _settings_at(source), _settings_at(target)
    if not source_settings.database_url and not (source_settings.data / FILE_NAME).exists():
        raise UsageError(f"--from: there is no database in {source_settings.data}")
    migrate_database(target_settings)
    with (
        exclusive(source_settings),
        exclusive(target_settings),
        command_session(source_settings) as old,
        command_session(target_settings) as new,
    ):
        rows = sum(count_rows(old).values())
        with click.progressbar(length=rows, label="Copying", hidden=as_json, file=sys.stderr) as bar:
            copy_all(old, new, bar.update)
        differences = _differences(old, new)
        if old.is_derived_new:  # there was nothing to copy of the index
            after: Params | None = START
            while after is not None:
                after = new.transact(functools.partial(mark_profiles, after=after))
    show({"ok": not differences, "rows": rows, "differences": differences}, as_json)
    if differences:
        raise SystemExit(1)


def _settings_at(url: str) -> Settings:
    if url.startswith(("postgresql://", "postgres://")):
        return read_settings(os.environ, database_url=url)
    folder = url.removeprefix("sqlite://")
    if "://" in folder:
        raise UsageError("--from, --to: use a data folder, or postgresql://USER@HOST:PORT/NAME")
    return read_settings(os.environ, data=Path(folder), database_url="")


def _differences(old: CommandSession, new: CommandSession) -> list[str]:
    """What is not alike: numbers of rows and checksums of tables, and where the copy is not the fold of its ledger."""
    counts = zip(count_rows(old).items(), count_rows(new).items(), strict=True)
    found = [
        f"{name}: {many} rows, copied {copied}" for (name, many), (_, copied) in counts if many != copied
    ]
    found += [
        f"{table.name}: the checksums differ"
        for table in tables()
        if checksum(old, table.name) != checksum(new, table.name)
    ]
    return found + new.snapshot(verify_identity).shown


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@command_options
def backup(file: Path, settings: Settings, as_json: bool) -> None:
    """Write a consistent copy to the new FILE, also while a server writes."""
    backup_database(settings, file)
    show({"file": str(file), "bytes": file.stat().st_size}, as_json)
