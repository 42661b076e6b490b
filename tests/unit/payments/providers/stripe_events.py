"""Events in the shape of Stripe's documentation, before and after API version 2025-03-31 ("basil")."""

from __future__ import annotations

from typing import Any

from tests.unit.payments.providers.telling import SECONDS, VISITOR

OLD, BASIL = "2024-06-20", "2025-03-31.basil"
CREATE, CYCLE, UPDATE = "subscription_create", "subscription_cycle", "subscription_update"


def event(
    kind: str, thing: dict[str, Any], *, at: int = SECONDS, before: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    data = {"object": thing} if before is None else {"object": thing, "previous_attributes": before}
    return {
        "id": f"evt_{kind}_{thing.get('id')}_{at}",
        "object": "event",
        "api_version": BASIL,
        "created": at,
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": data,
        **more,
    }


def session(**fields: Any) -> dict[str, Any]:
    return {
        "id": "cs_live_a1",
        "object": "checkout.session",
        "amount_subtotal": 1999,
        "amount_total": 1999,
        "client_reference_id": None,
        "currency": "usd",
        "customer": "cus_1",
        "customer_details": {"email": "ann@example.com", "name": "Ann Lee", "phone": None, "tax_ids": []},
        "customer_email": None,
        "invoice": None,
        "livemode": True,
        "metadata": {},
        "mode": "payment",
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "status": "complete",
        "subscription": None,
        "success_url": "https://www.example.com/thanks?session_id={CHECKOUT_SESSION_ID}",
        **fields,
    }


def subscribed_session(**fields: Any) -> dict[str, Any]:
    return session(
        **{
            "mode": "subscription",
            "payment_intent": None,
            "invoice": "in_1",
            "subscription": "sub_1",
            **fields,
        }
    )


def line(amount: Any = 1999, days: int = 31, **fields: Any) -> dict[str, Any]:
    """A line of an invoice since basil."""
    return {
        "id": "il_1",
        "object": "line_item",
        "amount": amount,
        "currency": "usd",
        "discount_amounts": [],
        "metadata": {},
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                "proration": False,
                "subscription": "sub_1",
                "subscription_item": "si_1",
            },
        },
        "period": {"start": SECONDS, "end": SECONDS + days * 86_400},
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        "quantity": 1,
        **fields,
    }


def old_line(amount: int = 1999, interval: str = "month", count: int = 1, **fields: Any) -> dict[str, Any]:
    """A line of an invoice before basil."""
    recurring = {"interval": interval, "interval_count": count, "usage_type": "licensed"}
    return {
        "id": "il_1",
        "object": "line_item",
        "type": "subscription",
        "amount": amount,
        "currency": "usd",
        "discount_amounts": [],
        "metadata": {},
        "period": {"start": SECONDS, "end": SECONDS + 31 * 86_400},
        "plan": {"id": "price_1", "amount": amount, "interval": interval, "interval_count": count},
        "price": {"id": "price_1", "unit_amount": amount, "recurring": recurring},
        "proration": False,
        "quantity": 1,
        **fields,
    }


def _invoice(reason: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 1999,
        "amount_paid": 1999,
        "billing_reason": reason,
        "currency": "usd",
        "customer": "cus_1",
        "customer_email": "ann@example.com",
        "customer_name": "Ann Lee",
        "metadata": {},
        "status": "paid",
        "status_transitions": {"finalized_at": SECONDS, "paid_at": SECONDS + 5},
        **fields,
    }


def invoice(reason: str = CYCLE, **fields: Any) -> dict[str, Any]:
    """Since basil: it names neither its payment intent nor its charge."""
    details = {"metadata": {"datafast_visitor_id": VISITOR}, "subscription": "sub_1"}
    parent = {"type": "subscription_details", "quote_details": None, "subscription_details": details}
    lines = {"object": "list", "data": [line()], "has_more": False}
    return _invoice(reason, **{"parent": parent, "lines": lines, **fields})


def old_invoice(reason: str = CYCLE, **fields: Any) -> dict[str, Any]:
    """Before basil."""
    return _invoice(
        reason,
        **{
            "charge": "ch_1",
            "payment_intent": "pi_1",
            "paid": True,
            "subscription": "sub_1",
            "subscription_details": {"metadata": {"datafast_visitor_id": VISITOR}},
            "lines": {"object": "list", "data": [old_line()], "has_more": False},
            **fields,
        },
    )


def invoice_payment(**fields: Any) -> dict[str, Any]:
    return {
        "id": "inpay_1",
        "object": "invoice_payment",
        "amount_paid": 1999,
        "amount_requested": 1999,
        "currency": "usd",
        "invoice": "in_1",
        "is_default": True,
        "livemode": True,
        "payment": {"payment_intent": "pi_1", "type": "payment_intent"},
        "status": "paid",
        **fields,
    }


def intent(**fields: Any) -> dict[str, Any]:
    """Since basil; before it, it has `invoice`, if only as null."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1999,
        "amount_received": 1999,
        "currency": "usd",
        "customer": "cus_1",
        "latest_charge": "ch_1",
        "metadata": {},
        "receipt_email": None,
        "status": "succeeded",
        **fields,
    }


def charge(**fields: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 1999,
        "amount_captured": 1999,
        "amount_refunded": 0,
        "billing_details": {"email": "ann@example.com", "name": "Ann Lee"},
        "captured": True,
        "currency": "usd",
        "customer": "cus_1",
        "metadata": {},
        "paid": True,
        "payment_intent": "pi_1",
        "receipt_email": None,
        "refunded": False,
        "status": "succeeded",
        **fields,
    }


def refund(**fields: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 500,
        "charge": "ch_1",
        "currency": "usd",
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "requested_by_customer",
        "status": "succeeded",
        **fields,
    }


def dispute(**fields: Any) -> dict[str, Any]:
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 1999,
        "charge": "ch_1",
        "currency": "usd",
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
        **fields,
    }


def item(amount: Any = 1999, interval: str = "month", count: int = 1, **fields: Any) -> dict[str, Any]:
    recurring = {"interval": interval, "interval_count": count, "usage_type": "licensed"}
    price = {"id": "price_1", "currency": "usd", "unit_amount": amount, "recurring": recurring}
    return {
        "id": "si_1",
        "object": "subscription_item",
        "discounts": [],
        "price": price,
        "quantity": 1,
        **fields,
    }


def items(*several: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(several), "has_more": False}


def subscription(**fields: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "cancel_at": None,
        "cancel_at_period_end": False,
        "currency": "usd",
        "customer": "cus_1",
        "discounts": [],
        "items": items(item()),
        "metadata": {"datafast_visitor_id": VISITOR},
        "status": "active",
        **fields,
    }
