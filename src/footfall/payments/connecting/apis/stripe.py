"""Stripe's API. Pure.

Lists come newest first, from a cursor that is the id of the last object, so that what is new does not move their pages.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

from footfall.payments.connecting.apis.shaping import DAY_MS, PAGE, changed, data_of, in_period
from footfall.payments.connecting.model import (
    ApiCall,
    Event,
    ImportPeriod,
    Listing,
    MadeWebhook,
    ProviderApi,
    Query,
)
from footfall.payments.providers import stripe
from footfall.payments.providers.reading import Node

VERSION = "2025-03-31.basil"
"""The version of objects and deliveries."""
LATE_MS = 30 * DAY_MS
"""Invoices are looked for that were made so long before the period: they may be paid within it."""
_WEBHOOKS = "/v1/webhook_endpoints"
_WRITE = "Webhook Endpoints: Write"
_UNSETTLED = {"status": "needs_response"}
_BARE = {"cancel_at": None, "cancel_at_period_end": False, "items": None}
"""What a subscription is not known to have had before: its price and its end."""


def _listing(
    path: str,
    needs: str,
    events: Callable[[Node, ImportPeriod], list[Event]],
    *query: tuple[str, str],
    early: int | None = 0,
) -> Listing:
    """`early`: also objects that were made so many ms before the period; None: at any time."""

    def call(period: ImportPeriod, cursor: str, account: str | None) -> ApiCall:
        since = "" if early is None else str((period.since - early) // 1000)
        parts = (("limit", str(PAGE)), ("created[gte]", since), ("starting_after", cursor), *query)
        return ApiCall("GET", f"/v1/{path}", f"{needs}: Read", tuple(part for part in parts if part[1]))

    return Listing(call, data_of, _cursor, events)


def _cursor(page: Node, objects: list[Node], cursor: str, period: ImportPeriod) -> str:
    return objects[-1].text("id") if objects and page.flag("has_more") else ""


def _event(
    kind: str, thing: Node, at: int, fields: Event | None = None, before: Event | None = None
) -> Event:
    """`fields`: those that had other values then; `before`: the values in `previous_attributes`."""
    content = {"object": thing.values if fields is None else changed(thing, **fields)}
    return {
        "id": f"{kind}/{thing.text('id')}",
        "type": kind,
        "created": at // 1000,
        "livemode": thing.flag("livemode"),
        "data": content if before is None else {**content, "previous_attributes": before},
    }


def _customer(customer: Node, period: ImportPeriod) -> list[Event]:
    return [_event("customer.created", customer, customer.seconds("created"))]


def _session(session: Node, period: ImportPeriod) -> list[Event]:
    """It is complete when it was paid."""
    is_open = session.find_text("status") != "complete"
    return [] if is_open else [_event("checkout.session.completed", session, _paid_at(session))]


def _paid_at(session: Node) -> int:
    invoice, charge = _expanded(session, "invoice"), _charge_of(_expanded(session, "payment_intent"))
    paid_at = invoice.get("status_transitions").find_whole("paid_at")
    return paid_at * 1000 if paid_at else (charge or session).seconds("created")


def _expanded(thing: Node, name: str) -> Node:
    """The object there; an empty one where only its id is, or nothing."""
    return thing.get(name) if type(thing.values.get(name)) is dict else Node({})


def _charge_of(intent: Node) -> Node | None:
    charge = _expanded(intent, "latest_charge")
    return charge if charge.values else None


def _invoice(invoice: Node, period: ImportPeriod) -> list[Event]:
    paid_at = invoice.get("status_transitions").find_whole("paid_at")
    at = invoice.seconds("created") if paid_at is None else paid_at * 1000
    return in_period([(at, _event("invoice.paid", invoice, at))], period)


def _intent(intent: Node, period: ImportPeriod) -> list[Event]:
    if intent.text("status") != "succeeded":
        return []
    at = (_charge_of(intent) or intent).seconds("created")
    return [_event("payment_intent.succeeded", intent, at)]


def _charge(charge: Node, period: ImportPeriod) -> list[Event]:
    return [_event("charge.succeeded", charge, charge.seconds("created"))]


def _refund(refund: Node, period: ImportPeriod) -> list[Event]:
    """When one failed is not told, only that it did by now."""
    is_failed = refund.find_text("status") in ("failed", "canceled")
    return [_event("refund.updated", refund, period.until if is_failed else refund.seconds("created"))]


def _dispute(dispute: Node, period: ImportPeriod) -> list[Event]:
    """It took money when it was made; how it ended is known as of now."""
    is_closed = dispute.text("status") in ("won", "lost")
    opened = _event(
        "charge.dispute.created", dispute, dispute.seconds("created"), _UNSETTLED if is_closed else None
    )
    return [opened, _event("charge.dispute.closed", dispute, period.until)] if is_closed else [opened]


def _subscription(subscription: Node, period: ImportPeriod) -> list[Event]:
    """Its beginning, the end of its trial, its end, and how it stands now. Prices that it had before are not known."""
    status, created = subscription.text("status"), subscription.seconds("created")
    if status in ("incomplete", "incomplete_expired"):
        return []
    is_over, trial_end = status == "canceled", _seconds(subscription, "trial_end")
    ended = _seconds(subscription, "ended_at") or _seconds(subscription, "canceled_at") or period.until
    if is_over and ended < period.since:
        return []
    was = {**_BARE, "status": "trialing" if trial_end else "active"}
    events = [(created, _event("customer.subscription.created", subscription, created, was))]
    if trial_end and trial_end < (ended if is_over else period.until) and status != "trialing":
        events.append((trial_end, _converted(subscription, trial_end)))
    if is_over:
        gone = _event("customer.subscription.deleted", subscription, ended, {"items": None})
        return in_period([*events, (ended, gone)], period)
    events += _cancelling(subscription)
    now = _event("customer.subscription.updated", subscription, period.until)
    return in_period([*events, (period.until, now)], period)


def _converted(subscription: Node, at: int) -> Event:
    is_active, was_trial = {**_BARE, "status": "active"}, {"status": "trialing"}
    return _event("customer.subscription.updated", subscription, at, is_active, was_trial)


def _cancelling(subscription: Node) -> list[tuple[int, Event]]:
    at = _seconds(subscription, "canceled_at")
    if at is None:
        return []
    was_running = {"cancel_at": None, "cancel_at_period_end": False}
    return [(at, _event("customer.subscription.updated", subscription, at, {"items": None}, was_running))]


def _seconds(thing: Node, name: str) -> int | None:
    return None if thing.values.get(name) is None else thing.seconds(name)


def _make(url: str, secret: str, account: str | None) -> ApiCall:
    events: Query = tuple(("enabled_events[]", one) for one in stripe.EVENTS)
    form = (("url", url), ("api_version", VERSION), ("description", "Footfall"), *events)
    return ApiCall("POST", _WEBHOOKS, _WRITE, body=urlencode(form).encode(), is_form=True)


def _made(webhook: Node, secret: str) -> MadeWebhook:
    return MadeWebhook(webhook.text("id"), webhook.text("secret"))


def _remove(webhook_id: str) -> ApiCall:
    return ApiCall("DELETE", f"{_WEBHOOKS}/{quote(webhook_id, safe='')}", _WRITE)


API = ProviderApi(
    headers=(("stripe-version", VERSION),),
    key_fields=("stripeRak",),
    account_field=None,
    listings=(
        _listing("customers", "Customers", _customer),
        _listing(
            "checkout/sessions",
            "Checkout Sessions",
            _session,
            ("status", "complete"),
            ("expand[]", "data.invoice"),
            ("expand[]", "data.payment_intent.latest_charge"),
        ),
        _listing(
            "invoices", "Invoices", _invoice, ("status", "paid"), ("expand[]", "data.payments"), early=LATE_MS
        ),
        _listing("payment_intents", "PaymentIntents", _intent, ("expand[]", "data.latest_charge")),
        _listing("charges", "Charges and Refunds", _charge),
        _listing("refunds", "Charges and Refunds", _refund),
        _listing("disputes", "Disputes", _dispute),
        _listing("subscriptions", "Subscriptions", _subscription, ("status", "all"), early=None),
    ),
    make=_make,
    made=_made,
    remove=_remove,
)
