"""`footfall demo`."""

from __future__ import annotations

import time
from typing import Any

import click

from footfall.auth.store import create_key
from footfall.cli.common import Whole, command_options, show
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.demo import DOMAIN
from footfall.demo.live import Door, keep_walking, walk_in
from footfall.demo.quarter import fill
from footfall.settings import Settings
from footfall.storage import CommandSession, command_session
from footfall.websites.model import Website
from footfall.websites.store import configuration_changed, create_website, read_websites


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed creates the same people.")
@click.option(
    "--live", is_flag=True, help="Send visitors to a running server until Ctrl-C or until it stops."
)
@click.option(
    "--port", type=Whole(1, 65535), metavar="NUMBER", help="Port of that server [FOOTFALL_PORT, 8000]."
)
@command_options
def demo(seed: int, live: bool, port: int | None, settings: Settings, as_json: bool) -> None:
    """Create the website demo.example with a believable quarter of data: 3,000 visitors, 300 of them identified users.

    With --live, send visitors to the existing website; if there is none, create it first.
    """
    with command_session(settings) as session:
        website = session.snapshot(_newest) if live else None
        if website is None:
            website, made = _make(session, seed)
            show(made, as_json)
    if live:
        _let_in(Door(port or settings.port, website.tracking_id), website, seed, as_json)
    elif not as_json:
        click.echo(
            "Start the server to look around. It prints its address and, until there is an account, a link to create yours."
        )


def _newest(tx: Transaction) -> Website | None:
    """The demo website; if there are several, the latest."""
    return next((one for one in reversed(read_websites(tx).values()) if one.domain == DOMAIN), None)


def _make(session: CommandSession, seed: int) -> tuple[Website, dict[str, Any]]:
    """A new demo website with its quarter of data, and what to show about it."""
    now = system_clock()

    def make(tx: Transaction) -> tuple[Website, bytes, str]:
        website = create_website(tx, DOMAIN, now, name="Demo", timezone="Europe/Berlin")
        key = create_key(tx, website.website_id, "backend", now)
        configuration_changed(tx)
        return website, key.key.api_key_id, key.secret

    website, key_id, key = session.transact(make)
    happened = fill(website, seed, now, session.transact, key_id)
    made = {"websiteId": website.website_id.hex(), "trackingId": website.tracking_id}
    return website, {**made, "key": key, "events": happened}


def _let_in(door: Door, website: Website, seed: int, as_json: bool) -> None:
    """Send visitors until Ctrl-C, or until the server stops."""
    if not as_json:
        page = f"http://127.0.0.1:{door.port}/w/{website.website_id.hex()}/live"
        click.echo(f"Sending visitors: see {page}. Press Ctrl-C to stop.")
        click.echo("To see them on the map, start the server with FOOTFALL_TRUSTED_PROXIES=127.0.0.1.")
    try:
        keep_walking(door, walk_in(seed, system_clock()), time.sleep)
    except KeyboardInterrupt:
        return
    if not as_json:
        click.echo("The server has stopped.")
