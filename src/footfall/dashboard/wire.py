"""The names that files of the dashboard have. Pure."""

from __future__ import annotations

from typing import Any

from footfall.analytics.people import Face
from footfall.analytics.roster import RosterRow
from footfall.clock import to_iso
from footfall.dashboard.rendering import value_text
from footfall.ids import format_uuid
from footfall.payments.money import Money, to_major


def person_line(face: Face, row: RosterRow, currency: str) -> dict[str, Any]:
    """Somebody in the file of a list of people."""
    person, visitor_id = face
    traits = person.traits if person else {}
    return {
        "userId": person.user_id if person else None,
        "visitorId": format_uuid(visitor_id) if visitor_id else None,
        "name": _text(traits.get("name")),
        "email": _text(traits.get("email")),
        "referrer": row.referrer,
        "channel": row.channel,
        "country": row.country,
        "visits": row.visits,
        "payments": row.payments,
        "revenue": to_major(Money(row.revenue, currency)),
        "currency": currency,
        "signedUpAt": to_iso(person.identified_at) if person else None,
        "lastSeenAt": to_iso(row.last_at),
    }


def _text(value: Any) -> str | None:
    return None if value is None else value_text(value)
