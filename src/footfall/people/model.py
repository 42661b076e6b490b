"""People as they are shown: what they did, on which visitors, and where they came from. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from footfall.collect.enrich.device import Device
from footfall.collect.model import Touch
from footfall.identity.model import Explanation, Person, Stay, TraitValues
from footfall.payments.model import Finance

EventData = dict[str, Any]
"""What a page or backend said of an event: a JSON object."""


class Activity(msgspec.Struct, frozen=True):
    """What a person did, in short. Times in ms since epoch, None for never; `devices`: kinds of device, sorted."""

    visits: int
    first_at: int | None
    last_at: int | None
    devices: list[str]
    visitor_count: int


class ListedPerson(msgspec.Struct, frozen=True):
    """A person in a list. `user_ids`: first identified first; `identified_at`: ms since epoch."""

    profile_id: bytes
    user_ids: list[str]
    traits: TraitValues
    identified_at: int
    activity: Activity

    @property
    def user_id(self) -> str:
        """The user id that was identified first."""
        return self.user_ids[0]


class PeopleList(msgspec.Struct, frozen=True):
    """A page of a list. `total`: of all that are found, exactly if `is_exact`."""

    people: list[ListedPerson]
    total: int
    is_exact: bool
    has_more: bool


class VisitorOfPerson(msgspec.Struct, frozen=True):
    """A visitor of a person. `first_at`, `last_at`: when the person used it (ms since epoch), None for never."""

    visitor_id: bytes
    stays: list[Stay]
    device: Device | None
    country: str | None
    city: str | None
    first_at: int | None
    last_at: int | None


class PersonDetail(msgspec.Struct, frozen=True):
    """A person with what they did. `visitors`: some of them; `following`: the cursor of the next, if there are more.

    `reasons`: why they are what they are, if that was asked for. `finance`: what they paid; None on a website without payments.
    """

    person: Person
    activity: Activity
    page_view_count: int
    goal_count: int
    first_touch: Touch | None
    last_touch: Touch | None
    visitors: list[VisitorOfPerson] = []
    following: bytes | None = None
    reasons: Explanation | None = None
    finance: Finance | None = None


class SessionDetail(msgspec.Struct, frozen=True):
    """Everything held about a session. `params` to `device` are JSON as it is stored."""

    visitor_id: bytes
    started_at: int
    entry_url: str | None
    referrer: str | None
    params: str | None
    click_ids: str | None
    place: str | None
    device: str | None


class JourneyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event, an identify fact or a payment. `at`, `session_at` (of its session's beginning): ms since epoch.

    Of an identify fact, `name` is the user id, and `source` and `fact_id` say who said it; an event has neither. `description`: what a server said of a goal.
    A payment may have no visitor.
    """

    type: str
    at: int
    visitor_id: bytes | None
    session_at: int | None = None
    url: str | None = None
    query: str | None = None
    referrer: str | None = None
    name: str | None = None
    data: EventData | None = None
    description: str | None = None
    source: str | None = None
    fact_id: bytes | None = None


class EntryKind(StrEnum):
    """Entries of a journey by which it can be filtered."""

    PAGES = "pages"
    GOALS = "goals"
    PAYMENTS = "payments"


class VisitOrigin(msgspec.Struct, frozen=True):
    """Where a session came from, and on what device."""

    touch: Touch
    device: Device | None


class JourneyPart(msgspec.Struct, frozen=True):
    """Some entries of a journey, and the cursor to go on with; None at the end."""

    entries: list[JourneyEntry]
    following: bytes | None
