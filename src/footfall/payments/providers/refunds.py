"""How much of a payment was refunded: single refunds and reported sums, in any order, however often each was delivered. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from footfall.payments.money import Money
from footfall.payments.providers.model import Refunded


def refunded(paid: Money, refunds: Iterable[Refunded]) -> Money:
    """How much of `paid` was refunded, at most all of it.

    A refund that has failed stays failed. A sum counts as far as the single refunds do not explain it; it excludes what had failed by then.
    """
    known = sorted(refunds, key=lambda one: (one.at, _minor(paid, one)))
    failed_at = _failures(known)
    amounts = {one.refund_id: _minor(paid, one) for one in known if one.refund_id is not None}
    standing = sum(minor for refund_id, minor in amounts.items() if refund_id not in failed_at)
    sums = [(one.at, _minor(paid, one)) for one in known if one.is_cumulative]
    if not sums:
        return Money(min(standing, paid.minor), paid.currency)
    told_at, told = max(sums)
    failed_since = sum(amounts[refund_id] for refund_id, at in failed_at.items() if at >= told_at)
    unexplained = max(0, told - standing - failed_since)
    return Money(min(standing + unexplained, paid.minor), paid.currency)


def _failures(refunds: list[Refunded]) -> dict[str, int]:
    """When each failed refund failed, by its id."""
    failures = sorted(
        (one.at, one.refund_id) for one in refunds if one.is_failed and one.refund_id is not None
    )
    return {refund_id: at for at, refund_id in reversed(failures)}


def _minor(paid: Money, refund: Refunded) -> int:
    return paid.minor if refund.money is None else refund.money.minor
