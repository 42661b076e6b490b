"""What surrounds requests on a connection, and what comes after the last: bounded in bytes and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from footfall.web.http.connection import LINGER_SECONDS, MAX_HEAD, MAX_THROWN, SLICE, Connection
from tests.support.wires import TIMEOUT, Client, answers

PIECE = 8192
POST = b"POST /x HTTP/1.1\r\nhost: footfall\r\n"
EARLY = b"POST /early HTTP/1.1\r\nhost: footfall\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
LARGE = POST + b"content-length: 100000000\r\n\r\n"


def on_a_wire(scenario: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await scenario(Client())

    return asyncio.run(run())


async def flood(client: Client, piece: bytes, *, is_told: bool = False) -> int:
    """How many bytes are read of `piece`, again and again; `is_told`: by a client that stops at the last answer."""
    sent = len(piece)
    while await client.send(piece) and sent < 2 * MAX_THROWN and not (is_told and client.wire.is_half_closed):
        sent += len(piece)
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"\r\n" * (PIECE // 2)),
        (b"GET /", b"x" * PIECE),
        (b"GET / HTTP/1.1\r\nhost: footfall\r\nx: ", b"y" * PIECE),
        (b"GET / HTTP/1.1\r\nhost: footfall\r\n", b"x: y\r\n" * (PIECE // 6)),
        (POST + CHUNKED + b"0\r\n", b"x: y\r\n" * (PIECE // 6)),
        (POST + CHUNKED + b"0\r\nx: ", b"y" * PIECE),
        (POST + CHUNKED, b"0" * PIECE),
        (POST + CHUNKED + b"1;", b"x" * PIECE),
        (POST + CHUNKED + b"0;", b"x" * PIECE),
    ],
    ids=["empty lines", "target", "header", "headers", "trailers", "trailer", "zeros", "extension", "end"],
)
def test_what_is_no_body_has_a_limit(start: bytes, piece: bytes) -> None:
    async def scenario(client: Client) -> None:
        await client.send(start)
        assert await flood(client, piece, is_told=True) <= MAX_HEAD + 2 * PIECE
        assert [answer.status for answer in answers(client.wire.written, [])] == [431]

    on_a_wire(scenario)


@pytest.mark.parametrize(("start", "status"), [(POST, 431), (EARLY, 401)], ids=["needed", "refused"])
def test_chunk_sizes_may_not_outgrow_the_body(start: bytes, status: int) -> None:
    async def scenario(client: Client) -> None:
        await client.send(start + CHUNKED)
        assert await flood(client, b"1\r\n[\r\n" * (PIECE // 6), is_told=True) <= 2 * MAX_HEAD
        assert [answer.status for answer in answers(client.wire.written, [])] == [status]
        assert client.wire.is_half_closed

    on_a_wire(scenario)


def test_a_body_may_come_in_many_small_chunks() -> None:
    async def scenario(client: Client) -> None:
        await client.send(POST + CHUNKED + b"a\r\n0123456789\r\n" * 6_000 + b"0\r\n\r\n")
        [answer] = answers(client.wire.written, ["POST"])
        assert (answer.status, answer.told[2]) == (200, "0123456789" * 6_000)
        assert not client.wire.is_paused

    on_a_wire(scenario)


@pytest.mark.parametrize("start", [POST, EARLY], ids=["needed", "refused"])
def test_one_turn_parses_one_slice_of_what_was_received(
    monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Connection, "on_chunk_header", lambda _: seen.append(1), raising=False)

    async def scenario(client: Client) -> None:
        chunk = b"a\r\n0123456789\r\n"
        client.connection.data_received(start + CHUNKED + chunk * 4_000)
        for turn in range(1, 4):
            assert len(seen) <= turn * SLICE // len(chunk)
            assert client.wire.is_paused
            await asyncio.sleep(0)
        await client.settled()
        assert (len(seen), client.wire.is_paused) == (4_000, False)

    on_a_wire(scenario)


@pytest.mark.parametrize("rest", [b"0\r\n" + b"x: y\r\n" * 20_000, b"no size\r\n"], ids=["trailers", "chunk"])
def test_a_request_that_was_answered_early_gets_no_second_answer(rest: bytes) -> None:
    async def scenario(client: Client) -> None:
        await client.send(EARLY + CHUNKED)
        for start in range(0, len(rest), PIECE):
            await client.send(rest[start : start + PIECE])
        assert [answer.status for answer in answers(client.wire.written, [])] == [401]
        assert client.wire.is_half_closed

    on_a_wire(scenario)


@pytest.mark.parametrize("method", [b"POST /early", b"POST /x"], ids=["refused", "too large"])
def test_of_a_body_that_nobody_needs_only_so_much_is_read(method: bytes) -> None:
    async def scenario(client: Client) -> None:
        await client.send(method + b" HTTP/1.1\r\nhost: footfall\r\ncontent-length: 100000000\r\n\r\n")
        piece = b"x" * 262_144
        assert MAX_THROWN <= await flood(client, piece) <= MAX_THROWN + 2 * len(piece)
        assert len(answers(client.wire.written, ["POST"])) == 1

    on_a_wire(scenario)


def test_many_bodies_that_nobody_needs_leave_the_connection_open() -> None:
    body = b"x" * (1024 * 1024)

    async def scenario(client: Client) -> None:
        for _ in range(2 * MAX_THROWN // len(body)):
            await client.send(EARLY + b"content-length: %d\r\n\r\n" % len(body))
            assert await client.send(body)

    on_a_wire(scenario)


def test_after_the_last_answer_what_still_comes_is_read_for_a_while() -> None:
    async def scenario(client: Client) -> None:
        await client.send(LARGE)
        assert [answer.status for answer in answers(client.wire.written, [])] == [413]
        assert client.wire.is_half_closed
        for _ in range(10):
            assert await client.send(b"x" * PIECE)
        client.wait(LINGER_SECONDS / 2)
        assert not client.wire.is_closed
        client.wait(LINGER_SECONDS * 2)
        assert client.wire.is_closed

    on_a_wire(scenario)


def test_a_body_that_stops_after_an_early_answer_ends_the_connection_in_the_same_way() -> None:
    async def scenario(client: Client) -> None:
        await client.send(EARLY + b"content-length: 9\r\n\r\n")
        client.wait(TIMEOUT * 2)
        assert (client.wire.is_half_closed, client.wire.is_closed) == (True, False)
        client.wait(TIMEOUT * 2)
        assert client.wire.is_closed

    on_a_wire(scenario)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: footfall\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost:\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:8000\r\n", 200),
        (b"GET / HTTP/1.0\r\n", 200),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: footfall\r\nHost: footfall\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: footfall\r\nhost: other\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\nHost:\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: footfall\r\nHost: other\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: foot fall\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: footfall/x\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: f<b>\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: M\xfcnchen.de\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: footfall\r\n", 400),
        (b"GET / HTTP/0.9\r\nHost: footfall\r\n", 400),
        (b"GET / HTTP/1.2\r\nHost: footfall\r\n", 400),
        (b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n", 400),
    ],
)
def test_a_request_names_one_host_and_a_version_that_is_spoken(head: bytes, status: int) -> None:
    async def scenario(client: Client) -> None:
        await client.send(head + b"\r\n")
        [answer] = answers(client.wire.written, ["GET"])
        assert answer.status == status
        assert client.wire.is_half_closed == (status == 400 or b"1.0" in head)

    on_a_wire(scenario)


def test_a_client_of_1_0_is_not_told_to_go_on() -> None:
    async def scenario(client: Client) -> None:
        await client.send(b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert client.wire.written == b""
        await client.send(b"hi")
        assert [answer.status for answer in answers(client.wire.written, ["POST"])] == [200]

    on_a_wire(scenario)
