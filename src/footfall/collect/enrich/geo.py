"""Where in the world a visitor is, from the address of the connection. Addresses are looked up and forgotten,
never kept.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from pathlib import Path

import iptocc
import maxminddb
import msgspec

from footfall.collect.enrich.countries import COUNTRIES
from footfall.ip import parse_ip

_CACHED_ADDRESSES = 8192
_MAX_ADDRESS = 45
"""Characters of the longest IPv6 address."""
_MAX_NAME = 128


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a visitor is; None where it is not known. `country`: English name. `region`: ISO 3166-2, such as
    "KR-44".
    """

    country_code: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None


NOWHERE = Place()


class Geo:
    """Looks addresses up: the country in a bundled table; region and city too when the operator has a city
    database.

    `city_database` is a file in MaxMind's format with the fields of GeoLite2 City, which DB-IP and others use
    too. It is opened once and mapped into memory: a new file counts from the next start. Raises
    FileNotFoundError or maxminddb.InvalidDatabaseError when it cannot be read.
    """

    def __init__(self, city_database: Path | None = None) -> None:
        self._countries = {code: Place(code, name) for code, name in COUNTRIES.items()}
        self._reader = None if city_database is None else maxminddb.open_database(city_database)
        self._city_place = lru_cache(_CACHED_ADDRESSES)(self._look_up_city)

    def place(self, address: str) -> Place:
        """The place of an IPv4 or IPv6 address; all None for private, loopback and malformed ones. Never
        raises.
        """
        if len(address) > _MAX_ADDRESS or not address.isascii():
            return NOWHERE
        return self._look_up_country(address) if self._reader is None else self._city_place(address)

    def close(self) -> None:
        """Close the city database. Nothing can be looked up afterwards."""
        if self._reader is not None:
            self._reader.close()

    def _look_up_country(self, address: str) -> Place:
        # Behind a dual-stack socket an IPv4 address looks like ::ffff:8.8.8.8.
        plain = address[7:] if address.startswith("::ffff:") and "." in address else address
        code = iptocc.country_code(plain)
        # The table also knows "EU", which is no country.
        return NOWHERE if code is None else self._countries.get(code, NOWHERE)

    def _look_up_city(self, address: str) -> Place:
        fallback = self._look_up_country(address)
        ip = _public(address)
        if ip is None or self._reader is None:
            return fallback
        try:
            record = self._reader.get(ip)
        except maxminddb.InvalidDatabaseError:  # a damaged part of the file costs the city, not the event
            return fallback
        code = _text(record, "country", "iso_code")
        if code is None:
            return fallback
        part = _text(record, "subdivisions", 0, "iso_code")
        # One country has one name, whichever source found it: the names are a dimension of the reports.
        name = COUNTRIES.get(code) or _text(record, "country", "names", "en")
        return Place(code, name, f"{code}-{part}" if part else None, _text(record, "city", "names", "en"))


def _public(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    ip = parse_ip(address)
    return ip if ip is not None and ip.is_global else None


def _text(record: object, *path: str | int) -> str | None:
    """The text at a path of keys and list positions; None when any step is missing or of another type."""
    for step in path:
        if isinstance(step, str) and isinstance(record, dict):
            record = record.get(step)
        elif isinstance(step, int) and isinstance(record, list) and len(record) > step:
            record = record[step]
        else:
            return None
    return record[:_MAX_NAME] if isinstance(record, str) and record else None
