"""`footfall db`."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from footfall.app import ERASERS
from footfall.backups.erasures import replay_all
from footfall.backups.restoring import restore_database
from footfall.cli.common import collect_rarely, command_options, progress_bar, show, told
from footfall.clock import system_clock
from footfall.column_parts import column_asking, column_folder, column_keeper, verify_texts
from footfall.db.copying import checksum, copy_all, count_rows, tables
from footfall.db.protocol import Params, Transaction
from footfall.errors import DatabaseError, UsageError
from footfall.identity.audit.rebuild import rebuild_identity
from footfall.identity.audit.verify import Report, verify_identity
from footfall.outbox import store as outbox
from footfall.people.erasing import remove_leftovers, verify_index
from footfall.people.index.indexer import START, mark_profiles
from footfall.privacy.replay import read_tombstones, tombstone_lines
from footfall.settings import Settings, read_place
from footfall.storage import (
    CommandSession,
    backup_database,
    command_session,
    exclusive,
    migrate_database,
    require_database,
)
from footfall.websites.store import read_websites

if TYPE_CHECKING:  # what keeps columns takes as long to load as all else
    from footfall.columns.verify import ColumnsReport


@click.group()
def db() -> None:
    """Manage the database itself."""


@db.command()
@command_options
def migrate(settings: Settings, as_json: bool) -> None:
    """Bring the schema up to date, after a backup if the database holds data."""
    applied = migrate_database(settings)
    show({"applied": applied, "message": "The schema is up to date."}, as_json)


def _verify(tx: Transaction) -> Report:
    report = verify_identity(tx)
    verify_index(tx, report)
    return report


@db.command()
@click.option("--full", "is_full", is_flag=True, help="Compare every row of the columns, not a sample.")
@command_options
@click.pass_context
def verify(context: click.Context, is_full: bool, settings: Settings, as_json: bool) -> None:
    """Fold the ledger again and compare the result with what is stored, and the columns with both. Exits with 1 if they differ.

    Servers may keep running.
    """
    require_database(settings)
    with command_session(settings) as session:
        report = session.snapshot(_verify)
        columns = _verify_columns(settings, session, is_full=is_full, as_json=as_json)
    found = report.as_json()
    if columns is not None:
        said = msgspec.to_builtins(columns)
        found["ok"] = found["ok"] and not columns.differences
        found |= {"columns": said} if as_json else {f"columns: {name}": said[name] for name in said}
    show(found if as_json else {name: value for name, value in found.items() if value != ""}, as_json)
    if not found["ok"]:
        context.exit(1)


def _verify_columns(
    settings: Settings, session: CommandSession, *, is_full: bool, as_json: bool
) -> ColumnsReport | None:
    """What the columns of this machine say, asked of the server's process or, without one, of the file; None: there are none yet."""
    from footfall.columns.file import FILE_NAME
    from footfall.columns.rebuild import count_visitors
    from footfall.columns.verify import verify_columns

    folder = column_folder(settings)
    if not settings.columns_url and not (folder / FILE_NAME).exists():
        return None
    visitors = session.snapshot(count_visitors) * (2 if is_full else 1)
    with (
        column_asking(settings, session) as ask,
        progress_bar(visitors, "Columns", is_hidden=as_json) as bar,
    ):
        return verify_columns(session, ask, verify_texts(settings), is_full=is_full, progress=bar.update)


def _rebuild(tx: Transaction) -> dict[str, int]:
    made = rebuild_identity(tx)
    remove_leftovers(tx)
    return made


@db.command()
@click.argument("what", type=click.Choice(["identity", "columns"]))
@command_options
def rebuild(what: str, settings: Settings, as_json: bool) -> None:
    """Rebuild profiles and links from the ledger, or the columns of this machine from the database. Stop all servers on the data first."""
    require_database(settings)
    with exclusive(settings), command_session(settings) as session:
        made = (
            session.transact(_rebuild) if what == "identity" else _rebuild_columns(settings, session, as_json)
        )
    show(made, as_json)


def _rebuild_columns(settings: Settings, session: CommandSession, as_json: bool) -> dict[str, int]:
    from footfall.columns.rebuild import count_visitors

    collect_rarely()
    keeper = column_keeper(settings, session)
    visitors = session.snapshot(count_visitors)
    keeper.prepare()
    if (found := keeper.settling()) is not None:
        session.transact(lambda tx: outbox.settle(tx, [], found.token, keeper.keeper_id))
        keeper.settled(found.token)
    if not keeper.prepare():
        raise DatabaseError(
            "A server that was just stopped still feeds the columns. Try again in a few seconds."
        )
    with progress_bar(visitors, "Visitors", is_hidden=as_json) as bar:
        keeper.rebuild(bar.update)
    keeper.install()
    rows = keeper.file.rows("SELECT count(*) FROM event_row WHERE website >= 0")[0][0] if keeper.file else 0
    keeper.close()
    return {"visitors": keeper.visitors_made, "rows": rows}


@db.group()
def erasures() -> None:
    """Carry erasures over to a restored backup. Files contain keyed hashes, never names."""


@erasures.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@command_options
def export_erasures(file: Path, settings: Settings, as_json: bool) -> None:
    """Write all erasures to the new FILE, to replay them after you restore an older backup."""
    require_database(settings)
    with command_session(settings) as session:
        tombstones = session.snapshot(tombstone_lines)
    try:
        with file.open("xb") as written:
            written.writelines(msgspec.json.encode(tombstone) + b"\n" for tombstone in tombstones)
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        reason = "already exists; choose a new file" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(f"{file}: {reason}") from error
    show({"file": str(file), "erasures": len(tombstones)}, as_json)


@erasures.command("replay")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@command_options
def replay_erasures(file: Path, settings: Settings, as_json: bool) -> None:
    """Repeat the erasures in FILE, as of the time they were made. Stop all servers on the data first."""
    require_database(settings)
    tombstones = list(read_tombstones(file.read_bytes().splitlines()))
    with exclusive(settings), command_session(settings) as session:
        replayed = replay_all(session, ERASERS, tombstones)
    show(told(replayed), as_json)


@db.command()
@click.option("--from", "source", required=True, metavar="URL", help="A data folder, or postgresql://...")
@click.option("--to", "target", required=True, metavar="URL", help="A data folder, or postgresql://...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy everything from one database to another, then compare both. Run it again to continue where it stopped.

    No server may write to either in the meantime.
    """
    source_settings, target_settings = _settings_at(source), _settings_at(target)
    require_database(source_settings)
    migrate_database(target_settings)
    with (
        exclusive(source_settings),
        exclusive(target_settings),
        command_session(source_settings) as old,
        command_session(target_settings) as new,
    ):
        rows = sum(count_rows(old).values())
        with progress_bar(rows, "Copying", is_hidden=as_json) as bar:
            _refuse_others(old, new)
            copy_all(old, new, bar.update)
        differences = _differences(old, new)
        if old.is_derived_new:  # there was no index to copy
            after: Params | None = START
            while after is not None:
                after = new.transact(functools.partial(mark_profiles, after=after))
    show({"ok": not differences, "rows": rows, "differences": differences}, as_json)
    if differences:
        raise SystemExit(1)


def _settings_at(url: str) -> Settings:
    if url.startswith(("postgresql://", "postgres://")):
        return read_place(os.environ, database_url=url)
    folder = url.removeprefix("sqlite://")
    if "://" in folder:
        raise UsageError("--from, --to: use a data folder, or postgresql://USER@HOST:PORT/NAME")
    return read_place(os.environ, data=Path(folder), database_url="", columns_url="")


def _refuse_others(old: CommandSession, new: CommandSession) -> None:
    """Raises DatabaseError if the target of a copy holds websites of its own."""
    if new.snapshot(read_websites).keys() - old.snapshot(read_websites).keys():
        raise DatabaseError(
            "The target holds websites that the source does not have: copy into an empty database."
        )


def _differences(old: CommandSession, new: CommandSession) -> list[str]:
    """The differences: numbers of rows and checksums of tables, and where the copy is not the fold of its ledger."""
    counts = zip(count_rows(old).items(), count_rows(new).items(), strict=True)
    found = [
        f"{name}: {many} rows, copied {copied}" for (name, many), (_, copied) in counts if many != copied
    ]
    found += [
        f"{table.name}: the checksums differ"
        for table in tables()
        if checksum(old, table.name) != checksum(new, table.name)
    ]
    return found + new.snapshot(_verify).shown


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@command_options
def backup(file: Path, settings: Settings, as_json: bool) -> None:
    """Write a consistent copy to the new FILE. Servers may keep running."""
    if not file.parent.is_dir():
        raise UsageError(
            f"{file.parent}: there is no such folder. If it is on another disk, is that mounted?"
        )
    backup_database(settings, file)
    show({"file": str(file), "bytes": file.stat().st_size}, as_json)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--without-erasures",
    is_flag=True,
    help="Restore even if the present database is too damaged to say who was erased since.",
)
@command_options
def restore(file: Path, without_erasures: bool, settings: Settings, as_json: bool) -> None:
    """Put the backup FILE in the place of the embedded database. Stop the server first.

    Checks the file, migrates it, and repeats the erasures made since. The present database stays beside it, under another name.
    """
    restored = restore_database(settings, file, ERASERS, system_clock(), without_erasures=without_erasures)
    show(told(restored), as_json)
