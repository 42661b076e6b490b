"""Keys and websites that are not known yet are looked up, a few times a second."""

from __future__ import annotations

import asyncio

import pytest

from footfall.auth.access import LOOK_UPS_A_SECOND, WEBSITE, Access
from footfall.auth.principal import Principal, WebsitePrincipal
from footfall.auth.tokens import KEY_PREFIX, hash_secret, make_secret
from footfall.errors import Unauthorized
from footfall.web.context import Context, Route
from footfall.web.envelope import Response
from footfall.web.ratelimit import RateLimit
from footfall.websites.model import Website

SECRET = make_secret(KEY_PREFIX, "a" * 32)


class Stored:
    """What is known, and who is there from the next look on."""

    def __init__(self) -> None:
        self.websites: dict[bytes, Website] = {}
        self.by_tracking_id: dict[str, Website] = {}
        self.principals: dict[bytes, Principal] = {}
        self.looks = 0

    async def refresh(self) -> None:
        self.looks += 1
        made = Principal(b"k" * 12, "new", None, frozenset(("*",)), frozenset())
        self.principals[hash_secret(SECRET)] = made


async def _answer(context: Context[WebsitePrincipal]) -> Response:
    return Response(b"")


ROUTE = Route("GET", "/x", _answer, WEBSITE, "analytics:read")


def call(secret: str, now: int = 0) -> Context[WebsitePrincipal]:
    return Context({b"authorization": f"Bearer {secret}".encode()}, "192.0.2.1", b"", (), now)


def test_a_key_that_is_not_known_yet_is_looked_up() -> None:
    stored = Stored()
    access = Access(stored, RateLimit(100))
    asked = call(SECRET)
    assert access.check(asked, ROUTE) is None
    assert asyncio.run(access.check_anew(asked, ROUTE)) != []
    assert access.take_used() == {b"k" * 12: 0}
    assert access.check(call(SECRET), ROUTE) is not None
    assert stored.looks == 1


def test_unknown_keys_are_looked_up_a_few_times_a_second_in_all() -> None:
    access = Access(Stored(), RateLimit(100))
    secrets = [make_secret(KEY_PREFIX, f"{n:032d}") for n in range(LOOK_UPS_A_SECOND + 1)]
    for secret in secrets[:-1]:
        assert access.check(call(secret), ROUTE) is None
    with pytest.raises(Unauthorized):
        access.check(call(secrets[-1]), ROUTE)
    assert access.check(call(secrets[-1], 1000), ROUTE) is None


def test_a_mistyped_key_is_never_looked_up() -> None:
    with pytest.raises(Unauthorized, match="mistyped"):
        Access(Stored(), RateLimit(100)).check(call(SECRET[:-1]), ROUTE)
