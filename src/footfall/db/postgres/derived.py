"""The derived tables in the database itself. Steps write them in the transactions of their batches."""

from __future__ import annotations

from footfall.db.writer import Writer


class PostgresDerived:
    """The derived tables of a server; see `db.protocol.DerivedStore`."""

    is_new = False

    def __init__(self, bulk: list[Writer]) -> None:
        self._bulk = bulk

    async def mark_filled(self) -> None:
        """Nothing to do: what they lack is written down in the same transaction."""

    async def flush(self) -> int:
        """Nothing to do: each batch is committed, and nothing is lost."""
        return 0

    async def mend(self) -> bool:
        """Nothing to do: the server looks after its files."""
        return False

    def limit_bulk(self, most: int | None) -> None:
        for writer in self._bulk:
            writer.most_bulk = most
