"""`POST /api/webhooks/{provider}/{websiteId}`, to which payment providers deliver."""

from __future__ import annotations

import asyncio
import functools
from typing import Protocol

from footfall.db.protocol import Database
from footfall.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.log import get_logger
from footfall.payments.providers import Provider
from footfall.payments.providers.model import Delivery
from footfall.payments.webhooks.integrations import (
    find_provider,
    not_connected,
    note_refused,
    open_secret,
    sealed_secret,
)
from footfall.payments.webhooks.judging import Doubt, is_elsewhere, judge
from footfall.payments.webhooks.model import DeliveryCall
from footfall.payments.webhooks.sealing import KeyLostError, SealingKey
from footfall.payments.webhooks.service import RECEIVE_HANDLER
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.ratelimit import RateLimit
from footfall.web.refusals import NO_STORE
from footfall.websites.model import Website

MAX_DELIVERY = 1024 * 1024
"""Bytes of a delivery."""
SHORT = 16 * 1024
"""Bytes of a delivery that are checked and read on the event loop; it takes well under a millisecond."""
REFUSED_A_MINUTE = 60
"""Refused deliveries of a website and provider that are written down and logged: anybody may send some."""


class WebsiteDirectory(Protocol):
    """The websites by id and by tracking id, as of a moment ago."""

    websites: dict[bytes, Website]
    by_tracking_id: dict[str, Website]

    async def refresh(self) -> None:
        """Reload them if they changed. Raises DatabaseError."""


class Webhooks:
    """The handler, on one database. `key`: that of the secrets."""

    def __init__(self, database: Database, directory: WebsiteDirectory, key: SealingKey) -> None:
        self._database = database
        self._directory = directory
        self._key = key
        self._refused = RateLimit(REFUSED_A_MINUTE)
        self._log = get_logger("webhooks")

    async def receive(self, context: Context[None]) -> Response:
        """A provider delivers. Answers 200 once that is on disk, be it new or not."""
        provider, website = find_provider(context.path_values[0]), self._find(context.path_values[1])
        secret = await self._secret(website.website_id, provider)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in context.headers.items()}
        work = functools.partial(judge, provider, secret, headers, context.body, context.now)
        judged = work() if len(context.body) <= SHORT else await asyncio.to_thread(work)
        if isinstance(judged, Doubt):
            await self._refuse(website, provider, judged, context.now)
            raise BadRequest(f"This delivery is refused: {judged.reason.rstrip('.')}.")
        is_new = await self._store(website, provider, judged, context.now)
        answer = success({"received": True, "isNew": is_new})
        answer.headers = [*answer.headers, *NO_STORE]
        return answer

    def _find(self, ref: str) -> Website:
        """The website of an id or a tracking id. Raises NotFound and Forbidden."""
        if ref.startswith(TRACKING_PREFIX):
            website = self._directory.by_tracking_id.get(ref)
        else:
            website = self._directory.websites.get(parse_object_id(ref) or b"")
        if website is None:
            raise NotFound("There is no such website. The address of the webhook ends with the website's id.")
        if website.is_suspended:
            raise Forbidden("This website is suspended: it takes and gives no data.")
        return website

    async def _secret(self, website_id: bytes, provider: Provider) -> str:
        """Raises NotFound without one, and Unavailable when it cannot be decrypted: the provider will try again."""
        sealed = await self._database.read(sealed_secret, (website_id, provider.name))
        if sealed is None:
            raise not_connected(provider)
        try:
            return open_secret(self._key, website_id, provider.name, sealed)
        except KeyLostError as error:
            self._log.error("a delivery cannot be checked", reason=str(error))
            raise Unavailable(
                "The webhook secret of this website cannot be decrypted; its owner has to set it again."
            ) from error

    async def _refuse(self, website: Website, provider: Provider, doubt: Doubt, now: int) -> None:
        try:
            self._refused.take(website.website_id + provider.name.encode(), now)
        except TooManyRequests:
            return
        self._log.warning(
            "delivery refused",
            provider=provider.name,
            website=website.website_id.hex(),
            reason=doubt.reason,
        )
        await self._database.change(
            lambda tx: note_refused(tx, website.website_id, provider.name, doubt, now)
        )

    async def _store(self, website: Website, provider: Provider, delivery: Delivery, now: int) -> bool:
        elsewhere = is_elsewhere(delivery, website, self._directory.websites.values())
        is_first = not website.has_payments
        call = DeliveryCall(website.website_id, provider.name, delivery, now, is_first, elsewhere)
        is_new: bool = await self._database.write(RECEIVE_HANDLER, call)
        if is_first and is_new:
            await self._directory.refresh()
        return is_new
