"""Templates, and how times and values look on a page."""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import hashlib
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from footfall.clock import find_zone, from_iso
from footfall.dashboard import names
from footfall.hostnames import to_unicode

UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def draw(template: str, **values: Any) -> str:
    """The HTML of a page."""
    return environment().get_template(template).render(**values)


@functools.cache
def environment() -> Environment:
    """The templates and what they may call."""
    made = Environment(
        loader=PackageLoader("footfall.dashboard"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(
        initials=names.initials,
        hue=names.hue,
        friendly=lambda text: names.friendly_name(bytes.fromhex(text.replace("-", ""))),
        segment=lambda text: quote(str(text), safe=""),
        value=value_text,
        number=lambda number: f"{number:,}",
        amount=amount_text,
        plural=plural,
        counted=counted,
        called=called,
        readable=readable,
        host=to_unicode,
    )
    made.globals.update(ago=ago, clock=clock_text, day=day_text, asset=asset, knows_zone=knows_zone)
    return made


class StaticFile(NamedTuple):
    """`version` changes with the content."""

    plain: bytes
    gzipped: bytes
    version: str


@functools.cache
def static_files() -> dict[str, StaticFile]:
    """The static files by name."""
    folder = files("footfall.dashboard") / "static"
    contents = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    return {
        name: StaticFile(plain, gzip.compress(plain), hashlib.sha256(plain).hexdigest()[:12])
        for name, plain in contents.items()
    }


def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    return f"/static/{name}?v={static_files()[name].version}"


def value_text(value: Any) -> str:
    """A trait's value as people read it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def amount_text(amount: Any) -> str:
    """A payment's amount, in units of its currency; whatever else stands there as it is."""
    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
    return f"{amount:,.2f}".removesuffix(".00") if is_number else value_text(amount)


def called(one: dict[str, Any]) -> str:
    """What a person is called wherever they are shown: the name, else the e-mail address, else the user id."""
    known = one["metadata"]
    return value_text(known.get("name") or known.get("email") or one["userId"])


def readable(url: str) -> str:
    """An address with its percent-encoding undone, to be read only; as it is when something invisible would come of it."""
    plain = unquote(url)
    return plain if plain.isprintable() and "\ufffd" not in plain else url


def counted(number: int, word: str) -> str:
    """`number` with `word`, which takes an s for several."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def plural(words: tuple[str, str, str], number: int) -> str:
    """`words`: the word for one, the word for several, and what follows."""
    return f"{words[0] if number == 1 else words[1]} {words[2]}"


def _ms(when: str | int) -> int:
    return when if isinstance(when, int) else from_iso(when)


def ago(when: str | int | None, now: int) -> str:
    """How long ago a time (ISO, or ms since epoch) was."""
    if when is None:
        return "never"
    seconds = max(0, (now - _ms(when)) // 1000)
    for unit, size in UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def knows_zone(zone: str) -> bool:
    """Whether times can be shown in a website's time zone; else they are shown in UTC."""
    return find_zone(zone) is not None


def _local(when: str | int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(_ms(when) / 1000, find_zone(zone) or dt.UTC)


def clock_text(when: str | int | None, zone: str = "UTC") -> str:
    """Date and time in a website's time zone."""
    return "" if when is None else f"{_local(when, zone):%-d %b %Y, %H:%M}"


def day_text(when: str | int, zone: str = "UTC") -> str:
    """The day in a website's time zone."""
    return f"{_local(when, zone):%A, %-d %B %Y}"
