"""Settings: one frozen value, read from the environment once and overridden by command line options.

Each field's variable is `FOOTFALL_` and its name in upper case, such as `FOOTFALL_RATE_LIMIT`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import msgspec

from footfall.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set. Sizes in bytes, times in seconds, unless a name says otherwise."""

    data: Path = Path("data")
    """Folder of the embedded database; made when missing."""
    database_url: str = ""
    """`postgresql://...` of a PostgreSQL server to use instead of the embedded database; empty: the embedded one."""
    host: str = "127.0.0.1"
    port: int = 8000
    """0: the system picks one."""
    rate_limit: int = 6000
    """Calls a minute for each API key or access token, in each server process; 0: no limit."""
    workers: int = 1
    """Server processes; more than one needs PostgreSQL."""
    queue_size: int = 10_000
    """Writes that may wait; one more is answered with 503."""
    body_timeout: float = 10.0
    """Seconds within which a request's head, and then its body, must have arrived."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose `x-datafast-real-ip` and `X-Forwarded-For` headers are believed; comma-separated CIDR."""
    city_database: Path | None = None
    """A city database in MaxMind's format; None: countries only."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""


def read_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Settings from `FOOTFALL_*` variables; an override that is not None wins. Raises UsageError."""
    values: dict[str, object] = {}
    for name in Settings.__struct_fields__:
        variable = "FOOTFALL_" + name.upper()
        if environ.get(variable, "") != "":
            values[name] = _parse(name, environ[variable], variable)
    values.update({name: value for name, value in overrides.items() if value is not None})
    url = values.get("database_url")
    if url and not str(url).startswith(("postgresql://", "postgres://")):
        raise UsageError("FOOTFALL_DATABASE_URL, --database: use postgresql://USER@HOST:PORT/NAME")
    return Settings(**values)  # type: ignore[arg-type]


def _parse(name: str, text: str, variable: str) -> object:
    try:
        if name == "trusted_proxies":
            return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
        if name in ("data", "city_database"):
            return Path(text)
        if name in ("port", "rate_limit", "queue_size", "workers"):
            return _natural(text, at_least=1 if name == "workers" else 0)
        if name == "body_timeout":
            return float(text)
    except ValueError as error:
        raise UsageError(f"{variable}: {error}") from error
    if name == "log_level" and text not in ("debug", "info", "warning", "error"):
        raise UsageError(f"{variable}: use debug, info, warning or error")
    return text


def _natural(text: str, at_least: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no whole number")
    number = int(text)
    if number < at_least:
        raise ValueError(f"{number} is less than {at_least}")
    return number
