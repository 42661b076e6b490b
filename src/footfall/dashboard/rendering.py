"""Templates, and the format of times and values on a page."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gzip
import hashlib
import re
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import jinja2
import msgspec
from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from footfall import __version__
from footfall.clock import find_zone, to_iso
from footfall.currencies import SYMBOLS
from footfall.dashboard import names
from footfall.hostnames import to_unicode
from footfall.identity.model import Stay, TraitValues
from footfall.ids import format_uuid

UNITS = (("d", 86_400), ("h", 3600), ("min", 60))
MOST_LISTED = 3
"""Traits that a list shows about a person."""
_NAMING = frozenset(("name", "image", "email"))
"""Traits that a list shows in other columns."""
_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
_DIRECTIONS = _ISOLATES | dict.fromkeys(range(0x202A, 0x202F))
"""Characters that change the direction of the following text, to be left out."""
_BREAKS = re.compile(r"(?<=[@./])(?=\w)")


def render_template(template: str, **values: Any) -> str:
    """The HTML of a page."""
    return environment().get_template(template).render(**values)


def warm() -> None:
    """Load all templates and static files before the first page: a second's work the first time, and 40 ms from then on."""
    static_files()
    for name in environment().list_templates():
        environment().get_template(name)


class _CompiledTemplates(FileSystemBytecodeCache):
    """Keeps compiled templates beside Python's own compiled files, where the server may write there."""

    def __init__(self) -> None:
        super().__init__(str(Path(__file__).parent / "__pycache__"), "%s.template")

    def get_source_checksum(self, source: str) -> str:
        """What was compiled by another version of Jinja, or for another version of ours, is compiled anew."""
        return super().get_source_checksum(f"{jinja2.__version__} {__version__} {source}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)


@functools.cache
def environment() -> Environment:
    """The templates and the functions they may call."""
    made = Environment(
        loader=PackageLoader("footfall.dashboard"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        bytecode_cache=_CompiledTemplates(),
    )
    made.filters.update(
        initials=names.initials,
        hue=names.hue,
        friendly=names.friendly_name,
        hex=bytes.hex,
        uuid=format_uuid,
        iso=to_iso,
        stay=stay_text,
        pairs=lambda one: msgspec.structs.asdict(one).items(),
        segment=lambda text: quote(str(text), safe=""),
        bdi=isolated,
        breakable=breakable,
        plain=plain,
        value=value_text,
        number=lambda number: f"{number:,}",
        percent=percent_text,
        traits=sorted_traits,
        plural=plural,
        counted=counted,
        called=lambda one: called(one.traits, one.user_id),
        readable=readable,
        host=to_unicode,
    )
    made.globals.update(
        ago=ago,
        clock=clock_text,
        time=time_text,
        date=date_text,
        minute=minute_text,
        place=place_text,
        money=money_text,
        asset=asset,
        knows_zone=knows_zone,
    )
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


def isolated(text: Any) -> Markup:
    """Outside text, isolated so that its direction ends with it. It may contain no mark that ends the isolation itself."""
    return Markup("<bdi>{}</bdi>").format(str(text).translate(_ISOLATES))


def breakable(text: Any) -> Markup:
    """The same, where a word that is too long for its line breaks behind `@`, `.` and `/` first."""
    parts = _BREAKS.split(str(text).translate(_ISOLATES))
    return Markup("<bdi>{}</bdi>").format(Markup("<wbr>").join(parts))


def plain(text: Any) -> str:
    """Outside text where no element can be: in an attribute or a title. It keeps its own direction, and changes no other."""
    return str(text).translate(_DIRECTIONS)


def sorted_traits(traits: TraitValues) -> list[tuple[str, Any]]:
    """Traits by name, always in the same order."""
    return sorted(traits.items(), key=lambda trait: (trait[0].casefold(), trait[0]))


def listed_traits(traits: TraitValues) -> list[tuple[str, Any]]:
    """The traits that a list shows about a person."""
    return [trait for trait in sorted_traits(traits) if trait[0] not in _NAMING][:MOST_LISTED]


def money_text(amount: Any, currency: Any, digits: int = 0) -> str:
    """An amount, in units of its currency, as people write it: `$29`, `€29.50`, `29 SEK`; anything else is returned as it is.

    `digits`: at least so many after the point, as `$29.00` among amounts that are not whole.
    """
    is_number = isinstance(amount, int | float | Decimal) and not isinstance(amount, bool)
    code = value_text(currency).strip().upper() if currency else ""
    if not is_number:
        return f"{value_text(amount)} {code}".rstrip()
    needed = max(2, -int(amount.as_tuple().exponent)) if isinstance(amount, Decimal) else 2
    number = f"{abs(amount):,.{max(needed, digits)}f}"
    number = number if digits else number.removesuffix(".00")
    sign = "\u2212" if amount < 0 else ""
    return f"{sign}{SYMBOLS[code]}{number}" if code in SYMBOLS else f"{sign}{number} {code}".rstrip()


def percent_text(share: float) -> str:
    """A share as people write it: `4.2%`; of what is hardly there, `under 0.1%`."""
    return f"{100 * share:.1f}%" if share >= 0.001 else "under 0.1%"


def place_text(city: str | None, country: str | None, region: str | None = None) -> str:
    """A place as people write it: `Berlin, Germany`. The region, of which only the code is known, appears only if there is no city."""
    parts = (city, country) if city or not region else (country, f"({region})" if country else region)
    return (", " if city else " ").join(part for part in parts if part)


def called(traits: TraitValues, user_id: str) -> str:
    """What a person is called everywhere: the name, or else the e-mail address, or else the user id."""
    return value_text(traits.get("name") or traits.get("email") or user_id)


def readable(url: str | None) -> str:
    """An address with its percent-encoding decoded, only for reading; unchanged if that would produce something invisible, empty for none."""
    decoded = unquote(url or "")
    return decoded if decoded.isprintable() and "\ufffd" not in decoded else url or ""


def counted(number: int, word: str) -> str:
    """`number` with `word`, which takes an s in the plural."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def plural(words: tuple[str, str, str], number: int) -> str:
    """`words`: the singular, the plural, and what follows."""
    return f"{words[0] if number == 1 else words[1]} {words[2]}"


def ago(when: int | None, now: int) -> str:
    """How long ago a time (ms since epoch) was."""
    if when is None:
        return "never"
    seconds = max(0, (now - when) // 1000)
    for unit, size in UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def knows_zone(zone: str) -> bool:
    """Whether times can be shown in a website's time zone; otherwise they are shown in UTC."""
    return find_zone(zone) is not None


def _local(when: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(when / 1000, find_zone(zone) or dt.UTC)


def clock_text(when: int | None, zone: str = "UTC") -> str:
    """Date and time in a website's time zone, such as `5 May 2026, 14:00 CEST`."""
    return "" if when is None else f"{_local(when, zone):%-d %b %Y, %H:%M %Z}"


def stay_text(stay: Stay, zone: str = "UTC") -> str:
    """From when until when a visitor was somebody."""
    since = "from the beginning" if stay.since is None else f"from {clock_text(stay.since, zone)}"
    return f"{since} until {'now' if stay.until is None else clock_text(stay.until, zone)}"


def time_text(when: int, zone: str = "UTC") -> str:
    """The time of day in a website's time zone, for places that name the zone elsewhere."""
    return f"{_local(when, zone):%H:%M}"


def date_text(when: int, zone: str = "UTC") -> str:
    """The date in a website's time zone."""
    return f"{_local(when, zone):%-d %b %Y}"


def minute_text(when: int, zone: str = "UTC") -> str:
    """Date and time in a website's time zone, as a field for them takes it: `2026-05-05T14:00`."""
    return f"{_local(when, zone):%Y-%m-%dT%H:%M}"


def day_text(when: int, zone: str = "UTC") -> str:
    """The day in a website's time zone."""
    return f"{_local(when, zone):%A, %-d %B %Y}"
