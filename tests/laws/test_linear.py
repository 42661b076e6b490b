"""What a stranger sends costs no more than its size: four times as much of it takes about four times as long.

Work that grows with the square takes sixteen times as long. Processor time is compared, the best of several runs, with a margin that noise
does not reach; what takes next to nothing at the larger size is linear enough. How reads of large people grow is counted in
`test_large_people`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footfall.collect.enrich.bots import bot_kind
from footfall.collect.enrich.device import parse_device
from footfall.collect.enrich.geo import NOWHERE
from footfall.collect.enrich.hosts import path_matches
from footfall.collect.enrich.page import parse_page
from footfall.collect.enrich.referrer import parse_referrer
from footfall.collect.enrich.text import clean_goal_name, clean_parameters, clean_text
from footfall.collect.erasing import without_emails
from footfall.collect.pipeline import Arrival, drop_reason, read_hit
from footfall.dashboard.forms import read_form
from footfall.dashboard.session import read_cookie
from footfall.errors import ApiError, UsageError
from footfall.hostnames import to_ascii
from footfall.identity.identify.importing import read_record, records
from footfall.identity.identify.wire import read_browser_identify, read_identify
from footfall.identity.junk import is_junk, is_placeholder_name
from footfall.people.find.terms import any_case, search_terms
from footfall.people.wire import read_filter, read_people_query
from footfall.web.address import ClientAddress
from footfall.web.batch import BatchReader
from footfall.web.context import Context
from footfall.web.json import decode_object
from tests.laws.world import VISITORS, WEBSITE
from tests.support.wires import Client

MARGIN = 9.0
"""Times as long that four times as much may take."""
NOTHING = 0.006
"""Seconds of processor time that are not worth comparing."""
RUNS = 3
SMALL, LARGE = 15_000, 60_000
"""Characters: a request's head and most bodies hold no more than the latter."""

TEXTS: dict[str, Callable[[int], str]] = {
    "letters": lambda size: "a" * size,
    "labels": lambda size: "a." * (size // 2),
    "dots": lambda size: "." * size,
    "blanks": lambda size: " " * size,
    "words": lambda size: " ".join(f"w{number}" for number in range(size // 6)),
    "slashes": lambda size: "/" * size,
    "steps": lambda size: "/x" * (size // 2),
    "percents": lambda size: "%" * size,
    "escapes": lambda size: "%41" * (size // 3),
    "ampersands": lambda size: "&" * size,
    "parameters": lambda size: "".join(f"&a{number}=1" for number in range(size // 9)),
    "addresses": lambda size: "a@a." * (size // 4),
    "at signs": lambda size: "@" * size,
    "quotes": lambda size: '"' * size,
    "an open quote": lambda size: '"' + "a" * size,
    "backslashes": lambda size: '"' + "\\" * size,
    "a quoted value": lambda size: 'a="' + "\\" * size + '"',
    "escaped quotes": lambda size: '[{"user_id":"' + '\\"' * (size // 2),
    "brackets": lambda size: "[" * size,
    "braces": lambda size: '{"a":' * (size // 5),
    "commas": lambda size: "," * size,
    "semicolons": lambda size: "a=b;" * (size // 4),
    "colons": lambda size: ":" * size,
    "parentheses": lambda size: "(" * size,
    "browsers": lambda size: "Mozilla/5.0 (Linux; Android 9) " * (size // 31),
    "an agent in parts": lambda size: "Mozilla/5.0 (" + "a;" * (size // 2),
    "accents": lambda size: "é" * size,
    "ideographs": lambda size: "漢" * size,
    "controls": lambda size: "\x01" * size,
    "hyphens": lambda size: "xn--" * (size // 4),
    "digits": lambda size: "9" * size,
    "lines": lambda size: "a\r\n" * (size // 3),
    "networks": lambda size: "127.0.0.1," * (size // 10),
    "stars": lambda size: "/*" * (size // 2),
}
"""What no reader expects."""

_SITE = "https://law.example/"
_ID = "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b"
_PROXIES = ClientAddress((ipaddress.ip_network("127.0.0.0/8"),))
_ARRIVAL = Arrival(0, bytes(16), "Mozilla/5.0 Chrome/141.0", "203.0.113.9", NOWHERE, bytes(32))


def _event(**fields: object) -> object:
    body = {"visitorId": _ID, "type": "pageview", "href": _SITE, "domain": "law.example", **fields}
    return read_hit(body, WEBSITE, _ARRIVAL)


def _address(name: bytes) -> Callable[[str], object]:
    return lambda text: _PROXIES.find("127.0.0.1", {name: text.encode()})


def _query(text: str) -> object:
    return Context({}, "", text.encode("ascii", "replace"), (), 0).pairs()


def _goal(text: str) -> object:
    return _event(type="custom", extraData={"eventName": "g", "a": text, text[:64]: text, "url": text})


def _agent(text: str) -> object:
    return bot_kind(text), drop_reason(WEBSITE, text), parse_device(text, {"platform": "ios", "model": text})


def _words(text: str) -> object:
    return search_terms([text], {"name": text, "email": text})


def _identify(text: str) -> object:
    return read_identify(
        {"user_id": "u", "datafast_visitor_id": _ID, "name": text, "image": text, "k": [text]}
    )


def _page_identify(text: str) -> object:
    return read_browser_identify({"user_id": "u", "name": text, "image": text, "k": text}, VISITORS[0])


BATCHES = BatchReader(read_identify, "identify calls")
DECODERS: dict[str, Callable[[str], object]] = {
    "cookies": lambda text: read_cookie(text, "footfall_session"),
    "a form": lambda text: read_form(text.encode("ascii", "replace")),
    "a query": _query,
    "a JSON body": lambda text: decode_object(text.encode()),
    "a batch": lambda text: BATCHES.calls(text.encode()),
    "a batch of lines": lambda text: BATCHES.calls(text.encode(), is_lines=True),
    "identify": _identify,
    "identify of a page": _page_identify,
    "a user id": lambda text: (is_junk(text[:255]), is_placeholder_name(text)),
    "a page": lambda text: parse_page(_SITE + text),
    "a query of a page": lambda text: parse_page(_SITE + "?" + text),
    "a hash of a page": lambda text: parse_page(_SITE + "#" + text, hash_routing=True),
    "a host of a page": lambda text: parse_page("https://" + text),
    "an event's page": lambda text: _event(href=_SITE + text),
    "an event's referrer": lambda text: _event(referrer="https://" + text),
    "an event's host": lambda text: _event(href="file:///x", domain=text),
    "a goal": _goal,
    "a goal's name": lambda text: clean_goal_name(text),
    "parameters": lambda text: clean_parameters({text: text, "a": text}),
    "a text": lambda text: clean_text(text, 255),
    "a referrer": lambda text: parse_referrer("https://" + text, ("law.example",)),
    "a user agent": _agent,
    "a domain": to_ascii,
    "a pattern": lambda text: path_matches("/x" * 1000, text[:200]),
    "a path for patterns": lambda text: [
        path_matches(text[: len(text) // 40], pattern) for pattern in ("/*/x/*/x/*/y", "/*/*/*/*/edit")
    ],
    "addresses to blank": without_emails,
    "X-Forwarded-For": _address(b"x-forwarded-for"),
    "Forwarded": _address(b"forwarded"),
    "X-Real-IP": _address(b"x-real-ip"),
    "a filter": lambda text: read_filter("trait.plan", text),
    "a filter with contains": lambda text: read_filter("trait.plan", "contains:" + text),
    "a filter's name": lambda text: read_people_query([("trait." + text, "x")]),
    "a search": lambda text: read_people_query([("search", text)]),
    "terms of a person": _words,
    "any case": lambda text: any_case(text[:255]),
}
"""Whatever reads text from outside."""


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_decoder_takes_no_text_longer_than_its_size(decoder: str) -> None:
    decode = DECODERS[decoder]
    for name, make in TEXTS.items():
        assert_linear(f"{decoder}: {name}", lambda size, make=make: make(size), decode)  # type: ignore[misc]


def assert_linear(what: str, make: Callable[[int], Any], work: Callable[[Any], object]) -> None:
    large = _seconds(make(LARGE), work)
    if large > NOTHING:
        small = _seconds(make(SMALL), work)
        assert large < max(MARGIN * small, NOTHING), (
            f"{what}: {small:.4f} s, {large:.4f} s for four times as much"
        )


def _seconds(given: Any, work: Callable[[Any], object]) -> float:
    """Processor time of the best run. What the text is refused for does not matter here."""
    return min(_one(given, work) for _ in range(RUNS))


def _one(given: Any, work: Callable[[Any], object]) -> float:
    started = time.process_time()
    with contextlib.suppress(ApiError, UsageError):
        work(given)
    return time.process_time() - started


# Whole requests, as they come over a connection


def _streamed(start: bytes, unit: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: start + unit * (size // len(unit)) + end


_GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAMS: dict[str, Callable[[int], bytes]] = {
    "one header again and again": _streamed(_GET, b"x: y\r\n", b"\r\n"),
    "empty headers": _streamed(_GET, b"x:\r\n", b"\r\n"),
    "a long header": _streamed(_GET + b"x: ", b"a"),
    "a folded header": _streamed(_GET + b"x: a", b"\r\n "),
    "cookies in many lines": _streamed(_GET, b"Cookie: a=b\r\n", b"\r\n"),
    "a target": _streamed(b"GET /", b"a"),
    "a trailer": _streamed(_POST + b"0\r\nx: ", b"a"),
    "trailers": _streamed(_POST + b"0\r\n", b"x: y\r\n"),
    "a chunk extension": _streamed(_POST + b"1;a=", b"a"),
    "small chunks": _streamed(_POST, b"1\r\na\r\n"),
    "a chunk size of zeros": _streamed(_POST, b"0"),
    "empty lines": _streamed(b"", b"\r\n"),
    "requests": _streamed(b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "offers of another protocol": _streamed(
        b"", b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: b\r\nConnection: Upgrade\r\n\r\n"
    ),
}
PIECES = {"at once": 1 << 20, "in pieces": 100}
"""Bytes that arrive together."""


@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("stream", STREAMS)
def test_a_connection_takes_no_stream_longer_than_its_size(stream: str, pieces: str) -> None:
    def send(data: bytes) -> None:
        asyncio.run(_send(data, PIECES[pieces]))

    assert_linear(f"{stream} {pieces}", STREAMS[stream], send)


async def _send(data: bytes, piece: int) -> None:
    client = Client()
    for start in range(0, len(data), piece):
        if not await client.send(data[start : start + piece]):
            return


# Files


def test_a_csv_file_takes_no_longer_than_its_size(tmp_path: Path) -> None:
    names = itertools.count()

    def make(text: str) -> Path:
        path = tmp_path / f"{next(names)}.csv"
        path.write_bytes(b"user_id,visitorId,plan\n" + text.encode())
        return path

    def read(path: Path) -> None:
        for record in records(path):
            with contextlib.suppress(ApiError):
                read_record(record)

    shapes = {
        **TEXTS,
        "open quotes": lambda size: 'a,"b\n' * (size // 5),
        "cells": lambda size: "a,b,c\n" * (size // 6),
    }
    for name, shape in shapes.items():
        assert_linear(f"CSV: {name}", lambda size, shape=shape: make(shape(size)), read)  # type: ignore[misc]
