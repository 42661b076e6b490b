"""The payment providers of a website: which are connected, how to connect one, and which deliveries were refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from footfall.dashboard.forms import Problem, refused
from footfall.dashboard.page import PageRequest, redirect, render
from footfall.dashboard.pages.install import is_local
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, NotFound, Unavailable, UsageError
from footfall.log import get_logger
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.model import KeyConnection
from footfall.payments.connecting.store import connections_of
from footfall.payments.connecting.wire import read_key_call
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

    `secret`: what to know about its signing secret; `example`: how that begins, empty if in no certain way. `key`: which API key to make;
    `account`: what is asked for beside it, empty if nothing is.
    """

    path: str
    choices: str
    secret: str
    example: str
    key: str
    account: str = ""


SHOWN = "The provider shows it with the webhook."
GUIDES = {
    "stripe": Guide(
        "Workbench → Webhooks → Add destination",
        "Take the events of your account, in any API version, with the payload style “Snapshot”.",
        SHOWN,
        "whsec_…",
        "Make a restricted key. Write: Webhook Endpoints. Read: Customers, Checkout Sessions, Invoices, PaymentIntents, "
        "Charges and Refunds, Disputes, Subscriptions.",
    ),
    "lemonsqueezy": Guide(
        "Settings → Webhooks",
        "",
        "Make up a random one of 16 to 40 characters, and type it in both places.",
        "",
        "Any API key of the owner of the store will do.",
        "Store id, if there are several stores",
    ),
    "polar": Guide(
        "Settings → Webhooks → Add Endpoint",
        "Choose the format “Raw”.",
        SHOWN,
        "",
        "The key needs webhooks:write, customers:read, orders:read, refunds:read and subscriptions:read.",
        "Organization id, with a personal token",
    ),
    "paddle": Guide(
        "Developer tools → Notifications → New destination",
        "Choose the notification type “URL”.",
        "Paddle shows it when you edit the destination.",
        "pdl_ntfset_…",
        "The key needs notification_setting.write, transaction.read, customer.read, adjustment.read and subscription.read.",
    ),
    "dodo": Guide("Developer → Webhooks", "", SHOWN, "whsec_…", "The key needs write access."),
}
"""By the provider's name."""


class ProviderCard(msgspec.Struct, frozen=True):
    """A provider as the page shows it. `connection`: None unless it was connected by key; `lists`: how many an import reads. `address`:
    where it delivers."""

    provider: Provider
    guide: Guide
    standing: Integration
    connection: KeyConnection | None
    lists: int
    address: str
    is_open: bool

    @property
    def is_connected(self) -> bool:
        return self.standing.connected_at is not None


async def show(request: PageRequest, *, problem: Problem | None = None, status: int = 200) -> Response:
    """`GET /w/{websiteId}/settings/payments`; `?provider=stripe` unfolds that card."""
    website_id, chosen = request.site.website_id, _chosen(request)
    asked = (website_id, request.services.key)
    found, connections = await request.services.database.scan(_read, asked, share=website_id)
    made = {one.provider: one for one in connections}
    return render(
        request,
        "payment_settings.html",
        status=status,
        section="settings",
        cards=[_card(request, one, made.get(one.provider), one.provider == chosen) for one in found],
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


def _read(
    tx: Transaction, asked: tuple[bytes, SealingKey]
) -> tuple[Sequence[Integration], Sequence[KeyConnection]]:
    website_id, key = asked
    return integrations_of(tx, key, website_id), connections_of(tx, website_id)


def _card(
    request: PageRequest, one: Integration, connection: KeyConnection | None, is_chosen: bool
) -> ProviderCard:
    name = one.provider
    address = _origin(request) + webhook_path(name, request.site.website_id)
    lists, is_open = len(APIS[name].listings), is_chosen or one.connected_at is not None
    return ProviderCard(PROVIDERS[name], GUIDES[name], one, connection, lists, address, is_open)


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


async def connect(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/settings/payments/{provider}/key`: connect a provider with an API key, as the API does."""
    provider, form = find_provider(_chosen(request)), request.form
    account_field = APIS[provider.name].account_field
    body = {"apiKey": form.get("api_key", ""), "keepKey": "keep" in form}
    if account_field is not None:
        body[account_field] = form.get("account", "")
    try:
        if said := read_key_call(provider, body):
            website_id = request.site.website_id
            await request.services.connections.connect(website_id, provider, said, _origin(request))
    except BadRequest as error:
        is_account = account_field is not None and error.message.startswith(account_field)
        field = f"{provider.name}-{'account' if is_account else 'key'}"
        return await show(request, problem=refused(field, error), status=400)
    except Unavailable as error:
        return await show(request, problem=Problem(f"{provider.name}-key", error.message), status=503)
    _tell(request, "payment provider connected", provider)
    return _done(request, provider, "made")


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
