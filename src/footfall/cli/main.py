"""The `footfall` command."""

from __future__ import annotations

import os

import click

import footfall
from footfall.cli.lazy import LazyGroup
from footfall.errors import ApiError, DatabaseError, UsageError

OWNER_ONLY = 0o077
"""Removed from the mode of every file and folder that a command or server creates: they hold secrets, and people's data."""


class _Group(LazyGroup):
    """Shows our errors as one line and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        before = os.umask(OWNER_ONLY)
        try:
            return super().invoke(ctx)
        except (UsageError, ApiError, DatabaseError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            os.umask(before)


COMMANDS = {
    "account": "accounts:account",
    "columns": "columns:columns",
    "db": "database:db",
    "demo": "demo:demo",
    "doctor": "identity:doctor",
    "export": "history:export",
    "import": "history:import_",
    "key": "keys:key",
    "serve": "serve:serve",
    "status": "columns:status",
    "token": "keys:token",
    "website": "websites:website",
}


@click.group(cls=_Group, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(footfall.__version__, prog_name="footfall")
def main() -> None:
    """Footfall: self-hosted web analytics that knows who its visitors are."""
