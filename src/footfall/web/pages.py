"""Routes of the server itself: health, the API description and its readable page."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import msgspec

from footfall.chores import Vitals
from footfall.db.health import HEARTBEAT_HANDLER
from footfall.db.protocol import Database
from footfall.errors import ApiError, DatabaseError, Unavailable
from footfall.web.context import Context
from footfall.web.docs import Page, render
from footfall.web.envelope import Reply, success
from footfall.web.refusals import NO_STORE


class Health:
    """Whether the process is up, and whether its database takes writes."""

    def __init__(self, database: Database, vitals: Vitals) -> None:
        self._database = database
        self._vitals = vitals

    async def alive(self, context: Context[None]) -> Reply:
        """200 as long as nothing ended that has to go on. Raises Unavailable."""
        if self._vitals.ended:
            raise Unavailable(f"This server process ends, since a part of it did: {self._vitals.ended}.")
        return _of_now({"status": "alive"})

    async def ready(self, context: Context[None]) -> Reply:
        """200 when a transaction can be committed now. Raises Unavailable."""
        try:
            await self._database.write(HEARTBEAT_HANDLER, context.now)
        except (ApiError, DatabaseError) as error:
            raise Unavailable("The database cannot be written now.") from error
        return _of_now({"status": "ready", "engine": self._database.engine})


def _of_now(data: object) -> Reply:
    reply = success(data)
    reply.headers += NO_STORE
    return reply


class Reference:
    """The description of the API: as a file, and as a page to read. Each is made at its first use."""

    @functools.cached_property
    def _text(self) -> bytes:
        return (files("footfall.web") / "openapi.yaml").read_bytes()

    @functools.cached_property
    def _page(self) -> Page:
        return render(msgspec.yaml.decode(self._text, type=dict[str, Any]))

    async def openapi(self, context: Context[None]) -> Reply:
        """The OpenAPI description of this API, as YAML."""
        return Reply(self._text, 200, [(b"content-type", b"application/yaml; charset=utf-8")])

    async def docs(self, context: Context[None]) -> Reply:
        """The same as a page to read."""
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", self._page.policy.encode()),
        ]
        return Reply(self._page.html, 200, headers)

    async def robots(self, context: Context[None]) -> Reply:
        """What search engines may look at: nothing."""
        return Reply(b"User-agent: *\nDisallow: /\n", 200, [(b"content-type", b"text/plain; charset=utf-8")])
