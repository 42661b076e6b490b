"""The payment providers of a website: which are connected, how to connect one, and which deliveries were refused."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.dashboard.forms import Problem, refused
from footfall.dashboard.page import PageRequest, redirect, render
from footfall.dashboard.pages.install import is_local
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, NotFound, UsageError
from footfall.log import get_logger
from footfall.payments.providers import PROVIDERS, Provider
from footfall.payments.webhooks.integrations import (
    check_secret,
    find_provider,
    integrations_of,
    set_secret,
)
from footfall.payments.webhooks.model import Integration
from footfall.payments.webhooks.sealing import SealingKey
from footfall.payments.webhooks.wire import webhook_path
from footfall.web.envelope import Response

_log = get_logger("dashboard")


class Guide(NamedTuple):
    """How to connect a provider. `path`: where its dashboard makes webhooks; `choices`: what to choose there besides address and events.

    `secret`: what to know about its signing secret; `example`: how that begins, empty if in no certain way.
    """

    path: str
    choices: str
    secret: str
    example: str


SHOWN = "The provider shows it with the webhook."
GUIDES = {
    "stripe": Guide(
        "Workbench → Webhooks → Add destination",
        "Take the events of your account, in any API version, with the payload style “Snapshot”.",
        SHOWN,
        "whsec_…",
    ),
    "lemonsqueezy": Guide(
        "Settings → Webhooks",
        "",
        "Make up a random one of up to 40 characters, and type it in both places.",
        "",
    ),
    "polar": Guide("Settings → Webhooks → Add Endpoint", "Choose the format “Raw”.", SHOWN, ""),
    "paddle": Guide(
        "Developer tools → Notifications → New destination",
        "Choose the notification type “URL”.",
        "Paddle shows it when you edit the destination.",
        "pdl_ntfset_…",
    ),
    "dodo": Guide("Developer → Webhooks", "", SHOWN, "whsec_…"),
}
"""By the provider's name."""


class ProviderCard(msgspec.Struct, frozen=True):
    """A provider as the page shows it. `address`: where it delivers."""

    provider: Provider
    guide: Guide
    standing: Integration
    address: str
    is_open: bool

    @property
    def is_connected(self) -> bool:
        return self.standing.connected_at is not None


async def show(request: PageRequest, *, problem: Problem | None = None, status: int = 200) -> Response:
    """`GET /w/{websiteId}/settings/payments`; `?provider=stripe` unfolds that card."""
    website_id, chosen = request.site.website_id, _chosen(request)
    asked = (website_id, request.services.key)
    found = await request.services.database.scan(_read, asked, share=website_id)
    return render(
        request,
        "payment_settings.html",
        status=status,
        section="settings",
        cards=[_card(request, one, one.provider == chosen) for one in found],
        origin=_origin(request),
        is_local=is_local(_origin(request)),
        problem=problem,
        chosen=chosen,
        done=request.query.get("done"),
    )


def _origin(request: PageRequest) -> str:
    """Where providers reach this server."""
    return (request.services.public_url or request.origin).rstrip("/")


def _chosen(request: PageRequest) -> str:
    """The provider whose card is unfolded: that of the form that was sent, or of the address."""
    values = request.context.path_values
    return values[1] if len(values) > 1 else request.query.get("provider", "")


def _read(tx: Transaction, asked: tuple[bytes, SealingKey]) -> list[Integration]:
    website_id, key = asked
    return integrations_of(tx, key, website_id)


def _card(request: PageRequest, one: Integration, is_chosen: bool) -> ProviderCard:
    address = _origin(request) + webhook_path(one.provider, request.site.website_id)
    is_open = is_chosen or one.connected_at is not None
    return ProviderCard(PROVIDERS[one.provider], GUIDES[one.provider], one, address, is_open)


async def save_secret(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/settings/payments/{provider}/secret`: connect a provider, or replace its secret."""
    provider = find_provider(_chosen(request))
    website_id, key, now = request.site.website_id, request.services.key, request.now
    try:
        secret = check_secret(provider, request.form.get("webhook_secret"))
        await request.services.database.change(
            lambda tx: set_secret(tx, key, website_id, provider, secret, now)
        )
    except BadRequest as error:
        return await show(request, problem=refused(provider.name, error), status=400)
    except UsageError as error:
        return await show(request, problem=Problem(provider.name, str(error)), status=503)
    _tell(request, "payment provider connected", provider)
    return _done(request, provider, "connected")


async def disconnect(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/settings/payments/{provider}/disconnect`: as the API does; twice is as good as once."""
    provider, done = find_provider(_chosen(request)), "disconnected"
    try:
        ended = await request.services.connections.disconnect(request.site.website_id, provider, None)
        done = "removed" if ended.is_removed else done
        _tell(request, "payment provider disconnected", provider)
    except NotFound:
        pass
    return _done(request, provider, done)


def _tell(request: PageRequest, what: str, provider: Provider) -> None:
    website, account = request.site.website_id.hex(), request.user.account_id.hex()
    _log.info(what, provider=provider.name, website=website, account=account)


def _done(request: PageRequest, provider: Provider, done: str) -> Response:
    path = f"/w/{request.site.website_id.hex()}/settings/payments"
    return redirect(request, f"{path}?provider={provider.name}&done={done}#{provider.name}")
