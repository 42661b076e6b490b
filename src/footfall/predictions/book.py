"""What the histories of all websites say, held in memory and read anew in the background; see `history` and `fit`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter

from footfall.clock import Clock
from footfall.db.protocol import Database
from footfall.payments.ratebook import RateBook
from footfall.predictions.fit import fit
from footfall.predictions.history import HistoryReader, PayersQuery, read_payers, read_slice
from footfall.predictions.model import Model
from footfall.websites.model import Website

LOOK_SECONDS = 1.0
"""Between two looks whether a history has to be read anew."""
REST, LEAST_AGE, MOST_AGE = 500, 30.0, 1800.0
"""A history is read anew after so many times as long as that last took, but not sooner or later than so many seconds."""
PAUSE = 10.0
"""After a website, all others rest so many times as long as it took, so that however many there are take a tenth of one thread at most."""
SLICE_PAUSE = 2.0
"""The same between two slices of one history."""
SHARE = b"predictions"
"""Whose turn it is among long reads: no website waits for this."""


class Predictions:
    """What the history of each website with payments says. `websites`: all there are, by id."""

    def __init__(
        self,
        database: Database,
        websites: Callable[[], Mapping[bytes, Website]],
        rates: RateBook,
        clock: Clock,
    ) -> None:
        self._database = database
        self._websites = websites
        self._rates = rates
        self._clock = clock
        self._models: dict[bytes, Model] = {}
        self._due_at: dict[bytes, float] = {}

    def model_of(self, website: Website) -> Model | None:
        """What its history says; None while nobody paid, and until it was read."""
        found = self._models.get(website.website_id)
        return found if found is not None and found.value.currency == website.currency else None

    async def advance(self) -> float:
        """Read the history of the website that waits for it longest; the seconds to wait before the next. Raises ApiError and DatabaseError."""
        website = self._next()
        if website is None:
            return LOOK_SECONDS
        started = perf_counter()
        self._due_at[website.website_id] = started + LEAST_AGE  # should it fail
        await self._refit(website)
        took = perf_counter() - started
        self._due_at[website.website_id] = started + min(max(REST * took, LEAST_AGE), MOST_AGE)
        return max(LOOK_SECONDS, PAUSE * took)

    def _next(self) -> Website | None:
        websites = self._websites()
        for gone in self._due_at.keys() - websites.keys():
            del self._due_at[gone]
            self._models.pop(gone, None)
        paying = [one for one in websites.values() if one.has_payments]
        first = min(paying, key=self._due, default=None)
        return first if first is not None and self._due(first) <= perf_counter() else None

    def _due(self, website: Website) -> float:
        return self._due_at.get(website.website_id, 0.0)

    async def _refit(self, website: Website) -> None:
        asked = PayersQuery(website, self._clock(), await self._rates.rates_for(website))
        reader = HistoryReader(website.website_id, await self._database.scan(read_payers, asked, share=SHARE))
        while reader.query is not None:
            started = perf_counter()
            reader.add(await self._database.scan(read_slice, reader.query, share=SHARE))
            await asyncio.sleep(SLICE_PAUSE * (perf_counter() - started))
        model = await asyncio.to_thread(fit, reader.pasts, website.currency)
        if model is None:
            self._models.pop(website.website_id, None)
        else:
            self._models[website.website_id] = model
