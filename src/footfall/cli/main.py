"""The `footfall` command."""

from __future__ import annotations

import os

import click

import footfall
from footfall.cli import accounts, columns, database, demo, history, identity, keys, serve, websites
from footfall.errors import ApiError, DatabaseError, UsageError

OWNER_ONLY = 0o077
"""Removed from the mode of every file and folder that a command or server creates: they hold secrets, and people's data."""


class _Group(click.Group):
    """Shows our errors as one line and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        before = os.umask(OWNER_ONLY)
        try:
            return super().invoke(ctx)
        except (UsageError, ApiError, DatabaseError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            os.umask(before)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(footfall.__version__, prog_name="footfall")
def main() -> None:
    """Footfall: self-hosted web analytics that knows who its visitors are."""


main.add_command(serve.serve)
main.add_command(websites.website)
main.add_command(keys.key)
main.add_command(keys.token)
main.add_command(database.db)
main.add_command(identity.import_)
main.add_command(history.export)
main.add_command(identity.doctor)
main.add_command(accounts.account)
main.add_command(demo.demo)
main.add_command(columns.columns)
main.add_command(columns.status)
