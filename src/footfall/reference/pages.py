"""Routes for the description of the API, and for what robots may read."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import msgspec

from footfall.reference.docs import DocsPage, render
from footfall.web.context import Context
from footfall.web.envelope import Response


class Reference:
    """The description of the API: as a file, and as a readable page. Each is built when first used."""

    @functools.cached_property
    def _text(self) -> bytes:
        return (files("footfall.reference") / "openapi.yaml").read_bytes()

    @functools.cached_property
    def _page(self) -> DocsPage:
        return render(msgspec.yaml.decode(self._text, type=dict[str, Any]))

    async def openapi(self, context: Context[None]) -> Response:
        """The OpenAPI description of this API, as YAML."""
        return Response(self._text, 200, [(b"content-type", b"application/yaml; charset=utf-8")])

    async def docs(self, context: Context[None]) -> Response:
        """The same as a readable page."""
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", self._page.policy.encode()),
        ]
        return Response(self._page.html, 200, headers)

    async def robots(self, context: Context[None]) -> Response:
        """What search engines may index: nothing."""
        return Response(
            b"User-agent: *\nDisallow: /\n", 200, [(b"content-type", b"text/plain; charset=utf-8")]
        )
