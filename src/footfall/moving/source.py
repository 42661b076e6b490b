"""What an account tells, as structs: lists page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from footfall.errors import BadRequest
from footfall.moving.client import SourceClient
from footfall.moving.model import NotHad
from footfall.moving.wire import (
    SentObject,
    SentPage,
    SentPagination,
    SentPayment,
    SentRow,
    SentSettings,
    SentVisitor,
    SentWebsite,
    read_answer,
)

T = TypeVar("T")

PAGE = 250
"""Rows of a list that a call asks for: the most that the API gives."""


class SourceAccount:
    """One website of an account. All methods raise NotHad for what cannot be had, and UsageError if the API cannot be reached."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client
        self.address = client.address

    def visitor_count(self) -> int:
        """How many visitors there are."""
        page = self._page(SentPage[SentRow], "/api/v1/visitors", {"limit": 1})
        total = page.pagination.total if page.pagination else None
        return len(page.data) if total is None else total

    def visitors(self) -> list[SentRow]:
        """All of them, each once, those first who came last."""
        return list(
            {row.visitor_id: row for row in self._rows(SentPage[SentRow], "/api/v1/visitors")}.values()
        )

    def visitor(self, visitor_id: str) -> SentVisitor:
        """One with everything that is told."""
        return self._page(SentObject[SentVisitor], f"/api/v1/visitors/{visitor_id}", {}).data

    def payments(self) -> list[SentPayment]:
        """All of them, newest first."""
        return list(self._rows(SentPage[SentPayment], "/api/v1/payments"))

    def has_payments(self) -> bool:
        """Whether there are any."""
        return bool(self._page(SentPage[SentPayment], "/api/v1/payments", {"limit": 1}).data)

    def settings(self) -> SentSettings:
        """How the website is set up."""
        rows = self._page(SentPage[SentSettings], "/api/v1/analytics/metadata", {}).data
        return rows[0] if rows else SentSettings()

    def website_id(self) -> str:
        """The website's id there."""
        rows = self._page(SentPage[SentWebsite], "/api/v1/admin/websites", {}).data
        ids = [row.website_id for row in rows if row.website_id]
        if len(ids) != 1:
            raise NotHad(f"the key reads {len(ids)} websites")
        return ids[0]

    def whole(self, kind: type[SentPage[T]], path: str) -> list[T]:
        """A list that comes in one answer."""
        return self._page(kind, path, {}).data

    def _rows(self, kind: type[SentPage[T]], path: str) -> Iterator[T]:
        offset, cursor = 0, None
        while True:
            where: dict[str, str | int] = {"cursor": cursor} if cursor else {"offset": offset}
            page = self._page(kind, path, {"limit": PAGE, **(where if offset else {})})
            yield from page.data
            told = page.pagination or SentPagination()
            offset, cursor = offset + len(page.data), told.next_cursor
            if not (told.has_more and page.data):
                return

    def _page(self, kind: type[T], path: str, query: dict[str, str | int]) -> T:
        body = self._client.get(path, query)
        try:
            return read_answer(kind, body)
        except BadRequest as error:
            raise NotHad(error.message) from error
