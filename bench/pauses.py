"""How long one request keeps all others waiting: the longest pause of the event loop while each nasty request runs.

A process of its own asks the server for `/healthz` over and over; the longest that it waited for an answer is the pause.
"""

from __future__ import annotations

import contextlib
import hmac
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.connection import Connection
from typing import NamedTuple
from urllib.parse import quote

import click
import msgspec

from bench.engines import Engine, StoreSession
from bench.people import log_in
from bench.servers import Running
from bench.store import BROWSER, World
from footfall.clock import system_clock
from footfall.collect.enrich.geo import NOWHERE
from footfall.collect.pipeline import Arrival, read_hit
from footfall.collect.service import RECORD_HANDLER
from footfall.dashboard.session import SESSION_COOKIE
from footfall.db.protocol import WriteHandler
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import IDENTIFY_HANDLER
from footfall.identity.identify.wire import read_identify
from footfall.identity.model import SERVER
from footfall.ids import at_prefix
from footfall.websites.model import Exclusions, Website
from footfall.websites.store import put_website

LARGE = 20_000
"""Visitors of the large person, and users of the shared visitor."""
CALM = 0.3
"""Seconds between two kinds of requests."""
SECONDS = 8.0
"""How long a client that never ends is let go on."""
PATIENCE = 120.0
"""Seconds that an answer is waited for."""
LIMIT = 50.0
"""Milliseconds that a pause may take."""
TILL = "00000000-0000-4000-8000-000000000001"
"""The visitor that each of many users was."""
STARS = ("/*/x/*/x/*/y", "/*/*/*/*/edit")


class Target(NamedTuple):
    """What requests are made of. `session`: the cookie's value of somebody who is logged in."""

    world: World
    session: str


class Nasty(NamedTuple):
    """A kind of request. `parts`: what each of `clients` sends, all at the same time; it may never end."""

    name: str
    parts: Callable[[Target], Iterator[bytes]]
    clients: int = 1


def seed(engine: Engine, world: World, large: int = LARGE) -> Target:
    """Add a person of `large` visitors, a visitor of as many users, patterns that are hard to match, and somebody who is logged in."""
    website = msgspec.structs.replace(world.website, exclusions=Exclusions(paths=STARS))
    with closing(engine.open_session()) as session:
        session.transact(lambda tx: put_website(tx, website))
        _write(session, RECORD_HANDLER, [_pageview(website, TILL, "/till", 0)])
        for start in range(0, large, 500):
            numbers = range(start, start + 500)
            pages = [_pageview(website, _uuid(i), f"/large/{i}", i + 1) for i in numbers]
            said = [("large", _uuid(i)) for i in numbers] + [(f"till_{i}", TILL) for i in numbers]
            _write(session, RECORD_HANDLER, pages)
            _write(session, IDENTIFY_HANDLER, [_identify(world, *one) for one in said])
    return Target(world, log_in(engine))


def _write(session: StoreSession, handler: WriteHandler, calls: list[object]) -> None:
    session.transact(lambda tx: handler.run(tx, calls))


def _pageview(website: Website, visitor: str, path: str, number: int) -> object:
    now = system_clock()
    arrival = Arrival(now, at_prefix(now) + number.to_bytes(4, "big"), BROWSER, "127.0.0.1", NOWHERE, b"")
    body = {"visitorId": visitor, "type": "pageview", "href": f"https://{website.domain}{path}"}
    return read_hit(body, website, arrival)


def _identify(world: World, user: str, visitor: str) -> object:
    said = read_identify({"user_id": user, "datafast_visitor_id": visitor, "plan": user})
    website = world.website
    return IdentifyCall(
        website.website_id, website.profile_secret, said, SERVER, True, world.key_id, system_clock()
    )


def _uuid(number: int) -> str:
    return f"a{number:07x}-0000-4000-8000-000000000000"


# The requests


def _request(method: str, path: str, headers: str = "", body: bytes = b"", *, close: bool = True) -> bytes:
    headers += "Connection: close\r\n" if close else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{headers}{length}\r\n".encode("latin-1") + body


def _call(method: str, path: str, body: bytes = b"", media: str = "application/json") -> Nasty:
    """A call with the API key. `<website>` in the path is filled in."""

    def parts(target: Target) -> Iterator[bytes]:
        yield _request(
            method, path, f"Authorization: Bearer {target.world.key}\r\nContent-Type: {media}\r\n", body
        )

    shown = path if len(path) < 40 else path[:36] + "..."
    return Nasty(f"{method} {shown}", parts)


def _page(path: str) -> Nasty:
    """A page of the dashboard. `<website>` in the path is filled in."""

    def parts(target: Target) -> Iterator[bytes]:
        filled = path.replace("<website>", target.world.website.website_id.hex())
        yield _request("GET", filled, f"Cookie: {SESSION_COOKIE}={target.session}\r\n")

    return Nasty(f"page {path.replace('/w/<website>', '')}", parts)


def _event(name: str, **fields: object) -> Nasty:
    """An event of a page, with odd fields."""

    def parts(target: Target) -> Iterator[bytes]:
        body = {
            "websiteId": target.world.website.tracking_id,
            "domain": target.world.website.domain,
            "visitorId": _uuid(5),
            "type": "pageview",
            "href": f"https://{target.world.website.domain}/",
            **fields,
        }
        yield _request("POST", "/api/events", f"User-Agent: {BROWSER}\r\n", msgspec.json.encode(body))

    return Nasty(name, parts)


def _raw(name: str, *parts: bytes, clients: int = 1) -> Nasty:
    """Just these bytes."""
    return Nasty(name, lambda _: iter(parts), clients)


def _endless(name: str, start: bytes, more: bytes, clients: int = 1) -> Nasty:
    """`start`, and then `more` over and over."""

    def parts(_: Target) -> Iterator[bytes]:
        yield start
        while True:
            yield more

    return Nasty(name, parts, clients)


_CHUNKED = _request("POST", "/api/events", "Transfer-Encoding: chunked\r\n", close=False)
_LARGE_PERSON = "/w/<website>/people/user:large"
_FULL = 63 * 1024
_CONTAINS = ",".join(f"{i:02}" + "ab" * 39 for i in range(50))


def _kinds() -> Iterator[Nasty]:
    """All nasty requests."""
    backslashes = '"' + "\\" * 50_000 + '"'
    yield _raw("a quoted cookie", _request("GET", "/login", f"Cookie: a={backslashes}\r\n"))
    yield _raw("many cookies", _request("GET", "/login", f"Cookie: {'a=b;' * 15_000}\r\n"))
    yield _raw("one header in 8,000 lines", _request("GET", "/healthz", "x: y\r\n" * 8_000))
    yield _raw("8,000 headers", _request("GET", "/healthz", "".join(f"x{i}:\r\n" for i in range(8_000))))
    yield _raw(
        "a forwarded chain", _request("GET", "/healthz", f"X-Forwarded-For: {'127.0.0.1,' * 6_000}\r\n")
    )
    yield _raw("a query of 30,000 names", _request("GET", "/login?" + "a&" * 30_000))
    yield _raw("a query of 4,000 names", _request("GET", "/login?" + "a&" * 4_000))
    yield _raw("a path of %41", _request("GET", "/share/" + "%41" * 2_700))
    yield _endless("a head without an end", b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 65_000 + b"\r\n")
    yield _endless("a trailer without an end", _CHUNKED + b"0\r\nX: ", b"A" * 65_536, clients=10)
    yield _endless("trailers without an end", _CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000, clients=10)
    yield _endless("a chunk extension without an end", _CHUNKED + b"1;a=", b"A" * 65_536, clients=10)
    tiny = b"1\r\n[\r\n" * 3_000_000
    yield _raw("chunks of a byte", _CHUNKED + tiny)
    yield _raw(
        "chunks of a byte that nobody needs",
        _request("GET", "/healthz", "Transfer-Encoding: chunked\r\n", close=False) + tiny,
    )
    yield _endless("empty lines without an end", b"", b"\r\n" * 32_000, clients=10)
    yield _raw(
        "thousands of requests at once",
        _request("GET", "/healthz", close=False) * 20_000,
        _request("GET", "/healthz"),
    )
    for size in (80_000, 400_000):
        quotes = b'[{"user_id":"' + b'\\"' * (size // 2)
        yield _call("POST", "/api/v1/identify/batch", quotes)._replace(
            name=f'a batch of {size:,} bytes of \\"'
        )
    yield _call("POST", "/api/v1/identify/batch", b"[" * 1_000_000)._replace(name="a batch of [")
    items = b",".join(
        b'{"user_id":"u%d","datafast_visitor_id":"%b"}' % (i, _uuid(i).encode()) for i in range(1000)
    )
    yield _call("POST", "/api/v1/identify/batch", b"[" + items + b"]")._replace(name="a batch of 1,000 calls")
    keys = ",".join(f'"k{i}":1' for i in range(6_000))
    identify = '{"user_id":"u","datafast_visitor_id":"' + _uuid(7) + '",%s}'
    yield _call("POST", "/api/v1/identify", (identify % keys).encode())._replace(
        name="identify with 6,000 keys"
    )
    deep = '"k":' + "[" * 20_000 + "]" * 20_000
    yield _call("POST", "/api/v1/identify", (identify % deep).encode())._replace(
        name="identify, 20,000 levels"
    )
    digits = '"k":' + "9" * _FULL
    yield _call("POST", "/api/v1/identify", (identify % digits).encode())._replace(
        name="identify, a long number"
    )
    till = f'{{"user_id":"till_%d","datafast_visitor_id":"{TILL}"%s}}'
    yield _call("POST", "/api/v1/identify", (till % (7, "")).encode())._replace(
        name="identify on a shared visitor"
    )
    late = (till % (9, ',"$at":"2026-01-01T00:00:00Z"')).encode()
    yield _call("POST", "/api/v1/identify", late)._replace(name="a late identify on a shared visitor")
    old = f'{{"user_id":"large","datafast_visitor_id":"{_uuid(3)}","plan":"x","$at":"2026-01-01T00:00:00Z"}}'
    yield _call("POST", "/api/v1/identify", old.encode())._replace(name="a late identify of a large person")
    href = "https://bench.example"
    yield _event("a path for patterns", href=href + "/x" * 1_000)
    yield _event("a path of slashes", href=href + "/" * 1_000)
    yield _event("a query of &", href=href + "/?" + "&" * 60_000)
    yield _event("a query of %", href=href + "/?a=" + "%25" * 20_000)
    yield _event("a host of dots", href="https://" + "a." * 30_000 + "example/")
    yield _event("a referrer of dots", referrer="https://" + "a." * 30_000 + "example/")
    yield _event("addresses in a path", href=href + "/" + "a@a." * 15_000)
    yield _event(
        "a goal of many parameters",
        type="custom",
        extraData={"eventName": "g", **{f"k{i}": "v" for i in range(5_000)}},
    )
    yield _event(
        "an unsigned identify of 250 keys",
        type="identify",
        extraData={"user_id": "u", **{f"k{i}": "v" for i in range(250)}},
    )
    agent = "Mozilla/5.0 (" + "Linux; Android " * 4_000 + ")"
    yield _raw(
        "a long user agent", _request("POST", "/api/events", f"User-Agent: {agent}\r\n", b'{"websiteId":"x"}')
    )
    yield _call("GET", "/api/v1/profiles?trait.company=contains:" + _CONTAINS)._replace(
        name="contains, 50 long values"
    )
    yield _call("GET", "/api/v1/profiles?search=" + quote("é " * 1_000, safe=" ").replace(" ", "+"))._replace(
        name="search for 1,000 words"
    )
    countries = "filter_country=contains:" + ",".join("abcdefghijklmnopqrst")
    for asked in (
        "&".join(f"{countries},{i}" for i in range(20)),
        "startAt=1970-01-01&endAt=2099-12-31&interval=month",
    ):
        yield _call("GET", f"/api/v1/analytics/timeseries?{asked}")._replace(name=f"analytics, {asked[:28]}")
    yield _page("/w/<website>/revenue?startAt=1970-01-01&endAt=2099-12-30&timezone=Europe/Berlin")
    for path in ("", "?explain=1", "/journey", "/ledger", "/export"):
        yield _call("GET", f"/api/v1/profiles/user:large{path}")
    yield _call("GET", f"/api/v1/visitors/{TILL}")
    for path in ("", "?why=1", "/journey", "/export"):
        yield _page(_LARGE_PERSON + path)
    yield _page(f"/w/<website>/visitors/{TILL}")
    yield _page("/w/<website>/people")
    yield _page("/w/<website>/health")
    token = hmac.digest(b"x", b"form", "sha256").hex()  # of the cookie below, as the dashboard makes it
    log_in = f"email=bench%40example.com&password=wrong-password&form_token={token}".encode()
    form = "Content-Type: application/x-www-form-urlencoded\r\nCookie: footfall_form=x\r\n"
    yield _raw("40 log-ins", _request("POST", "/login", form, log_in), clients=40)
    yield _call("DELETE", "/api/v1/profiles/user:large")._replace(name="erasing a large person")


KINDS = list(_kinds())

# Sending and watching


def measure(target: Target, running: Running) -> list[str]:
    """Print the longest pause for each kind of request; the names of those that paused the loop for too long."""
    too_long = []
    host, _, port = running.address.removeprefix("http://").partition(":")
    place = (host, int(port))
    click.echo(f"{'while':<40}{'answered after':>16}{'longest pause':>16}{'resident':>12}")
    for kind in KINDS:
        time.sleep(CALM)
        with watching(place) as pauses:
            status, spent = _send(kind, target, place)
        worst = max(pauses) * 1000
        sizes = f"{spent:>14.2f} s{worst:>13.1f} ms{running.resident() / 1e6:>9.0f} MB"
        click.echo(f"{kind.name:<40}{sizes}  {status}{'  TOO LONG' if worst > LIMIT else ''}")
        if worst > LIMIT:
            too_long.append(kind.name)
    return too_long


def _send(kind: Nasty, target: Target, place: tuple[str, int]) -> tuple[str, float]:
    """Send it from all its clients; the status of one of the answers, and the seconds until the last."""
    started = time.perf_counter()
    with ThreadPoolExecutor(kind.clients) as pool:
        futures = [pool.submit(_send_one, kind.parts(target), place) for _ in range(kind.clients)]
        statuses = [future.result() for future in futures]
    return statuses[0], time.perf_counter() - started


def _send_one(parts: Iterator[bytes], place: tuple[str, int]) -> str:
    """The status of the first answer; `none` when the server closed without one, or nothing ended within SECONDS."""
    until = time.monotonic() + SECONDS
    with contextlib.closing(socket.create_connection(place, PATIENCE)) as opened:
        try:
            for part in parts:
                opened.sendall(part)
                if time.monotonic() > until:
                    return "went on"
        except OSError:
            pass  # the server has closed; it may have answered before
        return _status(opened)


def _status(opened: socket.socket) -> str:
    """Read all that comes; the status of the first answer."""
    head = b""
    with contextlib.suppress(OSError):
        while part := opened.recv(1 << 20):
            head = head or part
    return head[9:12].decode() if head.startswith(b"HTTP/") else "none"


@contextlib.contextmanager
def watching(place: tuple[str, int]) -> Iterator[list[float]]:
    """The longest time that `/healthz` took meanwhile, in seconds, once it is over."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_watch, args=(place, there), daemon=True)
    process.start()
    here.recv()
    found: list[float] = []
    try:
        yield found
    finally:
        here.send(None)
        found.append(here.recv())
        process.join()


def _watch(place: tuple[str, int], link: Connection) -> None:
    """Ask until something comes over `link`."""
    asking = _request("GET", "/healthz", close=False)
    worst = 0.0
    with contextlib.closing(socket.create_connection(place, PATIENCE)) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(10**9):
            started = time.perf_counter()
            opened.sendall(asking)
            answer = opened.recv(4096)
            worst = max(worst, time.perf_counter() - started) if number else 0.0
            if not answer.startswith(b"HTTP/1.1 200"):
                raise AssertionError(answer)
            if number == 0:
                link.send(None)
            elif link.poll():
                link.send(worst)
                return
            time.sleep(0.001)
