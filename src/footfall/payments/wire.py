"""Payments on the wire: what a body and a query may hold, and how answers show payments and revenue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from footfall.clock import from_iso, to_iso
from footfall.collect.model import Touch
from footfall.errors import BadRequest
from footfall.ids import MAX_AT, format_uuid
from footfall.payments.model import (
    CurrencySum,
    Finance,
    Kind,
    Method,
    NewPayment,
    Owned,
    Payment,
    PaymentEvent,
    PaymentStory,
    Revenue,
)
from footfall.payments.money import Money, read_currency, read_money, to_major
from footfall.payments.rules import is_matched, missing_signals
from footfall.web.parameters import (
    read_cursor,
    read_either,
    read_number_parameter,
    read_zone,
    refuse_others,
)

MAX_BODY = 64 * 1024
MAX_TEXT = 255
"""Characters of a transaction id, customer id, name or visitor id."""
MAX_EMAIL = 320
MAX_AHEAD = 60_000
"""Milliseconds by which `timestamp` may lie ahead of the clock."""
DEFAULT_LIMIT, MAX_LIMIT = 100, 250
CURSOR_BYTES = 12
_TRANSACTION, _VISITOR = ("transaction_id", "tx_id"), ("datafast_visitor_id", "visitor_id", "visitorId")
_PERSON = ("person", "profileId", "profile_id")
_START, _END = ("startAt", "start"), ("endAt", "end")
_NO_FILTERS = (*_PERSON, "user_id", "customer_id", "email", "currency", "matched")
"""What says elsewhere which payments are meant."""

REASONS: dict[Method, tuple[str, str | None]] = {
    Method.VISITOR: ("The visitor that was given.", None),
    Method.CHECKOUT: ("A page of this visitor reported the checkout.", None),
    Method.CUSTOMER_ID: ("The customer id is this person's user id or customer_id trait.", None),
    Method.EMAIL: ("The e-mail address is this person's user id or email trait.", None),
    Method.UNSEEN_VISITOR: (
        "No page of the visitor that was given was seen yet.",
        "It is the visitor's once one is, or somebody's once they are identified with its e-mail address or customer id.",
    ),
    Method.WAITING: ("It is being found out whose it is.", None),
    Method.NO_EVIDENCE: (
        "Neither a visitor nor an e-mail address nor a customer id was given.",
        "Send datafast_visitor_id from the checkout's metadata, or let the page report the checkout.",
    ),
    Method.NOBODY_KNOWN: (
        "Nobody with this e-mail address or customer id was identified yet.",
        "It is theirs as soon as somebody is: send the address as email, or the id as customer_id, with an identify call.",
    ),
    Method.AMBIGUOUS: (
        "Several people have this e-mail address or customer id.",
        "Merge them, if they are one, or send the visitor's id.",
    ),
    Method.ERASED: ("Whose it was has been erased.", None),
}
"""Why a payment is whose it is, or nobody's; and what mends that."""


def read_payment(body: Mapping[str, Any], now: int) -> NewPayment:
    """A payment from a body at a time (ms since epoch). Raises BadRequest that names the field and the reason."""
    money = read_money(body.get("amount"), body.get("currency"))
    transaction_id = _read_id(body, "transaction_id")
    if transaction_id is None:
        raise BadRequest(
            "transaction_id is required: send the payment's own id, by which it is counted once."
        )
    return NewPayment(
        transaction_id,
        _read_kind(body, money),
        money,
        _read_timestamp(body.get("timestamp"), now),
        _read_either(body, ("email", "customer_email"), MAX_EMAIL),
        _read_either(body, ("name", "customer_name"), MAX_TEXT),
        _read_id(body, "customer_id"),
        _read_visitor(body),
        _read_original(body),
    )


def _read_original(body: Mapping[str, Any]) -> str | None:
    """The id of the payment that a refund pays back, where that is told."""
    original = _read_id(body, "refund_of")
    if original is not None and not body.get("refunded"):
        raise BadRequest("refund_of says which payment is paid back: send refunded: true with it.")
    return original


def _read_kind(body: Mapping[str, Any], money: Money) -> Kind:
    renewal, refunded, trial = (_read_flag(body, name) for name in ("renewal", "refunded", "is_free_trial"))
    if refunded:
        return Kind.REFUND
    if trial or money.minor == 0:
        return Kind.FREE_TRIAL
    return Kind.RENEWAL if renewal else Kind.PAYMENT


def _read_flag(body: Mapping[str, Any], field: str) -> bool:
    value = body.get(field)
    if value is not None and type(value) is not bool:
        raise BadRequest(f"{field} must be true or false.")
    return bool(value)


def _read_text(body: Mapping[str, Any], field: str, most: int) -> str | None:
    value = body.get(field)
    if value is None:
        return None
    if type(value) is not str or len(value) > most:
        raise BadRequest(f"{field} must be a text of at most {most} characters.")
    return value.strip() or None


def _read_either(body: Mapping[str, Any], fields: tuple[str, str], most: int) -> str | None:
    first, second = (_read_text(body, field, most) for field in fields)
    return first or second


def _read_id(body: Mapping[str, Any], field: str) -> str | None:
    """An id of somebody else's making; some are whole numbers there."""
    value = body.get(field)
    if type(value) is int and abs(value) < 10 ** (MAX_TEXT - 1):
        return str(value)
    return _read_text(body, field, MAX_TEXT)


def _read_visitor(body: Mapping[str, Any]) -> str | None:
    """The visitor's id under either of its names: any text."""
    one, two = (_read_text(body, field, MAX_TEXT) for field in ("datafast_visitor_id", "visitorId"))
    if one and two and one.lower() != two.lower():
        raise BadRequest("datafast_visitor_id and visitorId differ: send one of them.")
    return one or two


def _read_timestamp(value: object, now: int) -> int | None:
    if value is None or value == "":
        return None
    at = _iso(value)
    if at is None:
        raise BadRequest("timestamp must be an ISO 8601 time with a zone, such as 2026-05-05T12:00:00Z.")
    if not 0 <= at < MAX_AT:
        raise BadRequest("timestamp lies before 1970.")
    if at > now + MAX_AHEAD:
        raise BadRequest("timestamp lies more than 60 s ahead of the clock.")
    return at


def _iso(value: object) -> int | None:
    try:
        return from_iso(value) if type(value) is str else None
    except (ValueError, OverflowError):
        return None


# Queries


class Range(msgspec.Struct, frozen=True):
    """From when on and before when (ms since epoch)."""

    since: int = 0
    until: int = MAX_AT

    @property
    def is_all(self) -> bool:
        """Whether it leaves nothing out."""
        return self == Range()


class PaymentQuery(msgspec.Struct, frozen=True):
    """Which payments, newest first: those before the id `cursor`, at most `limit`. `ref`: a person's, as in a path.

    `is_matched`: False for those that wait for evidence of whose they are, True for all others.
    """

    range: Range
    visitor: str | None
    ref: str | None
    currency: str | None
    transaction_id: str | None
    cursor: bytes
    limit: int
    is_matched: bool | None = None


class DeleteQuery(msgspec.Struct, frozen=True):
    """Which payments to delete. With `transaction_id`, that one alone."""

    transaction_id: str | None
    visitor: str | None
    range: Range


def read_payment_query(query: Mapping[str, str], timezone: str) -> PaymentQuery:
    """The query of a list of payments. Raises BadRequest that names the parameter."""
    query = {name: text for name, text in query.items() if text}
    currency = query.get("currency")
    return PaymentQuery(
        _read_range(query, timezone),
        read_either(query, _VISITOR),
        read_either(query, _PERSON),
        None if currency is None else read_currency(currency),
        read_either(query, _TRANSACTION),
        read_cursor(query.get("cursor"), CURSOR_BYTES, CURSOR_BYTES, "list"),
        read_number_parameter(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        _read_matched(query.get("matched")),
    )


def _read_matched(text: str | None) -> bool | None:
    if text not in (None, "true", "false"):
        raise BadRequest("matched must be true or false.")
    return None if text is None else text == "true"


def read_delete_query(query: Mapping[str, str], timezone: str) -> DeleteQuery:
    """What a deletion names. Raises BadRequest when it names nothing, or something that would not be heeded."""
    refuse_others(query, _NO_FILTERS, "transaction_id, datafast_visitor_id, startAt and endAt")
    for name in (*_TRANSACTION, *_VISITOR, *_START, *_END):
        if not query.get(name, name).strip():
            raise BadRequest(f"{name} is empty. Leave it out, if payments are meant whatever it is.")
    found = DeleteQuery(
        read_either(query, _TRANSACTION), read_either(query, _VISITOR), _read_range(query, timezone)
    )
    if found.transaction_id is None and found.visitor is None and found.range.is_all:
        raise BadRequest(
            "Name what to delete: transaction_id, datafast_visitor_id, or startAt and endAt, or several of them."
        )
    return found


def _read_range(query: Mapping[str, str], timezone: str) -> Range:
    first, last = read_either(query, _START), read_either(query, _END)
    if first is None and last is None:
        return Range()
    zone = read_zone(query, timezone)
    since = 0 if first is None else _read_edge(_START[0], first, zone, is_end=False)
    until = MAX_AT if last is None else _read_edge(_END[0], last, zone, is_end=True)
    if until <= since:
        raise BadRequest("endAt must not be before startAt.")
    return Range(since, until)


def _read_edge(name: str, text: str, zone: tzinfo, *, is_end: bool) -> int:
    """A day in the zone, or a time; the end of a range is the end of its day or just behind its time."""
    try:
        if len(text) == len("2026-05-05"):
            day = date.fromisoformat(text) + timedelta(days=is_end)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
            return max(int(moment.timestamp() * 1000), 0)
        return min(max(from_iso(text) + is_end, 0), MAX_AT)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name} must be a day such as 2026-05-05, or an ISO 8601 time with a zone such as 2026-05-05T12:00:00Z."
        ) from None


# Answers


def _number(money: Money) -> Any:
    """Money as a JSON number of major units."""
    return to_major(money)


def owned_json(one: Owned) -> dict[str, Any]:
    """A payment in a list, with whose it is."""
    return {
        **payment_json(one.payment),
        "profileId": one.person_id.hex() if one.person_id else None,
        "userId": one.user_id,
    }


def payment_json(one: Payment) -> dict[str, Any]:
    """A payment by itself. A refund's amount is positive, as it was sent."""
    return {
        "paymentId": one.payment_id.hex(),
        "transactionId": one.transaction_id,
        "timestamp": to_iso(one.at),
        "amount": _number(Money(abs(one.money.minor), one.money.currency)),
        "currency": one.money.currency,
        "kind": one.kind.value,
        "renewal": one.kind is Kind.RENEWAL,
        "refunded": one.kind is Kind.REFUND,
        "isFreeTrial": one.kind is Kind.FREE_TRIAL,
        "email": one.email,
        "name": one.name,
        "customerId": one.customer_id,
        "visitorId": format_uuid(one.visitor_id) if one.visitor_id else None,
        "match": _match_json(one),
        "atPayment": {
            "visitorId": format_uuid(one.known.visitor_id) if one.known.visitor_id else None,
            "profileId": one.known.profile_id.hex() if one.known.profile_id else None,
            "firstTouch": touch_json(one.known.first_touch),
            "lastTouch": touch_json(one.known.last_touch),
        },
    }


def _match_json(one: Payment) -> dict[str, Any]:
    reason, mend = REASONS[one.method]
    return {
        "isMatched": is_matched(one),
        "method": one.method.value,
        "given": one.visitor_ref,
        "reason": reason,
        "evidence": _evidence_json(one),
        "missing": missing_signals(one),
        "mend": mend,
    }


def _evidence_json(one: Payment) -> dict[str, str] | None:
    """The ids of what says whose it is."""
    if one.method in (Method.VISITOR, Method.CHECKOUT) and one.visitor_id is not None:
        return {"visitorId": format_uuid(one.visitor_id)}
    return None if one.evidence is None else {"factId": one.evidence.hex()}


def story_json(one: PaymentStory) -> dict[str, Any]:
    """A payment with its timeline, oldest first."""
    return {
        **owned_json(one.owned),
        "receivedAt": to_iso(one.received_at),
        "refundOf": one.refund_of.transaction_id if one.refund_of else None,
        "refunds": [_refund_json(refund) for refund in one.refunds],
        "claimants": [{"profileId": who.profile_id.hex(), "userId": who.user_id} for who in one.claimants],
        "timeline": [_event_json(event) for event in one.events],
    }


def _refund_json(one: Payment) -> dict[str, Any]:
    return {
        "paymentId": one.payment_id.hex(),
        "transactionId": one.transaction_id,
        "timestamp": to_iso(one.at),
        "amount": _number(Money(abs(one.money.minor), one.money.currency)),
        "currency": one.money.currency,
        "kind": one.kind.value,
    }


def _event_json(one: PaymentEvent) -> dict[str, Any]:
    """What happened; only what there is to say of it."""
    told: dict[str, Any] = {
        "visitorId": None if one.visitor_id is None else format_uuid(one.visitor_id),
        "url": one.url,
        "method": None if one.method is None else one.method.value,
        "factId": None if one.fact_id is None else one.fact_id.hex(),
        "undone": None if one.undone is None else one.undone.hex(),
        "userIds": list(one.user_ids) or None,
        "payment": None if one.payment is None else _refund_json(one.payment),
        "provider": one.provider,
        "event": one.event,
    }
    said = {name: value for name, value in told.items() if value is not None}
    counts = {} if one.is_active is None else {"isActive": one.is_active}
    return {"type": one.type.value, "at": to_iso(one.at), **said, **counts}


def touch_json(touch: Touch | None) -> dict[str, Any] | None:
    """Where a session came from."""
    if touch is None:
        return None
    return {
        "source": touch.source,
        "referrer": touch.referrer,
        "params": touch.params,
        "url": touch.url,
        "at": to_iso(touch.at),
    }


def finance_json(one: Finance) -> dict[str, Any]:
    """What a visitor or person paid; `revenueAtPayment` only of a person."""
    return {
        "isCustomer": one.is_customer,
        "hasRevenue": one.is_customer,
        "revenue": revenue_json(one.revenue),
        **({"revenueAtPayment": revenue_json(one.at_payment)} if one.at_payment else {}),
        "paymentCount": one.count,
        "firstPaymentAt": None if one.first_payment_at is None else to_iso(one.first_payment_at),
        "daysToFirstPayment": one.days,
        "visitsToFirstPayment": one.visits,
        "payments": [payment_json(payment) for payment in one.payments],
    }


def revenue_json(one: Revenue) -> dict[str, Any]:
    """What payments come to, refunds taken off."""
    return {
        "currency": one.total.currency,
        "total": _number(one.total),
        "unconverted": [{"currency": rest.currency, "amount": _number(rest)} for rest in one.unconverted],
        "byCurrency": [_sum_json(of) for of in one.by_currency],
    }


def _sum_json(one: CurrencySum) -> dict[str, Any]:
    return {
        "currency": one.net.currency,
        "amount": _number(one.net),
        "payments": one.payments,
        "refunds": one.refunds,
    }
