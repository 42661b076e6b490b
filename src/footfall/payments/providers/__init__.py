"""The payment providers whose webhooks are understood: who signed a delivery, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from footfall.payments.providers import dodo, lemonsqueezy, paddle, polar, stripe
from footfall.payments.providers.model import Delivery, SignatureProblem


class Provider(msgspec.Struct, frozen=True):
    """What there is to know of a provider."""

    name: str
    """As it stands in addresses."""
    title: str
    events: tuple[str, ...]
    """What is to be ticked where the webhook is made."""
    verify: Callable[[str, Mapping[str, str], bytes, int], SignatureProblem | None]
    """Secret, headers (names in lower case), body and now (ms) to what is wrong; None: the delivery is the provider's."""
    read: Callable[[bytes], Delivery]
    """What a body says. Raises BadDelivery."""


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider("stripe", "Stripe", stripe.EVENTS, stripe.verify, stripe.read),
        Provider(
            "lemonsqueezy", "Lemon Squeezy", lemonsqueezy.EVENTS, lemonsqueezy.verify, lemonsqueezy.read
        ),
        Provider("polar", "Polar", polar.EVENTS, polar.verify, polar.read),
        Provider("paddle", "Paddle", paddle.EVENTS, paddle.verify, paddle.read),
        Provider("dodo", "Dodo Payments", dodo.EVENTS, dodo.verify, dodo.read),
    )
}
