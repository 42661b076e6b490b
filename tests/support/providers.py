"""A server in the shape of the payment providers' APIs, as their documentation has them; each key has an account of its own."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from footfall.clock import from_iso
from footfall.payments.connecting.client import ADDRESSES
from tests.support.inside import NOWHERE
from tests.support.webhooks import SECRETS

KEYS = {
    "stripe": "rk_live_",
    "lemonsqueezy": "ey.",
    "polar": "polar_oat_",
    "paddle": "pdl_live_apikey_",
    "dodo": "dodo_",
}
"""How keys begin."""
WEBHOOKS = {
    "stripe": "/v1/webhook_endpoints",
    "lemonsqueezy": "/v1/webhooks",
    "polar": "/v1/webhooks/endpoints",
    "paddle": "/notification-settings",
    "dodo": "/webhooks",
}
_numbers = itertools.count(1)

Answer = tuple[int, Any, dict[str, str]]
"""Status, JSON (None: no body) and headers."""


class ProviderAccount:
    """What a provider has for one key. `lists`: its objects by path, newest first; `calls`: (method, path) of what was asked.

    `forbidden`: paths that the key may not use; `busy`: answers that come before others; `on_call` is told each path before its answer.
    """

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.key = f"{KEYS[provider]}{next(_numbers)}"
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.forbidden: set[str] = set()
        self.busy: deque[tuple[str, Answer]] = deque()
        self.on_call: Callable[[str, dict[str, str]], None] = lambda path, query: None
        self.page = 100
        _ACCOUNTS[self.key] = self

    @property
    def address(self) -> str:
        """Of this provider's API."""
        return ADDRESSES[self.provider]

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        """What is answered to a call."""
        self.calls.append((method, path))
        self.on_call(path, query)
        if path in self.forbidden:
            return 403, {"error": {"type": "invalid_request_error", "message": "no permission"}}, {}
        if self.busy and self.busy[0][0] == path:
            return self.busy.popleft()[1]
        root = WEBHOOKS[self.provider]
        if path == root and method == "POST":
            return self._make(body)
        if path.startswith(f"{root}/"):
            return self._webhook(method, path.removeprefix(f"{root}/"))
        return _PAGES[self.provider](self, path, query)

    def _make(self, body: bytes) -> Answer:
        said: dict[str, Any]
        if self.provider == "stripe":
            given = parse_qs(body.decode())
            events = given.pop("enabled_events[]", []) or [
                given[name][0] for name in sorted(given) if name.startswith("enabled_events[")
            ]
            said = {**{name: values[0] for name, values in given.items()}, "enabled_events": events}
        else:
            said = json.loads(body)
        webhook_id = f"we_{next(_numbers)}"
        self.webhooks[webhook_id] = said
        return 201, self._shown(webhook_id), {}

    def _shown(self, webhook_id: str) -> dict[str, Any]:
        """A webhook as it is shown when it was made."""
        secret, said = SECRETS[self.provider], self.webhooks[webhook_id]
        if self.provider == "stripe":
            kind = {"object": "webhook_endpoint", "status": "enabled", "livemode": True}
            return {"id": webhook_id, **kind, **said, "secret": secret}
        if self.provider == "lemonsqueezy":
            attributes = {
                name: value for name, value in said["data"]["attributes"].items() if name != "secret"
            }
            return {"data": {"type": "webhooks", "id": webhook_id, "attributes": attributes}}
        if self.provider == "paddle":
            return {"data": {"id": webhook_id, **said, "endpoint_secret_key": secret}, "meta": {}}
        shown = {"id": webhook_id, **said}
        return {**shown, "secret": secret} if self.provider == "polar" else shown

    def _webhook(self, method: str, rest: str) -> Answer:
        webhook_id, _, part = rest.partition("/")
        if webhook_id not in self.webhooks:
            return 404, {"error": {"message": "no such webhook"}}, {}
        if method == "DELETE":
            del self.webhooks[webhook_id]
            is_stripe = self.provider == "stripe"
            return (200, {"id": webhook_id, "deleted": True}, {}) if is_stripe else (204, None, {})
        return 200, {"secret": SECRETS["dodo"]} if part == "secret" else self._shown(webhook_id), {}


def _stripe_page(account: ProviderAccount, path: str, query: dict[str, str]) -> Answer:
    since = int(query.get("created[gte]", 0))
    found = [one for one in account.lists.get(path, []) if one["created"] >= since]
    if query.get("status") not in (None, "all"):
        found = [one for one in found if one["status"] == query["status"]]
    ids = [one["id"] for one in found]
    start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
    end = start + min(account.page, int(query.get("limit", 10)))
    page = {"object": "list", "url": path, "data": found[start:end], "has_more": end < len(found)}
    return 200, page, {}


def _lemon_page(account: ProviderAccount, path: str, query: dict[str, str]) -> Answer:
    if path == "/v1/stores":
        return 200, {"data": account.lists.get(path, [{"type": "stores", "id": "7", "attributes": {}}])}, {}
    found = [one for one in account.lists.get(path, []) if query["filter[store_id]"] == "7"]
    size, number = min(account.page, int(query["page[size]"])), int(query["page[number]"])
    last = max(1, -(-len(found) // size))
    head = {"currentPage": number, "lastPage": last, "perPage": size, "total": len(found)}
    return 200, {"meta": {"page": head}, "data": found[(number - 1) * size : number * size]}, {}


def _polar_page(account: ProviderAccount, path: str, query: dict[str, str]) -> Answer:
    found = account.lists.get(path, [])
    size, number = min(account.page, int(query["limit"])), int(query["page"])
    head = {"total_count": len(found), "max_page": -(-len(found) // size)}
    return 200, {"items": found[(number - 1) * size : number * size], "pagination": head}, {}


def _paddle_page(account: ProviderAccount, path: str, query: dict[str, str]) -> Answer:
    since = from_iso(query.get("billed_at[GTE]", "1970-01-01T00:00:00Z"))
    found = [
        one
        for one in account.lists.get(path, [])
        if from_iso(one.get("billed_at", one["created_at"])) >= since
    ]
    ids = [one["id"] for one in found]
    start = ids.index(query["after"]) + 1 if "after" in query else 0
    end = start + min(account.page, int(query["per_page"]))
    head = {"per_page": end - start, "next": "https://evil.example/", "has_more": end < len(found)}
    return 200, {"data": found[start:end], "meta": {"request_id": "r", "pagination": head}}, {}


def _dodo_page(account: ProviderAccount, path: str, query: dict[str, str]) -> Answer:
    since = from_iso(query.get("created_at_gte", "1970-01-01T00:00:00Z"))
    found = [one for one in account.lists.get(path, []) if from_iso(one["created_at"]) >= since]
    size, number = int(query["page_size"]), int(query["page_number"])
    return 200, {"items": found[number * size : (number + 1) * size]}, {}


_PAGES: dict[str, Callable[[ProviderAccount, str, dict[str, str]], Answer]] = {
    "stripe": _stripe_page,
    "lemonsqueezy": _lemon_page,
    "polar": _polar_page,
    "paddle": _paddle_page,
    "dodo": _dodo_page,
}
_ACCOUNTS: dict[str, ProviderAccount] = {}
"""The accounts by key."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        _, provider, rest = url.path.split("/", 2)
        account = _ACCOUNTS.get(self.headers.get("authorization", "").removeprefix("Bearer "))
        if account is None or account.provider != provider:
            self._send(401, {"error": {"message": "Invalid API Key provided"}}, {})
            return
        query, path = dict(parse_qsl(url.query)), f"/{rest}".rstrip("/")
        self._send(*account.answer(self.command, path, query, body))

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - named by the standard library

    def _send(self, status: int, content: Any, headers: dict[str, str]) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        if content is not None:
            self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def provider_apis() -> Iterator[None]:
    """The APIs of all providers, on this machine, until the end."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        ADDRESSES.update({name: f"http://127.0.0.1:{server.server_port}/{name}" for name in KEYS})
        try:
            yield
        finally:
            ADDRESSES.update(dict.fromkeys(KEYS, NOWHERE))
            server.shutdown()
