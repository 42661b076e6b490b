"""`footfall website payments`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from footfall.cli.common import ask_secret, command_options, show, show_list, transact, website_of
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.model import KeyCall, KeyConnection
from footfall.payments.connecting.rules import check_account, check_key
from footfall.payments.connecting.service import KeyConnections
from footfall.payments.connecting.store import connection_of, connections_of
from footfall.payments.connecting.wire import connection_json, disconnected_json
from footfall.payments.providers import PROVIDERS, Provider
from footfall.payments.webhooks.integrations import check_secret, integrations_of, set_secret
from footfall.payments.webhooks.model import DeliveryCall
from footfall.payments.webhooks.sealing import sealing_key
from footfall.payments.webhooks.service import receive_alone
from footfall.payments.webhooks.wire import integration_json, webhook_path
from footfall.settings import Settings
from footfall.storage import CommandSession, command_session, require_database
from footfall.websites.model import Website
from footfall.websites.store import read_websites

R = TypeVar("R")


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
    secret = check_secret(of, ask_secret("Webhook secret"))
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


@payments.command("connect")
@click.argument("website_id")
@click.argument("provider", type=click.Choice(list(PROVIDERS)))
@click.option("--url", help="Public address of this server [FOOTFALL_PUBLIC_URL].")
@click.option("--account", help="Lemon Squeezy: the store's id; Polar: the organization's.")
@click.option(
    "--keep-key", is_flag=True, help="Store the key, encrypted, to go on after a restart and to disconnect."
)
@command_options
def connect(
    website_id: str,
    provider: str,
    url: str | None,
    account: str | None,
    keep_key: bool,
    settings: Settings,
    as_json: bool,
) -> None:
    """Connect PROVIDER by API key: make the webhook, and import the last 90 days.

    The key is asked for, or read from standard input. It is not stored unless --keep-key says so.
    """
    of = PROVIDERS[provider]
    key = check_key(of, ask_secret("API key"))
    named = check_account("--account", account) if APIS[provider].account_field else None

    async def work(connections: KeyConnections, website: Website) -> None:
        origin = url or settings.public_url
        await connections.connect(website.website_id, of, KeyCall(key, named, keep_key), origin)
        while not connections.importing.is_idle:
            await asyncio.sleep(await connections.importing.advance())

    _run(settings, website_id, work)
    shown = connection_json(transact(settings, lambda tx: _connection(tx, website_id, of)), system_clock())
    imported = shown.pop("import")
    show({"provider": provider, **shown, **({"import": imported} if as_json else imported)}, as_json)


@payments.command("show")
@click.argument("website_id")
@command_options
def show_(website_id: str, settings: Settings, as_json: bool) -> None:
    """Show which providers the website WEBSITE_ID is connected to, and with --json what was imported, and refused of late."""
    key = sealing_key(settings)

    def read(tx: Transaction) -> list[dict[str, object]]:
        found, now = website_of(tx, website_id).website_id, system_clock()
        connections = {one.provider: one for one in connections_of(tx, found)}
        return [
            integration_json(found, one) | connection_json(connections.get(one.provider), now)
            for one in integrations_of(tx, key, found)
        ]

    columns = ("provider", "isConnected", "isSecretReadable", "webhookPath")
    show_list(transact(settings, read), as_json, "", columns)


@payments.command("remove")
@click.argument("website_id")
@click.argument("provider", type=click.Choice(list(PROVIDERS)))
@click.option(
    "--with-key", is_flag=True, help="Ask for an API key, to remove the webhook that Footfall made."
)
@command_options
def remove(website_id: str, provider: str, with_key: bool, settings: Settings, as_json: bool) -> None:
    """Forget the webhook secret of PROVIDER, and remove the webhook there if Footfall made it and has the key. The payments stay."""
    of = PROVIDERS[provider]
    key = check_key(of, ask_secret("API key")) if with_key else None

    async def work(connections: KeyConnections, website: Website) -> dict[str, Any]:
        return disconnected_json(of, await connections.disconnect(website.website_id, of, key))

    show(_run(settings, website_id, work), as_json)


class _CommandShelf:
    """Where a command stores imports: beside a server, if one runs."""

    def __init__(self, session: CommandSession) -> None:
        self._session = session

    async def websites(self) -> Mapping[bytes, Website]:
        return self._session.snapshot(read_websites)

    async def take(self, calls: Sequence[DeliveryCall]) -> None:
        self._session.transact(lambda tx: receive_alone(tx, list(calls)))

    async def change(self, work: Callable[[Transaction], R]) -> R:
        return self._session.transact(work)


def _run(settings: Settings, website_id: str, work: Callable[[KeyConnections, Website], Any]) -> Any:
    """Run `work` on the connections by key of this database. Raises UsageError and ApiError."""
    require_database(settings)
    with command_session(settings) as session:
        website = session.snapshot(lambda tx: website_of(tx, website_id))
        connections = KeyConnections(_CommandShelf(session), sealing_key(settings), system_clock)

        async def run() -> Any:
            try:
                return await work(connections, website)
            finally:
                await connections.importing.close()

        return asyncio.run(run())


def _connection(tx: Transaction, website_id: str, provider: Provider) -> KeyConnection | None:
    return connection_of(tx, (website_of(tx, website_id).website_id, provider.name))
