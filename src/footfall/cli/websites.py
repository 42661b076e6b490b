"""`footfall website`."""

from __future__ import annotations

import click
import msgspec

from footfall.auth.removal import close_website
from footfall.cli.common import command_options, configure, show, show_list, transact, website_of
from footfall.cli.lazy import LazyGroup
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.errors import DatabaseBusy, FieldError, NotFound, UsageError
from footfall.settings import Settings
from footfall.storage import command_session, exclusive
from footfall.websites.fields import clean_changes
from footfall.websites.model import Changes, Website
from footfall.websites.removal import end_removal, remove_derived, remove_rows
from footfall.websites.store import (
    add_website,
    new_website,
    read_websites,
    rotate_signing_secret,
    update_website,
)
from footfall.websites.wire import website_json


@click.group(
    cls=LazyGroup, places={"calibration": "calibration:calibration", "payments": "integrations:payments"}
)
def website() -> None:
    """Manage websites. Each is tracked on its own."""


@website.command()
@click.argument("domain")
@click.option("--name", help="Name to show; the domain by default.")
@click.option("--timezone", default="UTC", show_default=True, help="IANA time zone, such as Europe/Berlin.")
@click.option("--cookieless", is_flag=True, help="Store no ids in browsers.")
@command_options
def create(
    domain: str, name: str | None, timezone: str, cookieless: bool, settings: Settings, as_json: bool
) -> None:
    """Create the website DOMAIN."""
    new = new_website(domain, system_clock(), name=name, timezone=timezone, is_cookieless=cookieless)
    created = configure(settings, lambda tx: add_website(tx, new), makes=True)
    show(website_json(created), as_json)
    if not as_json:
        click.echo(f"\nInto the <head> of every page, with the address of your server:\n{snippet(created)}")


@website.command("list")
@command_options
def list_(settings: Settings, as_json: bool) -> None:
    """List all websites."""
    found = transact(settings, read_websites)
    show_list(
        [website_json(one) for one in found.values()],
        as_json,
        "No website yet: footfall website create DOMAIN",
        ("websiteId", "trackingId", "domain"),
    )


@website.command()
@click.argument("website_id")
@click.option("--domain", help="Its new domain.")
@click.option("--name", help="Its new name.")
@click.option("--timezone", help="IANA time zone, such as Europe/Berlin.")
@click.option("--cookieless/--no-cookieless", default=None, help="Store no ids in browsers.")
@click.option("--suspended/--no-suspended", default=None, help="Drop events and refuse API calls.")
@click.option("--allow-localhost/--no-allow-localhost", default=None, help="Count events from localhost.")
@click.option(
    "--require-signed/--no-require-signed",
    default=None,
    help="Ignore unsigned identify calls from pages.",
)
@click.option(
    "--allow-headless/--no-allow-headless", default=None, help="Count headless browsers, as in tests."
)
@click.option(
    "--allow-images/--no-allow-images",
    default=None,
    help="Show people's images in the dashboard, loaded from their own sites.",
)
@click.option(
    "--public/--no-public",
    default=None,
    help="Let shared links show the overview to anybody, without people.",
)
@click.option("--currency", help="Currency for totals of payments: an ISO 4217 code, such as EUR.")
@click.option(
    "--allowed-hostnames", help="Further host names and app bundle ids, comma-separated; replaces the list."
)
@click.option("--exclude-hostnames", help="Host names whose events are dropped; replaces the list.")
@click.option("--exclude-paths", help="Paths whose events are dropped, such as /admin/*; replaces the list.")
@click.option(
    "--exclude-countries", help="Countries whose events are dropped, such as DE,FR; replaces the list."
)
@click.option("--exclude-ips", help="Addresses and networks whose events are dropped; replaces the list.")
@command_options
def update(
    website_id: str,
    domain: str | None,
    name: str | None,
    timezone: str | None,
    cookieless: bool | None,
    suspended: bool | None,
    allow_localhost: bool | None,
    require_signed: bool | None,
    allow_headless: bool | None,
    allow_images: bool | None,
    public: bool | None,
    currency: str | None,
    allowed_hostnames: str | None,
    exclude_hostnames: str | None,
    exclude_paths: str | None,
    exclude_countries: str | None,
    exclude_ips: str | None,
    settings: Settings,
    as_json: bool,
) -> None:
    """Change the website WEBSITE_ID. Whatever you do not name stays as it is."""
    typed = Changes(
        domain=domain,
        name=name,
        timezone=timezone,
        is_cookieless=cookieless,
        is_suspended=suspended,
        is_localhost_allowed=allow_localhost,
        is_signature_required=require_signed,
        is_headless_allowed=allow_headless,
        is_image_allowed=allow_images,
        is_public=public,
        currency=currency,
        allowed_hostnames=None if allowed_hostnames is None else tuple(split(allowed_hostnames)),
    )
    excluded = {
        "hostnames": exclude_hostnames,
        "paths": exclude_paths,
        "countries": exclude_countries,
        "ips": exclude_ips,
    }
    lists = {name: tuple(split(text)) for name, text in excluded.items() if text is not None}

    def change(tx: Transaction) -> Website | FieldError | NotFound:
        known = website_of(tx, website_id)
        exclusions = msgspec.structs.replace(known.exclusions, **lists)
        changes = clean_changes(msgspec.structs.replace(typed, exclusions=exclusions), known)
        return update_website(tx, known.website_id, changes)

    changed = configure(settings, change)
    show(website_json(changed), as_json)


@website.command("signing-secret")
@click.argument("website_id")
@click.option(
    "--rotate", is_flag=True, help="Create a new one; the old one stays valid until --end-rotation."
)
@click.option("--end-rotation", is_flag=True, help="Forget the old one.")
@command_options
def signing_secret(
    website_id: str, rotate: bool, end_rotation: bool, settings: Settings, as_json: bool
) -> None:
    """Show the signing secrets of the website WEBSITE_ID, newest first, for signed identify calls from pages."""

    def change(tx: Transaction) -> Website | NotFound:
        return rotate_signing_secret(tx, website_of(tx, website_id).website_id, end=end_rotation)

    if rotate or end_rotation:
        found = configure(settings, change)
    else:
        found = transact(settings, lambda tx: website_of(tx, website_id))
    show({"websiteId": found.website_id.hex(), "signingSecrets": list(found.signing_secrets)}, as_json)


@website.command()
@click.argument("website_id")
@click.option("--confirm", metavar="DOMAIN", help="Its domain, to skip the prompt.")
@command_options
def delete(website_id: str, confirm: str | None, settings: Settings, as_json: bool) -> None:
    """Delete the website WEBSITE_ID with all its data, permanently. Asks for its domain."""
    found = transact(settings, lambda tx: website_of(tx, website_id))
    typed = confirm if confirm is not None else click.prompt(f"Type {found.domain} to delete it", err=True)
    if typed.strip().lower() != found.domain:
        raise UsageError(f"this is not the domain of the website; nothing was deleted. It is {found.domain}")
    transact(settings, lambda tx: close_website(tx, found.website_id, system_clock()))
    is_done = _remove_rows(settings, found.website_id)
    shown = (
        "It is deleted." if is_done else "It is gone; the running server removes its data in the background."
    )
    show({"websiteId": found.website_id.hex(), "domain": found.domain, "message": shown}, as_json)


def _remove_rows(settings: Settings, website_id: bytes) -> bool:
    """Remove all rows of a deleted website, unless a running server does it; whether it is done."""
    try:
        with exclusive(settings), command_session(settings) as session:
            while session.transact(lambda tx: remove_rows(tx, website_id)):
                pass
            while session.transact(lambda tx: remove_derived(tx, website_id)):
                pass
            session.transact(lambda tx: end_removal(tx, website_id))
    except DatabaseBusy:
        return False
    return True


def snippet(website: Website) -> str:
    """The tag for the pages of a website."""
    script = "script.cookieless.js" if website.is_cookieless else "script.js"
    return (
        f'<script defer data-website-id="{website.tracking_id}" data-domain="{website.domain}" '
        f'src="https://YOUR-SERVER/js/{script}"></script>'
    )


def split(text: str) -> list[str]:
    """The items of a comma list."""
    return [item.strip() for item in text.split(",") if item.strip()]
