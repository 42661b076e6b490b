"""What a change of a subscription means, compared to its state before: providers report some changes twice, and others not at all. Pure."""

from __future__ import annotations

from footfall.payments.providers.model import SubscriptionMoved, What


def moves(before: SubscriptionMoved | None, after: SubscriptionMoved, has_paid: bool) -> tuple[What, ...]:
    """What `after` changed. `before`: the last state reported before it, in order of time.

    `has_paid`: whether it brought money before; the first money is not a renewal.
    """
    if before is None:
        return () if after.what == "updated" else (after.what,)
    if after.what == "renewed":
        return ("renewed",) if has_paid else _moves_of_state(before, after)
    return _moves_of_state(before, after) + _moves_of_price(before, after)


def _moves_of_state(before: SubscriptionMoved, after: SubscriptionMoved) -> tuple[What, ...]:
    old, new = before.state, after.state
    if old == new:
        return ()
    if new == "ended":
        return ("ended",)
    if new == "cancelling":
        return ("cancel_scheduled",)
    if old in ("cancelling", "paused", "ended") and new in ("active", "trialing"):
        return ("reactivated",)
    return ("trial_converted",) if (old, new) == ("trialing", "active") else ()


def _moves_of_price(before: SubscriptionMoved, after: SubscriptionMoved) -> tuple[What, ...]:
    old, new = before.monthly, after.monthly
    if old is None or new is None or old.currency != new.currency:
        return (after.what,) if after.what in ("upgraded", "downgraded") else ()
    if old.minor == new.minor:
        return ()
    return ("upgraded",) if new.minor > old.minor else ("downgraded",)
