"""Saved segments in the database."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import BadRequest, Conflict
from footfall.ids import new_object_id
from footfall.segments.model import Segment

sql = load(__file__, "segments.sql")

MOST_SEGMENTS = 50
"""Of a website."""
MAX_NAME, MAX_QUERY = 80, 4000
"""Characters."""


def read_segments(tx: Transaction, website_id: bytes) -> list[Segment]:
    """The segments of a website, oldest first."""
    rows = tx.all(sql.segments_of, (website_id,))
    return [Segment(row.segment_id, row.name, row.query, row.created_at) for row in rows]


def save_segment(
    tx: Transaction, website_id: bytes, name: str, query: str, now: int
) -> Segment | BadRequest | Conflict:
    """Save filters under a name, in place of those that had it."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        return BadRequest(f"name: a segment needs a name of at most {MAX_NAME} characters.")
    if len(query) > MAX_QUERY:
        return BadRequest(f"query: the filters of a segment have at most {MAX_QUERY} characters.")
    tx.lock([(website_id, b"segments")])
    segments = read_segments(tx, website_id)
    known = next((one for one in segments if one.name.casefold() == name.casefold()), None)
    if known is None and len(segments) >= MOST_SEGMENTS:
        return Conflict(f"A website has at most {MOST_SEGMENTS} segments: delete one that nobody needs.")
    segment = Segment(
        known.segment_id if known else new_object_id(), name, query, known.created_at if known else now
    )
    tx.execute(sql.segment_put, (website_id, segment.segment_id, name, query, segment.created_at))
    return segment


def remove_segments(tx: Transaction, website_id: bytes, segment_ids: list[bytes]) -> None:
    """Remove segments; those that are gone already do not matter."""
    tx.execute_many(sql.segment_remove, [(website_id, one) for one in segment_ids])
