"""What all that was said of a sale comes to: one payment, and what went back of it. Pure.

It is a function of the set of what was said, so neither the order of deliveries nor their repetition makes a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from footfall.payments.model import Kind
from footfall.payments.money import Money
from footfall.payments.providers.model import Disputed, Linked, Paid, Payer, Refunded, first_of
from footfall.payments.providers.refunds import refunded
from footfall.payments.webhooks.model import Said, Wanted

_TYPES: dict[str, type[Said]] = {
    "paid": Paid,
    "linked": Linked,
    "refunded": Refunded,
    "disputed": Disputed,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_KINDS = {"first": Kind.FIRST, "renewal": Kind.RENEWAL, "update": Kind.PAYMENT, "one_off": Kind.PAYMENT}
_CERTAIN = ("renewal", "first", "update", "one_off", "unknown")
"""The kinds of payments; what stands first wins where two deliveries differ."""
FIRST = first_of("")
"""The end of a name of a subscription's first payment."""
_MARK = "#"


def encode_said(said: Said) -> tuple[str, str]:
    """(what, content) as stored: without who paid, which stands with the payment."""
    bare = replace(said, payer=Payer()) if isinstance(said, Paid) else said
    return _NAMES[type(said)], msgspec.json.encode(bare).decode()


def decode_said(what: str, content: str) -> Said:
    """The reverse of `encode_said`."""
    return msgspec.json.decode(content, type=_TYPES[what])


def without_ids(said: Said) -> Said:
    """The same with hashes in the place of ids, for when whoever paid is erased."""
    ids = tuple(map(_hashed, said.ids))
    if isinstance(said, Paid):
        return replace(said, ids=ids, checkout_ids=(), subscription_id=None, host=None)
    if isinstance(said, Refunded):
        return replace(said, ids=ids, refund_id=said.refund_id and _hashed(said.refund_id))
    if isinstance(said, Disputed):
        return replace(said, ids=ids, dispute_id=_hashed(said.dispute_id))
    return replace(said, ids=ids)


def is_bare(said: Said) -> bool:
    """Whether hashes stand in the place of its ids."""
    return said.ids[0].startswith(_MARK)


def _hashed(text: str) -> str:
    """Stands for an id; the same for what stands for one already."""
    return text if text.startswith(_MARK) else _MARK + hashlib.sha256(text.encode()).hexdigest()[:32]


def payment_of(said: Sequence[Said], *, is_first: bool) -> Wanted | None:
    """The payment of a sale; None while nothing was paid. `is_first`: no earlier one of its subscription is known."""
    paid = sorted((one for one in said if isinstance(one, Paid)), key=_rank)
    if not paid:
        return None
    best = paid[0]
    return Wanted(canonical_id(said), max(best.at, 0), _kind(said, paid, is_first=is_first), best.money)


def _rank(one: Paid) -> tuple[bool, int, bool, int, tuple[str, ...]]:
    """What is told best comes first: an amount, certainty, the earliest time."""
    return (one.money.minor == 0, _CERTAIN.index(one.kind), one.may_repeat_invoice, one.at, one.ids)


def _kind(said: Sequence[Said], paid: Sequence[Paid], *, is_first: bool) -> Kind:
    if paid[0].money.minor == 0:
        return Kind.FREE_TRIAL
    told = min((one.kind for one in paid), key=_CERTAIN.index)
    if told == "unknown" and any(text.endswith(FIRST) for one in said for text in one.ids):
        return Kind.FIRST
    if told == "unknown" and any(one.subscription_id for one in paid):
        return Kind.FIRST if is_first else Kind.RENEWAL
    return _KINDS.get(told, Kind.PAYMENT)


def subscription_of(said: Iterable[Said]) -> str | None:
    """The subscription of which a sale is: one that is named with its payment, or by a name of its first one."""
    named = [one.subscription_id for one in said if isinstance(one, Paid) and one.subscription_id]
    firsts = [text.removesuffix(FIRST) for one in said for text in one.ids if text.endswith(FIRST)]
    return min(named or firsts, default=None)


def canonical_id(said: Iterable[Said]) -> str:
    """The id that stands before all others of the sale, wherever it is named with them."""
    named = [one for one in said if isinstance(one, Paid | Linked)]
    behind = {text for one in named for text in one.ids[1:]}
    paid = {one.ids[0] for one in named if isinstance(one, Paid)}
    firsts = {one.ids[0] for one in named}
    return min(firsts - behind or firsts, key=lambda text: (text not in paid, text))


def losses_of(paid: Money, said: Sequence[Said], name: str) -> dict[str, Wanted]:
    """What went back of a payment, by part: each refund and each dispute, together at most all of it.

    A refund that failed and a dispute that was won took nothing. Refunds of which only the sum is told are one, called after `name`. What is stated in another
    currency than the payment's is no share of it, and stands beside.
    """
    if any(map(is_bare, said)):
        said = [without_ids(one) for one in said]
    left, found = paid.minor, dict[str, Wanted]()
    for part, one in [*_refunds(paid, said, name), *_disputes(paid, said)]:
        if one.money.currency != paid.currency:
            found[part] = one
        elif (minor := min(one.money.minor, left)) > 0:
            found[part] = replace(one, money=Money(minor, paid.currency))
            left -= minor
    return found


def _refunds(paid: Money, said: Sequence[Said], name: str) -> list[tuple[str, Wanted]]:
    refunds = [one for one in said if isinstance(one, Refunded)]
    single = _single_refunds(paid, refunds)
    own = [one for one in refunds if one.money is None or one.money.currency == paid.currency]
    told = sum(one.money.minor for one in single if one.money.currency == paid.currency)
    rest = refunded(paid, own).minor - told
    listed = [(part_of("refund", one.name), one) for one in single]
    sums = [one.at for one in own if one.is_cumulative]
    if rest > 0 and sums:
        whole = Wanted(f"{name}/refunded", min(sums), Kind.REFUND, Money(rest, paid.currency))
        listed.append(("refund", whole))
    return listed


def _single_refunds(paid: Money, refunds: Sequence[Refunded]) -> list[Wanted]:
    """Those with an id that did not fail, oldest first: of the time of the first word about each, and the amount of the last."""
    failed = {one.refund_id for one in refunds if one.is_failed}
    by_id: dict[str, list[Refunded]] = {}
    for one in refunds:
        if one.refund_id is not None and one.refund_id not in failed:
            by_id.setdefault(one.refund_id, []).append(one)
    found = [
        Wanted(name, min(one.at for one in words), Kind.REFUND, max(words, key=_age_of_refund).money or paid)
        for name, words in by_id.items()
    ]
    return sorted(found, key=lambda one: (one.at, one.name))


def _age_of_refund(one: Refunded) -> tuple[int, int]:
    return (one.at, one.money.minor if one.money else 0)


def _disputes(paid: Money, said: Sequence[Said]) -> list[tuple[str, Wanted]]:
    disputes: dict[str, list[Disputed]] = {}
    for one in said:
        if isinstance(one, Disputed):
            disputes.setdefault(one.dispute_id, []).append(one)
    found = [
        (
            part_of("dispute", name),
            Wanted(name, min(one.at for one in words), Kind.REFUND, last.money or paid),
        )
        for name, words in disputes.items()
        if (last := max(words, key=_age)).state != "won"
    ]
    return sorted(found, key=lambda pair: (pair[1].at, pair[1].name))


def _age(one: Disputed) -> tuple[int, bool, str, int]:
    """An end outlasts an opening of the same time."""
    return (one.at, one.state != "opened", one.state, one.money.minor if one.money else 0)


def part_of(kind: str, name: str) -> str:
    """The key of a refund or dispute. (Stored.)"""
    return f"{kind}/{_hashed(name)}"
