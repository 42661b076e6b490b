"""`footfall key` and `footfall token`."""

from __future__ import annotations

import click

from footfall.auth import store
from footfall.auth.model import ApiKey, NewKey, NewToken
from footfall.auth.scopes import SCOPES
from footfall.cli.common import command_options, configure, object_id, show, show_list, transact, website_of
from footfall.cli.shown import key_json, new_key_json, new_token_json, token_json
from footfall.cli.websites import split
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.settings import Settings

COLUMNS = ("displayKey", "lastUsedAt", "revokedAt", "name")
"""What lists show of a key or token besides its id; `--json` shows everything."""


@click.group()
def key() -> None:
    """Manage API keys (df_), each for one website."""


@key.command("create")
@click.argument("website_id")
@click.option("--name", required=True, help="What the key is for.")
@command_options
def create_key(website_id: str, name: str, settings: Settings, as_json: bool) -> None:
    """Create an API key for the website WEBSITE_ID. It is shown only once."""

    def work(tx: Transaction) -> NewKey:
        return store.create_key(tx, website_of(tx, website_id).website_id, name, system_clock())

    show(new_key_json(configure(settings, work)), as_json)


@key.command("list")
@click.argument("website_id")
@command_options
def list_keys(website_id: str, settings: Settings, as_json: bool) -> None:
    """List the API keys of the website WEBSITE_ID."""

    def work(tx: Transaction) -> list[ApiKey]:
        return store.list_keys(tx, website_of(tx, website_id).website_id)

    found = list(map(key_json, transact(settings, work)))
    show_list(found, as_json, "This website has no API keys yet.", ("apiKeyId", *COLUMNS))


@key.command("revoke")
@click.argument("key_id")
@command_options
def revoke_key(key_id: str, settings: Settings, as_json: bool) -> None:
    """Revoke the API key KEY_ID. Servers refuse it within a second."""
    asked = object_id(key_id, "KEY_ID")
    if not configure(settings, lambda tx: store.revoke_key(tx, asked, system_clock())):
        raise UsageError(f"KEY_ID: there is no active key {key_id}")
    show({"apiKeyId": key_id, "revoked": True}, as_json)


@click.group()
def token() -> None:
    """Manage access tokens (dft_), with chosen permissions on several websites."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--permissions", required=True, help=f"Comma-separated: {', '.join(SCOPES)}, or *.")
@click.option("--websites", default="", help="Website ids, comma-separated; all websites by default.")
@command_options
def create_token(name: str, permissions: str, websites: str, settings: Settings, as_json: bool) -> None:
    """Create an access token. It is shown only once."""

    def work(tx: Transaction) -> NewToken:
        allowed = [website_of(tx, text, "--websites").website_id for text in split(websites)]
        return store.create_token(tx, name, split(permissions), allowed, system_clock())

    show(new_token_json(configure(settings, work, makes=True)), as_json)


@token.command("list")
@command_options
def list_tokens(settings: Settings, as_json: bool) -> None:
    """List all access tokens."""
    found = list(map(token_json, transact(settings, store.list_tokens)))
    show_list(found, as_json, "No access tokens yet: footfall token create", ("tokenId", *COLUMNS))


@token.command("revoke")
@click.argument("token_id")
@command_options
def revoke_token(token_id: str, settings: Settings, as_json: bool) -> None:
    """Revoke the access token TOKEN_ID. Servers refuse it within a second."""
    asked = object_id(token_id, "TOKEN_ID")
    if not configure(settings, lambda tx: store.revoke_token(tx, asked, system_clock())):
        raise UsageError(f"TOKEN_ID: there is no active token {token_id}")
    show({"tokenId": token_id, "revoked": True}, as_json)
