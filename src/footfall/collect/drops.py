"""How many hits were dropped, by reason and day, and from which hosts, for whoever installs the script."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple

from footfall.clock import DAY_MS
from footfall.collect.model import Dropped
from footfall.collect.service import DROPPED_HANDLER, sql
from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.errors import FieldError
from footfall.websites.counts import Counts
from footfall.websites.fields import clean_host

MOST_HOSTS = 20
"""Host names that are kept of a website and day, the most frequent. Whoever sends others in their place costs no more room."""

_Hosts = dict[tuple[bytes, int], Counter[str]]
"""How many hits by host, by (website id, UTC day since epoch)."""


class Drops:
    """Counts dropped hits in memory, to be written now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reasons = Counts(database, DROPPED_HANDLER)
        self._writing = asyncio.Lock()
        self.hosts: _Hosts = {}
        self.since_start: Counter[str] = Counter()
        """By reason, of all websites."""

    def add(self, website_id: bytes, now: int, dropped: Dropped) -> None:
        """Count one hit that came at `now` (ms since epoch)."""
        self._reasons.add(website_id, now, dropped.reason.value)
        self.since_start[dropped.reason.value] += 1
        if dropped.host and (host := _known_form(dropped.host)):
            hosts = self.hosts.setdefault((website_id, now // DAY_MS), Counter())
            if host not in hosts and len(hosts) >= MOST_HOSTS:
                del hosts[min(hosts, key=hosts.__getitem__)]
            hosts[host] += 1

    async def flush(self) -> None:
        """Return once all counts are written, also those that another call writes.

        Raises ApiError and DatabaseError when they cannot be written; those by reason are kept then.
        """
        async with self._writing:
            await self._reasons.flush()
            if self.hosts:
                hosts, self.hosts = self.hosts, {}
                await self._database.write(HOSTS_HANDLER, hosts)


def _known_form(host: str) -> str:
    """A host name in the form in which a website may allow it; empty when it may not."""
    if "*" in host:  # a stranger's pattern
        return ""
    try:
        return clean_host(host, "host")
    except FieldError:
        return ""


def add_hosts(tx: Transaction, calls: list[_Hosts]) -> list[None]:
    """Write handler: add to the hosts of a website and day, of which the most frequent are kept; those of days before are forgotten."""
    for hosts in calls:
        for (website_id, day), counted in sorted(hosts.items()):
            known = Counter({row.host: row.hits for row in tx.all(sql.hosts_on, (website_id, day))})
            tx.execute(sql.hosts_forget, (website_id, day))
            kept = (known + counted).most_common(MOST_HOSTS)
            tx.execute_many(sql.host_add, [(website_id, day, host, hits) for host, hits in kept])
    return [None] * len(calls)


def _locks(calls: list[_Hosts]) -> list[Params]:
    return [(website_id, b"hosts") for hosts in calls for website_id, _ in hosts]


HOSTS_HANDLER = WriteHandler(rank=2, run=add_hosts, locks=_locks)


class DroppedToday(NamedTuple):
    """What was dropped of a website, the most frequent first. `reasons`: (reason, hits); `hosts`: (host, hits) of those refused as another's."""

    reasons: list[tuple[str, int]]
    hosts: list[tuple[str, int]]


def dropped_on(tx: Transaction, website_id: bytes, now: int) -> DroppedToday:
    """What was dropped on the UTC day of `now` (ms since epoch)."""
    key = (website_id, now // DAY_MS)
    return DroppedToday(
        [(row.reason, row.hits) for row in tx.all(sql.dropped_on, key)],
        [(row.host, row.hits) for row in tx.all(sql.hosts_on, key)],
    )
