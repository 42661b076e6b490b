"""What servers and the process that keeps the columns say to each other over a Unix socket.

Each message is four bytes of length, big endian, and MessagePack. A connection carries one question; who closes it before the answer cancels.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec

MOST_BYTES = 64 * 1024 * 1024
"""Of a message."""


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A query, what is bound in it by name, and for how many seconds it may wait for its turn, and take from then on.

    Websites take turns; which it is of says what is bound as `website`.
    """

    text: str
    values: dict[str, Any]
    seconds: float


class AskHealth(msgspec.Struct, frozen=True, tag=True):
    """How are the columns?"""


class Settle(msgspec.Struct, frozen=True, tag=True):
    """What is to be written to the database? `done`: the token of what was."""

    done: bytes | None = None


class Rows(msgspec.Struct, frozen=True, tag=True):
    """The rows of a query."""

    rows: list[list[Any]]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """No rows. `why`: there are no columns now, or too many questions; it took too long or too much memory; or the statement is wrong."""

    why: Literal["away", "busy", "too long", "too much", "wrong"]
    message: str


AWAY = Failed("away", "Analytics are being prepared. Try again in a moment.")
BUSY = Failed("busy", "Too many questions are asked at once. Try again in a second.")
TOO_LONG_TOLD = Failed(
    "too long", "This takes too long. Ask for a shorter range, fewer filters or a longer interval."
)
TOO_MUCH_TOLD = Failed(
    "too much",
    "This takes more memory than there is. Ask for a shorter range, fewer filters or a longer interval.",
)


class ColumnsHealth(msgspec.Struct, frozen=True, tag=True, rename="camel"):
    """How the columns are. Bytes of the file and of memory; `lag`: for how many ms the oldest change waits; `made`: visitors seen to so far,
    while they are made anew; `waits_for`: why they cannot be fed now, else empty."""

    is_there: bool
    bytes: int
    memory: int
    lag: int
    made: int | None
    waits_for: str = ""


class ToSettle(msgspec.Struct, frozen=True, tag=True):
    """What to write to the database: that this keeper has these changes, and this token instead of the one before; no token: nothing."""

    change_ids: list[bytes]
    token: bytes | None
    before: bytes | None = None
    keeper_id: bytes = b""
    clean_at: int = 0


Request = Ask | AskHealth | Settle
Reply = Rows | Failed | ColumnsHealth | ToSettle

_encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """The bytes of the next message. Raises OSError and EOFError when the other side is gone, or is none of ours."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MOST_BYTES:
        raise EOFError(f"a message of {size} bytes")
    return await reader.readexactly(size)


def message(value: Request | Reply) -> bytes:
    """The bytes of a message."""
    body = _encode(value)
    return len(body).to_bytes(4, "big") + body
