"""`POST /api/ai-crawls`, which servers call, and the token that they may need for it."""

from __future__ import annotations

from typing import Any, Protocol

from footfall.auth.principal import WebsitePrincipal
from footfall.crawls.store import (
    CRAWL_HANDLER,
    NewBotToken,
    create_token,
    may_tell,
    read_token,
    remove_token,
    replace_token,
)
from footfall.crawls.wire import read_crawl, token_json
from footfall.db.protocol import Database
from footfall.errors import Forbidden, NotFound, Unauthorized, accepted
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Response, success
from footfall.web.json import decode_object, encode
from footfall.web.refusals import NO_STORE
from footfall.websites.model import Website


class KnownWebsites(Protocol):
    """The websites by id and by tracking id, as of a moment ago."""

    websites: dict[bytes, Website]
    by_tracking_id: dict[str, Website]


class Crawls:
    """The handlers, on one database."""

    def __init__(self, database: Database, directory: KnownWebsites) -> None:
        self._database = database
        self._directory = directory

    async def record(self, context: Context[None]) -> Response:
        """An AI crawler fetched a page. Answers 200 once that is on disk, or says that it was not an AI crawler."""
        body = decode_object(context.body)
        website = self._find(body.get("websiteId"))
        secret = context.header(b"authorization").partition(" ")[2].strip()
        if not await self._database.read(may_tell, (website.website_id, secret)):
            raise Unauthorized("This website needs its bot traffic token: Authorization: Bearer dfbot_...")
        crawl = read_crawl(body, website, context.now)
        if crawl is None:
            return _answer(dropped="no_ai_crawler")
        await self._database.write(CRAWL_HANDLER, crawl)
        return _answer()

    def _find(self, ref: object) -> Website:
        """The website with a tracking id or an id. Raises NotFound and Forbidden."""
        if type(ref) is str and ref.startswith(TRACKING_PREFIX):
            website = self._directory.by_tracking_id.get(ref)
        else:
            website = self._directory.websites.get(parse_object_id(ref) or b"")
        if website is None:
            raise NotFound("websiteId: there is no such website.")
        if website.is_suspended:
            raise Forbidden("This website is suspended: it takes and gives no data.")
        return website

    async def token(self, context: Context[WebsitePrincipal]) -> Response:
        """Whether the website has a token."""
        website_id = context.principal.website.website_id
        return success([token_json(await self._database.read(read_token, website_id))])

    async def create_token(self, context: Context[WebsitePrincipal]) -> Response:
        """Creates the token of a website that has none."""
        website_id = context.principal.website.website_id
        made = await self._database.change(lambda tx: create_token(tx, website_id, context.now))
        return _shown(accepted(made))

    async def replace_token(self, context: Context[WebsitePrincipal]) -> Response:
        """Replaces the token by a new one."""
        website_id = context.principal.website.website_id
        made = await self._database.change(lambda tx: replace_token(tx, website_id, context.now))
        return _shown(accepted(made))

    async def remove_token(self, context: Context[WebsitePrincipal]) -> Response:
        """Lets anybody report crawls again."""
        website_id = context.principal.website.website_id
        accepted(await self._database.change(lambda tx: remove_token(tx, website_id)))
        return success([{"message": "Bot traffic token deleted successfully"}])


def _shown(made: NewBotToken) -> Response:
    return success([token_json(made.token, made.secret)])


def _answer(**beside: Any) -> Response:
    return Response(encode({"status": "success", **beside}), 200, [JSON_TYPE, *NO_STORE])
