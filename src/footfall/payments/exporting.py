"""What the export of a person says about payments."""

from __future__ import annotations

from collections.abc import Iterator

from footfall.db.protocol import Transaction
from footfall.identity.exporting import Exporter, Subject, list_parts
from footfall.payments.owners import payments_of
from footfall.payments.wire import payment_json
from footfall.web.json import encode


def _payments(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    found = payments_of(tx, subject.website_id, subject.person)
    return list_parts(encode(payment_json(one)) for one in reversed(found))


PAYMENTS = Exporter("payments", _payments)
