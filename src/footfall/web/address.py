"""What proxies say about the browser behind them. Only proxies named by the operator are believed."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from footfall.ip import parse_ip
from footfall.settings import Network

MOST_HOPS = 32
"""How many proxies in a row are looked at, starting with the nearest."""
_SINGLE = (b"cf-connecting-ip", b"x-real-ip", b"x-datafast-real-ip")
"""Headers with a single address. They rank below the lists, to which proxies add their hop: proxies pass these on as the client sent them."""
LONGEST_HOP = 256
"""How many characters of a hop in `Forwarded` are looked at. No proxy quotes a comma there."""
LONGEST = 64
"""How many characters of an address are looked at."""
_HOST = b"-._~%:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PART = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s",;=]+|[,;=]')
"""In `Forwarded`: a quoted text, a word, or a separator."""

Headers = Mapping[bytes, bytes]


class ClientAddress:
    """Finds the client's address, and the address it asked for, behind the proxies in `trusted` (networks)."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = functools.lru_cache(1024)(self._check)

    def find(self, peer: str, headers: Headers) -> str:
        """The client's address for a connection from `peer` with request `headers`; `peer` itself if nothing better is known.

        Follows the chain from proxy to proxy, as long as each one is trusted.
        """
        if not self.believes(peer):
            return peer
        nearest = peer
        for text in reversed(_hops(headers)):
            address = _address(text)
            if address is None:
                break
            nearest = address
            if not self._is_trusted(nearest):
                break
        return nearest

    def origin(self, peer: str, headers: Headers) -> str:
        """The scheme and host that the browser asked for, such as `https://example.com`."""
        asked = _text(headers, b"host") or "127.0.0.1"
        if not self.believes(peer):
            return f"http://{asked}"
        told = next(iter(_read_forwarded(_text(headers, b"forwarded"))), {})
        scheme = _first(headers, b"x-forwarded-proto") or told.get("proto", "")
        host = _first(headers, b"x-forwarded-host") or told.get("host", "")
        is_usable = host and is_host(host.encode("latin-1"))
        return f"{'https' if scheme.lower() == 'https' else 'http'}://{host if is_usable else asked}"

    def believes(self, peer: str) -> bool:
        """Whether `peer` is a trusted proxy."""
        return bool(self._trusted) and self._is_trusted(peer)

    def _check(self, address: str) -> bool:
        parsed = parse_ip(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def last_hop(headers: Headers) -> str | None:
    """The address stated by the nearest proxy, trusted or not; None if it states none. Anybody can make it up."""
    return next((_address(text) for text in reversed(_hops(headers))), None)


def _address(text: str) -> str | None:
    address = parse_ip(_without_port(text)[:LONGEST])
    return None if address is None else str(address)


def is_host(text: bytes) -> bool:
    """Whether this can be one host name, with or without a port. A header on several lines, whose values are joined by commas, cannot."""
    return not text.translate(None, _HOST)


def _hops(headers: Headers) -> list[str]:
    """The addresses that requests came from, as stated by each proxy; the nearest one comes last."""
    single = [text for name in _SINGLE if (text := _text(headers, name))]
    forwarded = [hop.get("for", "") for hop in _read_forwarded(_text(headers, b"forwarded"))]
    chain = _text(headers, b"x-forwarded-for").rsplit(",", MOST_HOPS)[-MOST_HOPS:]
    return [*single, *forwarded, *(hop for part in chain if (hop := part.strip()))]


def _without_port(text: str) -> str:
    """The address in `192.0.2.1:80`, `[2001:db8::1]:80` or either in quotes."""
    text = text.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _read_forwarded(text: str) -> list[dict[str, str]]:
    """The parameters given by each proxy, with names in lower case (RFC 7239)."""
    hops = [_read_hop(part[:LONGEST_HOP]) for part in text.rsplit(",", MOST_HOPS)[-MOST_HOPS:]]
    return [hop for hop in hops if hop]


def _read_hop(text: str) -> dict[str, str]:
    hop: dict[str, str] = {}
    name, is_value = "", False
    for part in _PART.findall(text):
        if part in ";=":
            is_value = part == "="
        elif is_value:
            hop[name.lower()] = re.sub(r"\\(.)", r"\1", part.strip('"'))
        else:
            name = part
    return hop


def _first(headers: Headers, name: bytes) -> str:
    return _text(headers, name).partition(",")[0].strip()


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").strip()
