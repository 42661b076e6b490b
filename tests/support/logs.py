"""What no log may hold, whatever was asked of a server."""

from __future__ import annotations

import re

OURS = ("127.0.0.1", "0.0.0.0")
"""Addresses of servers of tests, which stand in a log when a database is away."""
PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"  # e-mail addresses
    r"|(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"  # IP addresses, and those of documentation
    r"|2001:0?db8:[0-9a-f:]*"
    r"|\bdf(?:t|s|bot)?_[0-9a-z]{20,}"  # keys, tokens, secrets of links, of servers that report crawls
    r"|\b(?:whsec|sk_live|sk_test|rk_live|rk_test)_\w{8,}",  # those of payment providers
    re.IGNORECASE,
)


def check_lines(log: str) -> None:
    """No person, no address and no key stands there."""
    found = sorted({text for text in PERSONAL.findall(log) if text not in OURS})
    assert not found, f"the log holds {found}:\n{log}"
