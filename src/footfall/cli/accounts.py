"""`footfall account`."""

from __future__ import annotations

import sys

import click

from footfall.accounts.accounts import (
    clean_email,
    create_account,
    find_account,
    hash_password,
    list_accounts,
    no_such_account,
    remove_account,
    set_password,
)
from footfall.cli.common import command_options, show, show_list, transact
from footfall.cli.shown import account_json
from footfall.clock import system_clock
from footfall.settings import Settings


@click.group()
def account() -> None:
    """Manage who may use the dashboard."""


@account.command()
@click.argument("email")
@command_options
def create(email: str, settings: Settings, as_json: bool) -> None:
    """Create an account. Asks for the password, or reads it from standard input."""
    email = clean_email(email)  # before anybody types a password
    password_hash = hash_password(_read_password())
    made = transact(settings, lambda tx: create_account(tx, email, password_hash, system_clock()), makes=True)
    show({"accountId": made.account_id.hex(), "email": made.email}, as_json)


@account.command()
@click.argument("email")
@command_options
def password(email: str, settings: Settings, as_json: bool) -> None:
    """Change the password of the account EMAIL, and log it out everywhere."""
    email = clean_email(email)
    found = transact(settings, lambda tx: find_account(tx, email))
    if found is None:
        raise no_such_account()
    password_hash = hash_password(_read_password())
    transact(settings, lambda tx: set_password(tx, found.account, password_hash))
    show({"email": found.account.email, "message": "The password was changed."}, as_json)


@account.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Remove it even if it is the last one.")
@command_options
def remove(email: str, yes: bool, settings: Settings, as_json: bool) -> None:
    """Remove the account EMAIL, and log it out everywhere."""
    removed = transact(settings, lambda tx: remove_account(tx, clean_email(email), is_last_too=yes))
    show({"email": removed.email, "message": "The account was removed."}, as_json)


@account.command("list")
@command_options
def list_(settings: Settings, as_json: bool) -> None:
    """List all accounts."""
    found = transact(settings, list_accounts)
    show_list(
        [account_json(one) for one in found],
        as_json,
        "No accounts yet: footfall account create EMAIL",
        ("accountId", "createdAt", "email"),
    )


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return given
