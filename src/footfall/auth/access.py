"""Checks who calls an API route, and for which website."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from footfall.auth.principal import Principal, WebsitePrincipal
from footfall.auth.tokens import hash_secret, is_well_formed
from footfall.errors import BadRequest, Forbidden, Unauthorized
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.web.context import Context, Credential, Route
from footfall.web.envelope import Headers
from footfall.web.ratelimit import RateLimit
from footfall.websites.model import Website


class PrincipalDirectory(Protocol):
    """Websites by id and principals by hash of secret, cached."""

    websites: dict[bytes, Website]
    by_tracking_id: dict[str, Website]
    principals: dict[bytes, Principal]

    async def refresh(self) -> None:
        """Reload them if they changed. Raises DatabaseError."""


WEBSITE: Credential[WebsitePrincipal] = Credential("website", is_checked=True)
"""An API key of a website, or an access token with the route's scope and `?websiteId=`."""
WEBSITE_IN_PATH: Credential[WebsitePrincipal] = Credential("website in path", is_checked=True)
"""The same, with the website as the first path parameter."""
CALLER: Credential[Principal] = Credential("caller", is_checked=True)
"""An API key, or an access token with the route's scope, for a route about no single website."""
LOOK_UPS_A_SECOND = 5
"""How many requests per second with an unknown key or website are looked up in the database, in case they are new."""


class _UnknownKey(Unauthorized):
    """It may have been created a moment ago."""


class _UnknownWebsite(Forbidden):
    """It may have been created a moment ago."""


class Access:
    """See `web.dispatch.AccessControl`."""

    def __init__(self, directory: PrincipalDirectory, rate_limit: RateLimit) -> None:
        self._directory = directory
        self._rate_limit = rate_limit
        self._used: dict[bytes, int] = {}
        self._second = self._look_ups = 0

    def check(self, context: Context[Any], route: Route[Any]) -> Headers | None:
        """401, then 403, then 429; otherwise the rate limit headers. None if only `check_anew` can tell."""
        try:
            return self._check(context, route)
        except (_UnknownKey, _UnknownWebsite):
            if self._may_look_up(context.now // 1000):
                return None
            raise

    async def check_anew(self, context: Context[Any], route: Route[Any]) -> Headers:
        """The same, with everything reloaded that was created a moment ago."""
        await self._directory.refresh()
        return self._check(context, route)

    def _may_look_up(self, second: int) -> bool:
        if second != self._second:
            self._second, self._look_ups = second, 0
        self._look_ups += 1
        return self._look_ups <= LOOK_UPS_A_SECOND

    def _check(self, context: Context[Any], route: Route[Any]) -> Headers:
        principal = self._principal(context.headers)
        if route.scope is not None:
            principal.require(route.scope)
        if route.credential is CALLER:
            context.principal = principal
        elif (website := self._website(context, principal, route)) is not None:
            context.principal = WebsitePrincipal(principal, website)
        self._used[principal.credential_id] = context.now
        return self._rate_limit.take(principal.credential_id, context.now)

    def take_used(self) -> dict[bytes, int]:
        """When keys and tokens were last used (ms since epoch), since the previous call of this method."""
        used, self._used = self._used, {}
        return used

    def keep_used(self, used: dict[bytes, int]) -> None:
        """Take back what `take_used` returned, because it could not be written."""
        self._used = used | self._used

    def check_late(self, context: Context[Any], route: Route[Any]) -> None:
        """Raises BadRequest if an access token named no website."""
        if context.principal is None:
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
        raise _UnknownKey("This API key or access token is unknown or was revoked.")

    def _website(
        self,
        context: Context[Any],
        principal: Principal,
        route: Route[Any],
    ) -> Website | None:
        """The website of the call; None if an access token names none. Raises Forbidden."""
        if route.credential is WEBSITE_IN_PATH:
            asked: str | None = context.path_values[0]
        else:
            asked = context.query().get("websiteId") if context.query_string else None
        if asked is not None:
            website = self._find(asked)
        elif principal.website_id is None:
            return None
        else:
            website = self._directory.websites.get(principal.website_id)
        if website is None or not principal.reaches(website.website_id):
            kind = _UnknownWebsite if website is None and principal.website_id is None else Forbidden
            raise kind("websiteId: this API key or access token has no access to such a website.")
        if website.is_suspended:
            raise Forbidden("This website is suspended: it takes and gives no data.")
        return website

    def _find(self, text: str) -> Website | None:
        """The website with an id or a tracking id."""
        if text.startswith(TRACKING_PREFIX):
            return self._directory.by_tracking_id.get(text)
        return self._directory.websites.get(parse_object_id(text) or b"")
