"""What people type about a website: cleaned, or refused with the field and what is expected. Does not use the database."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from zoneinfo import available_timezones

import msgspec

from footfall.currencies import DIGITS
from footfall.errors import FieldError
from footfall.hostnames import MAX_HOST, to_ascii, to_unicode
from footfall.labels import clean_label
from footfall.websites.model import MAX_PATTERN, MOST_LISTED, Changes, Exclusions, Website


def clean_changes(typed: Changes, known: Website) -> Changes:
    """Changes to a `known` website as they are stored. Raises FieldError. Unchanged values stay, even if they would be refused today."""
    return msgspec.structs.replace(
        typed,
        domain=None if typed.domain is None else clean_domain(typed.domain),
        name=None if typed.name is None else clean_label(typed.name, "name"),
        timezone=typed.timezone
        if typed.timezone in (None, known.timezone)
        else check_timezone(typed.timezone),
        currency=typed.currency
        if typed.currency in (None, known.currency)
        else check_currency(typed.currency),
        allowed_hostnames=None
        if typed.allowed_hostnames is None
        else _changed(known.allowed_hostnames, typed.allowed_hostnames, "allowed_hostnames", clean_host),
        exclusions=None if typed.exclusions is None else clean_exclusions(typed.exclusions, known.exclusions),
    )


def clean_domain(domain: str) -> str:
    """A website's domain as it is stored: ASCII in lower case, without scheme, path, port or `www.`. Raises FieldError."""
    host = _host(domain)
    if host.startswith("*."):
        raise FieldError(
            "domain",
            f"{domain[:100]!r} is several domains; use {to_unicode(host[2:])}, whose sub-domains count too",
        )
    return _checked("domain", domain, host)


def clean_host(name: str, field: str) -> str:
    """A host name or an app's bundle id as it is stored; a leading `*.` stands for all subdomains. Raises FieldError."""
    return _checked(field, name, _host(name))


def _host(text: str) -> str:
    """The host name meant by text that was typed or pasted, without what it leaves out; "" if there is none."""
    scheme, separator, rest = text.strip().partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return ""
    host = (rest if separator else scheme).split("/")[0].split("?")[0].split("#")[0].split(":")[0]
    return (to_ascii(host) or "").removesuffix(".").removeprefix("www.")


def _checked(field: str, typed: str, host: str) -> str:
    """Raises FieldError that says what is expected."""
    labels = host.removeprefix("*.").split(".")
    if len(host) > MAX_HOST or not all(_is_label(label) for label in labels):
        raise FieldError(field, f"{typed[:100]!r} is no domain; use one such as example.com")
    if len(labels) == 1 and host != "localhost":
        raise FieldError(field, f"{typed[:100]!r} lacks its ending; use a domain such as example.com")
    return host


def clean_exclusions(given: Exclusions, known: Exclusions = Exclusions()) -> Exclusions:  # noqa: B008 - frozen
    """Exclusions as they are stored, replacing the `known` ones. Raises FieldError that names the list."""
    return Exclusions(
        _changed(known.hostnames, given.hostnames, "excluded_hostnames", clean_host),
        _changed(known.paths, given.paths, "excluded_paths", _path),
        _changed(known.countries, given.countries, "excluded_countries", _country),
        _changed(known.ips, given.ips, "excluded_ips", _network),
    )


def too_many(field: str, count: int) -> FieldError | None:
    """What is wrong with a list of that many entries, if it has too many."""
    if count <= MOST_LISTED:
        return None
    return FieldError(field, f"at most {MOST_LISTED} are kept, and these are {count}")


def _changed(
    known: tuple[str, ...], given: tuple[str, ...], field: str, clean: Callable[[str, str], str]
) -> tuple[str, ...]:
    """A list as it is stored; an unchanged one may be longer than others. Raises FieldError."""
    if given == known:
        return known
    if error := too_many(field, len(given)):
        raise error
    return tuple(dict.fromkeys(clean(item, field) for item in given))


def _path(path: str, field: str) -> str:
    if not path.startswith(("/", "*")):
        raise FieldError(field, f"{path[:100]!r} is no path; use one such as /admin/*")
    if len(path) > MAX_PATTERN:
        raise FieldError(field, f"{path[:100]!r}... is longer than {MAX_PATTERN} characters")
    return path


def _country(country: str, field: str) -> str:
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        raise FieldError(field, f"{country[:100]!r} is no country code; use one such as DE")
    return country.upper()


def _network(text: str, field: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise FieldError(
            field, f"{text[:100]!r} is no address or network; use one such as 192.0.2.7 or 192.0.2.0/24"
        ) from error
    return str(network.network_address if network.num_addresses == 1 else network)


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= 63
        and label.replace("-", "a").replace("_", "a").isalnum()
        and not label.startswith("-")
    )


def check_timezone(name: str) -> str:
    """The name of a time zone as it is stored. Raises FieldError."""
    if name not in _timezones():
        raise FieldError("timezone", f"{name[:60]!r} is no IANA time zone; use one such as Europe/Berlin")
    return name


def check_currency(code: str) -> str:
    """A currency as it is stored. Raises FieldError."""
    upper = code.strip().upper()
    if upper not in DIGITS:
        raise FieldError("currency", f"{code[:20]!r} is no ISO 4217 code; use one such as USD")
    return upper


@functools.cache
def _timezones() -> frozenset[str]:
    """The names of all time zones. Slow: it reads a thousand files."""
    return frozenset(available_timezones()) | {"UTC"}
