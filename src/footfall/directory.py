"""The websites, keys and tokens, held in memory and reloaded soon after they change."""

from __future__ import annotations

from footfall.auth.principal import Principal
from footfall.auth.store import read_principals
from footfall.db.protocol import Database, Transaction
from footfall.websites.model import Website
from footfall.websites.store import configuration_version, read_websites

POLL_SECONDS = 0.4


class Directory:
    """What every call is checked against. `websites` by id, `by_tracking_id`, `principals` by hash of secret."""

    def __init__(self, database: Database) -> None:
        self.websites: dict[bytes, Website] = {}
        self.by_tracking_id: dict[str, Website] = {}
        self.principals: dict[bytes, Principal] = {}
        self._database = database
        self._version = -1

    async def refresh(self) -> None:
        """Reload everything if it changed; call it every POLL_SECONDS. Raises DatabaseError."""
        version, websites, principals = await self._database.read(_read_changed, self._version)
        if version > self._version:  # a later read may have finished before this one
            self.websites, self.principals = websites, principals
            self.by_tracking_id = {website.tracking_id: website for website in websites.values()}
            self._version = version


def _read_changed(tx: Transaction, known: int) -> tuple[int, dict[bytes, Website], dict[bytes, Principal]]:
    version = configuration_version(tx)
    if version == known:
        return version, {}, {}
    return version, read_websites(tx), read_principals(tx)
