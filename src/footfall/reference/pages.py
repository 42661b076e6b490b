"""Routes for the description of the API, and for what robots may read."""

from __future__ import annotations

import functools
from importlib.resources import files

from footfall.web.context import Context
from footfall.web.envelope import Response


class Reference:
    """The description of the API as a file, read when it is first asked for."""

    @functools.cached_property
    def text(self) -> bytes:
        """The file."""
        return (files("footfall.reference") / "openapi.yaml").read_bytes()

    async def openapi(self, context: Context[None]) -> Response:
        """The OpenAPI description of this API, as YAML."""
        return Response(self.text, 200, [(b"content-type", b"application/yaml; charset=utf-8")])

    async def robots(self, context: Context[None]) -> Response:
        """What search engines may index: nothing."""
        return Response(
            b"User-agent: *\nDisallow: /\n", 200, [(b"content-type", b"text/plain; charset=utf-8")]
        )
