"""Compares the columns with the database: how many rows there are, and what they add up to, by website, day and type; and row by row.

Memory holds a sum for each day and type of a website, and the rows of some visitors. Both sides may change meanwhile: what differs is looked at
again, and counts only if it still does once the columns have taken whatever they were told.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import gmtime, monotonic, sleep, strftime
from typing import Any, NamedTuple

import msgspec

from footfall.clock import DAY_MS, system_clock
from footfall.columns.feeder import Reader
from footfall.columns.model import OF_EVENT, OF_PAYMENT, Bindings, RowType, number_of, number_of_visitor
from footfall.columns.reading import Visitor, read_all, read_payments, sql, websites_there
from footfall.db.protocol import Transaction
from footfall.ids import VISITOR_BYTES, at_of, at_prefix
from footfall.outbox.store import change_ids
from footfall.payments.model import Kind

MOST_SHOWN = 20
SLICE = 200
"""Visitors, or days of payments, that are compared at once."""
EVENTS = 200
"""Events of each of them that are read at once."""
SAMPLE = 1000
"""Visitors of each website that are compared row by row, unless all are."""
TRIES = 5
TAKEN_SECONDS = 60.0
"""How long the columns may need to take what they were told; then what differs counts."""
PAUSE = 0.5
ADVICE = "Stop all servers and run `footfall db rebuild columns`: it makes them anew from the database."

Progress = Callable[[int], object]
"""Gets the number of visitors that were looked at since its last call."""
Ask = Callable[[str, Bindings], Iterable[Sequence[Any]]]
"""Answers a query over the columns. Raises DatabaseError or ApiError."""


class VerifyTexts(NamedTuple):
    """What is asked of the columns, as an engine spells it: sums; rows of visitors; those of payments that are no visitor's; other websites
    than these; and the changes that were taken."""

    sums: str
    rows: str
    loose: str
    others: str
    taken: str


FILE_TEXTS = VerifyTexts(
    """
    SELECT ts // 86400000, type, coalesce(currency, ''), count(*), CAST(coalesce(sum(amount), 0) AS BIGINT)
    FROM event_row WHERE website = $website AND ts < $until GROUP BY ALL
    """,
    "SELECT * FROM event_row WHERE website = $website AND visitor IN (SELECT unnest($visitors::BIGINT[]))",
    """
    SELECT * FROM event_row
    WHERE website = $website AND visitor IS NULL AND ts IN (SELECT unnest($times::BIGINT[]))
    """,
    "SELECT DISTINCT website FROM event_row WHERE website NOT IN (SELECT unnest($websites::BIGINT[]))",
    "SELECT change_id FROM taken",
)


class ColumnsReport(msgspec.Struct):
    """What was compared and what differs, with the first differences in words. `advice`: what to do about them."""

    events: int = 0
    visitors: int = 0
    differences: int = 0
    shown: list[str] = []
    advice: str = ""

    def add(self, description: str) -> None:
        """Note a difference."""
        self.differences += 1
        self.advice = ADVICE
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(description)


class SumKey(NamedTuple):
    """A UTC day (days since epoch), a type, and the currency of money."""

    day: int
    type: int
    currency: str = ""


class Total(NamedTuple):
    """Rows, and what they add up to in the currency's minor unit."""

    rows: int = 0
    amount: int = 0


Sums = dict[SumKey, Total]


def verify_columns(
    reader: Reader,
    ask: Ask,
    texts: VerifyTexts = FILE_TEXTS,
    *,
    is_full: bool = False,
    progress: Progress = lambda visitors: None,
) -> ColumnsReport:
    """Compare all sums, and a sample of the rows or all of them. Raises DatabaseError and ApiError."""
    return _Verification(reader, ask, texts, progress).run(is_full=is_full)


class _Verification:
    """One comparison."""

    def __init__(self, reader: Reader, ask: Ask, texts: VerifyTexts, progress: Progress) -> None:
        self._reader = reader
        self._ask = ask
        self._texts = texts
        self._progress = progress
        self._report = ColumnsReport()

    def run(self, *, is_full: bool) -> ColumnsReport:
        websites = sorted(self._reader.snapshot(websites_there))
        numbers = [number_of(one) for one in websites]
        for (number,) in self._settled(lambda: list(self._ask(self._texts.others, {"websites": numbers}))):
            self._report.add(
                f"there are rows of a website that there is not, whose id begins as {number << 1:016x}"
            )
        for website_id in websites:
            self._compare_sums(website_id)
            for visitors in self._slices(website_id, is_full=is_full):
                self._compare_visitors(website_id, visitors)
            self._compare_payments(website_id, is_full=is_full)
        return self._report

    def _settled(self, differing: Callable[[], list[Any]]) -> list[Any]:
        """What `differing` finds; looked at again, after the columns took what they were told, as long as it finds anything."""
        found = differing()
        for _ in range(TRIES):
            if not found:
                break
            self._wait_until_taken()
            found = differing()
        return found

    def _wait_until_taken(self) -> None:
        """Wait until the columns have taken all changes of which there is word by now."""
        told = set(self._reader.snapshot(change_ids))
        deadline = monotonic() + TAKEN_SECONDS
        while told and monotonic() < deadline:
            told -= {bytes(one) for (one,) in self._ask(self._texts.taken, {})}
            told.intersection_update(self._reader.snapshot(change_ids))
            if told:
                sleep(PAUSE)

    # Sums

    def _compare_sums(self, website_id: bytes) -> None:
        looked: list[Sums] = []

        def differing() -> list[tuple[SumKey, Total, Total]]:
            until = system_clock()
            truth = self._reader.snapshot(lambda tx: _sums(tx, website_id, until, self._note(looked)))
            looked.append(truth)
            held = self._sums_held(website_id, until)
            return [
                (key, truth.get(key, Total()), held.get(key, Total()))
                for key in sorted(truth.keys() | held.keys())
                if truth.get(key) != held.get(key)
            ]

        for key, due, held in self._settled(differing):
            self._report.add(_described(website_id, key, due, held))
        self._report.events += sum(one.rows for one in looked[-1].values())

    def _note(self, looked: list[Sums]) -> Progress:
        """Progress is made the first time."""
        return (lambda visitors: None) if looked else self._progress

    def _sums_held(self, website_id: bytes, until: int) -> Sums:
        rows = self._ask(self._texts.sums, {"website": number_of(website_id), "until": until})
        return {
            SumKey(day, type_, currency): Total(many, amount) for day, type_, currency, many, amount in rows
        }

    # Rows

    def _slices(self, website_id: bytes, *, is_full: bool) -> Iterator[list[bytes]]:
        """The visitors to compare row by row: all, or those behind some places among their ids."""
        last, left = b"", SAMPLE
        while is_full or left > 0:
            found = self._visitors_behind(website_id, last)
            if not found:
                break
            yield found
            left -= SLICE
            last = found[-1] if is_full else max(found[-1], secrets.token_bytes(VISITOR_BYTES))

    def _visitors_behind(self, website_id: bytes, last: bytes) -> list[bytes]:
        rows = self._reader.snapshot(lambda tx: tx.all(sql.visitors_behind, (website_id, last, SLICE)))
        return [row.id for row in rows]

    def _compare_visitors(self, website_id: bytes, visitors: list[bytes]) -> None:
        numbers = {number_of_visitor(one): one for one in visitors}

        def differing() -> list[bytes]:
            wanted: list[Visitor] = [(website_id, one) for one in numbers.values()]
            due = self._reader.snapshot(lambda tx: Counter(read_all(tx, wanted, EVENTS)))
            held = self._held(self._texts.rows, website_id, visitors=list(numbers))
            differ = {int(row[2]) for row in _either(due, held)}  # type: ignore[call-overload]
            for number in numbers.keys() - differ:
                del numbers[number]
            return [numbers[number] for number in differ]

        for visitor_id in self._settled(differing):
            self._report.add(f"rows of visitor {visitor_id.hex()} of website {website_id.hex()} differ")
        self._report.visitors += len(visitors)
        self._progress(len(visitors))

    def _compare_payments(self, website_id: bytes, *, is_full: bool) -> None:
        """Those that are no visitor's: of others the visitors are compared."""
        last = b""
        while True:
            position = (website_id, last, SLICE)
            found = self._reader.snapshot(lambda tx, at=position: tx.all(sql.payments_behind, at))  # type: ignore[misc]
            if not found:
                return
            self._compare_loose(website_id, sorted({at_of(row.id) for row in found}))
            if not is_full:
                return
            last = found[-1].id

    def _compare_loose(self, website_id: bytes, times: list[int]) -> None:
        def differing() -> list[int]:
            wanted = [(website_id, at) for at in times]
            found = self._reader.snapshot(lambda tx: read_payments(tx, wanted))
            due = Counter(row for one in found for row in one.rows)
            held = self._held(self._texts.loose, website_id, times=times)
            return sorted({int(row[1]) for row in _either(due, held)})  # type: ignore[call-overload]

        for at in self._settled(differing):
            self._report.add(f"payments without a visitor at {at} ms of website {website_id.hex()} differ")

    def _held(self, text: str, website_id: bytes, **keys: list[int]) -> Counter[tuple[object, ...]]:
        return Counter(tuple(row) for row in self._ask(text, {"website": number_of(website_id), **keys}))


def _either(due: Counter[tuple[object, ...]], held: Counter[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows of which one side has more."""
    return [*(due - held), *(held - due)]


def _sums(tx: Transaction, website_id: bytes, until: int, progress: Progress) -> Sums:
    """What the columns of a website should add up to, but for what happened from a time on (ms since epoch)."""
    events: Counter[SumKey] = Counter()
    visitor_id = None
    for row in tx.stream(sql.events_shown, (website_id,)):
        if row.visitor_id != visitor_id:
            visitor_id = row.visitor_id
            progress(1)
        at = at_of(row.event_id)
        if row.removed_at < at < until:
            events[SumKey(at // DAY_MS, OF_EVENT[row.type])] += 1
    sums = {key: Total(many) for key, many in events.items()}
    for row in tx.stream(sql.payments_there, (website_id, at_prefix(until))):
        key = SumKey(at_of(row.payment_id) // DAY_MS, OF_PAYMENT[Kind(row.kind)], row.currency)
        so_far = sums.get(key, Total())
        sums[key] = Total(so_far.rows + 1, so_far.amount + row.minor)
    return sums


def _described(website_id: bytes, key: SumKey, due: Total, held: Total) -> str:
    day = strftime("%Y-%m-%d", gmtime(key.day * DAY_MS // 1000))
    sums = f", {due.amount} {key.currency} and not {held.amount}" if due.amount != held.amount else ""
    kind = RowType(key.type).name.lower()
    return (
        f"website {website_id.hex()} on {day}: {due.rows} rows of type {kind}, columns have {held.rows}{sums}"
    )
