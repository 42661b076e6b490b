"""`footfall import datafast` and `footfall import people`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from footfall.cli.common import REST, ask_secret, command_options, find_website, progress_bar, show, told
from footfall.clock import system_clock
from footfall.errors import UsageError
from footfall.history.sources import find_sources
from footfall.moving.client import DATAFAST, PER_MINUTE, SourceClient, open_http
from footfall.moving.model import IMPORTED
from footfall.moving.mover import Mover
from footfall.moving.pace import Pace
from footfall.moving.people import PeopleMapping, Product
from footfall.moving.peoplefile import PeopleImporter, read_people_file
from footfall.moving.progress import MoveProgress
from footfall.moving.source import SourceAccount
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
    key = (key or ask_secret("API key")).strip()
    with command_session(settings) as session, open_http(base_url, key) as http:
        website = find_website(session, website_id)
        pace = Pace(PER_MINUTE, time.monotonic, time.sleep)
        asked = source_id if key.startswith("dft_") else None
        source = SourceAccount(SourceClient(http, pace, _tell_wait, asked))
        progress = MoveProgress(session, website.website_id, f"{source.address} {asked or ''}", system_clock)
        mover = Mover(session, website, source, progress, system_clock, source_id)
        with ExitStack() as stack:
            report = mover.look() if is_dry else mover.run(partial(_begin, stack, as_json))
    left_out = IMPORTED if is_dry else {"minutes"}
    if not as_json:
        for message in (*report.refused, *report.missing, *report.unknown):
            click.echo(message, err=True)
        left_out = left_out | {"refused", "missing", "unknown"}
    show({"dryRun": is_dry, **told(report, left_out)}, as_json)
    if report.refused:
        raise SystemExit(1)


def _tell_wait(text: str) -> None:
    """On a line of its own: a terminal may show a bar."""
    click.echo(f"\n{text}" if sys.stderr.isatty() else text, err=True)


def _begin(stack: ExitStack, is_hidden: bool, visitors: int) -> Callable[[int], None]:
    """Shows how far the visitors are; what gets the number of those that are done."""
    bar = progress_bar(visitors, "Importing visitors", is_hidden=is_hidden)
    return stack.enter_context(bar).update


@click.command("people")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--from",
    "product",
    type=click.Choice([one.value for one in Product]),
    required=True,
    help="Whose export it is.",
)
@click.option(
    "--map",
    "pairs",
    metavar="COLUMN=TRAIT",
    multiple=True,
    help="Call a column or property by another name here; $at is the time of which a row tells.",
)
@click.option("--user-id", "user_id", metavar="COLUMN", help="Where your own id of a person stands.")
@click.option("--website", "website_id", help="Website id; optional if there is only one website.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what would be imported.")
@command_options
def people(
    path: Path,
    product: str,
    pairs: tuple[str, ...],
    user_id: str | None,
    website_id: str | None,
    is_dry: bool,
    settings: Settings,
    as_json: bool,
) -> None:
    """Import people from FILE: an export of PostHog, Mixpanel or Segment, or a CSV; .gz too.

    Each row is imported once, however often you run it with the same file. Exits with 1 if a row was refused.
    """
    require_database(settings)
    mapping = PeopleMapping(Product(product), dict(map(_pair, pairs)), user_id)
    sources = find_sources(path)
    if len(sources) != 1:
        raise UsageError(f"{path.name}: must hold exactly one file")
    rows = sum(1 for _ in read_people_file(sources[0], mapping.product))
    with command_session(settings) as session:
        website = find_website(session, website_id)
        if website.is_cookieless:
            raise UsageError(f"{website.domain} is cookieless: it knows no users")
        importer = PeopleImporter(
            session,
            website,
            mapping,
            sources[0],
            round(path.stat().st_mtime * 1000),
            system_clock,
            is_dry=is_dry,
            rest=0.0 if settings.database_url else REST,
        )
        label = "Looking" if is_dry else "Importing"
        with progress_bar(rows, label, is_hidden=as_json) as bar:
            report = importer.run(bar.update)
    shown = {"dryRun": is_dry, **told(report)}
    if not as_json:
        for message in report.refusals:
            click.echo(message, err=True)
        del shown["refusals"]
        shown["leftOut"] = [f"{many} {why}" for why, many in report.left_out.items()]
    show(shown, as_json)
    if report.refused:
        raise SystemExit(1)


def _pair(text: str) -> tuple[str, str]:
    column, separator, trait = text.partition("=")
    if not (separator and column and trait):
        raise UsageError(f"--map: {text[:60]!r} is no COLUMN=TRAIT, such as Plan=plan")
    return column, trait
