"""Payments from a file: NDJSON in the words of `POST /api/v1/payments`, each once, by its transaction id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from time import perf_counter, sleep
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest
from footfall.history.importing import SLICE, ImportSession
from footfall.history.model import MOST_REFUSED, ImportTarget, RefusedRow
from footfall.history.sources import MAX_LINE, SourceFile
from footfall.payments.model import Kind, NewPayment
from footfall.payments.money import Money, read_decimal
from footfall.payments.service import RECORD_HANDLER, PaymentCall, Recorded
from footfall.payments.store import find_named
from footfall.payments.wire import read_payment

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=read_decimal).decode


class PaymentReport(msgspec.Struct):
    """What became of the payments of a file."""

    rows: int = 0
    imported: int = 0
    already_there: int = 0
    refused: int = 0
    refusals: list[RefusedRow] = []


class _Row(NamedTuple):
    line: int
    item: NewPayment | ApiError


def import_payments(
    session: ImportSession,
    target: ImportTarget,
    file: SourceFile,
    rest: float,
    progress: Callable[[int], None],
) -> PaymentReport:
    """Store all payments of a file. `rest`, `progress`: see `Importer`. Raises UsageError and DatabaseError."""
    report, done = PaymentReport(), 0
    rows = _rows(target, file)
    while some := list(islice(rows, SLICE)):
        started = perf_counter()
        told = [(row.line, row.item) for row in some if isinstance(row.item, NewPayment)]
        calls = [
            PaymentCall(target.website.website_id, paid, target.now, not target.website.has_payments)
            for _, paid in told
        ]
        results = session.transact(partial(_write, calls=calls)) if calls else []
        refusals = [(row.line, row.item.message) for row in some if isinstance(row.item, ApiError)]
        for (line, _), one in zip(told, results, strict=True):
            if one.is_other:
                refusals.append((line, "transaction_id: another payment has it already."))
            else:
                report.imported += one.is_new
                report.already_there += not one.is_new
        report.rows += len(some)
        report.refused += len(refusals)
        room = MOST_REFUSED - len(report.refusals)
        report.refusals += [RefusedRow(file.name, *one) for one in sorted(refusals)[:room]]
        progress(some[-1].line - done)
        done = some[-1].line
        sleep(rest * (perf_counter() - started))
    return report


def _write(tx: Transaction, calls: list[PaymentCall]) -> list[Recorded]:
    handler = RECORD_HANDLER
    if handler.locks is not None and handler.shares is not None:
        tx.lock(handler.locks(calls), handler.shares(calls))
    results: list[Recorded] = handler.run(tx, calls)
    return [
        replace(one, is_other=not _is_same(tx, call)) if one.is_other else one
        for call, one in zip(calls, results, strict=True)
    ]


def _is_same(tx: Transaction, call: PaymentCall) -> bool:
    """Whether the stored payment is this one, even if it was not told in the same words, such as without its time."""
    stored = find_named(tx, call.website_id, call.name_hash)
    paid = call.paid
    return stored is not None and (paid.kind, paid.at, paid.money) == (
        stored.kind,
        stored.at,
        Money(abs(stored.money.minor), stored.money.currency),
    )


def _rows(target: ImportTarget, file: SourceFile) -> Iterator[_Row]:
    for number, line in enumerate(file.lines(), 1):
        if line.strip():
            yield _Row(number, _read(target, line))


def _read(target: ImportTarget, line: bytes) -> NewPayment | ApiError:
    try:
        return _read_payment(target, line)
    except ApiError as error:
        return error


def _read_payment(target: ImportTarget, line: bytes) -> NewPayment:
    if len(line) > MAX_LINE:
        raise BadRequest(f"The line is longer than {MAX_LINE} bytes.")
    if b"\0" in line or b"\\u0000" in line:
        raise BadRequest("The line holds the character U+0000.")
    try:
        body = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The line is no JSON object: {error}.") from None
    kind = body.get("kind")
    if kind not in (None, Kind.FIRST.value):
        raise BadRequest('kind must be "first" or left out.')
    paid = read_payment(body, target.now)
    return replace(paid, kind=Kind.FIRST) if kind and paid.kind is Kind.PAYMENT else paid
