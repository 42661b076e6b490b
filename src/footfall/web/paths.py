"""Finds a route by its path, part by part, however many routes there are. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from footfall.web.context import Route

Methods = dict[str, Route[Any]]
"""The routes of a path by method."""


class PathTree:
    """The routes whose paths begin alike. A part `{name}` takes any text but an empty one; a fixed part goes before it."""

    __slots__ = ("_fixed", "_methods", "_open", "_places")

    def __init__(self) -> None:
        self._fixed: dict[str, PathTree] = {}
        self._open: PathTree | None = None
        self._methods: Methods = {}
        self._places: list[int] = []
        """Where in the path its values are."""

    def add(self, route: Route[Any]) -> None:
        """Add a route to the tree of all paths."""
        tree, parts = self, route.path.split("/")
        for part in parts:
            tree = tree._branch(part)
        tree._methods[route.method] = route
        tree._places = [place for place, part in enumerate(parts) if part.startswith("{")]

    def _branch(self, part: str) -> PathTree:
        if not part.startswith("{"):
            return self._fixed.setdefault(part, PathTree())
        self._open = self._open or PathTree()
        return self._open

    def find(self, raw_path: str) -> tuple[Methods, tuple[str, ...]] | None:
        """The routes of a path that is still percent-encoded, and the decoded values in it; None if there are none."""
        parts = raw_path.split("/")
        leaf = self._leaf(parts, 0)
        if leaf is None:
            return None
        return leaf._methods, tuple(unquote(parts[place], errors="replace") for place in leaf._places)

    def _leaf(self, parts: list[str], place: int) -> PathTree | None:
        if place == len(parts):
            return self if self._methods else None
        part = parts[place]
        fixed = self._fixed.get(part)
        if fixed is not None and (found := fixed._leaf(parts, place + 1)) is not None:
            return found
        return self._open._leaf(parts, place + 1) if part and self._open is not None else None
