"""What the API says of visitors and people."""

from __future__ import annotations

from typing import Any

from tests.clients.sdk.clients import eventually
from tests.support.sites import Site


def goals(site: Site, visitor: str) -> list[tuple[str, Any]]:
    """(name, parameters) of the goals that the visitor reached, oldest first."""
    return [(g["name"], g["metadata"]) for g in site.visitor(visitor)["activity"]["completedGoals"]]


def visited(site: Site, visitor: str) -> list[str]:
    """The pages that the visitor saw, oldest first."""
    return [page["url"] for page in site.visitor(visitor)["activity"]["visitedPages"]]


def journey(site: Site, user: str) -> list[tuple[str, str | None, str | None]]:
    """(type, url, name) of all that a person did, oldest first."""
    response = site.call("GET", f"/api/v1/profiles/user:{user}/journey", params={"order": "asc"})
    assert response.status_code == 200, response.text
    return [(entry["type"], entry["url"], entry["name"]) for entry in response.json()["data"]]


def person(site: Site, user: str) -> Any:
    """`GET profile`: `data`."""
    response = site.call("GET", f"/api/v1/profiles/user:{user}")
    assert response.status_code == 200, response.text
    return response.json()["data"]


def eventually_viewed(site: Site, visitor: str, pages: int) -> Any:
    """The visitor, once this number of pageviews is stored."""

    def look() -> Any:
        return site.call("GET", f"/api/v1/visitors/{visitor}").json().get("data")

    return eventually(look, lambda data: data is not None and data["activity"]["pageViewCount"] >= pages)
