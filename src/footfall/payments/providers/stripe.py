"""Stripe's webhooks, in the shapes before and after API version 2025-03-31 ("basil"). Pure.

Since basil an invoice names neither its payment intent nor its charge, and these name no invoice: only `invoice_payment.paid` joins them.
The canonical id of a payment is its invoice's, else its payment intent's, else its charge's, else its checkout session's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from footfall.payments.providers import stripe_subscriptions
from footfall.payments.providers.model import (
    Delivery,
    Disputed,
    Kind,
    Linked,
    Paid,
    Payer,
    Refunded,
    Seen,
    SignatureProblem,
    Told,
    deliver,
    first_of,
)
from footfall.payments.providers.reading import Node, either, open_body, read_metadata
from footfall.payments.providers.signing import verify_timed
from footfall.payments.providers.stripe_lines import find_interval, lines_of, monthly_of_invoice
from footfall.payments.providers.stripe_money import read_money

EVENTS = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "customer.created",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.paid",
    "invoice_payment.paid",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""To be ticked. Without `invoice_payment.paid` renewals since basil would count twice, and their refunds find no payment."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> SignatureProblem | None:
    header = headers.get("stripe-signature")
    return verify_timed(secret, header, body, now, names=("t", "v1"), separators=(",", "."))


def read(body: bytes) -> Delivery:
    """Raises BadDelivery."""
    event = open_body(body)
    kind, at = event.text("type"), event.seconds("created")
    reader = _READERS.get(kind)
    told = reader(_Event(at, event.node("data"))) if reader else f"{kind} tells nothing of payments"
    return deliver(
        told,
        delivery_id=event.text("id"),
        event=kind,
        at=at,
        is_live=event.flag("livemode"),
        account=event.find_ref("account"),
    )


class _Event(NamedTuple):
    at: int
    data: Node

    @property
    def object(self) -> Node:
        return self.data.node("object")


def _read_session(event: _Event) -> Told:
    session = event.object
    if session.find_text("mode") == "setup":
        return (Seen(_payer_of_session(session)),)
    if session.text("payment_status") == "unpaid":
        return "the checkout is complete, its payment is not"
    return (_pay_session(session, event.at),)


def _pay_session(session: Node, at: int) -> Paid:
    session_id, subscription_id = session.text("id"), session.find_ref("subscription")
    money = read_money(session, "amount_total")
    ids = (
        session.find_ref("invoice"),
        session.find_ref("payment_intent"),
        session_id,
        subscription_id and first_of(subscription_id),
    )
    return Paid(
        ids=_known(*ids),
        at=at,
        money=money,
        payer=_payer_of_session(session),
        kind="first" if subscription_id else "one_off",
        checkout_ids=(session_id,),
        subscription_id=subscription_id,
        is_free_trial=subscription_id is not None and money.minor == 0,
        host=_host_of_session(session),
    )


def _payer_of_session(session: Node) -> Payer:
    customer = session.get("customer_details")
    said = read_metadata(session.get("metadata"))
    reference = session.loose("client_reference_id")
    return Payer(
        customer_id=session.find_ref("customer"),
        email=customer.loose("email") or session.loose("customer_email"),
        name=customer.find_label("name"),
        visitor_id=said.visitor_id or reference,
        external_id=said.external_id or reference,
        website_ref=said.website_ref,
    )


def _host_of_session(session: Node) -> str | None:
    hosts = (_host(session.values.get(name)) for name in ("success_url", "return_url", "cancel_url"))
    return next((host for host in hosts if host and not f".{host}".endswith(".stripe.com")), None)


def _host(url: object) -> str | None:
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None


def _read_invoice(event: _Event) -> Told:
    invoice = event.object
    paid = _pay_invoice(invoice, event.at)
    moved = stripe_subscriptions.read_renewal(paid)
    return (paid, moved) if moved else (paid,)


def _pay_invoice(invoice: Node, at: int) -> Paid:
    money = read_money(invoice, "amount_paid")
    subscription_id = stripe_subscriptions.find_subscription(invoice)
    kind = _KIND_OF_REASON.get(invoice.find_text("billing_reason") or "", "unknown")
    first = first_of(subscription_id) if kind == "first" and subscription_id else None
    transitions = invoice.get("status_transitions")
    return Paid(
        ids=_known(invoice.text("id"), *_payments_of(invoice), first),
        at=at if transitions.values.get("paid_at") is None else transitions.seconds("paid_at"),
        money=money,
        payer=_payer_of_invoice(invoice),
        kind=kind,
        subscription_id=subscription_id,
        interval=find_interval(invoice),
        monthly=None if money.minor == 0 else monthly_of_invoice(invoice),
        is_free_trial=first is not None and money.minor == 0,
    )


_KIND_OF_REASON: dict[str, Kind] = {
    "subscription_create": "first",
    "subscription_cycle": "renewal",
    "subscription_threshold": "update",
    "subscription_update": "update",
    "manual": "one_off",
    "quote_accept": "one_off",
}


def _payments_of(invoice: Node) -> list[str | None]:
    """Ids of payment intents and charges: in the old shape, and where a list of payments came with it."""
    payments = [entry.get("payment") for entry in invoice.get("payments").nodes("data")]
    return [
        invoice.find_ref("payment_intent"),
        invoice.find_ref("charge"),
        *(payment.find_ref(name) for payment in payments for name in ("payment_intent", "charge")),
    ]


def _payer_of_invoice(invoice: Node) -> Payer:
    said = read_metadata(
        invoice.get("metadata"),
        invoice.get("parent", "subscription_details", "metadata"),
        invoice.get("subscription_details", "metadata"),
        *(line.get("metadata") for line in lines_of(invoice)),
    )
    known = Payer(
        invoice.find_ref("customer"), invoice.loose("customer_email"), invoice.find_label("customer_name")
    )
    return either(known, said)


def _read_invoice_payment(event: _Event) -> Told:
    payment = event.object
    inner = payment.get("payment")
    ids = _known(payment.find_ref("invoice"), inner.find_ref("payment_intent"), inner.find_ref("charge"))
    return (Linked(ids),) if len(ids) > 1 else "the invoice was paid outside of Stripe"


def _read_intent(event: _Event) -> Told:
    intent = event.object
    invoice_id = intent.find_ref("invoice")
    charges = intent.get("charges").nodes("data")
    charge_ids = (charge.find_text("id") for charge in charges)
    billing = next((charge.get("billing_details") for charge in charges), Node({}))
    known = Payer(
        intent.find_ref("customer"),
        intent.loose("receipt_email") or billing.loose("email"),
        billing.find_label("name"),
    )
    paid = Paid(
        ids=_known(invoice_id, intent.text("id"), intent.find_ref("latest_charge"), *charge_ids),
        at=event.at,
        money=read_money(intent, "amount_received"),
        payer=either(known, read_metadata(intent.get("metadata"))),
        kind="one_off" if "invoice" in intent.values and invoice_id is None else "unknown",
        may_repeat_invoice="invoice" not in intent.values,
    )
    return (paid,)


def _read_charge(event: _Event) -> Told:
    charge = event.object
    if not charge.flag("paid") or not charge.flag("captured"):
        return "the charge is authorised, not captured"
    ids = _ids_of_charge(charge)
    return (Linked(ids),) if len(ids) > 1 else (_pay_charge(charge, event.at),)


def _pay_charge(charge: Node, at: int) -> Paid:
    billing = charge.get("billing_details")
    email = billing.loose("email") or charge.loose("receipt_email")
    known = Payer(charge.find_ref("customer"), email, billing.find_label("name"))
    return Paid(
        ids=_ids_of_charge(charge),
        at=at,
        money=read_money(charge, "amount_captured" if "amount_captured" in charge.values else "amount"),
        payer=either(known, read_metadata(charge.get("metadata"))),
        kind="one_off",
    )


def _ids_of_charge(charge: Node) -> tuple[str, ...]:
    return _known(charge.find_ref("invoice"), charge.find_ref("payment_intent"), charge.text("id"))


def _read_refunds(event: _Event) -> Told:
    """A charge that tells the sum of its refunds."""
    charge = event.object
    return (
        Refunded(
            _ids_of_charge(charge), refund_id=None, at=event.at, money=read_money(charge, "amount_refunded")
        ),
    )


def _read_refund(event: _Event) -> Told:
    refund = event.object
    ids = _known(refund.find_ref("payment_intent"), refund.find_ref("charge"))
    if not ids:
        return "the refund names no payment"
    is_failed = refund.find_text("status") in ("failed", "canceled")
    return (Refunded(ids, refund.text("id"), event.at, read_money(refund, "amount"), is_failed),)


def _read_dispute(event: _Event) -> Told:
    dispute = event.object
    status = dispute.text("status")
    if status.startswith("warning_") or status == "prevented":
        return "the bank only asks; no money moved"
    ids = _known(dispute.find_ref("payment_intent"), dispute.find_ref("charge"))
    if not ids:
        raise dispute.fail("charge", "is missing")
    return (
        Disputed(
            ids, dispute.text("id"), event.at, read_money(dispute, "amount"), _ENDS.get(status, "opened")
        ),
    )


_ENDS: dict[str, Literal["won", "lost"]] = {"won": "won", "lost": "lost"}


def _read_subscription(event: _Event) -> Told:
    return stripe_subscriptions.read_changes(event.object, event.data.get("previous_attributes"), event.at)


def _read_new_subscription(event: _Event) -> Told:
    return stripe_subscriptions.read_start(event.object, event.at)


def _read_ended_subscription(event: _Event) -> Told:
    return (stripe_subscriptions.make_move(event.object, "ended", event.at),)


def _read_customer(event: _Event) -> Told:
    customer = event.object
    known = Payer(customer.text("id"), customer.loose("email"), customer.find_label("name"))
    return (Seen(either(known, read_metadata(customer.get("metadata")))),)


def _known(*ids: str | None) -> tuple[str, ...]:
    """Those that are known, each once, in this order."""
    return tuple(dict.fromkeys(one for one in ids if one))


_READERS: dict[str, Callable[[_Event], Told]] = {
    "checkout.session.async_payment_succeeded": _read_session,
    "checkout.session.completed": _read_session,
    "invoice.paid": _read_invoice,
    "invoice.payment_succeeded": _read_invoice,
    "invoice_payment.paid": _read_invoice_payment,
    "payment_intent.succeeded": _read_intent,
    "charge.captured": _read_charge,
    "charge.succeeded": _read_charge,
    "charge.refunded": _read_refunds,
    "charge.refund.updated": _read_refund,
    "refund.created": _read_refund,
    "refund.failed": _read_refund,
    "refund.updated": _read_refund,
    "charge.dispute.closed": _read_dispute,
    "charge.dispute.created": _read_dispute,
    "charge.dispute.funds_reinstated": _read_dispute,
    "charge.dispute.funds_withdrawn": _read_dispute,
    "charge.dispute.updated": _read_dispute,
    "customer.subscription.created": _read_new_subscription,
    "customer.subscription.deleted": _read_ended_subscription,
    "customer.subscription.paused": _read_subscription,
    "customer.subscription.resumed": _read_subscription,
    "customer.subscription.updated": _read_subscription,
    "customer.created": _read_customer,
    "customer.updated": _read_customer,
}
