"""What the columns hold, and what it is made from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from footfall.collect import model as events
from footfall.identity.model import Link
from footfall.payments.model import Kind


class RowType(IntEnum):
    """What a row tells of (stored). From `PAID` on: money."""

    PAGEVIEW = 1
    CUSTOM = 2
    IDENTIFY = 3
    EXTERNAL_LINK = 4
    PAGE_PAYMENT = 5
    """A page said that something was paid: no money that counts."""
    GOAL = 6
    """A goal of a server: part of a visit, and no visit by itself. So is money."""
    PAID = 10
    FIRST = 11
    RENEWAL = 12
    REFUND = 13
    FREE_TRIAL = 14


OF_EVENT = {
    events.PAGEVIEW: RowType.PAGEVIEW,
    events.CUSTOM: RowType.CUSTOM,
    events.IDENTIFY: RowType.IDENTIFY,
    events.EXTERNAL_LINK: RowType.EXTERNAL_LINK,
    events.PAYMENT: RowType.PAGE_PAYMENT,
    events.GOAL: RowType.GOAL,
}
OF_PAYMENT = {
    Kind.PAYMENT: RowType.PAID,
    Kind.FIRST: RowType.FIRST,
    Kind.RENEWAL: RowType.RENEWAL,
    Kind.REFUND: RowType.REFUND,
    Kind.FREE_TRIAL: RowType.FREE_TRIAL,
}


ORIGIN_EVENTS = 100
"""The first events of a visit, goals of servers among them, that tell of its entry and where it came from. Without a page among them it has
no entry."""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as the database has it. `session_at`: when the session began that it was stored with (ms since epoch)."""

    at: int
    type: str
    session_at: int
    url: str | None
    name: str | None
    data: str | None


class StoredSession(msgspec.Struct, frozen=True, gc=False):
    """Where a session came from, and on what; JSON as text."""

    referrer: str | None = None
    params: str | None = None
    click_ids: str | None = None
    place: str | None = None
    device: str | None = None


class StoredPayment(msgspec.Struct, frozen=True, gc=False):
    """A payment as the database has it. `then_visitor_id`, `then_person_id`: whose it was when it was made, as far as that was known."""

    at: int
    kind: Kind
    minor: int
    currency: str
    then_visitor_id: bytes | None = None
    then_person_id: bytes | None = None
    touch: str | None = None
    """The last one before it, as stored (JSON), where no visit tells as much."""


Page = tuple[str | None, str | None]
"""Host and path."""


class VisitorHistory(msgspec.Struct, frozen=True):
    """What a visitor did from the beginning of a visit on, and whose it was.

    `since`: from when on it changed (ms since epoch); 0: it may all have changed. `before`: when the visitor was there last before these
    events; 0: never. `removed_at`: the same for all that is kept. Unless these are the first that are kept, they begin with a visit that began
    before `since`, or go on from `tail`. `payments`: from the same time on, or all.
    `sessions`: by when they began, as far as events that begin one name them. `people`: the person of each profile that the links name;
    none for one that is gone. `links`: from the newest before these events on.
    `start`, `until`: from when on and before when all was read; None: to the end. `is_continued`: the rows before were made already.
    `is_new`: the visitor has no rows yet from then on, and its person is `person`, with no look at links and payments.
    `gone`: from when on there may have been what is gone by now, where all of it changed; 0: nothing is.
    """

    website_id: bytes
    visitor_id: bytes
    since: int
    start: int
    before: int
    events: list[StoredEvent]
    payments: list[StoredPayment]
    sessions: dict[int, StoredSession]
    links: list[Link]
    people: dict[bytes, bytes]
    tail: VisitTail | None = None
    until: int | None = None
    is_continued: bool = False
    is_new: bool = False
    person: int | None = None
    removed_at: int = 0
    gone: int = 0

    @property
    def is_beginning(self) -> bool:
        """Whether no visit is kept from before these events."""
        return self.tail is None and self.before == self.removed_at


class LoosePayment(msgspec.Struct, frozen=True):
    """A payment that is no visitor's. `person_id`: whose it is, if that is known."""

    website_id: bytes
    payment: StoredPayment
    person_id: bytes | None


class SessionColumns(NamedTuple):
    """What the rows of a session have in common, in the order of the table."""

    entry_host: str | None = None
    entry_path: str | None = None
    referrer: str | None = None
    """The host alone."""
    channel: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    ref: str | None = None
    source: str | None = None
    via: str | None = None
    ad_network: str | None = None
    """Whose ad was clicked. The id of the click itself is not here."""
    country: str | None = None
    region: str | None = None
    city: str | None = None
    device: str | None = None
    browser: str | None = None
    version: str | None = None
    os: str | None = None


class VisitTail(NamedTuple):
    """The latest visit of a visitor, as far as it is needed for what comes next: when it began, its last moment, how many pages it has and the
    last of them, and what its rows have in common.

    `seen`: how many events came since it began, as far as its origin depends on them. `latest`: when the visitor's last row is, of any kind.
    `person`: whose the visitor is since then; None: that has to be looked up.
    """

    at: int
    last: int
    views: int
    page: Page
    columns: SessionColumns
    seen: int
    latest: int
    person: int | None

    @property
    def is_settled(self) -> bool:
        """Whether nothing that comes next changes what its rows have in common."""
        return self.views > 0 or self.seen == ORIGIN_EVENTS


class EventRow(NamedTuple):
    """A row of the columns, in the order of the table but for those of `SessionColumns`, which follow. Times in ms since epoch.

    Visitors of a range that begins at A: rows with `prev_at < A`; its sessions: `prev_at < greatest(session_at, A)`; its bounces: rows with
    `view_no = 1` less those with `view_no = 2`; time: the sum of `span`; exits of a page: its views less the rows with it in `prev_path`.
    A row that is no visit by itself (goals of servers, money) has a `prev_at` for which neither holds.
    """

    website: int
    ts: int
    visitor: int | None
    """None for a payment that is no visitor's."""
    person: int | None
    """The visitor's number for one who is nobody known."""
    session_at: int
    prev_at: int
    """The visitor's last moment before; 0: none."""
    type: int
    view_no: int
    """The how manyth page of the session; 0 for what is no pageview."""
    span: int
    """ms since the session's event before."""
    host: str | None = None
    path: str | None = None
    prev_host: str | None = None
    prev_path: str | None = None
    """The page before in the session; None for what is no pageview."""
    name: str | None = None
    """Of a goal; of an outbound link its address."""
    properties: str | None = None
    """What is said of a goal (JSON)."""
    amount: int | None = None
    """In the currency's minor unit, below zero for refunds."""
    currency: str | None = None
    then_visitor: int | None = None
    """Of a payment: the visitor, if it was known who that was when it was made."""
    then_person: int | None = None
    """The same of the person: the visitor's number for one who was nobody known."""


Scalar = str | int | float | bytes | None
Bindings = Mapping[str, Scalar | Sequence[Scalar]]
"""What is bound in a query, by name."""
Columns = tuple[object, ...]
"""The values of a whole row: those of an `EventRow`, then those of its `SessionColumns`."""


class Derived(NamedTuple):
    """The rows of a visitor from a time on (ms since epoch) and before another (None: to the end), in place of all that there were."""

    website: int
    visitor: int
    since: int
    rows: list[Columns]
    until: int | None = None
    tail: VisitTail | None = None
    """The latest visit before `until`."""
    is_new: bool = False
    """Whether there were none from then on."""


class DerivedPayments(NamedTuple):
    """The rows of a millisecond's payments that are no visitor's, in place of all that there were."""

    website: int
    ts: int
    rows: list[Columns]


MOST_NUMBER = 2**63 - 1


def number_of(id_: bytes) -> int:
    """The number by which the columns know a website or person: 63 bits of its id."""
    return int.from_bytes(id_[:8], "big") >> 1


def number_of_visitor(visitor_id: bytes) -> int:
    """The number by which the columns know a visitor: both halves of the id, of which either may hold little but a time.

    The first bit goes, not the last: ids that are counted up differ there.
    """
    return (int.from_bytes(visitor_id[:8], "big") ^ int.from_bytes(visitor_id[8:], "big")) & MOST_NUMBER
