"""A share. Pure."""

from __future__ import annotations

import msgspec


class Share(msgspec.Struct, frozen=True):
    """`display_key`: its secret as it may be shown; `has_money`: whether it tells of revenue; `created_at`: ms since epoch."""

    share_id: bytes
    name: str
    display_key: str
    has_money: bool
    created_at: int


class NewShare(msgspec.Struct, frozen=True):
    """A share with its secret, which is known only this once."""

    share: Share
    secret: str


class FoundShare(msgspec.Struct, frozen=True):
    """What a secret opens: the overview of a website, and whether with revenue."""

    website_id: bytes
    has_money: bool
