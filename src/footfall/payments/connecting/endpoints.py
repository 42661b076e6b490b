"""Routes that connect a website to payment providers: by the secret of a webhook made by hand, or by an API key."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database, Transaction
from footfall.errors import BadRequest, Unavailable, UsageError
from footfall.payments.connecting.model import KeyConnection
from footfall.payments.connecting.service import KeyConnections
from footfall.payments.connecting.store import connections_of
from footfall.payments.connecting.wire import connection_json, disconnected_json, read_key_call
from footfall.payments.providers import Provider
from footfall.payments.webhooks.endpoints import WebsiteDirectory
from footfall.payments.webhooks.integrations import (
    check_secret,
    find_provider,
    integrations_of,
    set_secret,
)
from footfall.payments.webhooks.model import DeliveryCall, Integration
from footfall.payments.webhooks.sealing import SealingKey
from footfall.payments.webhooks.service import RECEIVE_HANDLER
from footfall.payments.webhooks.wire import integration_json
from footfall.web.address import ClientAddress
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object
from footfall.websites.model import Website

Call = Context[WebsitePrincipal]
R = TypeVar("R")


class ServerShelf:
    """Where a server stores imports: calls yield to live ones."""

    def __init__(self, database: Database, directory: WebsiteDirectory) -> None:
        self._database = database
        self._directory = directory
        self._batches = itertools.count()

    async def websites(self) -> Mapping[bytes, Website]:
        """All websites, as of a moment ago."""
        return self._directory.websites

    async def take(self, calls: Sequence[DeliveryCall]) -> None:
        """Take in some deliveries of a website."""
        bulk = next(self._batches)
        await asyncio.gather(*[self._database.write(RECEIVE_HANDLER, call, bulk=bulk) for call in calls])
        if calls and calls[0].is_first:
            await self._directory.refresh()

    async def change(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction."""
        return await self._database.change(work)


class Connecting:
    """The handlers, on one database. `key`: that of the secrets; `public_url`: the address of this server, if the operator says so."""

    def __init__(
        self,
        database: Database,
        connections: KeyConnections,
        key: SealingKey,
        address: ClientAddress,
        public_url: str,
    ) -> None:
        self._database = database
        self._connections = connections
        self._key = key
        self._address = address
        self._public_url = public_url

    async def list(self, context: Call) -> Response:
        """How the website stands with each provider."""
        return await self._answer(context, None)

    async def connect(self, context: Call) -> Response:
        """Sets the webhook secret of a provider, or makes its webhook with an API key and begins the import."""
        website_id, provider = context.principal.website.website_id, find_provider(context.path_values[1])
        body = decode_object(context.body)
        if body.get("webhookSecret") is not None:
            await self._set_secret(website_id, provider, body["webhookSecret"], context.now)
        elif (said := read_key_call(provider, body)) is not None:
            origin = self._public_url or self._address.origin(context.peer, context.headers)
            await self._connections.connect(website_id, provider, said, origin)
        else:
            raise BadRequest(
                "webhookSecret or apiKey is required: the signing secret that the provider shows with the webhook, or an API key "
                "with which Footfall makes the webhook."
            )
        return await self._answer(context, provider.name)

    async def _set_secret(self, website_id: bytes, provider: Provider, given: object, now: int) -> None:
        secret = check_secret(provider, given)
        try:
            await self._database.change(
                lambda tx: set_secret(tx, self._key, website_id, provider, secret, now)
            )
        except UsageError as error:
            raise Unavailable(str(error)) from error

    async def disconnect(self, context: Call) -> Response:
        """Forgets the webhook secret of a provider, and removes the webhook there if Footfall made it and has the key."""
        website_id, provider = context.principal.website.website_id, find_provider(context.path_values[1])
        said = read_key_call(provider, decode_object(context.body)) if context.body.strip() else None
        ended = await self._connections.disconnect(website_id, provider, said.key if said else None)
        return success([disconnected_json(provider, ended)])

    async def _answer(self, context: Call, name: str | None) -> Response:
        """How the website stands with one provider, or with all."""
        website_id, now = context.principal.website.website_id, context.now
        found, connections = await self._database.scan(self._read, website_id, share=website_id)
        by_provider = {one.provider: one for one in connections}
        return success(
            [
                integration_json(website_id, one) | connection_json(by_provider.get(one.provider), now)
                for one in found
                if name in (None, one.provider)
            ]
        )

    def _read(
        self, tx: Transaction, website_id: bytes
    ) -> tuple[Sequence[Integration], Sequence[KeyConnection]]:
        return integrations_of(tx, self._key, website_id), connections_of(tx, website_id)
