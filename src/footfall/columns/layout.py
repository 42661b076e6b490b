"""The tables in ClickHouse, on one server or spread over a cluster. Pure.

Rows are never changed in place: a row with the same key that was written later takes the place of another, or removes it. Queries see the latest
ones alone (`final = 1`).
"""

from __future__ import annotations

from typing import NamedTuple, get_type_hints

from footfall.columns.model import EventRow, SessionColumns

COLUMNS = (*EventRow._fields, *SessionColumns._fields)
"""What is asked for, in the order in which rows are derived."""
KEEPING = ("owner", "n", "written", "is_deleted")
"""What else a row has. owner: the visitor, or NOBODY_OWNS; n: tells rows apart that agree in the rest of the key."""
KEY = ("website", "ts", "owner", "type", "n")
NOBODY_OWNS = -1
"""The owner of payments that are no visitor's."""

_TIME = "Int64 CODEC(Delta, ZSTD)"
_TEXT, _WORD = "Nullable(String)", "LowCardinality(Nullable(String))"
_TYPES = {
    "website": "Int64",
    "ts": _TIME,
    "session_at": _TIME,
    "prev_at": _TIME,
    "type": "UInt8",
    "view_no": "UInt32",
    "span": "Int32",
    "path": _TEXT,
    "prev_path": _TEXT,
    "name": _TEXT,
    "properties": _TEXT,
    "entry_path": _TEXT,
    "owner": "Int64",
    "n": "UInt32",
    "written": "UInt64",
    "is_deleted": "UInt8",
}
_HINTS = get_type_hints(EventRow)
_MADE = {
    name: _TYPES.get(name) or ("Nullable(Int64)" if "int" in str(_HINTS.get(name)) else _WORD)
    for name in (*COLUMNS, *KEEPING)
}
TYPES = {name: type_.partition(" CODEC")[0] for name, type_ in _MADE.items()}
"""Of each column, as values are sent."""
ASKED, STORED = "event_row", "event_row_local"
FRESH = "_fresh"
"""Behind the name of tables that are to take the place of others."""


class Layout(NamedTuple):
    """How the rows lie. `cluster`: its name, of whose shards each holds whole websites; empty: there is one server.

    On a cluster `event_row` only passes on to the tables of the shards, `event_row_local`.
    """

    cluster: str = ""

    @property
    def stored(self) -> str:
        """The table that holds the rows of a server."""
        return STORED if self.cluster else ASKED

    @property
    def _everywhere(self) -> str:
        return f" ON CLUSTER `{self.cluster}`" if self.cluster else ""

    def create(self, suffix: str = "") -> list[str]:
        """Makes what is not there yet."""
        columns = ", ".join(f"{name} {type_}" for name, type_ in _MADE.items())
        engine = (
            "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{uuid}', '{replica}', written, is_deleted)"
            if self.cluster
            else "ReplacingMergeTree(written, is_deleted)"
        )
        made = [
            f"CREATE TABLE IF NOT EXISTS {self.stored}{suffix}{self._everywhere} ({columns}, "
            "INDEX owners owner TYPE bloom_filter GRANULARITY 1, INDEX times written TYPE minmax GRANULARITY 1) "
            f"ENGINE = {engine} ORDER BY ({', '.join(KEY)})"
        ]
        return made + self._passed_on(suffix)

    def _passed_on(self, suffix: str = "") -> list[str]:
        if not self.cluster:
            return []
        engine = (
            f"Distributed(`{self.cluster}`, currentDatabase(), {self.stored}{suffix}, cityHash64(website))"
        )
        return [
            f"CREATE OR REPLACE TABLE {ASKED}{suffix}{self._everywhere} AS {self.stored}{suffix} ENGINE = {engine}"
        ]

    def drop_fresh(self) -> list[str]:
        """Removes the tables that were to take the place of others."""
        names = dict.fromkeys((ASKED + FRESH, self.stored + FRESH))
        return [f"DROP TABLE IF EXISTS {name}{self._everywhere} SYNC" for name in names]

    def swap(self) -> list[str]:
        """Lets the fresh table and the one there was change places."""
        exchange = f"EXCHANGE TABLES {self.stored} AND {self.stored}{FRESH}{self._everywhere}"
        return [*self.create(), exchange, *self._passed_on(), *self.drop_fresh()]

    def known(self, what: str) -> str:
        """The table of `system` that says so of all servers."""
        return f"clusterAllReplicas(`{self.cluster}`, system.{what})" if self.cluster else f"system.{what}"

    def remove(self, condition: str) -> str:
        """Lets rows be removed from the disks, in the background."""
        return f"ALTER TABLE {self.stored}{self._everywhere} DELETE WHERE {condition}"
