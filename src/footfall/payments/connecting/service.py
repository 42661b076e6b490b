"""Connects websites to payment providers by API key, and disconnects them: for the API, the dashboard and the command."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from footfall.clock import DAY_MS, Clock
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, NotFound, Unavailable, UsageError, accepted
from footfall.ids import new_object_id, random_text
from footfall.log import get_logger
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.client import ApiClient
from footfall.payments.connecting.importing import Importing, ImportShelf
from footfall.payments.connecting.model import (
    ApiCall,
    ApiProblem,
    Disconnected,
    ImportPeriod,
    ImportProgress,
    KeyCall,
    KeyConnection,
    MadeWebhook,
    ProviderApi,
)
from footfall.payments.connecting.rules import check_origin
from footfall.payments.connecting.store import HELD_MS, connection_of, put_connection, remove_connection
from footfall.payments.providers import Provider
from footfall.payments.webhooks.integrations import check_secret, remove_secret, set_secret
from footfall.payments.webhooks.sealing import KeyLostError, SealingKey
from footfall.payments.webhooks.wire import webhook_path

IMPORTED_MS = 90 * DAY_MS
"""How far back an import goes."""
PATIENCE = 60.0
"""Seconds in which all calls are made that connecting or disconnecting needs."""
_SECRET = 40
"""Characters of a secret that we choose: as many as Lemon Squeezy allows."""


class KeyConnections:
    """Connections by key of all websites. `seal`: encrypts what is stored."""

    def __init__(self, shelf: ImportShelf, seal: SealingKey, clock: Clock) -> None:
        self._shelf = shelf
        self._seal = seal
        self._clock = clock
        self.importing = Importing(shelf, self._open_key, clock)

    async def connect(self, website_id: bytes, provider: Provider, said: KeyCall, origin: str) -> None:
        """Make the webhook of a website, and begin the import. `origin`: the address of this server, such as `https://stats.example.com`.

        Raises BadRequest for a key that is none or may not do all that is needed, and Unavailable; then nothing was changed.
        """
        api = APIS[provider.name]
        url = check_origin(provider, origin) + webhook_path(provider.name, website_id)
        async with _client(provider, said.key) as client:
            account = said.account or await _find_account(client, api)
            now = self._clock()
            await _check(client, api, ImportPeriod(now, now), account)
            made, given = await _make(client, api, url, account)
            try:
                secret = _usable(provider, given)
                one = self._new(website_id, provider, said, made.webhook_id, account, now)
                store = functools.partial(
                    _put, key=self._seal, one=one, provider=provider, secret=secret, now=now
                )
                before = await self._shelf.change(store)
            except BaseException:
                await _remove(client, api, made.webhook_id)
                raise
            if before is not None and before.webhook_id != made.webhook_id:
                await _remove(client, api, before.webhook_id)
        self.importing.begin(one, said.key)

    def _new(
        self,
        website_id: bytes,
        provider: Provider,
        said: KeyCall,
        webhook_id: str,
        account: str | None,
        now: int,
    ) -> KeyConnection:
        about = _about(website_id, provider.name)
        sealed = self._seal.seal(said.key, about) if said.is_kept else None
        period = ImportPeriod(now - IMPORTED_MS, now)
        made = (webhook_id, account, sealed, new_object_id())
        return KeyConnection(website_id, provider.name, *made, period, ImportProgress(), now + HELD_MS)

    async def disconnect(self, website_id: bytes, provider: Provider, key: str | None) -> Disconnected:
        """Forget the secret of a webhook, end the import, and remove the webhook at the provider if a key is given, kept or still in memory.

        Raises NotFound.
        """
        one = await self._shelf.change(lambda tx: connection_of(tx, (website_id, provider.name)))
        key = key or (None if one is None else self._find_key(one))
        ended = await self._remove_webhook(provider, one, key)
        accepted(
            await self._shelf.change(functools.partial(_forget, website_id=website_id, provider=provider))
        )
        return ended

    async def _remove_webhook(
        self, provider: Provider, one: KeyConnection | None, key: str | None
    ) -> Disconnected:
        if one is None:
            return Disconnected(None)
        if key is None:
            return Disconnected(False, one.webhook_id, "Footfall does not keep the key.")
        async with _client(provider, key) as client:
            problem = await _remove(client, APIS[provider.name], one.webhook_id)
        return Disconnected(problem is None, one.webhook_id, problem)

    def _find_key(self, one: KeyConnection) -> str | None:
        running = self.importing.key_of(one.website_id, one.provider)
        if running is not None or one.sealed_key is None:
            return running
        try:
            return self._open_key(one)
        except KeyLostError:
            return None

    def _open_key(self, one: KeyConnection) -> str:
        return self._seal.open(one.sealed_key or b"", _about(one.website_id, one.provider))


@asynccontextmanager
async def _client(provider: Provider, key: str) -> AsyncIterator[ApiClient]:
    """A client; problems become errors of the caller (a wrong key) or of now. Raises BadRequest and Unavailable."""
    client = ApiClient(provider.name, key)
    try:
        async with asyncio.timeout(PATIENCE):
            yield client
    except TimeoutError as error:
        raise Unavailable(f"{provider.title} did not answer in time. Nothing was changed.") from error
    except ApiProblem as problem:
        if problem.is_key:
            raise BadRequest(f"apiKey: {problem.message}") from problem
        raise Unavailable(f"{problem.message} Nothing was changed.") from problem
    except UsageError as error:
        raise Unavailable(str(error)) from error
    finally:
        await client.close()


async def _find_account(client: ApiClient, api: ProviderApi) -> str | None:
    """The account, where one must be named and the key reaches only one. Raises ApiProblem and BadRequest."""
    if api.ask_accounts is None or api.account is None:
        return None
    found = client.read_as(api.account, await client.ask(api.ask_accounts))
    if found is None:
        raise BadRequest(f"{api.account_field} is required: this key does not reach exactly one.")
    return found


async def _check(client: ApiClient, api: ProviderApi, period: ImportPeriod, account: str | None) -> None:
    """Whether the key may read all that is imported, by asking for what is new since now. Raises ApiProblem."""
    calls: dict[str, ApiCall] = {}
    for listing in api.listings:
        call = listing.call(period, "", account)
        calls.setdefault(f"{call.path} {call.needs}", call)
    for call in calls.values():
        await client.send(call)


async def _make(
    client: ApiClient, api: ProviderApi, url: str, account: str | None
) -> tuple[MadeWebhook, str]:
    """The webhook and its secret. Raises ApiProblem."""
    chosen = random_text(_SECRET)
    answer = await client.ask(api.make(url, chosen, account))
    made = client.read_as(lambda node: api.made(node, chosen), answer)
    if made.secret is not None or api.ask_secret is None or api.secret is None:
        return made, made.secret or chosen
    try:
        return made, client.read_as(api.secret, await client.ask(api.ask_secret(made.webhook_id)))
    except ApiProblem:
        await _remove(client, api, made.webhook_id)
        raise


def _usable(provider: Provider, secret: str) -> str:
    """The secret of a webhook that was made. Raises ApiProblem."""
    try:
        return check_secret(provider, secret)
    except BadRequest as error:
        raise ApiProblem(f"{provider.title} gave the webhook a secret of an unexpected form.") from error


async def _remove(client: ApiClient, api: ProviderApi, webhook_id: str) -> str | None:
    """Remove a webhook that may be gone already; why it could not be."""
    try:
        await client.send(api.remove(webhook_id))
    except ApiProblem as problem:
        if problem.is_missing:
            return None
        get_logger("imports").warning("a webhook stays with its provider", reason=problem.message)
        return problem.message
    return None


def _put(
    tx: Transaction, *, key: SealingKey, one: KeyConnection, provider: Provider, secret: str, now: int
) -> KeyConnection | None:
    """Store a connection and the secret of its webhook; the connection before."""
    before = connection_of(tx, (one.website_id, one.provider))
    set_secret(tx, key, one.website_id, provider, secret, now)
    put_connection(tx, one)
    return before


def _forget(tx: Transaction, *, website_id: bytes, provider: Provider) -> NotFound | None:
    """Forget a connection and the secret of its webhook."""
    remove_connection(tx, website_id, provider.name)
    return remove_secret(tx, website_id, provider)


def _about(website_id: bytes, provider: str) -> bytes:
    """A key that is moved to another website or provider cannot be read there, and no secret stands for it."""
    return website_id + provider.encode() + b"/key"
