"""What names a person who is erased in texts that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from footfall.db.protocol import Transaction
from footfall.identity.erasing import Leaving
from footfall.identity.reading import persons_of

NAMING = frozenset(("name", "email", "image", "phone"))
"""Traits by which people are told from each other, whoever else may have the same value."""
_SHORT = 4
"""Characters of a user id that may stand in a text by chance."""


class Leaver:
    """Who is erased: profile ids, user ids, and texts by trait, in lower case."""

    def __init__(
        self,
        profile_ids: frozenset[bytes],
        user_ids: frozenset[str],
        texts: frozenset[tuple[str, str]],
    ) -> None:
        self.profile_ids = profile_ids
        self.user_ids = user_ids
        self.texts = texts

    def is_named_in(self, text: str) -> bool:
        """Whether a sentence names them."""
        return self._words is not None and self._words.search(text.lower()) is not None

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        """What names them in a sentence; None if nothing does."""
        words = "|".join(re.escape(one) for one in sorted(set(self._spellings()), reverse=True))
        return re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None

    def _spellings(self) -> Iterator[str]:
        yield from (one.lower() for one in self.user_ids if len(one) >= _SHORT)
        yield from (text for name, text in self.texts if name in NAMING and re.search(r"[\s@]", text))


def read_leaver(tx: Transaction, leaving: Leaving) -> Leaver:
    """Whom an erasure is about, as long as identity still knows."""
    people = persons_of(tx, leaving.erasure.website_id, leaving.users).values()
    texts = {
        (name.lower(), one)
        for person in people
        for name, value in person.traits.items()
        for one in _texts(value)
    }
    return Leaver(frozenset(leaving.users), frozenset(leaving.users.values()), frozenset(texts))


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        yield (one if isinstance(one, str) else msgspec.json.encode(one).decode()).strip().lower()
