"""Whether an event's host belongs to a website, and whether a page or address is one that its owner excludes."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache

from footfall.collect.enrich.page import bare_host
from footfall.ip import parse_ip


def host_matches(host: str, domain: str, allowed: Collection[str], allow_localhost: bool) -> bool:
    """Whether `host` (a page's host, or the bundle id an app sends as its domain) is one of the website's.

    It is when it equals the website's `domain` (with or without `www.`) or is a sub-domain of it; when it
    equals an entry of `allowed` (a host name, a bundle id such as `com.example.app`, or `*.example.org`,
    which means sub-domains only); or when it is the visitor's own machine and `allow_localhost` holds. Ports
    and upper case do not matter.
    """
    name = bare_host(host)
    if not name:
        return False
    if _is_or_is_below(name, bare_host(domain)):
        return True
    for entry in allowed:
        if entry.startswith("*."):
            if _is_below(name, bare_host(entry[2:])):
                return True
        elif name == bare_host(entry):
            return True
    return allow_localhost and is_localhost(name)


def _is_or_is_below(name: str, parent: str) -> bool:
    return bool(parent) and (name == parent or name.endswith("." + parent))


def _is_below(name: str, parent: str) -> bool:
    return bool(parent) and name.endswith("." + parent)


@lru_cache(1024)
def is_localhost(name: str) -> bool:
    """Whether a host without port and brackets is the visitor's own machine: localhost, *.localhost,
    127.0.0.0/8, ::1.
    """
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = parse_ip(name)
    return address is not None and address.is_loopback


def path_matches(path: str, pattern: str) -> bool:
    """Whether a path is what a pattern describes, in which `*` stands for any text; `/admin/*` means `/admin` too."""
    return _fits(path, _pieces(pattern)) or (pattern.endswith("/*") and _fits(path, _pieces(pattern[:-2])))


def _fits(path: str, pieces: tuple[str, ...]) -> bool:
    """Whether these pieces follow each other in a path, the first at its beginning and the last at its end.

    Each is taken where it first fits: if any choice leads to the end, this one does, so that none is ever taken back.
    """
    if len(pieces) == 1:
        return path == pieces[0]
    first, *between, last = pieces
    at, end = len(first), len(path) - len(last)
    if at > end or not path.startswith(first) or not path.endswith(last):
        return False
    for piece in between:
        found = path.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@lru_cache(1024)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("*"))


def is_in_networks(address: str, networks: Collection[str]) -> bool:
    """Whether an IP address is in one of these networks, or is an address that they name. What is no address is in none."""
    given = parse_ip(address) if networks else None
    return given is not None and any(given in _network(network) for network in networks)


@lru_cache(1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)
