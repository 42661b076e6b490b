"""Friendly names for people whose name is not known; a visitor always gets the same one. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_HOW = [
    "Amber",
    "Brave",
    "Bright",
    "Calm",
    "Clever",
    "Cosmic",
    "Curious",
    "Daring",
    "Eager",
    "Gentle",
    "Golden",
    "Happy",
    "Honest",
    "Jolly",
    "Keen",
    "Kind",
    "Lively",
    "Lucky",
    "Mellow",
    "Merry",
    "Misty",
    "Noble",
    "Patient",
    "Polite",
    "Quick",
    "Quiet",
    "Rosy",
    "Silver",
    "Sunny",
    "Swift",
    "Tidy",
    "Witty",
]
_WHO = [
    "Badger",
    "Beaver",
    "Bison",
    "Crane",
    "Dolphin",
    "Falcon",
    "Ferret",
    "Finch",
    "Fox",
    "Gecko",
    "Heron",
    "Ibex",
    "Jackdaw",
    "Kestrel",
    "Koala",
    "Lemur",
    "Lynx",
    "Marten",
    "Newt",
    "Otter",
    "Owl",
    "Panda",
    "Penguin",
    "Puffin",
    "Raven",
    "Robin",
    "Salmon",
    "Seal",
    "Sparrow",
    "Swan",
    "Tapir",
    "Wombat",
]
HUES = 8
"""Colours of avatars."""


def friendly_name(visitor_id: bytes) -> str:
    """The name of an anonymous visitor, such as `Curious Otter`."""
    digest = hashlib.sha256(visitor_id).digest()
    return f"{_HOW[digest[0] % len(_HOW)]} {_WHO[digest[1] % len(_WHO)]}"


def is_called(name: str, words: Sequence[str]) -> bool:
    """Whether each of some words, in lower case, begins a word of a name."""
    own = name.lower().split()
    return all(any(one.startswith(word) for one in own) for word in words)


def may_be_friendly(words: Sequence[str]) -> bool:
    """Whether a visitor may have a friendly name with words that begin so."""
    known = [one.lower() for one in (*_HOW, *_WHO)]
    return 0 < len(words) <= 2 and all(any(one.startswith(word) for one in known) for word in words)


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [
        word
        for word in name.replace("@", " ").replace(".", " ").replace("_", " ").split()
        if word[0].isalnum()
    ]
    return (words[0][0] + (words[1][0] if len(words) > 1 else "")).upper() if words else "?"


def hue(key: str) -> int:
    """The colour of an avatar, 0 to HUES - 1; always the same for a person."""
    return hashlib.sha256(key.encode()).digest()[2] % HUES
