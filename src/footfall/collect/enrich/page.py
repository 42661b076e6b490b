"""The address of a page, taken apart once."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, unquote_plus

import msgspec

from footfall.hostnames import to_ascii, to_unicode

MAX_PATH = 2048
MAX_QUERY = 2048
MAX_PARAMETER = 255

PARAMETERS = frozenset(
    {"ref", "source", "via", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}
)
CLICK_IDS = frozenset(
    {"gclid", "gclsrc", "wbraid", "gbraid", "li_fat_id", "fbclid", "msclkid", "ttclid", "twclid"},
)

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_END_OF_AUTHORITY = re.compile(r"[/?#\\]")
_CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?$")
KEPT_CHARACTERS = "%!$&'()*+,;=:@/?~[]|-._"
"""Characters that stand for themselves in a path or query; `%` because escapes are kept as they were sent."""
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_MAX_HOST = 254
_MAX_CACHED = 1024
"""Longer addresses are parsed each time, so that the cache stays below a few MB whatever is sent."""
_MAX_SEARCH = 16_384
"""Characters of a query that are looked through for tracked parameters."""
_MAX_NAME = 64
"""Characters of the longest form in which the name of a tracked parameter may come, with all of it escaped."""
_TRANSLATED = ".translate.goog"
"""Google Translate shows the pages of `my-shop.example.com` on `my--shop-example-com` in front of this."""


class PageAddress(msgspec.Struct, frozen=True, gc=False):
    """A page's address. It may be shared by many events: never change `params` and `click_ids`.

    `host` is in lower case, with the port unless it is the scheme's own; that of the website where Google
    Translate shows its page; "" for an app page without a host.
    `path` begins with "/", printable ASCII, at most 2,048 characters; with hash routing it ends in the `#...`
    part. `query` is without "?", at most 2,048. `url` is host and path. `params` and `click_ids` hold what
    was given and not empty, decoded, at most 255 characters a value. `is_unknown`: the SDK did not know its
    page. `is_file`: it was opened from a disk, so `host` is "".
    """

    host: str
    path: str
    query: str
    url: str
    params: dict[str, str]
    click_ids: dict[str, str]
    is_unknown: bool
    is_file: bool = False


def parse_page(href: object, hash_routing: bool = False) -> PageAddress | None:
    """The page of an `href`, or None when it is no http, https, `file:///` or `datafast://web/` address. Never raises.

    The DataFast SDK 1.0.1 sends `datafast://web/<path>`; later ones send the path `/Unknown` before their
    first pageview.
    """
    if type(href) is not str:
        return None
    return _cached_page(href, hash_routing) if len(href) <= _MAX_CACHED else _page(href, hash_routing)


def bare_host(host: str) -> str:
    """A host in lower-case ASCII without port, final dot and a leading `www.`; IPv6 addresses without brackets."""
    return _bare_host(host) if len(host) <= _MAX_CACHED else ""


def split_address(address: str) -> tuple[str, str, str] | None:
    """(scheme, host with port, what follows) of an absolute address; None if it has no valid host.

    Scheme and host are in lower case, the host as in `PageAddress`, credentials left out. What follows is free of
    control characters and lone surrogates, otherwise as it was sent.
    """
    text = (address if address.isprintable() else _UNWANTED.sub("", address)).strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        return None
    end = _END_OF_AUTHORITY.search(rest)
    authority, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    scheme = scheme.lower()
    host = _host(authority.rpartition("@")[2], _DEFAULT_PORTS.get(scheme))
    return None if host is None else (scheme, host, tail)


def clean_path(path: str) -> str:
    """A path as browsers write it: `/` at least, anything but printable ASCII escaped, cut at 2,048."""
    return _escape("/" + path[: MAX_PATH + 2].replace("\\", "/").removeprefix("/"), MAX_PATH)


@lru_cache(4096)
def _cached_page(href: str, hash_routing: bool) -> PageAddress | None:
    return _page(href, hash_routing)


def _page(href: str, hash_routing: bool) -> PageAddress | None:
    is_file = href[:8].lower() == "file:///"
    parts = split_address(f"datafast://web/{href[8:]}" if is_file else href)
    if parts is None:
        return None
    scheme, host, tail = parts
    if scheme == "datafast" and host == "web":
        host = ""
    elif scheme not in _DEFAULT_PORTS:
        return None
    before, _, fragment = tail.partition("#")
    raw_path, _, raw_query = before.partition("?")
    path = clean_path(raw_path)
    searched = raw_query
    if hash_routing and fragment:
        route, _, inner = fragment.partition("?")
        path = _cut(f"{path}#{_escape(route, MAX_PATH)}", MAX_PATH)
        searched = f"{raw_query}&{inner}"
    params, click_ids = _tracked(searched)
    query = _escape(raw_query, MAX_QUERY)
    return PageAddress(host, path, query, host + path, params, click_ids, path == "/Unknown", is_file)


def _tracked(query: str) -> tuple[dict[str, str], dict[str, str]]:
    """The tracked parameters and ad click ids of a raw query. Of equal names the first counts."""
    params: dict[str, str] = {}
    click_ids: dict[str, str] = {}
    if "=" not in query:
        return params, click_ids
    for field in query[:_MAX_SEARCH].split("&"):
        written, _, raw = field.partition("=")
        name = _tracked_name(written)
        found = params if name in PARAMETERS else click_ids if name in CLICK_IDS else None
        if found is None or name in found:
            continue
        # An escaped character takes up to 12 characters in a query: what is beyond cannot reach the value.
        value = _UNWANTED.sub("", unquote_plus(raw[: MAX_PARAMETER * 12])).strip()[:MAX_PARAMETER]
        if value:
            found[name] = value
    return params, click_ids


def _tracked_name(written: str) -> str:
    """The name of a parameter without the traces of mailers: escapes, upper case, and the `&amp;` of a page's source."""
    if len(written) > _MAX_NAME or (written.islower() and "%" not in written and ";" not in written):
        return written
    return unquote_plus(written).lower().removeprefix("amp;")


def _escape(text: str, limit: int) -> str:
    """`text` with anything but printable ASCII escaped, cut to `limit` characters."""
    # Escaping never shortens: two characters more than the limit show whether an escape stands across it.
    return _cut(quote(text[: limit + 2], safe=KEPT_CHARACTERS), limit)


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters, without half an escape at the end."""
    return text if len(text) <= limit else _CUT_ESCAPE.sub("", text[:limit])


def _host(authority: str, default_port: str | None) -> str | None:
    """A host of a checked form, with a port that is not the default; None when malformed."""
    if authority.startswith("["):
        name, bracket, port = authority[1:].partition("]")
        ip = _ipv6(name) if bracket and (not port or port.startswith(":")) else None
        host = None if ip is None else f"[{ip}]"
        port = port[1:]
    else:
        raw, _, port = authority.partition(":")
        host = _host_name(raw)
    if host is None or not _is_port(port):
        return None
    return host if port in ("", default_port) else f"{host}:{port}"


def _is_port(port: str) -> bool:
    return not port or (len(port) <= 5 and port.isascii() and port.isdigit() and int(port) <= 65_535)


def _ipv6(text: str) -> str | None:
    try:
        # A zone (`%eth0`) names an interface of the sender's machine and is part of no web address.
        return None if "%" in text else str(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def _host_name(raw: str) -> str | None:
    if len(raw) > _MAX_HOST:
        return None
    name = (to_ascii(raw) or "").removesuffix(".")
    if len(name) >= _MAX_HOST or not _HOST_NAME.fullmatch(name):
        return None
    return _translated(name) if name.endswith(_TRANSLATED) else name


@lru_cache(1024)
def _translated(name: str) -> str:
    """The host whose page Google Translate shows on the host `name`; `name` itself when it tells of none."""
    label = to_unicode(name.removesuffix(_TRANSLATED))
    if label.startswith("0-") and label.endswith(
        "-0"
    ):  # in front of names with a hyphen where `xn--` has its second
        label = label[2:-2]
    host = to_ascii("-".join(part.replace("-", ".") for part in label.split("--")))
    return host if host and "." in host and _HOST_NAME.fullmatch(host) else name


@lru_cache(4096)
def _bare_host(host: str) -> str:
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    if name.count(":") == 1:
        name = name.partition(":")[0]
    return (to_ascii(name.removesuffix(".")) or "").removeprefix("www.")
