"""The APIs of payment providers, as far as connecting needs them: lists whose objects become what webhooks would have delivered. Pure."""

from __future__ import annotations

from footfall.payments.connecting.apis import dodo, lemonsqueezy, paddle, polar, stripe

APIS = {
    "stripe": stripe.API,
    "lemonsqueezy": lemonsqueezy.API,
    "polar": polar.API,
    "paddle": paddle.API,
    "dodo": dodo.API,
}
