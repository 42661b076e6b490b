"""What strangers may call themselves, and whether a page keeps it apart from words of ours."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec

from footfall.accounts.model import Account
from tests.laws.world import WEBSITE

OUTSIDE = "\u202eevil"
"""What a stranger calls themselves: all that follows would be read from right to left."""
SITE = msgspec.structs.replace(WEBSITE, name=OUTSIDE, timezone="Europe/Berlin")
ACCOUNT = Account(b"a" * 12, f"{OUTSIDE}@example.com", 0)


class _Reader(HTMLParser):
    """Finds text from outside that is not kept apart from ours. `texts`: all that is to be read."""

    VOID = frozenset(("input", "img", "meta", "link", "br", "rect"))
    FREE = frozenset(("value", "name", "href", "src", "action", "data-more", "data-address", "placeholder"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.faults += [
            f"{tag} {name}" for name, text in attrs if name not in self.FREE and "\u202e" in (text or "")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "\u202e" in data and "bdi" not in self.open:
            self.faults.append(f"{'/'.join(self.open)}: {data}")


def check(html: str) -> str:
    """The text of a page, which keeps text from outside apart."""
    reader = _Reader()
    reader.feed(html)
    assert reader.faults == []
    return " ".join(" ".join(reader.texts).split())
