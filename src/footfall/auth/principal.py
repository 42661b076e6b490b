"""Who calls, and what they may do. Pure."""

from __future__ import annotations

import msgspec

from footfall.auth.scopes import ALL
from footfall.errors import Forbidden
from footfall.websites.model import Website


class Principal(msgspec.Struct, frozen=True):
    """A key or token that was recognized.

    `website_id`: the one website of an API key, None for an access token. `website_ids`: a token's allowlist, empty for all.
    """

    credential_id: bytes
    name: str | None
    website_id: bytes | None
    scopes: frozenset[str]
    website_ids: frozenset[bytes]

    def may(self, scope: str) -> bool:
        """Whether the caller has `scope`."""
        return scope in self.scopes or ALL in self.scopes

    def require(self, scope: str) -> None:
        """Raises Forbidden without `scope`."""
        if not self.may(scope):
            raise Forbidden(f"This access token lacks the permission {scope}. Create one that has it.")

    def reaches(self, website_id: bytes) -> bool:
        """Whether the caller may access this website."""
        if self.website_id is not None:
            return self.website_id == website_id
        return not self.website_ids or website_id in self.website_ids


class WebsitePrincipal(msgspec.Struct, frozen=True):
    """The caller of a route about a website, and the website, which the caller may access."""

    caller: Principal
    website: Website
