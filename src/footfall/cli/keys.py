"""`footfall key` and `footfall token`."""

from __future__ import annotations

from typing import Any

import click

from footfall.auth import store
from footfall.auth.scopes import SCOPES
from footfall.cli.common import command_options, configure, object_id, show, show_list, transact
from footfall.cli.websites import split
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.settings import Settings
from footfall.websites.store import read_websites


@click.group()
def key() -> None:
    """API keys (df_): each for one website."""


@key.command("create")
@click.argument("website_id")
@click.option("--name", required=True, help="What the key is for.")
@command_options
def create_key(website_id: str, name: str, settings: Settings, as_json: bool) -> None:
    """Create an API key of the website WEBSITE_ID; it is shown this once."""
    asked = object_id(website_id, "WEBSITE_ID")

    def work(tx: Transaction) -> dict[str, Any]:
        _require_websites(tx, [asked])
        return store.create_key(tx, asked, name, system_clock())

    show(configure(settings, work), as_json)


@key.command("list")
@click.argument("website_id")
@command_options
def list_keys(website_id: str, settings: Settings, as_json: bool) -> None:
    """List the API keys of the website WEBSITE_ID."""
    asked = object_id(website_id, "WEBSITE_ID")

    def work(tx: Transaction) -> list[dict[str, Any]]:
        _require_websites(tx, [asked])
        return store.list_keys(tx, asked)

    show_list(transact(settings, work), as_json, "This website has no API key yet.")


@key.command("revoke")
@click.argument("key_id")
@command_options
def revoke_key(key_id: str, settings: Settings, as_json: bool) -> None:
    """Revoke the API key KEY_ID; servers refuse it within a second."""
    asked = object_id(key_id, "KEY_ID")
    if not configure(settings, lambda tx: store.revoke_key(tx, asked, system_clock())):
        raise UsageError(f"KEY_ID: there is no key {key_id} that is not revoked")
    show({"apiKeyId": key_id, "revoked": True}, as_json)


@click.group()
def token() -> None:
    """Access tokens (dft_): for several websites, with chosen permissions."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--permissions", required=True, help=f"Comma-separated: {', '.join(SCOPES)}, or *.")
@click.option("--websites", default="", help="Website ids, comma-separated; all websites when left out.")
@command_options
def create_token(name: str, permissions: str, websites: str, settings: Settings, as_json: bool) -> None:
    """Create an access token; it is shown this once."""
    allowed = [object_id(text, "--websites") for text in split(websites)]

    def work(tx: Transaction) -> dict[str, Any]:
        _require_websites(tx, allowed)
        return store.create_token(tx, name, split(permissions), allowed, system_clock())

    show(configure(settings, work), as_json)


@token.command("list")
@command_options
def list_tokens(settings: Settings, as_json: bool) -> None:
    """List all access tokens."""
    show_list(transact(settings, store.list_tokens), as_json, "No access token yet: footfall token create")


@token.command("revoke")
@click.argument("token_id")
@command_options
def revoke_token(token_id: str, settings: Settings, as_json: bool) -> None:
    """Revoke the access token TOKEN_ID; servers refuse it within a second."""
    asked = object_id(token_id, "TOKEN_ID")
    if not configure(settings, lambda tx: store.revoke_token(tx, asked, system_clock())):
        raise UsageError(f"TOKEN_ID: there is no token {token_id} that is not revoked")
    show({"tokenId": token_id, "revoked": True}, as_json)


def _require_websites(tx: Transaction, website_ids: list[bytes]) -> None:
    known = read_websites(tx)
    for website_id in website_ids:
        if website_id not in known:
            raise UsageError(f"website: there is none with the id {website_id.hex()}")
