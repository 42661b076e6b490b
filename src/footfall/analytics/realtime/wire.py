"""Who is on a website now, on the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.analytics.realtime.model import (
    EventNow,
    Likelihood,
    PaymentNow,
    VisitorNow,
    WebsiteNow,
)
from footfall.clock import to_iso
from footfall.collect.enrich.centres import CENTRES
from footfall.collect.model import CUSTOM, EXTERNAL_LINK, GOAL, GoalData
from footfall.errors import BadRequest
from footfall.ids import at_of, format_uuid
from footfall.payments.model import Kind
from footfall.payments.money import Money, to_major
from footfall.predictions.model import Model
from footfall.web.parameters import split_values

_decode_said = msgspec.json.Decoder(dict[str, Any]).decode
_decode_goal = msgspec.json.Decoder(GoalData).decode


def check_fields(query: Mapping[str, str]) -> None:
    """Raises BadRequest for any field but the one there is."""
    if any(name != "visitors" for name in split_values(query.get("fields", ""))):
        raise BadRequest("fields may only be visitors.")


def now_json(one: WebsiteNow, count: int, model: Model | None, currency: str) -> dict[str, Any]:
    """All that goes on. `count`: of the visitors, of whom some may not be listed."""
    return {
        "count": max(count, len(one.visitors)),
        "visitors": [_visitor_json(visitor, model, currency) for visitor in one.visitors],
        "conversionMetrics": {
            "baselineConversionRate": round(model.rate, 5) if model else None,
            "baselineAverageValue": to_major(model.value) if model else None,
        },
        "hasConversionPredictions": model is not None,
        "recentEvents": [_event_json(event) for event in one.events],
        "recentPayments": [_payment_json(payment) for payment in one.payments],
    }


def _visitor_json(one: VisitorNow, model: Model | None, currency: str) -> dict[str, Any]:
    visitor, place, device = one.visitor, one.visitor.place, one.visitor.stored_device.device
    centre = CENTRES.get(place.country_code or "")
    return {
        "visitorId": format_uuid(visitor.visitor_id),
        "location": {"city": place.city, "region": place.region, "countryCode": place.country_code},
        "system": {
            "browser": {"name": device.browser},
            "os": {"name": device.os},
            "device": {"type": device.type},
        },
        "currentUrl": visitor.current_url,
        "referrer": one.referrer,
        "sessionStartTime": to_iso(visitor.session_started_at),
        "visitCount": visitor.session_count,
        "params": one.params,
        "latitude": centre.latitude if centre else None,
        "longitude": centre.longitude if centre else None,
        "isCustomer": one.customer is not None,
        "customerName": _customer_name(one),
        "customerEmail": one.customer.email if one.customer else None,
        "profileData": {
            "displayName": one.name,
            "userId": visitor.person.user_id if visitor.person else None,
            "hasProfile": visitor.person is not None,
            "isRandomName": one.name is None,
        },
        "conversionLikelihood": _customer_json(model, currency)
        if one.customer
        else _likelihood_json(one.likelihood, model),
    }


def _customer_name(one: VisitorNow) -> str | None:
    return (one.customer.name or one.name) if one.customer else None


def _likelihood_json(one: Likelihood | None, model: Model | None) -> dict[str, Any] | None:
    if one is None or model is None:
        return None
    matches = sum(weight is not None for weight in one.best)
    return {
        "score": one.prediction.score,
        "confidence": round(one.prediction.confidence, 2),
        "isBaseline": matches == 0,
        "dimensionMatches": matches,
        "raw": {
            "conversionRate": round(one.prediction.rate, 5),
            "averageValue": to_major(model.value),
            "expectedValue": to_major(one.prediction.expected),
        },
    }


def _customer_json(model: Model | None, currency: str) -> dict[str, Any]:
    """Whoever has paid is certain to."""
    value = to_major(model.value if model else Money(0, currency))
    raw = {"conversionRate": 1, "averageValue": value, "expectedValue": value}
    return {"score": 100, "confidence": 1, "isBaseline": False, "dimensionMatches": 0, "raw": raw}


def _event_json(one: EventNow) -> dict[str, Any]:
    by, url = one.by, one.url
    return {
        "_id": one.event_id.hex(),
        "type": one.type,
        "visitorId": format_uuid(by.visitor.visitor_id),
        "timestamp": to_iso(at_of(one.event_id)),
        "path": url[url.index("/") :] if url and "/" in url else None,
        "countryCode": by.visitor.place.country_code,
        "extraData": _extra(one),
        "referrer": by.referrer,
        "customerName": _customer_name(by),
        "amount": None,
        "displayName": by.name,
    }


def _extra(one: EventNow) -> dict[str, Any] | None:
    """What was said of a goal or a link; what identifies people or was said of money is told elsewhere."""
    if one.type == GOAL:
        return {"eventName": one.name, **(_decode_goal(one.data).metadata if one.data else {})}
    if one.type == CUSTOM:
        return {"eventName": one.name, **(_decode_said(one.data) if one.data else {})}
    return _decode_said(one.data) if one.type == EXTERNAL_LINK and one.data else None


def _payment_json(one: PaymentNow) -> dict[str, Any]:
    paid = one.payment
    return {
        "_id": paid.payment_id.hex(),
        "type": "payment_received",
        "timestamp": to_iso(paid.at),
        "name": paid.name,
        "email": paid.email,
        "amount": to_major(paid.money),
        "currency": paid.money.currency,
        "renewal": paid.kind is Kind.RENEWAL,
        "displayName": one.name or paid.name,
        "isNew": paid.kind is not Kind.RENEWAL,
        "visible": True,
    }
