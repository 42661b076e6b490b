"""Checks who calls an API route, and for which website."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from footfall.auth.principal import Principal
from footfall.auth.tokens import hash_secret, is_well_formed
from footfall.errors import BadRequest, Forbidden, Unauthorized
from footfall.ids import parse_object_id
from footfall.web.context import Context, Route
from footfall.web.envelope import Headers
from footfall.web.ratelimit import RateLimit
from footfall.websites.model import Website


class Directory(Protocol):
    """The websites by id and the principals by hash of secret, as of a moment ago."""

    websites: dict[bytes, Website]
    principals: dict[bytes, Principal]


class Access:
    """See `web.dispatch.Access`."""

    def __init__(self, directory: Directory, rate_limit: RateLimit) -> None:
        self._directory = directory
        self._rate_limit = rate_limit
        self._used: dict[bytes, int] = {}

    def check(self, context: Context, route: Route) -> Headers:
        """401, then 403, then 429; the rate limit's headers otherwise."""
        context.principal = principal = self._principal(context.headers)
        if route.scope is not None:
            principal.require(route.scope)
        context.website = self._website(context, principal)
        self._used[principal.credential_id] = context.now
        return self._rate_limit.take(principal.credential_id, context.now)

    def take_used(self) -> dict[bytes, int]:
        """When keys and tokens were last used (ms since epoch), since this was asked the last time."""
        used, self._used = self._used, {}
        return used

    def keep_used(self, used: dict[bytes, int]) -> None:
        """Take back what `take_used` gave, since it could not be written."""
        self._used = used | self._used

    def check_late(self, context: Context, route: Route) -> None:
        """Raises BadRequest when an access token named no website."""
        if context.website is None:
            raise BadRequest(
                "websiteId is required with an access token: add ?websiteId= and the id of the website."
            )

    def _principal(self, headers: Mapping[bytes, bytes]) -> Principal:
        scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise Unauthorized("Send your API key or access token as: Authorization: Bearer df_...")
        principal = self._directory.principals.get(hash_secret(secret))
        if principal is not None:
            return principal
        if not is_well_formed(secret):
            raise Unauthorized("This API key or access token is mistyped or cut off: its checksum is wrong.")
        raise Unauthorized("This API key or access token is unknown or was revoked.")

    def _website(self, context: Context, principal: Principal) -> Website | None:
        """The website of the call; None when an access token names none. Raises Forbidden."""
        asked = context.query().get("websiteId") if context.query_string else None
        if asked is None and principal.website_id is None:
            return None
        website_id = principal.website_id if asked is None else parse_object_id(asked)
        website = self._directory.websites.get(website_id) if website_id is not None else None
        if website is None or not principal.reaches(website.website_id):
            raise Forbidden("websiteId: this API key or access token has no access to such a website.")
        if website.is_suspended:
            raise Forbidden("This website is suspended: it takes and gives no data.")
        return website


def caller(context: Context) -> Principal:
    """Who calls a route that needs a credential."""
    principal: Principal = context.principal
    return principal


def site(context: Context) -> Website:
    """The website of a call to a route that needs one."""
    website: Website = context.website
    return website
