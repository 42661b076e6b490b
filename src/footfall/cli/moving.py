"""`footfall import datafast` and `footfall import people`."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from functools import partial

import click

from footfall.cli.common import command_options, find_website, show, told
from footfall.clock import system_clock
from footfall.moving.client import DATAFAST, PER_MINUTE, SourceClient, open_http
from footfall.moving.mover import Mover
from footfall.moving.pace import Pace
from footfall.moving.progress import MoveProgress, progress_file
from footfall.moving.source import Source
from footfall.settings import Settings
from footfall.storage import command_session, require_database


@click.command("datafast")
@click.option(
    "--key",
    envvar="FOOTFALL_IMPORT_KEY",
    help="API key (df_...) or access token of the account [FOOTFALL_IMPORT_KEY]. Others can see it in the list of processes: leave it out "
    "to be asked for it.",
)
@click.option("--base-url", default=DATAFAST, show_default=True, help="Whose API it is.")
@click.option("--source-id", help="The website's id there, if the key alone does not tell it.")
@click.option("--website", "website_id", help="Website id here; optional if there is only one website.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what there is, and how long it takes.")
@command_options
def datafast(
    key: str | None,
    base_url: str,
    source_id: str | None,
    website_id: str | None,
    is_dry: bool,
    settings: Settings,
    as_json: bool,
) -> None:
    """Import a website from DataFast, or another Footfall, through its API.

    It makes at most 60 calls a minute, one for each visitor. Run it again to go on where it stopped, or for what came since.
    Exits with 1 if something was refused.
    """
    require_database(settings)
    key = (key or click.prompt("API key", hide_input=True, err=True)).strip()
    with command_session(settings) as session, open_http(base_url, key) as http:
        website = find_website(session, website_id)
        pace = Pace(PER_MINUTE, time.monotonic, time.sleep)
        source = Source(SourceClient(http, pace, source_id if key.startswith("dft_") else None))
        path = progress_file(settings.data, website.website_id, f"{source.address} {source_id or ''}")
        with closing(MoveProgress(path)) as progress:
            mover = Mover(session, website, source, progress, system_clock, source_id)
            with ExitStack() as stack:
                report = mover.look() if is_dry else mover.run(partial(_begin, stack, as_json))
    shown = {"dryRun": is_dry, **told(report)}
    if not as_json:
        for message in report.refused:
            click.echo(message, err=True)
        for message in (*report.missing, *report.unknown):
            click.echo(message, err=True)
        shown = {
            name: value for name, value in shown.items() if name not in ("refused", "missing", "unknown")
        }
    show(shown, as_json)
    if report.refused:
        raise SystemExit(1)
