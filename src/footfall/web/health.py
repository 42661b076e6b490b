"""Routes of the server itself: whether it is alive, and ready."""

from __future__ import annotations

from footfall.db.health import HEARTBEAT_HANDLER
from footfall.db.protocol import Database
from footfall.errors import ApiError, DatabaseError, Unavailable
from footfall.jobs import Vitals
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.refusals import NO_STORE


class Health:
    """Whether the process is alive, and whether its database accepts writes."""

    def __init__(self, database: Database, vitals: Vitals) -> None:
        self._database = database
        self._vitals = vitals

    async def alive(self, context: Context[None]) -> Response:
        """200 as long as all vital tasks run. Raises Unavailable."""
        if self._vitals.ended:
            raise Unavailable(f"This server process ends, since a part of it did: {self._vitals.ended}.")
        return _of_now({"status": "alive"})

    async def ready(self, context: Context[None]) -> Response:
        """200 when a transaction can be committed now. Raises Unavailable."""
        try:
            await self._database.write(HEARTBEAT_HANDLER, context.now)
        except (ApiError, DatabaseError) as error:
            raise Unavailable("The database cannot be written now.") from error
        return _of_now({"status": "ready", "engine": self._database.engine})


def _of_now(data: object) -> Response:
    response = success(data)
    response.headers += NO_STORE
    return response
