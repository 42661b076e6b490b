"""The address of a visitor's browser. Headers are believed only from proxies that the operator named."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from footfall.ip import parse_ip
from footfall.settings import Network


class ClientAddress:
    """Finds the client's address, behind the proxies in `trusted` (networks)."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = functools.lru_cache(1024)(self._check)

    def find(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """The client's address for a connection from `peer` with request `headers`; `peer` itself when nothing better is known.

        `x-datafast-real-ip` wins; of `X-Forwarded-For` the rightmost address that is no trusted proxy counts.
        """
        if not self._trusted or not self._is_trusted(peer):
            return peer
        real = headers.get(b"x-datafast-real-ip", b"").decode("latin-1").strip()
        if parse_ip(real) is not None:
            return real
        chain = [part.strip() for part in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")]
        for address in reversed(chain):
            if parse_ip(address) is None:
                break
            if not self._is_trusted(address):
                return address
        return peer

    def _check(self, address: str) -> bool:
        parsed = parse_ip(address)
        return parsed is not None and any(parsed in network for network in self._trusted)
