"""Notes: made once, listed, changed and deleted; those that name somebody go when that person is erased."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.people import erase
from tests.support.sites import Site

AT = "2026-05-05T09:00:00.000Z"


def path(site: Site, note_id: str = "") -> str:
    return f"/api/v1/admin/websites/{site.website_id}/notes" + (f"/{note_id}" if note_id else "")


def make(site: Site, **body: Any) -> httpx.Response:
    return site.call("POST", path(site), json=body)


def made(site: Site, text: str, **body: Any) -> dict[str, Any]:
    answer = make(site, text=text, **body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["data"]
    return dict(found)


def texts(site: Site) -> list[str]:
    return [one["text"] for one in site.call("GET", path(site)).json()["data"]]


def test_a_note_is_made_listed_changed_and_deleted(server: Site, other: Site) -> None:
    note = made(server, "  Launched on\r\nHacker News 🚀 ", timestamp=AT)
    assert (note["id"], note["websiteId"]) == (note["_id"], server.website_id)
    assert (note["text"], note["timestamp"]) == ("Launched on\nHacker News 🚀", AT)
    assert note["author"] == {"id": server.key_id, "name": "test", "image": None}
    now = made(server, "Now")
    assert now["timestamp"] == now["createdAt"] == now["updatedAt"]
    assert server.call("GET", path(server)).json()["data"] == [now, note]
    assert texts(other) == []
    for body, expected in (
        ({"text": "Launched"}, ("Launched", AT)),
        ({"timestamp": "2026-05-06T00:00:00+02:00"}, ("Launched", "2026-05-05T22:00:00.000Z")),
    ):
        (changed,) = server.call("PUT", path(server, note["id"]), json=body).json()["data"]
        assert (changed["text"], changed["timestamp"]) == expected
        assert (changed["createdAt"], changed["author"]) == (note["createdAt"], note["author"])
    for site, note_id, status in ((other, note["id"], 404), (server, "00" * 12, 404), (server, "x", 404)):
        assert site.call("PUT", path(site, note_id), json={"text": "x"}).status_code == status
        assert site.call("DELETE", path(site, note_id)).status_code == status
    assert server.call("DELETE", path(server, note["id"])).json()["data"][0]["id"] == note["id"]
    assert server.call("DELETE", path(server, note["id"])).status_code == 404
    assert texts(server) == ["Now"]


def test_a_key_makes_one_note(server: Site, other: Site) -> None:
    first = made(server, "Launch", timestamp=AT, idempotencyKey="launch")
    assert made(server, "Launch", timestamp=AT, idempotencyKey="launch") == first
    for body in ({"text": "Launch"}, {"text": "Lunch", "timestamp": AT}):
        answer = make(server, idempotencyKey="launch", **body)
        assert answer.status_code == 409
        assert answer.json()["error"]["message"].startswith("idempotencyKey")
    changed = server.call("PUT", path(server, first["id"]), json={"text": "Launched"}).json()["data"][0]
    assert made(server, "Launch", timestamp=AT, idempotencyKey="launch") == changed
    assert made(other, "Launch", timestamp=AT, idempotencyKey="launch")["id"] != first["id"]
    assert made(server, "Today", idempotencyKey="today") == made(server, "Today", idempotencyKey="today")
    assert texts(server) == ["Today", "Launched"]
    server.call("DELETE", path(server, first["id"]))
    assert made(server, "Other", idempotencyKey="launch")["text"] == "Other"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("text", {}),
        ("text", {"text": None, "timestamp": AT}),
        ("text", {"text": 7}),
        ("text", {"text": " \n "}),
        ("text", {"text": "x" * 1001}),
        ("text", {"text": "a\u0007b"}),
        ("timestamp", {"text": "x", "timestamp": "2026-05-05"}),
        ("timestamp", {"text": "x", "timestamp": 1_777_000_000_000}),
        ("timestamp", {"text": "x", "timestamp": "1969-12-31T23:59:59Z"}),
        ("timestamp", {"text": "x", "timestamp": "9999-12-31T23:59:59-23:59"}),
        ("idempotencyKey", {"text": "x", "idempotencyKey": ""}),
        ("idempotencyKey", {"text": "x", "idempotencyKey": "x" * 256}),
        ("idempotencyKey", {"text": "x", "idempotencyKey": 1}),
    ],
)
def test_what_is_wrong_is_named(server: Site, field: str, body: dict[str, Any]) -> None:
    answer = make(server, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(field)
    assert texts(server) == []


def test_tokens_need_the_permission(server: Site) -> None:
    note = made(server, "x")
    read, write = server.tokens([(["notes:read"], []), (["notes:write"], [])])
    for token, method, at, status in (
        (read, "GET", path(server), 200),
        (write, "GET", path(server), 403),
        (read, "POST", path(server), 403),
        (write, "POST", path(server), 200),
        (read, "PUT", path(server, note["id"]), 403),
        (read, "DELETE", path(server, note["id"]), 403),
        (write, "DELETE", path(server, note["id"]), 200),
    ):
        body = {"json": {"text": "y"}} if method in ("POST", "PUT") else {}
        headers = {"authorization": f"Bearer {token}"}
        answer = server.http.request(method, at, headers=headers, **body)  # type: ignore[arg-type]
        assert answer.status_code == status, (method, answer.text)


def test_notes_that_name_somebody_go_with_them(server: Site) -> None:
    server.identify(server.pageview(), "user_7", {"name": "Ada Lovelace", "email": "ada@x.example"})
    for text in ("ADA LOVELACE pays", "Wrote to ada@x.example.", "user_7 left", "Ada day", "user_77 came"):
        made(server, text)
    erase(server, "user_7")
    assert sorted(texts(server)) == ["Ada day", "user_77 came"]
