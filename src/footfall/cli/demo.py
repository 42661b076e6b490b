"""`footfall demo`."""

from __future__ import annotations

import click

from footfall.app import command_session
from footfall.auth.store import create_key
from footfall.cli.common import command_options, show
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.demo import fill
from footfall.settings import Settings
from footfall.websites.model import Website
from footfall.websites.store import configuration_changed, create_website


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same people.")
@command_options
def demo(seed: int, settings: Settings, as_json: bool) -> None:
    """Make the website demo.example with a believable month: 2,000 visitors, 300 of them identified users."""
    now = system_clock()

    def make(tx: Transaction) -> tuple[Website, str, str]:
        website = create_website(tx, "demo.example", now, name="Demo", timezone="Europe/Berlin")
        key = create_key(tx, website.website_id, "backend", now)
        configuration_changed(tx)
        return website, key["apiKeyId"], key["key"]

    with command_session(settings) as session:
        website, key_id, key = session.transact(make)
        happened = fill(website, seed, now, session.transact, bytes.fromhex(key_id))
    show(
        {
            "websiteId": website.website_id.hex(),
            "trackingId": website.tracking_id,
            "key": key,
            "events": happened,
        },
        as_json,
    )
    if not as_json:
        click.echo(
            "Start the server to look around: its first line is the address, the last the link for your account."
        )
