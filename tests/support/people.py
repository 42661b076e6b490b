"""What tests ask about people."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.servers import PATIENCE
from tests.support.sites import Site, next_millisecond, sql


def user_ref(user_id: str) -> str:
    """The path segment of a user."""
    return f"user:{quote(user_id, safe='')}"


def person(site: Site, user_id: str, **query: Any) -> Any:
    """`GET /profiles/{ref}`: `data`."""
    return ask(site, f"/api/v1/profiles/{user_ref(user_id)}", **query)["data"]


def journey(site: Site, user_id: str, **query: Any) -> Any:
    """`GET /profiles/{ref}/journey`: the whole answer."""
    return ask(site, f"/api/v1/profiles/{user_ref(user_id)}/journey", **query)


def ask(site: Site, path: str, **query: Any) -> Any:
    """A successful GET; the whole answer."""
    response = site.call("GET", f"{path}?{urlencode(query, doseq=True)}")
    assert response.status_code == 200, response.text
    return response.json()


def people(site: Site, **query: Any) -> Any:
    """`GET /profiles` once the trait index knows of everything that was written so far."""
    wait_for_index(site)
    return ask(site, "/api/v1/profiles", **{name.replace("__", "."): value for name, value in query.items()})


def wait_for_index(site: Site) -> None:
    """Return once the trait index is up to date; it may be a second behind, and gets more time on a busy machine."""
    deadline = time.monotonic() + PATIENCE
    while site.rows(sql.changes_of_website):
        assert time.monotonic() < deadline, "the trait index stays behind"
        time.sleep(0.02)  # between two looks, not in place of one


def users(answer: Any) -> list[str]:
    """The user ids of a list of people, in order."""
    return [one["userId"] for one in answer["data"]]


def merge(site: Site, first: str, second: str, **options: Any) -> Any:
    """Merge two users: `data`."""
    next_millisecond()
    response = site.call("POST", "/api/v1/profiles/merge", json={"userIds": [first, second], **options})
    assert response.status_code == 200, response.text
    return response.json()["data"]


def undo(site: Site, fact_id: str) -> Any:
    """Undo a fact: `data`."""
    next_millisecond()
    response = site.call("POST", f"/api/v1/ledger/{fact_id}/undo", json={})
    assert response.status_code == 200, response.text
    return response.json()["data"]


def erase(site: Site, user_id: str) -> Any:
    """Erase a person: the receipt."""
    response = site.call("DELETE", f"/api/v1/profiles/{user_ref(user_id)}")
    assert response.status_code == 200, response.text
    return response.json()["data"]
