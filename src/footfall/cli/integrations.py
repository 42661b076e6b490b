"""`footfall website payments`."""

from __future__ import annotations

import sys

import click

from footfall.app import sealing_key
from footfall.cli.common import command_options, show, show_list, transact, website_of
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.payments.providers import PROVIDERS
from footfall.payments.webhooks.integrations import (
    check_secret,
    integrations_of,
    remove_secret,
    set_secret,
)
from footfall.payments.webhooks.wire import integration_json, webhook_path
from footfall.settings import Settings


@click.group()
def payments() -> None:
    """The payment providers that a website is connected to."""


@payments.command("set")
@click.argument("website_id")
@click.argument("provider", type=click.Choice(list(PROVIDERS)))
@command_options
def set_(website_id: str, provider: str, settings: Settings, as_json: bool) -> None:
    """Set the webhook secret of PROVIDER; it is asked for, or read from standard input."""
    of, key = PROVIDERS[provider], sealing_key(settings)
    found = transact(settings, lambda tx: website_of(tx, website_id))
    secret = check_secret(of, _read_secret())
    transact(settings, lambda tx: set_secret(tx, key, found.website_id, of, secret, system_clock()))
    show(
        {
            "provider": provider,
            "webhookPath": webhook_path(provider, found.website_id),
            "events": list(of.events),
            "message": "The secret was set.",
        },
        as_json,
    )


@payments.command("show")
@click.argument("website_id")
@command_options
def show_(website_id: str, settings: Settings, as_json: bool) -> None:
    """Show which providers the website WEBSITE_ID is connected to, and with --json what was refused of late."""
    key = sealing_key(settings)

    def read(tx: Transaction) -> list[dict[str, object]]:
        found = website_of(tx, website_id).website_id
        return [integration_json(found, one) for one in integrations_of(tx, key, found)]

    columns = ("provider", "isConnected", "isSecretReadable", "webhookPath")
    show_list(transact(settings, read), as_json, "", columns)


@payments.command("remove")
@click.argument("website_id")
@click.argument("provider", type=click.Choice(list(PROVIDERS)))
@command_options
def remove(website_id: str, provider: str, settings: Settings, as_json: bool) -> None:
    """Forget the webhook secret of PROVIDER; the payments stay."""

    def work(tx: Transaction) -> NotFound | None:
        return remove_secret(tx, website_of(tx, website_id).website_id, PROVIDERS[provider])

    transact(settings, work)
    show({"provider": provider, "message": "The secret was removed."}, as_json)


def _read_secret() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    given: str = click.prompt("Webhook secret", hide_input=True, err=True)
    return given
