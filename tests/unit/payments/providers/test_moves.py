"""What a subscription's move changed, where providers tell moves twice or only how it stands now."""

from __future__ import annotations

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import Payer, State, SubscriptionMoved, What
from footfall.payments.providers.subscriptions import moves
from tests.unit.payments.providers.telling import NOW, usd


def move(what: What = "updated", state: State = "active", monthly: Money | None = None) -> SubscriptionMoved:
    return SubscriptionMoved("sub_1", NOW, what, state, Payer(), monthly)


@pytest.mark.parametrize(
    "what", ["started", "trial_started", "renewed", "upgraded", "cancel_scheduled", "ended"]
)
def test_the_first_move_that_is_told_is_what_it_is(what: What) -> None:
    assert moves(None, move(what), has_paid=False) == (what,)


def test_a_subscription_that_is_only_known_to_stand_did_not_move() -> None:
    assert moves(None, move(), has_paid=False) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (move("started"), move("started"), ()),
        (move("started"), move(), ()),
        (move("trial_started", "trialing"), move("started"), ("trial_converted",)),
        (move("trial_started", "trialing"), move(), ("trial_converted",)),
        (move(), move("updated", "cancelling"), ("cancel_scheduled",)),
        (move("cancel_scheduled", "cancelling"), move("updated", "cancelling"), ()),
        (move("cancel_scheduled", "cancelling"), move(), ("reactivated",)),
        (move("cancel_scheduled", "cancelling"), move("ended", "ended"), ("ended",)),
        (move("ended", "ended"), move("updated", "ended"), ()),
        (move("updated", "paused"), move(), ("reactivated",)),
        (move("updated", "past_due"), move(), ()),
        (move(), move("updated", "past_due"), ()),
        (move(monthly=usd(1000)), move(monthly=usd(2000)), ("upgraded",)),
        (move(monthly=usd(1000)), move("upgraded", monthly=usd(2000)), ("upgraded",)),
        (move(monthly=usd(2000)), move("upgraded", monthly=usd(2000)), ()),
        (move(monthly=usd(2000)), move(monthly=usd(1000)), ("downgraded",)),
        (move(), move("downgraded", monthly=usd(1000)), ("downgraded",)),
        (move(monthly=usd(2000)), move(monthly=Money(1000, "EUR")), ()),
        (
            move("trial_started", "trialing", usd(1000)),
            move("updated", "active", usd(2000)),
            ("trial_converted", "upgraded"),
        ),
    ],
)
def test_what_changed_follows_from_how_it_stood(
    before: SubscriptionMoved, after: SubscriptionMoved, expected: tuple[What, ...]
) -> None:
    assert moves(before, after, has_paid=True) == expected


def test_the_first_money_is_no_renewal() -> None:
    trial, renewed = move("trial_started", "trialing"), move("renewed")
    assert moves(trial, renewed, has_paid=False) == ("trial_converted",)
    assert moves(move("started"), renewed, has_paid=False) == ()
    assert moves(move("started"), renewed, has_paid=True) == ("renewed",)
