"""`footfall website calibration`."""

from __future__ import annotations

from typing import Any

import click

from footfall.cli.common import command_options, show, website_of
from footfall.clock import system_clock
from footfall.errors import UsageError
from footfall.predictions.calibration import Calibrated, calibrate
from footfall.predictions.history import PayersQuery, read_history
from footfall.settings import Settings
from footfall.storage import command_session, require_database

GROUPS = 6
"""Lines of the table that tells whether predictions come true."""


@click.command()
@click.argument("website_id")
@command_options
def calibration(website_id: str, settings: Settings, as_json: bool) -> None:
    """Show whether predictions of who will pay come true on the website WEBSITE_ID.

    Each visitor of its history is predicted by what became of the others, and held against what became of them.
    """
    require_database(settings)
    with command_session(settings) as session:
        found = session.snapshot(lambda tx: website_of(tx, website_id))
        asked = PayersQuery(found, system_clock(), None)
        history = session.snapshot(lambda tx: read_history(tx, asked))
    made = calibrate(history, GROUPS)
    if made is None:
        raise UsageError("too few visitors of the last 90 days have paid to hold any against predictions")
    _show_calibration(made, as_json)


def _show_calibration(made: Calibrated, as_json: bool) -> None:
    if as_json:
        show(_json(made), as_json)
        return
    click.echo(f"{'visitors':>8}  {'predicted':>9}  {'paid':>4}  {'predicted':>9}  {'paid':>6}")
    for one in made.groups:
        shares = f"{one.predicted / one.visitors:>9.1%}  {one.customers / one.visitors:>6.1%}"
        click.echo(f"{one.visitors:>8}  {one.predicted:>9.1f}  {one.customers:>4}  {shares}")
    click.echo(f"Against the average alone, predictions explain {made.explained:.0%} of what happened.")


def _json(made: Calibrated) -> dict[str, Any]:
    groups = [
        {"visitors": one.visitors, "predicted": round(one.predicted, 2), "paid": one.customers}
        for one in made.groups
    ]
    return {"groups": groups, "explained": round(made.explained, 3)}
