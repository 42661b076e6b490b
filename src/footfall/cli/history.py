"""`footfall import events`, `footfall import payments` and `footfall export`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from footfall.cli.common import REST, command_options, find_website, progress_bar, show, told
from footfall.cli.identity import import_
from footfall.clock import system_clock
from footfall.errors import UsageError
from footfall.history.exported import EXPORTED, count_rows
from footfall.history.exporting import export_history
from footfall.history.importing import Importer, count_lines
from footfall.history.model import HistoryFormat, ImportTarget, RefusedRow
from footfall.history.paying import import_payments
from footfall.history.reading import know_files
from footfall.history.sources import find_sources
from footfall.history.writing import ExportFormat
from footfall.settings import Settings
from footfall.storage import command_session, require_database

_website_option = click.option(
    "--website", "website_id", help="Website id; optional if there is only one website."
)


@import_.command("events")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@_website_option
@click.option(
    "--format",
    "wanted",
    type=click.Choice([one.value for one in HistoryFormat]),
    help="Whose export it is, if it must be this one.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what would be imported.")
@command_options
def import_events(
    path: Path, website_id: str | None, wanted: str | None, is_dry: bool, settings: Settings, as_json: bool
) -> None:
    """Import history from FILE: an export of Footfall, Umami, GoatCounter or Plausible, as a file, .gz, .zip or folder.

    Each row is imported once, however often you run it. Exits with 1 if a row was refused.
    """
    require_database(settings)
    files, not_read = know_files(find_sources(path), HistoryFormat(wanted) if wanted else None)
    lines = count_lines(files)
    with command_session(settings) as session:
        target = ImportTarget(find_website(session, website_id), system_clock())
        importer = Importer(session, target, is_dry=is_dry, rest=0.0 if settings.database_url else REST)
        label = "Looking" if is_dry else "Importing"
        with progress_bar(lines, label, is_hidden=as_json) as bar:
            report = importer.run(files, not_read, bar.update)
    _tell({"dryRun": is_dry, **told(report)}, report.refusals, as_json)


@import_.command("payments")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_website_option
@command_options
def import_paid(path: Path, website_id: str | None, settings: Settings, as_json: bool) -> None:
    """Import payments from FILE: NDJSON with one payment per line, as for the API or from an export; .gz too.

    Each is imported once, by its transaction_id, however often you run it. Exits with 1 if a row was refused.
    """
    require_database(settings)
    sources = find_sources(path)
    if len(sources) != 1:
        raise UsageError(f"{path.name}: must hold exactly one file")
    lines = sum(1 for _ in sources[0].lines())
    with command_session(settings) as session:
        target = ImportTarget(find_website(session, website_id), system_clock())
        rest = 0.0 if settings.database_url else REST
        with progress_bar(lines, "Importing", is_hidden=as_json) as bar:
            report = import_payments(session, target, sources[0], rest, bar.update)
    _tell(told(report), report.refusals, as_json)


@click.command()
@_website_option
@click.option(
    "--format",
    "wanted",
    type=click.Choice([one.value for one in ExportFormat]),
    default=ExportFormat.NDJSON.value,
    show_default=True,
)
@click.option(
    "--out", "folder", required=True, type=click.Path(path_type=Path), help="A new folder for the files."
)
@command_options
def export(website_id: str | None, wanted: str, folder: Path, settings: Settings, as_json: bool) -> None:
    """Export all events, people, identify calls and payments of a website into a new folder, as of one moment.

    The files hold personal data. NDJSON can be imported again.
    """
    require_database(settings)
    with command_session(settings) as session:
        website = find_website(session, website_id).website_id
        rows = session.snapshot(partial(count_rows, website_id=website, files=EXPORTED))
        with progress_bar(rows, "Exporting", is_hidden=as_json) as bar:
            work = partial(
                export_history,
                website_id=website,
                folder=folder,
                kind=ExportFormat(wanted),
                progress=bar.update,
            )
            counts = session.snapshot(work)
    show({"folder": str(folder), **counts}, as_json)


def _tell(shown: dict[str, Any], refusals: list[RefusedRow], as_json: bool) -> None:
    """Print a report; for people without what is empty, and with a line for each refused row. Exits with 1 if there is one."""
    if not as_json:
        for one in refusals:
            click.echo(f"{one.file}, line {one.line}: {one.message}", err=True)
        for note in shown.get("unknown", ()):
            click.echo(note, err=True)
        shown = {**shown, "leftOut": [f"{many} {why}" for why, many in shown.get("leftOut", {}).items()]}
        shown["notRead"] = list(shown.get("notRead", ()))
        shown = {
            name: value
            for name, value in shown.items()
            if name not in ("refusals", "unknown") and value != []
        }
    show(shown, as_json)
    if shown["refused"]:
        raise SystemExit(1)
