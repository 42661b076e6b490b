"""What visitors and people paid in total."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from footfall.clock import DAY_MS
from footfall.collect.touches import Time, count_sessions
from footfall.db.protocol import Transaction
from footfall.identity.model import Person
from footfall.ids import MAX_AT
from footfall.payments.model import Finance, Payment
from footfall.payments.owners import known_as, payments_of
from footfall.payments.rates import Rates
from footfall.payments.rules import brings_money, sum_up
from footfall.payments.store import edge
from footfall.websites.model import Website

LISTED = 100
"""How many of the newest payments an answer about somebody lists."""


def nothing_paid(currency: str) -> Finance:
    """For somebody without payments."""
    return Finance(sum_up([], currency, None), [], 0)


def finance_of_person(
    tx: Transaction,
    website: Website,
    person: Person,
    first_at: int | None,
    rates: Rates | None,
    end: int = MAX_AT,
) -> Finance:
    """What a person paid before `end`; `first_at`: their first visit (ms since epoch both)."""
    website_id = website.website_id
    payments = payments_of(tx, website_id, person, edge(end), LISTED)
    known = [one for one in known_as(tx, website_id, person.members) if one.at < end]
    times = [
        (visitor_id, span.since, span.until) for visitor_id, spans in person.spans.items() for span in spans
    ]
    found = finance_of(tx, website, payments, times, first_at, rates)
    return replace(found, at_payment=sum_up(known, website.currency, rates))


def finance_of(
    tx: Transaction,
    website: Website,
    payments: Sequence[Payment],
    times: Sequence[Time],
    first_at: int | None,
    rates: Rates | None,
) -> Finance:
    """The sums of payments, newest first. `times`: those of whoever paid; `first_at`: of the first visit."""
    shown, count = list(reversed(payments[:LISTED])), len(payments)
    found = Finance(sum_up(payments, website.currency, rates), shown, count)
    first = min((one.at for one in payments if brings_money(one)), default=None)
    if first is None:
        return found
    days = None if first_at is None else max(first - first_at, 0) // DAY_MS
    until = [(one, since, min(until, first + 1)) for one, since, until in times if since <= first]
    visits = count_sessions(tx, website.website_id, until)
    return replace(found, first_payment_at=first, days=days, visits=visits)
