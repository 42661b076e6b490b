"""Random mutations of real requests against a running server: no answer of 500 or above, no long pause, no growing memory."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from bench.pauses import LIMIT, TILL, Target, watching
from bench.servers import Running
from bench.store import BROWSER, fill

RECORDED = Path(__file__).parents[1] / "tests/contract/recorded/sdk-3.0.18.json"
REPORT_EVERY = 30.0
"""Seconds between two lines."""
PATIENCE = 20.0
"""Seconds that a connection is waited for."""
PIECES = [
    b"\0", b"\r\n", b"\n", b'"', b"\\", b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b":", b",", b"null", b"1e999", b"-1",
    b"9" * 400, b"\xff", b"\xc3", "é漢\u202e".encode(), b"%00", b"%ff", b"&", b"=", b";", b"../", b"*", b" " * 200, b"a" * 5000, b"chunked",
]  # fmt: skip


class Sent(NamedTuple):
    """A request, to be put together with a right Content-Length unless it is mutated afterwards."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def raw(self) -> bytes:
        length = {"Content-Length": str(len(self.body))} if self.body else {}
        lines = {"Host": "bench", **self.headers, **length, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return (
            f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + self.body
        )


def real_requests(target: Target) -> list[Sent]:
    """What clients send: the recorded events of the SDK, calls of the API, and pages."""
    tracking = target.world.website.tracking_id
    found = []
    for one in json.loads(RECORDED.read_text("utf-8")):
        body = one["body"] if isinstance(one["body"], str) else json.dumps(one["body"])
        body = body.replace("dfid_TESTSITE0000000000", tracking).replace("example.com", "bench.example")
        found.append(Sent("POST", "/api/events", {"User-Agent": BROWSER}, body.encode()))
    key = {"Authorization": f"Bearer {target.world.key}", "Content-Type": "application/json"}
    visitor = fill("<visitor>", 3, target.world)
    person = {
        "user_id": "user_3",
        "datafast_visitor_id": visitor,
        "plan": "pro",
        "$set_once": {"first": 1},
        "$unset": ["old"],
    }
    late = {**person, "$at": "2026-01-01T00:00:00Z"}
    calls = [
        ("/api/v1/identify", person),
        ("/api/v1/identify", late),
        ("/api/v1/identify/batch", [person, late]),
    ]
    found += [Sent("POST", path, key, json.dumps(said).encode()) for path, said in calls]
    merge = {"from": "user:user_5", "into": "user:user_6", "dryRun": True}
    found.append(Sent("POST", "/api/v1/profiles/merge", key, json.dumps(merge).encode()))
    paths = [
        f"/api/v1/visitors/{visitor}",
        f"/api/v1/visitors/{TILL}",
        "/api/v1/profiles?trait.plan=is_not:free&trait.seats=gte:5&search=user&sort=lastSeenAt",
        "/api/v1/profiles/user:user_3?explain=1&as_of=2026-11-01T00:00:00Z",
        "/api/v1/profiles/user:user_3/journey?limit=10",
        "/api/v1/profiles/user:user_3/ledger",
        "/api/v1/identity/health",
    ]
    found += [Sent("GET", path, key, b"") for path in paths]
    root = f"/w/{target.world.website.website_id.hex()}"
    cookie = {"Cookie": f"footfall_session={target.session}", "Accept": "text/html"}
    pages = [
        "/people?search=user",
        "/people/user:user_3?why=1",
        f"/visitors/{visitor}",
        "/health",
        "/settings",
        "/live",
    ]
    found += [Sent("GET", root + page, cookie, b"") for page in pages]
    found += [Sent("GET", "/login", {}, b""), Sent("GET", "/js/script.js", {"Accept-Encoding": "gzip"}, b"")]
    form = {**cookie, "Content-Type": "application/x-www-form-urlencoded"}
    found.append(Sent("POST", root + "/settings", form, b"name=a&domain=bench.example&timezone=UTC"))
    return found


def mutated(draw: random.Random, known: list[Sent]) -> bytes:
    """One of the requests with a few changes, in the whole of it or in its body or path alone, where its length stays right."""
    one = draw.choice(known)
    kind = draw.randrange(4)
    if kind == 0:
        return _changed(draw, one.raw())
    if kind == 1 and one.body:
        return one._replace(body=_changed(draw, one.body)).raw()
    if kind == 2:
        return one._replace(path=_changed(draw, one.path.encode()).decode("latin-1").replace(" ", "+")).raw()
    name = draw.choice(
        [*one.headers, "X-Forwarded-For", "Cookie", "Accept-Encoding", "Content-Encoding", "Expect"]
    )
    value = _changed(draw, one.headers.get(name, "1").encode()).decode("latin-1")
    return one._replace(headers={**one.headers, name: value}).raw()


def _changed(draw: random.Random, text: bytes) -> bytes:
    for _ in range(draw.randint(1, 4)):
        text = draw.choice(_CHANGES)(draw, text)
    return text


def _insert(draw: random.Random, text: bytes) -> bytes:
    at = draw.randint(0, len(text))
    return text[:at] + draw.choice(PIECES) + text[at:]


def _remove(draw: random.Random, text: bytes) -> bytes:
    at = draw.randint(0, len(text))
    return text[:at] + text[at + draw.randint(1, 30) :]


def _repeat(draw: random.Random, text: bytes) -> bytes:
    at = draw.randint(0, len(text))
    return text[:at] + text[at : at + draw.randint(1, 30)] * draw.choice((2, 3, 500)) + text[at:]


def _flip(draw: random.Random, text: bytes) -> bytes:
    if not text:
        return text
    at = draw.randrange(len(text))
    return text[:at] + bytes([draw.randrange(256)]) + text[at + 1 :]


def _cut(draw: random.Random, text: bytes) -> bytes:
    return text[: draw.randint(0, len(text))]


_CHANGES: list[Callable[[random.Random, bytes], bytes]] = [_insert, _remove, _repeat, _flip, _cut]


def run(target: Target, running: Running, minutes: float, seed: int) -> int:
    """Send mutations for so long; how many answers or pauses were wrong."""
    draw, known = random.Random(seed), real_requests(target)
    host, _, port = running.address.removeprefix("http://").partition(":")
    place = (host, int(port))
    until = time.monotonic() + minutes * 60
    counts: Counter[str] = Counter()
    wrong = 0
    click.echo(f"seed {seed}")
    while time.monotonic() < until:
        with watching(place) as pauses:
            for status, sent in _some(
                place, lambda: mutated(draw, known), min(until, time.monotonic() + REPORT_EVERY)
            ):
                counts[status] += 1
                if status.startswith("5"):
                    wrong += 1
                    click.echo(f"{status}: {sent[:2000]!r}")
        worst = max(pauses) * 1000
        wrong += worst > LIMIT
        resident = running.resident() / 1e6
        click.echo(
            f"{sum(counts.values()):>8} sent, longest pause {worst:.1f} ms, resident {resident:.0f} MB, {dict(counts)}"
        )
    return wrong


def _some(place: tuple[str, int], make: Callable[[], bytes], until: float) -> Iterator[tuple[str, bytes]]:
    """The status of each answer, and what was sent."""
    while time.monotonic() < until:
        sent = make()
        yield _answer(place, sent), sent


def _answer(place: tuple[str, int], sent: bytes) -> str:
    """The status of the last answer; `none` when the server closed without one, or waits for more."""
    head = b""
    with contextlib.closing(socket.create_connection(place, PATIENCE)) as opened:
        with contextlib.suppress(OSError):
            opened.sendall(sent)
        opened.settimeout(0.2)  # what is cut off waits for more, and live pages never end
        with contextlib.suppress(OSError):
            while part := opened.recv(1 << 16):
                head = head or part
    return head[9:12].decode("latin-1") if head.startswith(b"HTTP/") else "none"
