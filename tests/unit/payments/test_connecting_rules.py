"""What can be the address of a server to which providers deliver."""

from __future__ import annotations

import pytest

from footfall.errors import BadRequest
from footfall.payments.connecting.rules import check_origin
from footfall.payments.providers import PROVIDERS

STRIPE = PROVIDERS["stripe"]


@pytest.mark.parametrize(
    "origin", ["https://stats.example.com", "https://stats.example.com:8443", "https://stats.example.com/"]
)
def test_a_public_https_address_is_taken_without_a_slash_at_its_end(origin: str) -> None:
    assert check_origin(STRIPE, origin) == origin.rstrip("/")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "http://stats.example.com",
        "https://localhost:8000",
        "https://127.0.0.1",
        "https://[::1]",
        "https://10.0.0.5:8000",
        "https://stats.example.com/path",
        "https://stats.example.com?x",
        "https://user@stats.example.com",
        "https://stats.example.com:port",
        "https://[",
    ],
)
def test_an_address_that_no_provider_reaches_is_refused_with_what_to_set(origin: str) -> None:
    with pytest.raises(BadRequest, match="FOOTFALL_PUBLIC_URL"):
        check_origin(STRIPE, origin)
