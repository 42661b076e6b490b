"""How fast, and how stubbornly, another server's API is called."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from footfall.errors import UsageError
from footfall.moving.client import MOST_REFUSALS, PAUSES, PER_MINUTE, SourceClient, open_http
from footfall.moving.model import NotHad
from footfall.moving.pace import Pace


class Time:
    """Goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client(answer: Callable[[float], httpx.Response]) -> tuple[SourceClient, list[float]]:
    """A client of a server that answers by the time, and the times of its calls."""
    source, calls, _ = telling_client(answer)
    return source, calls


def telling_client(
    answer: Callable[[float], httpx.Response],
) -> tuple[SourceClient, list[float], list[str]]:
    """The same, and what it tells."""
    time, calls, told = Time(), list[float](), list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer df_key"
        calls.append(time.now - 1000)
        return answer(time.now - 1000)

    http = open_http("https://source.example", "df_key")
    http._transport = httpx.MockTransport(handle)
    return SourceClient(http, Pace(PER_MINUTE, time, time.sleep), told.append), calls, told


def test_no_minute_sees_more_than_60_calls() -> None:
    source, calls = client(lambda _: httpx.Response(200, content=b"{}"))
    for _ in range(200):
        source.get("/api/v1/visitors")
    assert calls[0] == 0
    assert calls[-1] == pytest.approx(199)
    assert all(later - one >= 60 - 1e-6 for one, later in zip(calls, calls[60:], strict=False))


@pytest.mark.parametrize(
    ("headers", "wait"), [({"retry-after": "17"}, 17), ({}, 60), ({"retry-after": "999999"}, 3600)]
)
def test_a_server_that_asks_for_fewer_calls_gets_them(headers: dict[str, str], wait: float) -> None:
    source, calls = client(
        lambda at: httpx.Response(200, content=b"{}") if at else httpx.Response(429, headers=headers)
    )
    assert source.get("/api/v1/visitors") == b"{}"
    assert calls == pytest.approx([0, wait])


def test_a_server_in_trouble_is_called_again_and_then_given_up_with_what_to_do() -> None:
    source, calls, told = telling_client(lambda _: httpx.Response(502))
    with pytest.raises(UsageError, match=r"answers 502\. Run the command again later: an import goes on"):
        source.get("/api/v1/visitors")
    assert told[:2] == [
        f"https://source.example answers 502. Trying again in {seconds} s." for seconds in (1, 5)
    ]
    assert calls == pytest.approx([sum(PAUSES[:number]) for number in range(len(PAUSES) + 1)])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ReadTimeout("slow"), "it does not answer in time"),
        (httpx.ConnectError("no route"), "the connection broke off, or it is no web server"),
        (httpx.RemoteProtocolError("illegal"), "the connection broke off, or it is no web server"),
    ],
)
def test_a_server_that_is_gone_for_a_while_is_tried_again_and_then_named_without_the_key(
    error: httpx.HTTPError, reason: str
) -> None:
    def gone(at: float) -> httpx.Response:
        if at == 0 or is_back:
            return httpx.Response(200, content=b"{}")
        raise error

    source, calls = client(gone)
    is_back = False
    assert source.get("/api/v1/visitors") == b"{}"
    with pytest.raises(UsageError, match=f"^https://source.example cannot be reached: {reason}") as told:
        source.get("/api/v1/visitors")
    assert "df_key" not in str(told.value)
    assert len(calls) == len(PAUSES) + 2
    is_back = True
    assert source.get("/api/v1/visitors") == b"{}"


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [("http://127.0.0.1:1", "connection refused"), ("http://no.such.host.invalid", "there is no such host")],
)
def test_an_address_at_which_nobody_is_ends_the_first_call_at_once(base_url: str, reason: str) -> None:
    waits: list[str] = []
    with open_http(base_url, "df_key") as http:
        source = SourceClient(http, Pace(PER_MINUTE, lambda: 0.0, lambda _: None), waits.append)
        with pytest.raises(UsageError) as told:
            source.get("/api/v1/visitors")
    assert str(told.value) == f"{base_url} cannot be reached: {reason}. Is --base-url right?"
    assert waits == []


def test_a_server_that_never_lets_through_is_given_up() -> None:
    source, calls = client(lambda _: httpx.Response(429, headers={"retry-after": "1"}))
    with pytest.raises(UsageError, match="answers 429"):
        source.get("/api/v1/visitors")
    assert len(calls) == MOST_REFUSALS + len(PAUSES) + 1


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, "does not accept the key"),
        (403, "may not read this"),
        (404, "no such thing"),
        (301, "leads elsewhere"),
    ],
)
def test_what_calling_again_would_not_mend_is_told_at_once(status: int, problem: str) -> None:
    source, calls = client(lambda _: httpx.Response(status, headers={"location": "https://other.example/"}))
    with pytest.raises((UsageError, NotHad), match=problem):
        source.get("/api/v1/payments")
    assert len(calls) == 1


@pytest.mark.parametrize("url", ["datafa.st", "ftp://datafa.st", "https://", "https://[::1"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--base-url"):
        open_http(url, "df_key")


@pytest.mark.parametrize("key", ["", "df key", "df_k\u00e9y", "df_key\x07"])
def test_a_key_that_no_call_can_carry_is_refused_before_the_first(key: str) -> None:
    with pytest.raises(UsageError, match=r"^No API key: "):
        open_http("https://source.example", key)
