"""What tests ask about payments."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from tests.support.people import wait_for_index
from tests.support.servers import until
from tests.support.sites import JSON_TYPE, Site, next_millisecond, sql

_numbers = itertools.count(1)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def pay(site: Site, amount: Any = 10, currency: str = "USD", **fields: Any) -> Any:
    """Post a payment, with an id of its own unless it is given; the answer."""
    response = post_payment(site, amount=amount, currency=currency, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def post_payment(site: Site, content: bytes | None = None, **fields: Any) -> httpx.Response:
    """Post a payment, or any body."""
    body = {"transaction_id": f"tx_{next(_numbers)}", **fields}
    next_millisecond()
    return site.http.post(
        "/api/v1/payments",
        content=msgspec.json.encode(body) if content is None else content,
        headers={"authorization": f"Bearer {site.key}", **JSON_TYPE},
    )


def payments(site: Site, **query: Any) -> list[Any]:
    """`GET /payments`, once it is found out whose they are: `data`, newest first."""
    settle(site)
    answer = exactly(site.call("GET", "/api/v1/payments", params=query))
    found: list[Any] = answer["data"]
    return found


def exactly(response: httpx.Response) -> Any:
    """The answer with its numbers as they were written."""
    assert response.status_code == 200, response.text
    return _decode(response.content)


def settle(site: Site) -> None:
    """Return once it is found out whose all payments are."""
    wait_for_index(site)
    until(lambda: not site.rows(sql.looks_of_website), "payments wait to be looked at")
