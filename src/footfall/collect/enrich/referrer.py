"""Where a visit came from."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec

from footfall.collect.enrich.page import bare_host, clean_path, split_address

_SCHEMES = frozenset({"http", "https", "android-app"})
"""Android browsers name the app that a link stood in as `android-app://com.google.android.gm/`."""
_MAX_CACHED = 1024


class Referrer(msgspec.Struct, frozen=True, gc=False):
    """`host`: without `www.` and port, in lower case. `url`: host as sent and path, without query and
    credentials.
    """

    host: str
    url: str


def parse_referrer(referrer: object, own_hosts: Collection[str]) -> Referrer | None:
    """The referrer, or None when it is absent, malformed or of the same website.

    `own_hosts`: the website's domain and further hosts; their `www.` and sub-domains count as own, `*.` in
    front is ignored. The DataFast SDK sends its own previous page as the referrer, so own hosts are the
    common case.
    """
    if type(referrer) is not str or not referrer:
        return None
    found = _cached(referrer) if len(referrer) <= _MAX_CACHED else _parse(referrer)
    if found is None or any(_is_own(found.host, own) for own in own_hosts):
        return None
    return found


def _is_own(host: str, own: str) -> bool:
    name = bare_host(own.removeprefix("*."))
    return bool(name) and (host == name or host.endswith("." + name))


@lru_cache(4096)
def _cached(referrer: str) -> Referrer | None:
    return _parse(referrer)


def _parse(referrer: str) -> Referrer | None:
    parts = split_address(referrer)
    if parts is None or parts[0] not in _SCHEMES:
        return None
    _, host, tail = parts
    path = clean_path(tail.partition("#")[0].partition("?")[0])
    return Referrer(bare_host(host), host + path)
