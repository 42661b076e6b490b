"""Events in the shape of the documentation of Lemon Squeezy, Polar, Paddle Billing and Dodo Payments."""

from __future__ import annotations

from typing import Any

from tests.unit.payments.providers.telling import ISO, VISITOR

LATER, NEXT_MONTH, NEXT_YEAR = (
    "2026-01-02T00:00:00.000000Z",
    "2026-02-01T00:00:00.000000Z",
    "2027-01-01T00:00:00.000000Z",
)


def lemon(event: str, thing: str, number: str, attributes: dict[str, Any], **meta: Any) -> dict[str, Any]:
    custom = {"datafast_visitor_id": VISITOR, "user_id": 42}
    head = {"event_name": event, "custom_data": custom, "test_mode": False, "webhook_id": "w1", **meta}
    return {
        "meta": head,
        "data": {"type": thing, "id": number, "attributes": attributes, "relationships": {}},
    }


def lemon_order(event: str = "order_created", **fields: Any) -> dict[str, Any]:
    attributes = {
        "store_id": 7,
        "customer_id": 3,
        "identifier": "104e18a2-d755-4d4b-80c4-a6c1dcbe1c10",
        "order_number": 1,
        "user_name": "Ann Lee",
        "user_email": "ann@example.com",
        "currency": "USD",
        "currency_rate": "1.0000",
        "subtotal": 999,
        "discount_total": 0,
        "tax": 200,
        "total": 1199,
        "refunded_amount": 0,
        "status": "paid",
        "refunded": False,
        "refunded_at": None,
        "first_order_item": {"id": 1, "order_id": 2, "product_id": 1, "variant_id": 1, "price": 999},
        "created_at": ISO,
        "updated_at": ISO,
        "test_mode": False,
    }
    return lemon(event, "orders", "2", {**attributes, **fields})


def lemon_invoice(
    event: str = "subscription_payment_success", number: str = "5", **fields: Any
) -> dict[str, Any]:
    attributes = {
        "store_id": 7,
        "subscription_id": 9,
        "customer_id": 3,
        "user_name": "Ann Lee",
        "user_email": "ann@example.com",
        "billing_reason": "renewal",
        "currency": "USD",
        "status": "paid",
        "refunded": False,
        "refunded_at": None,
        "subtotal": 999,
        "tax": 200,
        "total": 1199,
        "refunded_amount": 0,
        "created_at": ISO,
        "updated_at": LATER,
        "test_mode": False,
    }
    return lemon(event, "subscription-invoices", number, {**attributes, **fields})


def lemon_subscription(event: str = "subscription_created", **fields: Any) -> dict[str, Any]:
    attributes = {
        "store_id": 7,
        "customer_id": 3,
        "order_id": 2,
        "order_item_id": 1,
        "product_id": 1,
        "variant_id": 1,
        "user_name": "Ann Lee",
        "user_email": "ann@example.com",
        "status": "active",
        "cancelled": False,
        "pause": None,
        "trial_ends_at": None,
        "billing_anchor": 1,
        "first_subscription_item": {"id": 1, "subscription_id": 9, "price_id": 1, "quantity": 1},
        "renews_at": NEXT_MONTH,
        "ends_at": None,
        "created_at": ISO,
        "updated_at": ISO,
        "test_mode": False,
    }
    return lemon(event, "subscriptions", "9", {**attributes, **fields})


def polar(event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": event, "timestamp": LATER, "data": data}


POLAR_CUSTOMER: dict[str, Any] = {
    "id": "c1",
    "email": "ann@example.com",
    "name": "Ann Lee",
    "external_id": "u1",
    "organization_id": "org1",
    "metadata": {},
    "created_at": ISO,
    "modified_at": None,
}


def polar_order(**fields: Any) -> dict[str, Any]:
    return {
        "id": "o1",
        "created_at": ISO,
        "modified_at": None,
        "status": "paid",
        "paid": True,
        "subtotal_amount": 2000,
        "discount_amount": 200,
        "net_amount": 1800,
        "tax_amount": 360,
        "total_amount": 2160,
        "refunded_amount": 0,
        "refunded_tax_amount": 0,
        "currency": "usd",
        "billing_reason": "purchase",
        "customer_id": "c1",
        "product_id": "p1",
        "subscription_id": None,
        "checkout_id": "ch1",
        "metadata": {"datafast_visitor_id": VISITOR},
        "customer": POLAR_CUSTOMER,
        "subscription": None,
        "items": [],
        **fields,
    }


def polar_renewal(**fields: Any) -> dict[str, Any]:
    recurs = {"id": "s1", "recurring_interval": "year", "recurring_interval_count": 1}
    return polar_order(
        **{"billing_reason": "subscription_cycle", "subscription_id": "s1", "subscription": recurs, **fields}
    )


def polar_refund(**fields: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "created_at": ISO,
        "modified_at": None,
        "metadata": {},
        "status": "succeeded",
        "reason": "customer_request",
        "amount": 500,
        "tax_amount": 100,
        "currency": "usd",
        "organization_id": "org1",
        "order_id": "o1",
        "subscription_id": None,
        "customer_id": "c1",
        "dispute": None,
        **fields,
    }


def polar_subscription(**fields: Any) -> dict[str, Any]:
    return {
        "id": "s1",
        "created_at": ISO,
        "modified_at": None,
        "amount": 120_000,
        "currency": "usd",
        "recurring_interval": "year",
        "recurring_interval_count": 1,
        "status": "active",
        "current_period_start": ISO,
        "current_period_end": NEXT_YEAR,
        "trial_start": None,
        "trial_end": None,
        "cancel_at_period_end": False,
        "customer_id": "c1",
        "discount_id": None,
        "discount": None,
        "checkout_id": "ch1",
        "metadata": {"reference_id": VISITOR},
        "customer": POLAR_CUSTOMER,
        "product": {"id": "p1", "organization_id": "org1"},
        "prices": [],
        "meters": [],
        **fields,
    }


def paddle(event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": f"evt_{event}",
        "event_type": event,
        "occurred_at": LATER,
        "notification_id": "ntf_1",
        "data": data,
    }


def paddle_item(
    amount: str = "10000",
    interval: str | None = "month",
    count: int = 1,
    quantity: int = 1,
    price_id: str = "pri_1",
) -> dict[str, Any]:
    cycle = {"interval": interval, "frequency": count} if interval else None
    price: dict[str, Any] = {
        "id": price_id,
        "unit_price": {"amount": amount, "currency_code": "USD"},
        "unit_price_overrides": [],
        "billing_cycle": cycle,
        "trial_period": None,
    }
    return {"price": price, "quantity": quantity, "status": "active", "recurring": interval is not None}


def paddle_line(subtotal: str, discount: str = "0", price_id: str = "pri_1") -> dict[str, Any]:
    totals = {"subtotal": subtotal, "discount": discount, "tax": "0", "total": subtotal}
    return {"id": "txnitm_1", "price_id": price_id, "quantity": 1, "totals": totals}


def paddle_transaction(**fields: Any) -> dict[str, Any]:
    totals = {"subtotal": "10000", "discount": "0", "tax": "800", "total": "10800", "grand_total": "10800"}
    return {
        "id": "txn_1",
        "status": "completed",
        "origin": "web",
        "customer_id": "ctm_1",
        "subscription_id": "sub_1",
        "invoice_id": "inv_1",
        "currency_code": "USD",
        "custom_data": {"datafast_visitor_id": VISITOR},
        "items": [paddle_item()],
        "details": {"totals": totals, "line_items": [paddle_line("10000")]},
        "payments": [
            {"amount": "10800", "status": "captured", "captured_at": ISO},
            {"amount": "10800", "status": "error", "captured_at": None},
        ],
        "billed_at": ISO,
        "created_at": ISO,
        "updated_at": LATER,
        **fields,
    }


def paddle_adjustment(**fields: Any) -> dict[str, Any]:
    return {
        "id": "adj_1",
        "action": "refund",
        "status": "approved",
        "reason": "error",
        "transaction_id": "txn_1",
        "subscription_id": "sub_1",
        "customer_id": "ctm_1",
        "currency_code": "USD",
        "totals": {"subtotal": "92", "tax": "8", "total": "100", "currency_code": "USD"},
        "created_at": ISO,
        "updated_at": ISO,
        **fields,
    }


def paddle_subscription(**fields: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "status": "active",
        "customer_id": "ctm_1",
        "currency_code": "USD",
        "custom_data": {"datafast_visitor_id": VISITOR},
        "items": [paddle_item()],
        "discount": None,
        "billing_cycle": {"interval": "month", "frequency": 1},
        "scheduled_change": None,
        "created_at": ISO,
        "updated_at": ISO,
        **fields,
    }


def dodo(event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"business_id": "bus_1", "type": event, "timestamp": LATER, "data": data}


DODO_CUSTOMER = {"customer_id": "cus_1", "email": "ann@example.com", "name": "Ann Lee"}


def dodo_payment(**fields: Any) -> dict[str, Any]:
    return {
        "payload_type": "Payment",
        "payment_id": "pay_1",
        "business_id": "bus_1",
        "brand_id": "bus_1",
        "checkout_session_id": "cks_1",
        "created_at": ISO,
        "currency": "USD",
        "customer": DODO_CUSTOMER,
        "disputes": [],
        "refunds": [],
        "metadata": {"datafast_visitor_id": VISITOR},
        "payment_link": "https://checkout.dodopayments.com/abc",
        "settlement_amount": 1700,
        "settlement_currency": "EUR",
        "status": "succeeded",
        "subscription_id": None,
        "tax": 160,
        "total_amount": 1999,
        **fields,
    }


def dodo_refund(**fields: Any) -> dict[str, Any]:
    return {
        "payload_type": "Refund",
        "refund_id": "ref_1",
        "payment_id": "pay_1",
        "business_id": "bus_1",
        "amount": 500,
        "currency": "USD",
        "is_partial": True,
        "status": "succeeded",
        "customer": DODO_CUSTOMER,
        "metadata": {},
        "created_at": ISO,
        **fields,
    }


def dodo_dispute(**fields: Any) -> dict[str, Any]:
    return {
        "payload_type": "Dispute",
        "dispute_id": "dp_1",
        "payment_id": "pay_1",
        "business_id": "bus_1",
        "amount": "1999",
        "currency": "USD",
        "dispute_stage": "dispute",
        "dispute_status": "dispute_opened",
        "created_at": ISO,
        **fields,
    }


def dodo_subscription(**fields: Any) -> dict[str, Any]:
    return {
        "payload_type": "Subscription",
        "subscription_id": "sub_1",
        "status": "active",
        "created_at": ISO,
        "previous_billing_date": ISO,
        "next_billing_date": NEXT_YEAR,
        "cancel_at_next_billing_date": False,
        "currency": "USD",
        "customer": DODO_CUSTOMER,
        "metadata": {"datafast_visitor_id": VISITOR},
        "payment_frequency_count": 1,
        "payment_frequency_interval": "Year",
        "product_id": "pdt_1",
        "quantity": 1,
        "recurring_pre_tax_amount": 120_000,
        "trial_period_days": 0,
        **fields,
    }
