"""Websites in the database, and the version number through which servers notice that a website, key or token changed."""

from __future__ import annotations

import secrets

import msgspec

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.errors import FieldError, NotFound, accepted
from footfall.hostnames import to_ascii, to_unicode
from footfall.ids import new_object_id, new_tracking_id, random_text
from footfall.labels import MAX_LABEL, clean_label
from footfall.websites.fields import check_timezone, clean_domain, too_many
from footfall.websites.model import Changes, Exclusions, Website

sql = load(__file__, "websites.sql")


def read_websites(tx: Transaction) -> dict[bytes, Website]:
    """All websites by id, oldest first."""
    return {row.website_id: _website(row) for row in tx.all(sql.websites_all)}


def new_website(
    domain: str, now: int, *, name: str | None = None, timezone: str = "UTC", is_cookieless: bool = False
) -> Website:
    """A new website, not stored yet. Raises FieldError if the domain, name or time zone is invalid."""
    domain = clean_domain(domain)
    return Website(
        website_id=new_object_id(),
        tracking_id=new_tracking_id(),
        domain=domain,
        name=clean_label(name or to_unicode(domain)[:MAX_LABEL], "name"),
        timezone=check_timezone(timezone),
        is_cookieless=is_cookieless,
        is_suspended=False,
        is_localhost_allowed=False,
        allowed_hostnames=(),
        exclusions=Exclusions(),
        profile_secret=secrets.token_bytes(32),
        signing_secrets=(random_text(40),),
        is_signature_required=False,
        is_headless_allowed=False,
        is_image_allowed=False,
        created_at=now,
    )


def add_website(tx: Transaction, website: Website) -> Website | FieldError:
    """Store a new website. Returns FieldError if its domain is taken."""
    if taken := _taken(website.domain, _lock_websites(tx)):
        return taken
    put_website(tx, website)
    return website


def create_website(
    tx: Transaction,
    domain: str,
    now: int,
    *,
    name: str | None = None,
    timezone: str = "UTC",
    is_cookieless: bool = False,
) -> Website:
    """A new website, stored at once. Raises FieldError, so it is only for transactions that nobody shares."""
    website = new_website(domain, now, name=name, timezone=timezone, is_cookieless=is_cookieless)
    return accepted(add_website(tx, website))


def update_website(tx: Transaction, website_id: bytes, changes: Changes) -> Website | FieldError | NotFound:
    """Change a website. Returns FieldError if the domain is taken, NotFound if the website does not exist."""
    websites = _lock_websites(tx)
    website = websites.get(website_id)
    if website is None:
        return no_such_website()
    if changes.domain not in (None, website.domain) and (taken := _taken(changes.domain, websites)):
        return taken
    named = {field: getattr(changes, field) for field in changes.__struct_fields__}
    return _put_changed(tx, website, **{field: value for field, value in named.items() if value is not None})


def allow_host(tx: Transaction, website_id: bytes, host: str) -> Website | FieldError | NotFound:
    """Allow events from one more host name. Returns FieldError if there are too many."""
    website = lock_website(tx, website_id)
    if isinstance(website, NotFound):
        return website
    allowed = tuple(dict.fromkeys((*website.allowed_hostnames, host)))
    error = too_many("allowed_hostnames", len(allowed))
    return error or _put_changed(tx, website, allowed_hostnames=allowed)


def rotate_signing_secret(tx: Transaction, website_id: bytes, *, end: bool) -> Website | NotFound:
    """Create a new signing secret and keep the current one valid; with `end`, forget all but the newest."""
    website = lock_website(tx, website_id)
    if isinstance(website, NotFound):
        return website
    newest = website.signing_secrets[0]
    return _put_changed(tx, website, signing_secrets=(newest,) if end else (random_text(40), newest))


def lock_website(tx: Transaction, website_id: bytes) -> Website | NotFound:
    """A website that nobody else can change until this transaction ends."""
    return _lock_websites(tx).get(website_id) or no_such_website()


def no_such_website() -> NotFound:
    """The error for a website that does not exist."""
    return NotFound("There is no such website.")


def _lock_websites(tx: Transaction) -> dict[bytes, Website]:
    """All websites by id, which nobody else can change until this transaction ends."""
    tx.lock([("websites",)])
    return read_websites(tx)


def _taken(domain: str | None, websites: dict[bytes, Website]) -> FieldError | None:
    if any(website.domain == domain for website in websites.values()):
        return FieldError("domain", f"there is a website for {to_unicode(domain or '')} already")
    return None


def _put_changed(tx: Transaction, website: Website, **changes: object) -> Website:
    changed = msgspec.structs.replace(website, **changes)
    put_website(tx, changed)
    return changed


def put_website(tx: Transaction, website: Website) -> None:
    """Store a website as it is."""
    tx.execute(
        sql.website_put,
        (
            website.website_id,
            website.tracking_id,
            website.domain,
            website.name,
            website.timezone,
            int(website.is_cookieless),
            int(website.is_suspended),
            int(website.is_localhost_allowed),
            msgspec.json.encode(website.allowed_hostnames).decode(),
            msgspec.json.encode(website.exclusions).decode(),
            website.profile_secret,
            msgspec.json.encode(website.signing_secrets).decode(),
            int(website.is_signature_required),
            int(website.is_headless_allowed),
            int(website.is_image_allowed),
            website.created_at,
            website.currency,
            int(website.is_public),
        ),
    )


def note_payments(tx: Transaction, website_id: bytes) -> None:
    """Note that answers about the website's people must look for payments from now on."""
    if tx.execute(sql.payments_noted, (website_id,)):
        configuration_changed(tx)


def configuration_version(tx: Transaction) -> int:
    """A number that increases with each change of a website, key or token."""
    row = tx.one(sql.configuration_version)
    return int(row.value) if row else 0


def configuration_changed(tx: Transaction) -> None:
    """Make every server reload websites, keys and tokens within a second of the commit."""
    tx.execute(sql.configuration_changed)


def _website(row: Row) -> Website:
    return Website(
        website_id=row.website_id,
        tracking_id=row.tracking_id,
        domain=to_ascii(row.domain) or row.domain,  # names in other alphabets were once stored as typed
        name=row.name,
        timezone=row.timezone,
        is_cookieless=bool(row.is_cookieless),
        is_suspended=bool(row.is_suspended),
        is_localhost_allowed=bool(row.is_localhost_allowed),
        allowed_hostnames=tuple(msgspec.json.decode(row.allowed_hostnames)),
        exclusions=msgspec.json.decode(row.exclusions, type=Exclusions),
        profile_secret=row.profile_secret,
        signing_secrets=tuple(msgspec.json.decode(row.signing_secrets)),
        is_signature_required=bool(row.is_signature_required),
        is_headless_allowed=bool(row.is_headless_allowed),
        is_image_allowed=bool(row.is_image_allowed),
        created_at=row.created_at,
        currency=row.currency,
        is_public=bool(row.is_public),
        has_payments=bool(row.has_payments),
    )
