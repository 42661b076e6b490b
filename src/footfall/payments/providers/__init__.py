"""The payment providers whose webhooks Footfall understands: who signed a delivery, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from footfall.payments.providers import dodo, lemonsqueezy, paddle, polar, stripe
from footfall.payments.providers.model import Delivery, SignatureProblem


class Provider(msgspec.Struct, frozen=True):
    """What Footfall knows about a provider."""

    name: str
    """Its name in addresses."""
    title: str
    events: tuple[str, ...]
    """The events to select when creating the webhook."""
    verify: Callable[[str, Mapping[str, str], bytes, int], SignatureProblem | None]
    """From secret, headers (names in lower case), body and now (ms) to what is wrong; None: the delivery comes from the provider."""
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
