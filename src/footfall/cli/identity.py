"""`footfall import identify` and `footfall doctor`."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import click
import msgspec

from footfall.app import ERASERS
from footfall.cli.common import REST, command_options, find_website, progress_bar, show
from footfall.cli.lazy import LazyGroup
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.identity.audit import dating
from footfall.identity.audit.health import identity_health
from footfall.identity.identify.importing import (
    SLICE,
    Progress,
    Refusal,
    import_id,
    import_slice,
    read_progress,
    records,
)
from footfall.identity.identify.wire import health_json
from footfall.privacy.erase import finish_erasures
from footfall.settings import Settings
from footfall.storage import CommandSession, command_session, require_database
from footfall.websites.model import Website

MOST_SHOWN = 100


@click.group("import", cls=LazyGroup, places={"datafast": "moving:datafast", "people": "moving:people"})
def import_() -> None:
    """Import data from other systems."""


@import_.command("identify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--website", "website_id", help="Website id; optional if there is only one website.")
@command_options
def import_identify(file: Path, website_id: str | None, settings: Settings, as_json: bool) -> None:
    """Import identify calls from FILE: .ndjson with one call per line, or .csv with a column per field.

    Continues where it stopped if you run it again with the same file. Exits with 1 if a row was refused.
    """
    require_database(settings)
    total = sum(1 for _ in records(file))
    with command_session(settings) as session:
        website = find_website(session, website_id)
        if website.is_cookieless:
            raise UsageError(f"{website.domain} is cookieless: it knows no users")
        with progress_bar(total, "Importing", is_hidden=as_json) as bar:
            rest = 0.0 if settings.database_url else REST
            progress, refusals = _import(session, website, file, bar.update, rest)
    shown = [msgspec.to_builtins(refusal) for refusal in refusals]
    if as_json:
        show({**msgspec.to_builtins(progress), "refusals": shown}, as_json)
    else:
        for refusal in refusals:
            click.echo(f"row {refusal.row}: {refusal.message}", err=True)
        show(msgspec.to_builtins(progress), as_json)
    if progress.refused:
        raise SystemExit(1)


def _import(
    session: CommandSession, website: Website, file: Path, update: Any, rest: float
) -> tuple[Progress, list[Refusal]]:
    """Import the rest of a file. Returns the progress at its end, and the first rows refused this time. `rest`: see REST."""
    file_id = import_id(file)
    progress = session.snapshot(lambda tx: read_progress(tx, website.website_id, file_id))
    update(progress.position)
    waiting = itertools.islice(records(file), progress.position, None)
    refusals: list[Refusal] = []
    while rows := list(itertools.islice(waiting, SLICE)):
        started = perf_counter()
        work = partial(
            import_slice, website=website, file_id=file_id, rows=rows, progress=progress, clock=system_clock
        )
        progress, refused = session.transact(work)
        refusals += refused[: MOST_SHOWN - len(refusals)]
        update(len(rows))
        sleep(rest * (perf_counter() - started))
    return progress, refusals


def _date_back(tx: Transaction, website: Website) -> int:
    """Date back facts in the future, once running erasures are done; how many."""
    tx.lock([(website.website_id, b"people")])
    finish_erasures(tx, ERASERS, website.website_id)
    return dating.date_back(tx, website, system_clock())


@click.command()
@click.argument("website_id")
@click.option(
    "--date-back",
    is_flag=True,
    help="First date facts in the future, left by a clock that ran ahead, back to when they were received.",
)
@command_options
def doctor(website_id: str, date_back: bool, settings: Settings, as_json: bool) -> None:
    """Find likely mistakes in who is who on a website, and say how to fix them."""
    require_database(settings)
    dated = 0
    with command_session(settings) as session:
        website = find_website(session, website_id)
        if date_back:
            dated = session.transact(lambda tx: _date_back(tx, website))
        report = health_json(session.snapshot(lambda tx: identity_health(tx, website)))
    if as_json:
        show({**report, "datedBack": dated} if date_back else report, as_json)
        return
    if date_back:
        click.echo(f"{dated} facts dated back.")
    click.echo(f"{website.domain}: {'nothing looks wrong' if report['ok'] else 'this looks wrong'}")
    for finding in report["findings"]:
        if finding["count"]:
            click.echo(f"\n{finding['count']} {finding['kind'].replace('_', ' ')}: {finding['advice']}")
            for example in finding["examples"]:
                click.echo(f"  {_in_words(example)}")


def _in_words(example: dict[str, Any]) -> str:
    """An example as one line: its fields, without those meant for programs, and the names of people."""
    told = {name: value for name, value in example.items() if name not in ("merge", "preview", "profileIds")}
    if "who" in told:
        told["who"] = [str(one["name"] or one["email"] or one["userId"]) for one in told["who"]]
    return ", ".join(
        f"{name} {' and '.join(value) if isinstance(value, list) else value}" for name, value in told.items()
    )
