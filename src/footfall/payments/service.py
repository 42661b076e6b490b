"""Payments into and out of the database, in one transaction for a list of calls."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from footfall.collect.checkouts import checkout_hash
from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.identity import rules as identity_rules
from footfall.identity.erasing import links_of
from footfall.ids import parse_uuid
from footfall.outbox.store import tell_payments
from footfall.payments import rules, store
from footfall.payments.filling import Gap, fill
from footfall.payments.hints import forget_hints
from footfall.payments.model import Kind, Known, Method, NewPayment, Payment
from footfall.payments.money import Money
from footfall.payments.owners import Asked, know, seen_visitors
from footfall.payments.rules import API, digest
from footfall.payments.store import sql
from footfall.websites.store import note_payments

REMOVED_AT_ONCE = 250
"""Payments that one call of a deletion removes."""


class PaymentCall(msgspec.Struct, frozen=True):
    """A payment to store. `now`: ms since epoch at its arrival; `is_first`: as far as is known, the website has none yet.

    `before`: the payment in whose place it stands; whose that was, it stays. `has_hints`: more will be said of whose it is.
    """

    website_id: bytes
    paid: NewPayment
    now: int
    is_first: bool
    before: Payment | None = None
    has_hints: bool = False

    @property
    def name_hash(self) -> bytes:
        """By what it is counted once."""
        return digest(self.website_id, API, self.paid.transaction_id)

    @property
    def at(self) -> int:
        """When it was made (ms since epoch)."""
        return self.now if self.paid.at is None else self.paid.at

    @property
    def original_hash(self) -> bytes | None:
        """The name of the payment that it refunds, if that was told."""
        original = self.paid.refund_of
        return None if original is None else digest(self.website_id, API, original)

    @property
    def visitor_id(self) -> bytes | None:
        """The visitor that was given; None when that is none."""
        return parse_uuid(self.paid.visitor_ref)


class Recorded(msgspec.Struct, frozen=True):
    """A payment is stored. `is_other`: another one was, before, under the same id."""

    is_new: bool
    is_other: bool = False


def record(tx: Transaction, calls: list[PaymentCall]) -> list[Recorded]:
    """Write handler: store each payment that is not yet. One that a provider told of already gets what it did not tell."""
    known = _stored(tx, calls)
    contents = {name: content for name, (content, _) in known.items()}
    results: list[Recorded] = []
    fresh: list[PaymentCall] = []
    for call in calls:
        name, content = call.name_hash, rules.content_hash(call.paid)
        stored = contents.get(name)
        if stored is None:
            contents[name] = content
            fresh.append(call)
            results.append(Recorded(is_new=True))
        elif stored == store.FROM_PROVIDER:
            results.append(Recorded(is_new=False, is_other=not _complete(tx, call, known[name][1])))
        else:
            results.append(Recorded(is_new=False, is_other=stored != content))
    for website_id in dict.fromkeys(call.website_id for call in fresh):
        own = [call for call in fresh if call.website_id == website_id]
        add(tx, website_id, own, [rules.content_hash(call.paid) for call in own])
    return results


def _stored(tx: Transaction, calls: list[PaymentCall]) -> dict[bytes, tuple[bytes, Payment]]:
    """Those that are stored already, each with its content, by the hash of their name."""
    names: list[Params] = list({(call.website_id, call.name_hash): None for call in calls})
    found = zip(names, tx.get_many(sql.named, names), strict=True)
    known: list[Params] = [(*name, row.payment_id) for name, row in found if row is not None]
    rows = tx.get_many(sql.payment_get, [(website_id, one) for website_id, _, one in known])
    return {
        key[1]: (row.content, store.payment_from(row))  # type: ignore[misc]
        for key, row in zip(known, rows, strict=True)
        if row
    }


def _complete(tx: Transaction, call: PaymentCall, stored: Payment) -> bool:
    """Add what a provider did not tell of who paid; whether it is the same amount."""
    paid = call.paid
    fill(tx, call.website_id, stored, Gap(paid.email, paid.name, paid.customer_id, paid.visitor_ref))
    return paid.money == Money(abs(stored.money.minor), stored.money.currency)


def add(tx: Transaction, website_id: bytes, calls: list[PaymentCall], contents: list[bytes]) -> list[Payment]:
    """Store payments that are not stored yet; `contents`: by what each is told from another under its id."""
    known = know(tx, website_id, _asked(tx, website_id, calls))
    payments = [_payment(call, one) for call, one in zip(calls, known, strict=True)]
    tx.execute_many(
        sql.payment_add,
        [
            store.payment_row(website_id, one, content, call.now, call.original_hash)
            for call, one, content in zip(calls, payments, contents, strict=True)
        ],
    )
    tx.execute_many(
        sql.name_add, [(website_id, c.name_hash, p.payment_id) for c, p in zip(calls, payments, strict=True)]
    )
    tell_payments(tx, website_id, [(one.visitor_id, one.at) for one in payments])
    loose = [one for one in payments if one.method is not Method.VISITOR]
    clues = {(website_id, clue, one.payment_id) for one in loose for clue in store.clues(website_id, one)}
    tx.execute_many(sql.clue_add, sorted(clues))
    tx.execute_many(
        sql.look_add, [(website_id, one.payment_id) for one in loose if one.method is Method.WAITING]
    )
    if any(call.is_first for call in calls):
        note_payments(tx, website_id)
    return payments


def _asked(tx: Transaction, website_id: bytes, calls: list[PaymentCall]) -> list[Asked]:
    """The visitor of each call, if it was seen, and who it was then."""
    shown = seen_visitors(tx, website_id, [call.visitor_id for call in calls if call.visitor_id is not None])
    links = links_of(tx, website_id, sorted(shown))
    return [
        (call.visitor_id, identity_rules.owner_at(links[call.visitor_id], call.at), call.at)
        if call.visitor_id in shown and call.visitor_id is not None
        else (None, None, call.at)
        for call in calls
    ]


def _payment(call: PaymentCall, known: Known) -> Payment:
    paid = call.paid
    sign = -1 if paid.kind is Kind.REFUND else 1
    method = _method(call, known)
    new = Payment(
        rules.payment_id(call.website_id, call.at, call.name_hash),
        paid.transaction_id,
        paid.kind,
        Money(sign * paid.money.minor, paid.money.currency),
        paid.email,
        paid.name,
        paid.customer_id,
        None if method is Method.VISITOR else paid.visitor_ref,
        call.visitor_id,
        None,
        method,
        known,
    )
    return new if call.before is None else _in_place_of(call.before, new)


def _in_place_of(before: Payment, new: Payment) -> Payment:
    """What was known when the payment was made stays, and whose it was found to be, unless its visitor is told now."""
    frozen = before.known.visitor_id is not None or before.known.profile_id is not None
    known = before.known if frozen else new.known
    if new.method is Method.VISITOR or (before.visitor_id is None and before.profile_id is None):
        return replace(new, known=known)
    return replace(
        new,
        visitor_id=before.visitor_id,
        profile_id=before.profile_id,
        method=before.method,
        evidence=before.evidence,
        known=known,
    )


def _method(call: PaymentCall, known: Known) -> Method:
    if known.visitor_id is not None:
        return Method.VISITOR
    checkout = checkout_hash(call.website_id, call.paid.transaction_id)
    if call.paid.email or call.paid.customer_id or checkout or call.has_hints:
        return Method.WAITING
    return Method.NO_EVIDENCE if call.visitor_id is None else Method.UNSEEN_VISITOR


def _locks(calls: list[PaymentCall]) -> list[Params]:
    return list({(call.website_id, b"payment", call.name_hash): None for call in calls})


def shares_of(websites: list[bytes]) -> list[Params]:
    """Merges and erasures move people about, and erasures blank payments; they wait for payments, and these for them."""
    return [(website_id, name) for website_id in dict.fromkeys(websites) for name in (b"people", b"visitors")]


def _shares(calls: list[PaymentCall]) -> list[Params]:
    return shares_of([call.website_id for call in calls])


def _name_of(call: PaymentCall) -> bytes:
    return call.name_hash


RECORD_HANDLER = WriteHandler(
    rank=3,
    run=record,
    is_slow=True,
    locks=_locks,
    shares=_shares,
    about=_name_of,
)


class RemoveCall(msgspec.Struct, frozen=True):
    """Remove some payments: those that a name, a visitor (as it was given) and a range of ids all lead to."""

    website_id: bytes
    transaction_id: str | None
    visitor: str | None
    since: bytes
    until: bytes


def remove(tx: Transaction, calls: list[RemoveCall]) -> list[int]:
    """Write handler: how many each removed, 0 when none was left."""
    return [_remove(tx, call) for call in calls]


def _remove(tx: Transaction, call: RemoveCall) -> int:
    if call.transaction_id is not None:
        one = store.find_named(tx, call.website_id, digest(call.website_id, API, call.transaction_id))
        found = [] if one is None else [replace(one, transaction_id=call.transaction_id)]
    else:
        found = find(tx, call.website_id, call.visitor, call.since, call.until, REMOVED_AT_ONCE)
    forget_hints(tx, call.website_id, found)
    store.remove(tx, call.website_id, found)
    return len(found)


def find(
    tx: Transaction, website_id: bytes, visitor: str | None, since: bytes, until: bytes, most: int
) -> list[Payment]:
    """The newest payments in a range of ids, of all or of a visitor as it was given."""
    if visitor is None:
        rows = tx.all(sql.between_down, (website_id, since, until, most))
    elif (visitor_id := parse_uuid(visitor)) is not None:
        rows = tx.all(sql.of_visitor_down, (website_id, visitor_id, since, until, most))
    else:
        clue = digest(website_id, rules.VISITOR, visitor)
        rows = tx.all(sql.clued_down, (website_id, clue, since, until, most))
    return [store.payment_from(row) for row in rows]


REMOVE_HANDLER = WriteHandler(rank=3, run=remove, is_slow=True)
