"""What a server asks the process that keeps the columns."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from footfall.columns.model import Bindings
from footfall.columns.wire import (
    Ask,
    AskHealth,
    ColumnsHealth,
    Failed,
    Reply,
    Request,
    Rows,
    Settle,
    ToSettle,
    decode_reply,
    message,
    read_message,
)
from footfall.db.protocol import Database
from footfall.errors import BadRequest, InternalError, Unavailable
from footfall.outbox import store as outbox
from footfall.tally import Spread

R = TypeVar("R", bound=Reply)

SOCKET_NAME = "columns.sock"
LONGEST_PATH = 100
"""Bytes of the path of a Unix socket that every system takes."""
QUERY_SECONDS = 20.0
PATIENCE = 5.0
"""Seconds for an answer, beyond those for which a query waits and is at work."""
SLICE = 500
"""Changes that the database forgets in one transaction, for which calls wait."""
SETTLE_SECONDS = 1.0
"""Between two times at which is asked what is to be written."""


def socket_path(folder: Path) -> Path:
    """Where the socket is for the columns in a folder: there, unless that makes too long a path.

    Then in a folder for temporary files, whether or not a file can be written there now: all who ask must get the same answer.
    """
    path = folder.absolute() / SOCKET_NAME
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    return Path(os.environ.get("TMPDIR") or "/tmp") / f"footfall-{name}.sock"  # noqa: S108 - only its owner can speak to it


class ColumnsClient:
    """Asks over the socket at a path. Its methods raise Unavailable while nobody answers there."""

    def __init__(self, socket: Path, seconds: float = QUERY_SECONDS) -> None:
        """`seconds`: how long a query may wait for its turn, and take from then on."""
        self._socket = socket
        self._seconds = seconds
        self.answered = Spread()
        """Seconds of each question that got its rows."""
        self.refused: Counter[str] = Counter()
        """Questions that got none, by `Failed.why`."""

    async def ask(
        self, text: str, values: Bindings | None = None, seconds: float | None = None
    ) -> list[list[Any]]:
        """The rows of a query; who is cancelled meanwhile cancels it. Raises BadRequest when it takes too long or too much memory, and
        Unavailable when too many others wait."""
        seconds = self._seconds if seconds is None else seconds
        began = perf_counter()
        reply = await self._say(Ask(text, dict(values or {}), seconds), Rows | Failed, 2 * seconds + PATIENCE)
        if isinstance(reply, Rows):
            self.answered.add(perf_counter() - began)
            return reply.rows
        self.refused[reply.why] += 1
        if reply.why in ("away", "busy"):
            raise Unavailable(reply.message)
        if reply.why == "wrong":
            raise InternalError(reply.message)
        raise BadRequest(reply.message)

    async def health(self) -> ColumnsHealth:
        """How the columns are."""
        found: ColumnsHealth = await self._say(AskHealth(), ColumnsHealth)
        return found

    async def settle(self, database: Database) -> float:
        """Write to the database what the columns ask for; the seconds until they should be asked again. Raises DatabaseError too."""
        try:
            found = await self._say(Settle(), ToSettle, 60.0)
        except Unavailable:  # they are about to start, or to start again
            return SETTLE_SECONDS
        if (token := found.token) is not None:
            keeper_id = found.keeper_id
            paired = (token, found.before, keeper_id, found.clean_at)
            if not await database.change(lambda tx: outbox.pair_with(tx, *paired)):
                return SETTLE_SECONDS  # they find out by themselves that they have to be made anew
            for start in range(0, len(found.change_ids), SLICE):
                part = found.change_ids[start : start + SLICE]
                await database.change(functools.partial(outbox.forget, ids=part, keeper_id=keeper_id))
            await self._say(Settle(token), ToSettle, 60.0)
        return SETTLE_SECONDS

    async def _say(self, request: Request, expected: Any, seconds: float = PATIENCE) -> Any:
        """The reply. Raises Unavailable."""
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                try:
                    writer.write(message(request))
                    reply = decode_reply(await read_message(reader))
                finally:
                    writer.close()
        except (OSError, EOFError, TimeoutError) as error:
            raise Unavailable("Analytics are away for a moment. Try again in a second.") from error
        assert isinstance(reply, expected)  # noqa: S101 - each request has replies of its own
        return reply
