"""Settings: one frozen value, read from the environment once and overridden by command line options.

Each field's variable is `FOOTFALL_` and its name in upper case, such as `FOOTFALL_RATE_LIMIT`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from footfall.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BOUNDS = {
    "port": (0, 65_535),
    "rate_limit": (0, 1_000_000_000),
    "workers": (1, 256),
    "queue_size": (1, 1_000_000),
    "retention_days": (0, 36_500),
    "backup_hours": (0, 8_760),
    "backup_keep": (1, 10_000),
    "columns_memory": (128, 1_000_000),
    "columns_threads": (0, 256),
    "metrics_port": (0, 65_535),
    "mmap": (0, 1_000_000),
}
"""The least and the most of settings that are whole numbers."""
TIMEOUTS = (0.1, 3600.0)
SECONDS = ("body_timeout", "columns_timeout")
LEAST_KEY = 32
"""Characters of a secret key."""
LEAST_TOKEN = 16
"""The same of the token for metrics."""
SERVICE_SCHEMES = ("tcp://", "udp://", "sctp://")
"""How the variables begin that Kubernetes makes for each Service; for one named footfall, `FOOTFALL_PORT` is among them."""
PLACE = (
    "data",
    "database_url",
    "columns_url",
    "secret_key",
    "key_file",
    "public_url",
    "columns_memory",
    "columns_threads",
    "backup_hours",
    "backup_folder",
)
"""The settings that commands read."""
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", re.ASCII)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set. Sizes in bytes, times in seconds, unless a name says otherwise."""

    data: Path = Path("data")
    """Folder of the embedded database; made when missing."""
    database_url: str = ""
    """`postgresql://...` of a PostgreSQL server to use instead of the embedded database; empty: the embedded one."""
    columns_url: str = ""
    """`clickhouse://...` of a ClickHouse server or cluster that keeps the columns of all server processes; empty: a file on each machine does."""
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
    public_url: str = ""
    """The address at which others reach this server, such as `https://stats.example.com`; empty: the one that a request asked for."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose `x-datafast-real-ip` and `X-Forwarded-For` headers are believed; comma-separated CIDR."""
    city_database: Path | None = None
    """A city database in MaxMind's format; None: countries only."""
    secret_key: str = ""
    """Encrypts the secrets of webhooks: a text of at least 32 characters; empty: the one in `key_file`."""
    key_file: Path = Path("~/.config/footfall/secret.key")
    """Where that key lies otherwise, apart from `data`; made when it is first needed."""
    rates: Path | None = None
    """A newer history of the European Central Bank's exchange rates, eurofxref-hist.zip or .csv; None: the one that is shipped."""
    retention_days: int = 0
    """Days after which events and sessions are removed; 0: never."""
    backup_hours: int = 0
    """Hours between two backups that the server makes of the embedded database; 0: none."""
    backup_folder: Path | None = None
    """Where they lie; None: `backups` in `data`."""
    backup_keep: int = 7
    """How many of them stay."""
    columns_memory: int = 512
    """MiB of memory that DuckDB may use for the columns."""
    columns_threads: int = 0
    """Threads that DuckDB may use for them; 0: one for each core but one."""
    columns_timeout: float = 20.0
    """Seconds that a query over them may take."""
    mmap: int = 65_536
    """MiB of the embedded database that may be mapped into memory for reading; 0: none."""
    metrics_port: int = 0
    """A port of its own for metrics, on `host`; 0: none. Each further worker takes the next one."""
    metrics_token: str = ""
    """Whoever asks for metrics must send it; with it and without a port, they are answered on the main one. Neither: nowhere."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""


def read_settings(
    environ: Mapping[str, str], tell: Callable[[str], None] = lambda _: None, **options: object
) -> Settings:
    """Settings from `FOOTFALL_*` variables; an option that is not None wins, and then the variable is not read. Raises UsageError.

    `tell` gets a sentence about each variable that is left out.
    """
    return _read(environ, Settings.__struct_fields__, tell, options)


def read_place(environ: Mapping[str, str], **options: object) -> Settings:
    """The same for a command, to which only the settings matter that say where the data is, the key to it, where the server is, what DuckDB may use, and where backups are. Raises UsageError."""
    return _read(environ, PLACE, lambda _: None, options)


def _read(
    environ: Mapping[str, str],
    names: tuple[str, ...],
    tell: Callable[[str], None],
    options: Mapping[str, object],
) -> Settings:
    values = {name: value for name, value in options.items() if value is not None}
    for name in names:
        variable = "FOOTFALL_" + name.upper()
        text = environ.get(variable, "").strip()
        if name in values or not text:
            continue
        if name == "port" and text.startswith(SERVICE_SCHEMES):
            tell(f"{variable}={text[:60]} is left out: Kubernetes sets it for a Service named footfall.")
            continue
        values[name] = _parse(name, text, variable)
    _check_url(values.get("database_url"))
    if values.get("columns_url") and not values.get("database_url"):
        raise UsageError(
            "FOOTFALL_COLUMNS_URL: columns in ClickHouse need PostgreSQL, see FOOTFALL_DATABASE_URL. "
            "With the embedded database, they are in a file beside it."
        )
    return Settings(**values)  # type: ignore[arg-type]


def _check_url(url: object) -> None:
    if url and not str(url).startswith(("postgresql://", "postgres://")):
        raise UsageError("FOOTFALL_DATABASE_URL, --database: use postgresql://USER@HOST:PORT/NAME")


def _parse(name: str, text: str, variable: str) -> object:
    try:
        if name == "trusted_proxies":
            return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
        if name in ("data", "city_database", "rates", "key_file", "backup_folder"):
            return Path(text)
        if name in BOUNDS:
            return _natural(text, *BOUNDS[name])
        if name in SECONDS:
            return _seconds(text)
        if name == "public_url" and not text.startswith(("https://", "http://")):
            raise ValueError("use an address such as https://stats.example.com")
        if name == "secret_key" and len(text) < LEAST_KEY:
            raise ValueError(f"a key has at least {LEAST_KEY} characters, such as: openssl rand -base64 32")
        if name == "metrics_token" and not (
            len(text) >= LEAST_TOKEN and text.isascii() and text.isprintable()
        ):
            raise ValueError(
                f"a token has at least {LEAST_TOKEN} characters of ASCII, such as: openssl rand -hex 32"
            )
    except ValueError as error:
        raise UsageError(f"{variable}: {error}") from error
    if name == "log_level" and text not in ("debug", "info", "warning", "error"):
        raise UsageError(f"{variable}: use debug, info, warning or error")
    return text


def _natural(text: str, least: int, most: int) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= 20
    if not is_number or not least <= int(text) <= most:
        raise ValueError(f"{text[:60]!r} is no whole number from {least} to {most}")
    return int(text)


def _seconds(text: str) -> float:
    least, most = TIMEOUTS
    if not _DECIMAL.fullmatch(text) or not least <= float(text) <= most:
        raise ValueError(f"{text[:60]!r} is no number of seconds from {least:g} to {most:g}")
    return float(text)
