"""Which visitors were read, and as of when: kept in the database that has them, so that both come and go together, as with a restore.

A visitor is noted once what it did is stored. So an import that is cut off goes on from there, and a later one asks only for those who
came since.
"""

from __future__ import annotations

import hashlib

from footfall.clock import Clock
from footfall.history.importing import ImportSession
from footfall.identity.identify.importing import Progress, put_progress, read_progress

_DONE = "done"


class MoveProgress:
    """What imports of a website from a `source` did so far. Its methods raise DatabaseError."""

    def __init__(self, session: ImportSession, website_id: bytes, source: str, clock: Clock) -> None:
        self._session = session
        self._website_id = website_id
        self._source = source
        self._clock = clock

    def has(self, visitor: str, seen: str) -> bool:
        """Whether a visitor was read that was last seen at that time."""
        return self._has("visitor", visitor, seen)

    def note(self, visitor: str, seen: str) -> None:
        """A visitor was read."""
        self._note("visitor", visitor, seen)

    def has_part(self, part: str) -> bool:
        """Whether a part of the website's setup was taken over."""
        return self._has("part", part, _DONE)

    def note_part(self, part: str) -> None:
        """It was."""
        self._note("part", part, _DONE)

    def _has(self, kind: str, what: str, state: str) -> bool:
        import_id = self._import_id(kind, what)
        before = self._session.snapshot(lambda tx: read_progress(tx, self._website_id, import_id))
        return before.position == _number(state)

    def _note(self, kind: str, what: str, state: str) -> None:
        import_id, after = self._import_id(kind, what), Progress(_number(state))
        self._session.transact(lambda tx: put_progress(tx, self._website_id, import_id, after, self._clock()))

    def _import_id(self, kind: str, what: str) -> bytes:
        return _digest("moving", self._source, kind, what)[:16]


def _number(state: str) -> int:
    """A state as a number above 0, which no import that is not known has."""
    return int.from_bytes(_digest(state)[:7], "big") + 1


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
