"""Keeps columns that all servers of an installation share: one of them feeds, and all ask.

Who feeds holds a lock of the database. When that is lost with its connection, another takes over, with the token that the database has.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.exceptions import DatabaseError as Refused

from footfall.clock import system_clock
from footfall.columns.clickhouse import (
    MISSING,
    TOO_LONG,
    TOO_MUCH,
    ClickHouseColumns,
    ClickHousePlace,
    token_at,
)
from footfall.columns.feeder import Fed, Feeder, Reader
from footfall.columns.file import Settling
from footfall.columns.keeper import SEEN_SECONDS, SETTLE_SECONDS
from footfall.columns.model import Columns
from footfall.columns.rebuild import everything
from footfall.columns.wire import AWAY, TOO_LONG_TOLD, TOO_MUCH_TOLD, Ask, Failed, Reply, Rows
from footfall.errors import ColumnsUnusable
from footfall.log import get_logger
from footfall.outbox.store import change_ids, paired_with

KEEPER_ID = b"clickhouse".ljust(16, b"\0")
"""Whoever feeds, the database knows by this id."""
LOOK_SECONDS = 5.0
"""Between two looks whether there are columns, and how large they are, of who does not feed."""
INSERTED = 50_000
"""Rows of one insert, when columns are made anew."""


class Candidate(Reader, Protocol):
    """A connection to the database that reads, and by which one of several processes is elected; see `PostgresSession`."""

    def lead(self) -> int | None:
        """The number of the term for which it was elected. Raises DatabaseError."""

    def next_number(self, term: int) -> int | None:
        """A number above all others; None when the term is over. Raises DatabaseError."""


class SharedKeeper:
    """The columns at a place in ClickHouse. Its methods do for them what those of `keeper.ColumnKeeper` do for a file."""

    keeper_id = KEEPER_ID

    def __init__(self, candidate: Candidate, place: ClickHousePlace, memory: int) -> None:
        """`memory`: bytes that a question may take of each server."""
        self._candidate = candidate
        self._place = place
        self.memory = memory
        self._columns: ClickHouseColumns | None = None
        self._feeder: Feeder[ClickHouseColumns] | None = None
        self._term: int | None = None
        self._fresh: bytes | None = None
        self._is_kept_for = False
        self._settling: Settling | None = None
        self._settled_at = -SETTLE_SECONDS
        self._looked_at = self._cleaned_at = -LOOK_SECONDS
        self._is_there = False
        self._damage = ""
        self._log = get_logger("columns")
        self.size = 0
        """On the disks of ClickHouse."""
        self.visitors_made = 0
        self.clean_at = 0
        """The disks hold nothing that was erased before (ms since epoch)."""

    @property
    def file(self) -> ClickHouseColumns | None:
        """What answers; None: there are no columns that could be used."""
        return self._columns if self._is_there else None

    def open(self) -> bool:
        """Look for the columns that there are; False if there are none that belong to the database. Raises DatabaseError."""
        if self._columns is None:
            self._columns = ClickHouseColumns(self._place, self._next_number)
        try:
            token = self._candidate.snapshot(functools.partial(paired_with, keeper_id=KEEPER_ID))
            self._is_there = token in self._columns.tokens()
            self.size = self._columns.size()
        except ColumnsUnusable:
            self._is_there = False
        self._looked_at = monotonic()
        return self._is_there

    def _next_number(self) -> int | None:
        return None if self._term is None else self._candidate.next_number(self._term)

    def _is_elected(self) -> bool:
        """Whether this process feeds. Raises DatabaseError."""
        term = self._candidate.lead()
        if term != self._term:
            self._term, self._feeder, self._fresh, self._settling = term, None, None, None
        return term is not None

    def step(self) -> Fed:
        """Feed what changed, if that is for this process to do. Raises DatabaseError; ColumnsUnusable when the columns have to be made anew."""
        if monotonic() - self._looked_at >= LOOK_SECONDS and not self.open():
            raise ColumnsUnusable("there are no columns yet")
        if self._columns is None or not self._is_elected():
            return Fed(0, 0, 0, False)
        if self._damage:
            raise ColumnsUnusable(self._damage)
        if self._feeder is None:
            self._log.info("this server feeds the columns")
            self._feeder = Feeder(self._candidate, self._columns, keeper_id=KEEPER_ID)
        began = system_clock()
        fed = self._feeder.step()
        if not fed.has_more and monotonic() - self._cleaned_at >= LOOK_SECONDS:
            self._cleaned_at = monotonic()
            self.clean_at = began if self._columns.tidy() else self.clean_at
        return fed

    def suspect(self, damage: str) -> None:
        """Take note of what is wrong with the columns. For any thread."""
        self._damage = damage

    # Making anew

    def prepare(self) -> bool:
        """Get ready to make the columns anew, if that is for this process to do. True once `rebuild` may be called."""
        if self._columns is None:
            self._columns = ClickHouseColumns(self._place, self._next_number)
        if not self._is_elected():
            self.open()
            return False
        if self._fresh is None:
            self._fresh, self._is_kept_for = token_at(self._next_number() or 0), False
        return self._is_kept_for

    def rebuild(self, progress: Callable[[int], None] = lambda visitors: None) -> None:
        """Make the columns anew, beside those there are, which `install` then replaces. Raises DatabaseError."""
        assert self._columns is not None and self._fresh is not None  # noqa: S101, PT018 - `prepare` came before
        self.visitors_made = 0
        self._columns.begin_fresh()
        waiting: list[Columns] = []
        for visitors, rows in everything(self._candidate):
            waiting += rows
            if len(waiting) >= INSERTED:
                self._columns.append_fresh(waiting, self._fresh)
                waiting = []
            self.visitors_made += visitors
            progress(visitors)
        self._columns.append_fresh(waiting, self._fresh)

    def install(self) -> None:
        """Put columns that were just made in their place. Raises DatabaseError."""
        assert self._columns is not None and self._fresh is not None  # noqa: S101, PT018 - `prepare` came before
        self._columns.install_fresh(self._fresh)
        self._fresh, self._feeder, self._damage = None, None, ""
        self.open()

    # Settling

    def settling(self) -> Settling | None:
        """What is to be told to the database now; None: nothing. Raises DatabaseError; ColumnsUnusable as `step` does."""
        if self._fresh is not None:
            return None if self._is_kept_for else Settling([], self._fresh)
        if self._feeder is None or self._columns is None:
            return None
        waited = monotonic() - self._settled_at
        if waited < SETTLE_SECONDS or (waited < SEEN_SECONDS and not self._columns.has_news):
            return None
        self._columns.require(self._candidate.snapshot(functools.partial(paired_with, keeper_id=KEEPER_ID)))
        self._settling = self._columns.begin_settling()
        self._settled_at = monotonic()
        return self._settling

    def settled(self, token: bytes) -> None:
        """What `settling` gave with this token is written. Raises DatabaseError."""
        if token == self._fresh:
            self._is_kept_for = True
        elif self._columns is not None and self._settling is not None and self._settling.token == token:
            self._columns.end_settling(self._candidate.snapshot(change_ids))
            self._settling = None

    def close(self) -> None:
        """Use the columns no more."""
        self._feeder, self._is_there, self._damage = None, False, ""

    def query(self, asked: Ask) -> SharedQuery:
        """A question, to be asked on another thread."""
        return SharedQuery(self, asked)


class SharedQuery:
    """One question, on a thread of its own."""

    def __init__(self, keeper: SharedKeeper, asked: Ask) -> None:
        self._keeper = keeper
        self._asked = asked
        self._id = secrets.token_hex(16)
        self._is_cut_off = False

    def run(self) -> Reply:
        """Its rows, or why there are none."""
        if (columns := self._keeper.file) is None:
            return AWAY
        if self._is_cut_off:
            return TOO_LONG_TOLD
        limits = {
            "query_id": self._id,
            "max_execution_time": self._asked.seconds,
            "max_memory_usage": self._keeper.memory,
        }
        try:
            return Rows([list(row) for row in columns.ask(self._asked.text, self._asked.values, limits)])
        except Refused as error:
            if error.code in TOO_LONG:
                return TOO_LONG_TOLD
            if error.code in TOO_MUCH:
                return TOO_MUCH_TOLD
            return AWAY if error.code in (None, *MISSING) else Failed("wrong", f"ClickHouse: {error}")
        except ClickHouseError:
            return AWAY

    def cut_off(self) -> None:
        """End it soon."""
        self._is_cut_off = True
        if (columns := self._keeper.file) is not None:
            columns.cut_off(self._id)
