"""A visitor, as pages and answers show one."""

from __future__ import annotations

import msgspec

from footfall.collect.enrich.geo import Place
from footfall.collect.model import StoredDevice
from footfall.identity.model import KnownPerson


class Params(msgspec.Struct, frozen=True):
    """What the address of the first session's first page said; all names are always present."""

    ref: str | None = None
    source: str | None = None
    via: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """A visitor as of the latest event. Times in ms since epoch; `referrer`, `params` and `click_ids` (JSON) are those of the first session.

    `person`: who it is, None if anonymous.
    """

    visitor_id: bytes
    first_seen_at: int
    last_seen_at: int
    session_started_at: int
    session_count: int
    pageview_count: int
    current_url: str | None
    place: Place
    stored_device: StoredDevice
    referrer: str | None
    params: Params
    click_ids: str | None
    person: KnownPerson | None
