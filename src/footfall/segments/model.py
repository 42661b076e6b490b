"""A saved segment. Pure."""

from __future__ import annotations

import msgspec


class Segment(msgspec.Struct, frozen=True):
    """`query`: range and filters as they stand in an address; `created_at`: ms since epoch."""

    segment_id: bytes
    name: str
    query: str
    created_at: int
