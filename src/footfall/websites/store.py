"""Websites in the database, and the version by which servers notice that a website, key or token changed."""

from __future__ import annotations

import functools
import ipaddress
import secrets
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import UsageError
from footfall.hostnames import MAX_HOST, to_ascii, to_unicode
from footfall.ids import new_object_id, new_tracking_id, random_text
from footfall.labels import MAX_LABEL, clean_label
from footfall.websites.model import MAX_PATTERN, MOST_LISTED, Exclusions, Website

sql = load(__file__, "websites.sql")


def read_websites(tx: Transaction) -> dict[bytes, Website]:
    """All websites by id, oldest first."""
    return {row[0]: _website(row) for row in tx.all(sql.websites_all)}


def create_website(
    tx: Transaction,
    domain: str,
    now: int,
    *,
    name: str | None = None,
    timezone: str = "UTC",
    is_cookieless: bool = False,
) -> Website:
    """A new website. Raises UsageError when the domain, name or time zone is none, or the domain is taken."""
    domain = clean_domain(domain)
    _refuse_taken(domain, _lock_websites(tx))
    website = Website(
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
    put_website(tx, website)
    return website


def update_website(tx: Transaction, website_id: bytes, changes: dict[str, Any]) -> Website:
    """Change fields of a website; None leaves a field as it is. Raises UsageError."""
    websites = _lock_websites(tx)
    website = _website_of(websites, website_id)
    changes = {field: value for field, value in changes.items() if value is not None}
    if "domain" in changes:
        changes["domain"] = clean_domain(changes["domain"])
        if changes["domain"] != website.domain:
            _refuse_taken(changes["domain"], websites)
    if "name" in changes:
        changes["name"] = clean_label(changes["name"], "name")
    if changes.get("timezone", website.timezone) != website.timezone:  # one that vanished does no harm
        check_timezone(changes["timezone"])
    if "allowed_hostnames" in changes:
        given = tuple(changes["allowed_hostnames"])
        changes["allowed_hostnames"] = _changed(
            website.allowed_hostnames, given, "allowed hostnames", clean_host
        )
    if "exclusions" in changes:
        changes["exclusions"] = clean_exclusions(changes["exclusions"], website.exclusions)
    website = msgspec.structs.replace(website, **changes)
    put_website(tx, website)
    return website


def require_website(tx: Transaction, website_id: bytes) -> Website:
    """A website, which nobody else changes until this transaction ends. Raises UsageError when there is none."""
    return _website_of(_lock_websites(tx), website_id)


def rotate_signing_secret(tx: Transaction, website_id: bytes, *, end: bool) -> Website:
    """Put a new signing secret in front of the present one, which stays valid; with `end`, forget all but the newest. Raises UsageError."""
    newest = require_website(tx, website_id).signing_secrets[0]
    return update_website(
        tx, website_id, {"signing_secrets": (newest,) if end else (random_text(40), newest)}
    )


def _lock_websites(tx: Transaction) -> dict[bytes, Website]:
    """All websites by id, which nobody else changes until this transaction ends."""
    tx.lock([("websites",)])
    return read_websites(tx)


def _website_of(websites: dict[bytes, Website], website_id: bytes) -> Website:
    if website_id not in websites:
        raise UsageError(f"website: there is none with the id {website_id.hex()}")
    return websites[website_id]


def _refuse_taken(domain: str, websites: dict[bytes, Website]) -> None:
    if any(website.domain == domain for website in websites.values()):
        raise UsageError(f"domain: there is a website for {to_unicode(domain)} already")


def put_website(tx: Transaction, website: Website) -> None:
    """Store a website as it is."""
    tx.run(
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
        ),
    )


def configuration_version(tx: Transaction) -> int:
    """A number that rises with each change of a website, key or token."""
    row = tx.one(sql.configuration_version)
    return int(row[0]) if row else 0


def configuration_changed(tx: Transaction) -> None:
    """Let every server read websites, keys and tokens anew, within a second of the commit."""
    tx.run(sql.configuration_changed)


def website_json(website: Website) -> dict[str, Any]:
    """A website as commands print it; its secrets are left out."""
    return {
        "websiteId": website.website_id.hex(),
        "trackingId": website.tracking_id,
        "domain": to_unicode(website.domain),
        "name": website.name,
        "timezone": website.timezone,
        "isCookieless": website.is_cookieless,
        "isSuspended": website.is_suspended,
        "isLocalhostAllowed": website.is_localhost_allowed,
        "allowedHostnames": list(map(to_unicode, website.allowed_hostnames)),
        "excludedHostnames": list(map(to_unicode, website.exclusions.hostnames)),
        "excludedPaths": list(website.exclusions.paths),
        "excludedCountries": list(website.exclusions.countries),
        "excludedIps": list(website.exclusions.ips),
        "isSignatureRequired": website.is_signature_required,
        "isHeadlessAllowed": website.is_headless_allowed,
        "isImageAllowed": website.is_image_allowed,
        "createdAt": to_iso(website.created_at),
    }


def clean_domain(domain: str) -> str:
    """A website's domain as it is stored: ASCII in lower case, without scheme, path, port or `www.`. Raises UsageError."""
    host = _host(domain)
    if host.startswith("*."):
        raise UsageError(
            f"domain: {domain[:100]!r} is several domains; use {to_unicode(host[2:])}, whose sub-domains count too"
        )
    return _checked("domain", domain, host)


def clean_host(name: str, field: str) -> str:
    """A host name or an app's bundle id as it is stored; `*.` in front stands for all sub-domains. Raises UsageError."""
    return _checked(field, name, _host(name))


def _host(text: str) -> str:
    """What is meant by a host name or an address that was typed or pasted, without what is left out of it; "" when it is neither."""
    scheme, separator, rest = text.strip().partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return ""
    host = (rest if separator else scheme).split("/")[0].split("?")[0].split("#")[0].split(":")[0]
    return (to_ascii(host) or "").removesuffix(".").removeprefix("www.")


def _checked(field: str, typed: str, host: str) -> str:
    """Raises UsageError that says what is wanted."""
    labels = host.removeprefix("*.").split(".")
    if len(host) > MAX_HOST or not all(_is_label(label) for label in labels):
        raise UsageError(f"{field}: {typed[:100]!r} is no domain; use one such as example.com")
    if len(labels) == 1 and host != "localhost":
        raise UsageError(f"{field}: {typed[:100]!r} lacks its ending; use a domain such as example.com")
    return host


def clean_exclusions(given: Exclusions, known: Exclusions = Exclusions()) -> Exclusions:  # noqa: B008 - frozen
    """Exclusions as they are stored in place of the `known` ones. Raises UsageError that names the list."""
    return Exclusions(
        _changed(known.hostnames, given.hostnames, "excluded hostnames", clean_host),
        _changed(known.paths, given.paths, "excluded paths", _path),
        _changed(known.countries, given.countries, "excluded countries", _country),
        _changed(known.ips, given.ips, "excluded ips", _network),
    )


def _changed(
    known: tuple[str, ...], given: tuple[str, ...], field: str, clean: Callable[[str, str], str]
) -> tuple[str, ...]:
    """A list as it is stored; one that does not change may be longer than others. Raises UsageError."""
    if given != known and len(given) > MOST_LISTED:
        raise UsageError(f"{field}: at most {MOST_LISTED} are kept, and these are {len(given)}")
    return known if given == known else tuple(dict.fromkeys(clean(item, field) for item in given))


def _path(path: str, field: str) -> str:
    if not path.startswith(("/", "*")):
        raise UsageError(f"{field}: {path[:100]!r} is no path; use one such as /admin/*")
    if len(path) > MAX_PATTERN:
        raise UsageError(f"{field}: {path[:100]!r}... is longer than {MAX_PATTERN} characters")
    return path


def _country(country: str, field: str) -> str:
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        raise UsageError(f"{field}: {country[:100]!r} is no country code; use one such as DE")
    return country.upper()


def _network(text: str, field: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"{field}: {text[:100]!r} is no address or network; use one such as 192.0.2.7 or 192.0.2.0/24"
        ) from error
    return str(network.network_address if network.num_addresses == 1 else network)


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= 63
        and label.replace("-", "a").replace("_", "a").isalnum()
        and not label.startswith("-")
    )


def check_timezone(name: str) -> str:
    """The name of a time zone as it is stored. Raises UsageError."""
    if name not in _timezones():
        raise UsageError(f"timezone: {name[:60]!r} is no IANA time zone; use one such as Europe/Berlin")
    return name


@functools.cache
def _timezones() -> frozenset[str]:
    """The names of all time zones; to find them means to look through a thousand files."""
    return frozenset(available_timezones()) | {"UTC"}


def _website(row: tuple[Any, ...]) -> Website:
    return Website(
        website_id=row[0],
        tracking_id=row[1],
        domain=to_ascii(row[2]) or row[2],  # names in other alphabets were once stored as they were typed
        name=row[3],
        timezone=row[4],
        is_cookieless=bool(row[5]),
        is_suspended=bool(row[6]),
        is_localhost_allowed=bool(row[7]),
        allowed_hostnames=tuple(msgspec.json.decode(row[8])),
        exclusions=msgspec.json.decode(row[9], type=Exclusions),
        profile_secret=row[10],
        signing_secrets=tuple(msgspec.json.decode(row[11])),
        is_signature_required=bool(row[12]),
        is_headless_allowed=bool(row[13]),
        is_image_allowed=bool(row[14]),
        created_at=row[15],
    )
