"""The pages about payments: the list, with those that are nobody's, and one payment with its timeline."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

import msgspec

from footfall.dashboard.figures import money_list
from footfall.dashboard.page import PageRequest, apart, render
from footfall.dashboard.rendering import called, day_text, money_text
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.identity.reading import persons_of
from footfall.payments.endpoints import list_payments
from footfall.payments.model import Method, Owned, Payment, PaymentEvent, PaymentStory
from footfall.payments.money import Money, to_major
from footfall.payments.owners import owners_of
from footfall.payments.providers import PROVIDERS
from footfall.payments.rules import is_matched
from footfall.payments.store import ID_BYTES, get_payments
from footfall.payments.timeline import read_story
from footfall.payments.wire import CURSOR_BYTES, REASONS, PaymentQuery, Range
from footfall.web.envelope import Response
from footfall.web.parameters import read_cursor, read_hex
from footfall.websites.model import Website

PAGE = 50
"""Payments that are listed at once."""


class PaymentRow(NamedTuple):
    """A payment as pages show it. `name`: what the person is called whose it is now, None when it is nobody's.

    `reason`, `mend`: why it is whose it is or nobody's, and what changes that.
    """

    payment: Payment
    amount: str
    person_id: bytes | None
    name: str | None
    is_matched: bool
    reason: str
    mend: str | None


class PaymentsPage(msgspec.Struct, frozen=True):
    """A page of the list. `following`: the cursor of the next, if there are more."""

    rows: list[PaymentRow]
    following: bytes | None


class PaymentPage(msgspec.Struct, frozen=True):
    """One payment. `days`: its timeline by day."""

    row: PaymentRow
    story: PaymentStory
    days: list[tuple[str, list[PaymentEvent]]]


class _PaymentsQuery(NamedTuple):
    """What a page of the list shows: what is behind `cursor`; with `is_open`, what waits for evidence alone."""

    website: Website
    is_open: bool
    cursor: bytes


async def payments(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/payments`: all payments, or with `?matched=false` those that wait for evidence."""
    cursor = read_cursor(request.query.get("cursor"), CURSOR_BYTES, CURSOR_BYTES, "list")
    asked = _PaymentsQuery(request.site, request.query.get("matched") == "false", cursor)
    page = await request.services.database.scan(read_payments_page, asked, share=request.site.website_id)
    return await apart(
        lambda: render(
            request,
            "payments.html",
            section="revenue",
            rows=page.rows,
            following=page.following,
            is_open=asked.is_open,
            is_first=not cursor,
        )
    )


def read_payments_page(tx: Transaction, asked: _PaymentsQuery) -> PaymentsPage:
    """A page of the list, of one state of the database."""
    only_open = False if asked.is_open else None
    query = PaymentQuery(Range(), None, None, None, None, asked.cursor, PAGE, only_open)
    found = list_payments(tx, asked.website, query)
    page = found[:PAGE]
    following = page[-1].payment_id if len(found) > PAGE else None
    return PaymentsPage(
        payment_rows(tx, asked.website, owners_of(tx, asked.website.website_id, page)), following
    )


def payment_rows(tx: Transaction, website: Website, owned: list[Owned]) -> list[PaymentRow]:
    """Payments with what their people are called."""
    ids = {one.person_id for one in owned if one.person_id is not None}
    names = {
        profile_id: called(person.traits, person.user_id)
        for profile_id, person in persons_of(tx, website.website_id, ids).items()
    }
    spelled = money_list(one.payment.money for one in owned)
    return [_row(one, names.get(one.person_id) if one.person_id else None, spelled) for one in owned]


def _row(one: Owned, name: str | None, spelled: Callable[[Money], str]) -> PaymentRow:
    reason, mend = REASONS[one.payment.method]
    amount = spelled(one.payment.money)
    return PaymentRow(one.payment, amount, one.person_id, name, is_matched(one.payment), reason, mend)


def amount_text(money: Money) -> str:
    """An amount as people write it; of a refund below zero."""
    return money_text(to_major(money), money.currency)


async def payment(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/payments/{paymentId}`."""
    payment_id = read_hex(request.context.path_values[1], ID_BYTES, ID_BYTES)
    if payment_id is None:
        raise _no_such_payment()
    asked = (request.site, payment_id)
    page = await request.services.database.scan(read_payment_page, asked, share=request.site.website_id)
    if page is None:
        raise _no_such_payment()
    return await apart(
        lambda: render(
            request,
            "payment.html",
            section="revenue",
            row=page.row,
            story=page.story,
            days=page.days,
            amount=amount_text,
            reasons={method.value: reason for method, (reason, _) in REASONS.items()},
            providers={one.name: one.title for one in PROVIDERS.values()},
            is_ambiguous=page.row.payment.method is Method.AMBIGUOUS,
        )
    )


def read_payment_page(tx: Transaction, asked: tuple[Website, bytes]) -> PaymentPage | None:
    """All that the page shows, of one state of the database; None when there is no such payment."""
    website, payment_id = asked
    found = get_payments(tx, website.website_id, [payment_id])
    if not found:
        return None
    story = read_story(tx, website.website_id, found[0])
    (row,) = payment_rows(tx, website, [story.owned])
    days = groupby(story.events, key=lambda event: day_text(event.at, website.timezone))
    return PaymentPage(row, story, [(day, list(events)) for day, events in days])


def _no_such_payment() -> NotFound:
    return NotFound("There is no such payment in this website.")
