"""Brings the payments of a sale into line with all that was said of it."""

from __future__ import annotations

from msgspec.structs import replace

from footfall.db.protocol import Transaction
from footfall.ids import format_uuid
from footfall.outbox.store import tell_payments
from footfall.payments import rules
from footfall.payments.filling import Gap, fill
from footfall.payments.hints import Hint, add_hints, forget_hints, hints_of
from footfall.payments.model import Kind, Method, NewPayment, Payment
from footfall.payments.money import Money
from footfall.payments.providers.model import Payer
from footfall.payments.providers.reading import either
from footfall.payments.service import PaymentCall, add
from footfall.payments.store import FROM_PROVIDER, find_named, get_payments, remove
from footfall.payments.store import sql as payments_sql
from footfall.payments.webhooks.model import Clues, DeliveryCall, Wanted
from footfall.payments.webhooks.sales import losses_of, payment_of
from footfall.payments.webhooks.store import (
    FOUND,
    PAID,
    Sale,
    earliest_sales,
    find_payments,
    is_elsewhere,
    save_sale,
)


def reconcile(tx: Transaction, call: DeliveryCall, sale: Sale, clues: Clues) -> None:
    """Make, change and remove the payments of a sale, and store it. One that was deleted by hand stays deleted, an erased one as it is."""
    website_id = sale.website_id
    stored = {one.payment_id: one for one in get_payments(tx, website_id, sorted(sale.parts))}
    named = find_payments(tx, sale)
    ours = [stored[key] for key, part in sale.parts.items() if part == PAID and key in stored]
    was_there = any(part in (PAID, FOUND) for part in sale.parts.values())
    found = [one for one in named if sale.parts.get(one.payment_id, FOUND) == FOUND]
    if was_there and not ours and not found:
        return
    main = _settle_payment(tx, call, sale, clues, ours, found)
    losses = {key: part for key, part in sale.parts.items() if part not in (PAID, FOUND)}
    sale.parts = {} if main is None else {main.payment_id: FOUND if found else PAID}
    if main is not None:
        _name(tx, sale, main)
        _settle_losses(tx, call, sale, main, losses, stored)
    else:
        _drop(tx, website_id, [stored[key] for key in losses if key in stored])
    save_sale(tx, sale)


def _settle_payment(
    tx: Transaction, call: DeliveryCall, sale: Sale, clues: Clues, ours: list[Payment], found: list[Payment]
) -> Payment | None:
    """The payment of the sale: the one that somebody posted, else the one that deliveries tell of."""
    if found:
        main = min(found, key=lambda one: one.payment_id)
        for one in ours:
            clues = _join(clues, one)
        clues = _with_hints(tx, sale.website_id, clues, ours)
        _drop(tx, sale.website_id, ours)
    else:
        is_counted = not (sale.is_elsewhere or is_elsewhere(tx, sale.website_id, sale.subscription))
        first = earliest_sales(tx, sale.website_id, sale.subscription, 1) if sale.subscription else []
        wanted = payment_of(sale.said, is_first=first in ([], [sale.sale_id])) if is_counted else None
        kept = _put(tx, call, wanted, ours, clues)
        if kept is None:
            return None
        main = kept
    add_clues(tx, sale.website_id, main, clues)
    return get_payments(tx, sale.website_id, [main.payment_id])[0]


def _put(
    tx: Transaction,
    call: DeliveryCall,
    wanted: Wanted | None,
    ours: list[Payment],
    clues: Clues,
    refund_of: str | None = None,
) -> Payment | None:
    """What is wanted stands in the place of what was made before; what is the same, and what is erased, stays."""
    erased = [one for one in ours if one.transaction_id is None]
    same = [one for one in ours if wanted is not None and _is_same(one, wanted)]
    if kept := erased or same:
        _drop(tx, call.website_id, [one for one in ours if one is not kept[0]])
        return kept[0]
    before = min(ours, key=lambda one: one.payment_id, default=None)
    for one in sorted(ours, key=lambda one: one.payment_id):
        clues = _join(clues, one)
    clues = _with_hints(tx, call.website_id, clues, ours)
    _drop(tx, call.website_id, ours)
    return None if wanted is None else _make(tx, call, wanted, clues, before, refund_of)


def _make(
    tx: Transaction,
    call: DeliveryCall,
    wanted: Wanted,
    clues: Clues,
    before: Payment | None,
    refund_of: str | None,
) -> Payment:
    payer = clues.payer
    new = NewPayment(
        wanted.name,
        wanted.kind,
        wanted.money,
        wanted.at,
        payer.email,
        payer.name,
        payer.customer_id,
        payer.visitor_id,
        refund_of,
    )
    hints = _hints(clues)
    made = PaymentCall(call.website_id, new, call.now, call.is_first, before, bool(hints))
    payment = add(tx, call.website_id, [made], [FROM_PROVIDER])[0]
    if payment.method is not Method.VISITOR:
        add_hints(tx, call.website_id, payment.payment_id, hints)
    return payment


def _is_same(one: Payment, wanted: Wanted) -> bool:
    sign = -1 if wanted.kind is Kind.REFUND else 1
    money = Money(sign * wanted.money.minor, wanted.money.currency)
    return (one.transaction_id, one.at, one.kind, one.money) == (wanted.name, wanted.at, wanted.kind, money)


def _settle_losses(
    tx: Transaction,
    call: DeliveryCall,
    sale: Sale,
    main: Payment,
    losses: dict[bytes, str],
    stored: dict[bytes, Payment],
) -> None:
    """Refunds and disputes, each a payment below zero of whoever paid. One that was posted under the same id is the same."""
    website_id, name = sale.website_id, main.transaction_id or sale.sale_id.hex()
    wanted = losses_of(Money(abs(main.money.minor), main.money.currency), sale.said, name)
    clues = _with_hints(tx, website_id, _join(Clues(), main), [main])
    deleted = {part: key for key, part in losses.items() if key not in stored}
    for part, one in wanted.items():
        mine = [stored[key] for key, of in losses.items() if of == part and key in stored]
        if part in deleted and not mine:
            sale.parts[deleted[part]] = part
        elif not _is_posted(tx, website_id, one, mine) and (
            kept := _put(tx, call, one, mine, clues, main.transaction_id)
        ):
            if main.method is Method.ERASED:
                _forget_whose(tx, website_id, kept)
            else:
                add_clues(tx, website_id, kept, clues)
            sale.parts[kept.payment_id] = part
    left = [stored[key] for key in losses if key in stored and key not in sale.parts]
    _drop(tx, website_id, get_payments(tx, website_id, [one.payment_id for one in left]))


def _forget_whose(tx: Transaction, website_id: bytes, one: Payment) -> None:
    """A loss of an erased payment waits for no evidence either."""
    gone = (website_id, one.payment_id, None, None, Method.ERASED.value, None, 0)
    tx.execute(payments_sql.payment_assign, gone)
    tell_payments(tx, website_id, {(one.visitor_id, one.at), (None, one.at)})


def _is_posted(tx: Transaction, website_id: bytes, one: Wanted, mine: list[Payment]) -> bool:
    """Whether somebody else posted a payment under the id of a refund or dispute."""
    posted = find_named(tx, website_id, rules.digest(website_id, rules.API, one.name))
    return posted is not None and all(posted.payment_id != other.payment_id for other in mine)


def _name(tx: Transaction, sale: Sale, main: Payment) -> None:
    """Let the payment go by all names of the sale, so that it is found when it is posted under one of them."""
    rows = [(sale.website_id, one, main.payment_id) for one in sorted(sale.names)]
    tx.execute_many(payments_sql.name_add, rows)


def _drop(tx: Transaction, website_id: bytes, payments: list[Payment]) -> None:
    """Remove payments that were made from deliveries."""
    if payments:
        forget_hints(tx, website_id, payments)
        remove(tx, website_id, payments)


def add_clues(tx: Transaction, website_id: bytes, one: Payment, clues: Clues) -> None:
    """Add to a payment what is said now of who paid."""
    payer = clues.payer
    fill(tx, website_id, one, Gap(payer.email, payer.name, payer.customer_id, payer.visitor_id))
    if one.method is not Method.VISITOR and one.transaction_id is not None:
        known = hints_of(tx, website_id, one.payment_id)
        add_hints(tx, website_id, one.payment_id, _hints(clues) - set(known))


def _hints(clues: Clues) -> set[Hint]:
    hints = {Hint(Method.CHECKOUT, one) for one in clues.checkouts}
    if clues.payer.external_id is not None:
        hints.add(Hint(Method.CUSTOMER_ID, clues.payer.external_id))
    if clues.customers_visitor is not None:
        hints.add(Hint(Method.VISITOR, clues.customers_visitor))
    return hints


def _join(clues: Clues, one: Payment) -> Clues:
    """With what a payment says of who paid."""
    visitor_id = one.visitor_id if one.method is Method.VISITOR else None
    ref = format_uuid(visitor_id) if visitor_id else one.visitor_ref
    return replace(clues, payer=either(Payer(one.customer_id, one.email, one.name, ref), clues.payer))


def _with_hints(tx: Transaction, website_id: bytes, clues: Clues, payments: list[Payment]) -> Clues:
    """With the hints to payments."""
    hints = [hint for one in payments for hint in hints_of(tx, website_id, one.payment_id)]
    by_method = {one.method: one.value for one in reversed(hints)}
    external = clues.payer.external_id or by_method.get(Method.CUSTOMER_ID)
    checkouts = [one.value for one in hints if one.method is Method.CHECKOUT]
    return Clues(
        replace(clues.payer, external_id=external),
        tuple(dict.fromkeys([*clues.checkouts, *checkouts])),
        clues.customers_visitor or by_method.get(Method.VISITOR),
    )
