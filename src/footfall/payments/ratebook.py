"""The exchange rates of a server: read once, when they are first needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from footfall.payments.rates import Rates, load_rates
from footfall.websites.model import Website


class RateBook:
    """Rates from a file of the European Central Bank, or from the one that Footfall comes with."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._rates: Rates | None = None

    async def check(self) -> None:
        """Read the file now if one was named. Raises UsageError if it is not usable."""
        if self._file is not None:
            await asyncio.to_thread(load_rates, self._file)

    async def rates_for(self, website: Website) -> Rates | None:
        """The rates; None for a website that has nothing to convert."""
        if website.has_payments and self._rates is None:
            self._rates = await asyncio.to_thread(load_rates, self._file)
        return self._rates if website.has_payments else None
