"""What the connections of a server ask of the application behind them."""

from __future__ import annotations

from typing import Protocol

from footfall.errors import ApiError
from footfall.web.context import Request
from footfall.web.envelope import Response


class Application(Protocol):
    """The application behind the connections."""

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        """Start a call from its head. `target`: path and query as they were sent; the names of `headers` are in lower case."""

    async def answer(self, request: Request, body: bytes) -> Response:
        """The response to a complete request that does not have one yet."""

    def count(self, request: Request, status: int, seconds: float) -> None:
        """Count a request that took so long to answer."""

    def refuse(self, request: Request, error: ApiError) -> Response:
        """The response to a request whose body failed."""

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Request:
        """A request whose head was rejected, with its response. `target` and `headers`: as far as they are known."""
