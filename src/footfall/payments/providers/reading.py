"""Reading a body of which nothing is known: each field is taken with its type, and an error names it. Pure."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, ParamSpec, TypeVar

import msgspec

from footfall.payments.money import Money
from footfall.payments.providers.model import BadDelivery, Interval, Payer, Unit

MAX_MINOR = 10**15
"""Largest amount, in minor units."""
MAX_ID = 255
"""Characters of an id, a name, an e-mail address."""
MAX_ITEMS = 1000
"""Objects of a list: ten times what any provider sends, and few enough to be read at once."""
_MAX_SECONDS = 253_402_300_799  # the end of the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder().decode


P = ParamSpec("P")
T = TypeVar("T")


class Node:
    """A JSON object of a body, and the path to it."""

    __slots__ = ("path", "values")

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self.values = values
        self.path = path

    def fail(self, name: str, reason: str) -> BadDelivery:
        return BadDelivery(self._at(name), reason)

    def text(self, name: str) -> str:
        """A text that must be there, of 1 to 255 characters; a whole number counts as its digits."""
        found = self.find_text(name)
        if found is None:
            raise self.fail(name, "is missing")
        return found

    def find_text(self, name: str) -> str | None:
        """A text of at most 255 characters; None where it is missing, null or empty."""
        value = self.values.get(name)
        if type(value) is int and abs(value) < 2**63:
            return str(value)
        if value is None or value == "":
            return None
        if type(value) is not str or len(value) > MAX_ID or "\0" in value:
            raise self.fail(name, f"must be a text of at most {MAX_ID} characters")
        return value

    def find_ref(self, name: str) -> str | None:
        """An id, or the id of the object that stands in its place."""
        is_object = type(self.values.get(name)) is dict
        return self.node(name).text("id") if is_object else self.find_text(name)

    def loose(self, name: str) -> str | None:
        """A text or whole number that others chose; None where it cannot be kept; never an error."""
        value = self.values.get(name)
        if type(value) is int and abs(value) < 2**63:
            return str(value)
        if type(value) is not str or len(value) > MAX_ID or "\0" in value:
            return None
        return value.strip() or None

    def find_label(self, name: str) -> str | None:
        """What a person typed, as far as it can be kept; never an error."""
        value = self.values.get(name)
        return value.replace("\0", "").strip()[:MAX_ID] or None if type(value) is str else None

    def whole(self, name: str) -> int:
        """A whole number of at most 10^15, either sign."""
        value = self.values.get(name)
        if type(value) is not int or abs(value) > MAX_MINOR:
            raise self.fail(name, "must be a whole number of at most 10^15")
        return value

    def find_whole(self, name: str) -> int | None:
        return None if self.values.get(name) is None else self.whole(name)

    def flag(self, name: str) -> bool:
        """True or false, also as 1 or 0; false where it is missing or null."""
        value = self.values.get(name)
        if value is None or type(value) is bool or value in (0, 1):
            return bool(value)
        raise self.fail(name, "must be true or false")

    def seconds(self, name: str) -> int:
        """Seconds since epoch, in ms."""
        value = self.whole(name)
        if not 0 <= value <= _MAX_SECONDS:
            raise self.fail(name, "must be a time in seconds since 1970")
        return value * 1000

    def moment(self, name: str) -> int:
        """A time in ISO 8601 with its zone, in ms since epoch."""
        try:
            return _from_iso(self.text(name))
        except (ValueError, OverflowError) as error:
            raise self.fail(name, "must be a time in ISO 8601 with its zone") from error

    def find_moment(self, name: str) -> int | None:
        return None if self.values.get(name) is None else self.moment(name)

    def currency(self, name: str) -> str:
        """A currency's code of three letters, in upper case; it need not be one that we know."""
        value = self.text(name)
        if not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise self.fail(name, "must be a currency's code of three letters")
        return value.upper()

    def minor(self, name: str) -> int:
        """An amount in minor units, 0 to 10^15."""
        value = self.whole(name)
        if value < 0:
            raise self.fail(name, "must not be negative")
        return value

    def digits(self, name: str) -> int:
        """The same, as a text of digits."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_MINOR):
            raise self.fail(name, "must be a text of digits, at most 10^15")
        return int(text)

    def money(self, amount: str, currency: str) -> Money:
        """For providers whose minor units are those of ISO 4217."""
        return Money(self.minor(amount), self.currency(currency))

    def node(self, name: str) -> Node:
        found = self.find(name)
        if found is None:
            raise self.fail(name, "is missing")
        return found

    def find(self, name: str) -> Node | None:
        """The object there; None where it is missing or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if type(value) is not dict:
            raise self.fail(name, "must be an object")
        return Node(value, self._at(name))

    def get(self, *names: str) -> Node:
        """The object at the end of a path; an empty one where the path breaks off."""
        node = self
        for name in names:
            node = node.find(name) or Node({}, node._at(name))
        return node

    def nodes(self, name: str) -> list[Node]:
        """The objects of a list; none where it is missing or null."""
        return list(self._items(name))

    def _items(self, name: str) -> Iterator[Node]:
        value = self.values.get(name)
        if value is not None and (type(value) is not list or len(value) > MAX_ITEMS):
            raise self.fail(name, f"must be a list of at most {MAX_ITEMS} objects")
        for number, item in enumerate(value or ()):
            if type(item) is not dict:
                raise self.fail(f"{name}[{number}]", "must be an object")
            yield Node(item, self._at(f"{name}[{number}]"))

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def beside(read: Callable[P, T | None]) -> Callable[P, T | None]:
    """For what is told beside a payment and must not cost it: None where `read` raises BadDelivery."""

    @functools.wraps(read)
    def read_or_none(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return read(*args, **kwargs)
        except BadDelivery:
            return None

    return read_or_none


def open_body(body: bytes) -> Node:
    """The JSON object that a body is. Raises BadDelivery for all else."""
    try:
        value = _decode(body)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise BadDelivery("", "is not valid JSON, or nested too deeply") from error
    if type(value) is not dict:
        raise BadDelivery("", "must be a JSON object")
    return Node(value)


def hash_body(body: bytes) -> str:
    """Stands for the id of a delivery that has none."""
    return hashlib.sha256(body).hexdigest()


def read_metadata(*sources: Node) -> Payer:
    """Who paid by what the merchant's page or backend put into the checkout; the first source that says it wins. Never an error."""
    return Payer(
        visitor_id=_first(sources, ("datafast_visitor_id",)),
        external_id=_first(sources, ("user_id", "userId")),
        website_ref=_first(sources, ("datafast_website_id",)),
    )


def either(first: Payer, second: Payer) -> Payer:
    """What `first` says, and for what it does not say, `second`."""
    return Payer(
        first.customer_id or second.customer_id,
        first.email or second.email,
        first.name or second.name,
        first.visitor_id or second.visitor_id,
        first.external_id or second.external_id,
        first.website_ref or second.website_ref,
    )


def read_interval(node: Node, unit: str, count: str) -> Interval | None:
    """None where no unit is given, or one that is unknown."""
    known, number = _UNITS.get((node.find_text(unit) or "").lower()), node.find_whole(count)
    number = 1 if number is None else number
    return Interval(known, number) if known and 1 <= number <= 1000 else None


_UNITS: dict[str, Unit] = {"day": "day", "week": "week", "month": "month", "year": "year"}


def per_month(amount: int | Fraction, interval: Interval) -> Fraction:
    """An amount each `interval`, as an amount a month: 1,200 a year is 100."""
    return Fraction(amount) * _PERIODS_A_MONTH[interval.unit] / interval.count


_PERIODS_A_MONTH: dict[Unit, Fraction] = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}


def _first(sources: tuple[Node, ...], names: tuple[str, ...]) -> str | None:
    return next((text for source in sources for name in names if (text := source.loose(name))), None)


def _from_iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
