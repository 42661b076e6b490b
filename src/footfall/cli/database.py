"""`footfall db`."""

from __future__ import annotations

from pathlib import Path

import click

from footfall.app import backup_database, command_session, migrate_database
from footfall.cli.common import data_option, settings_of, show
from footfall.identity.verify import verify_identity


@click.group()
def db() -> None:
    """The database itself."""


@db.command()
@data_option
def migrate(data: Path | None, as_json: bool) -> None:
    """Bring the schema up to date, after a backup when it holds data."""
    applied = migrate_database(settings_of(data))
    show({"applied": applied, "message": "The schema is up to date."}, as_json)


@db.command()
@data_option
@click.pass_context
def verify(context: click.Context, data: Path | None, as_json: bool) -> None:
    """Fold the ledger anew and compare it with what is stored; exit code 1 when they differ."""
    with command_session(settings_of(data)) as session:
        report = session.snapshot(verify_identity)
    show(report.as_json(), as_json)
    if report.differences:
        context.exit(1)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def backup(file: Path, data: Path | None, as_json: bool) -> None:
    """Write a consistent copy to the new FILE, also while a server writes."""
    backup_database(settings_of(data), file)
    show({"file": str(file), "bytes": file.stat().st_size}, as_json)
