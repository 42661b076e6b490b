"""Lists of the overview that are no cards of analytics: who just paid, came for the first time or came back; funnels; and crawlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from footfall.analytics.bots.store import BotAsked, read_bots, read_crawled
from footfall.analytics.bots.wire import read_bot_question
from footfall.analytics.flows.model import FunnelReport
from footfall.analytics.flows.service import Flows
from footfall.analytics.model import Asking
from footfall.analytics.ranges import TimeRange
from footfall.analytics.roster import RosterLooking, RosterOrder, RosterPart
from footfall.clock import to_iso
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.cards import ROWS, BoardLine, CardGroup, CardTab, Moment, ShownCard
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages.payments import PaymentRow, payment_rows
from footfall.dashboard.pages.roster import gather_of, roster_money, seen_row, source_of
from footfall.dashboard.rendering import counted
from footfall.dashboard.spans import people_address
from footfall.db.protocol import Transaction
from footfall.funnels.store import read_funnels
from footfall.payments.endpoints import list_payments
from footfall.payments.model import Kind
from footfall.payments.owners import owners_of
from footfall.payments.wire import PaymentQuery, Range
from footfall.websites.model import Website

PEOPLE = 7
"""Who is shown: their rows are higher than others."""
MOST_FUNNELS = 5
"""Funnels that are counted for the overview, the oldest of them: each is a question of its own."""
LOOKED_AT = 40
"""Payments among which the latest that brought money are looked for."""

R = TypeVar("R")
Board = Callable[[PageRequest, Asking, ViewAddress, ShownCard], Awaitable[ShownCard]]


async def tell_board(
    request: PageRequest, asking: Asking, address: ViewAddress, group: CardGroup, tab: CardTab
) -> ShownCard:
    """A list as a page shows it."""
    return await _BOARDS[tab.name](request, asking, address, ShownCard(group, tab, 0, [], has_money=False))


# People


async def _paid(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    """The latest payments; where filters narrow people down, the customers among them."""
    if address.chips:
        return await _people(request, asking, address, card, RosterPart.CUSTOMERS)
    website = request.site
    rows = await request.services.database.scan(
        _read_paid, (website, asking.question.range), share=website.website_id
    )
    return card._replace(moments=[_payment_moment(row) for row in rows], more="payments")


def _read_paid(tx: Transaction, asked: tuple[Website, TimeRange]) -> list[PaymentRow]:
    website, range_ = asked
    query = PaymentQuery(Range(range_.since, range_.until), None, None, None, None, b"", LOOKED_AT)
    paid = [
        one
        for one in list_payments(tx, website, query)
        if one.kind not in (Kind.REFUND, Kind.FREE_TRIAL) and one.money.minor > 0
    ]
    return payment_rows(tx, website, owners_of(tx, website.website_id, paid[:PEOPLE]))


def _payment_moment(row: PaymentRow) -> Moment:
    payment = row.payment
    key = (row.person_id or payment.payment_id).hex()
    path = f"people/{key}" if row.person_id else f"payments/{key}"
    renewed = ", renewed" if payment.kind is Kind.RENEWAL else ""
    return Moment(
        row.name or payment.name or "Somebody", key, None, path, f"{row.amount}{renewed}", payment.at
    )


async def _new(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    return await _people(request, asking, address, card, RosterPart.NEW)


async def _back(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    return await _people(request, asking, address, card, RosterPart.BACK)


async def _people(
    request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard, part: RosterPart
) -> ShownCard:
    """Some of the people of the page, those who are known in front."""
    found = await gather_of(request, asking, RosterLooking(part, RosterOrder.KNOWN))
    moments, rows = [], found.roster.rows[:PEOPLE]
    spelled = roster_money(rows, request.site.currency)
    for face, row in zip(found.faces, rows, strict=False):
        one = seen_row(face, row, address, spelled)
        said = one.money or counted(one.visits, "visit")
        detail = f"{source_of(row, address).text}, {said}"
        moments.append(Moment(one.name, one.key, one.traits.get("image"), one.path, detail, row.last_at))
    who = people_address(address)._replace(own=("who",)).having(who=part.value)
    more = "people?" + urlencode(who.pairs, safe=":,/")
    return card._replace(moments=moments, total=found.roster.totals[part], more=more)


# Funnels


async def _funnels(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    """How many came through each funnel."""
    website_id = request.site.website_id
    funnels = (await request.services.database.scan(read_funnels, website_id, share=website_id))[
        :MOST_FUNNELS
    ]
    flows = Flows(request.services.analytics)
    reports = await asyncio.gather(*(flows.funnel(asking, one) for one in funnels))
    more = address.at("funnels").href
    lines = [_funnel_line(one) for one in reports]
    return card._replace(lines=lines, heads=("Began", "Finished", "Rate"), more=more)


def _funnel_line(report: FunnelReport) -> BoardLine:
    began, finished = report.steps[0].visitors, report.steps[-1].visitors
    rate = 100 * finished / began if began else 0
    return BoardLine(report.funnel.name, round(rate, 1), (f"{began:,}", f"{finished:,}", f"{rate:.1f}%"))


# Crawlers


async def _crawlers(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    """Which crawlers fetched how much: of the whole website, whatever the filters."""
    found = await _of_bots(request, asking, read_bots)
    rows = [(one.crawler, one.hits, one.pages) for one in found.bots if one.category != _DROPPED][:ROWS]
    return card._replace(lines=_bot_lines(rows), heads=("Fetches", "Pages"))


async def _crawled(request: PageRequest, asking: Asking, address: ViewAddress, card: ShownCard) -> ShownCard:
    """The same by page."""
    found = await _of_bots(request, asking, read_crawled)
    rows = [(one.page or "Other pages", one.hits, one.crawlers) for one in found.pages]
    return card._replace(lines=_bot_lines(rows), heads=("Fetches", "Crawlers"))


_DROPPED = "dropped"
"""The category of bots that ran the script: two of them."""


async def _of_bots(request: PageRequest, asking: Asking, read: Callable[[Transaction, BotAsked], R]) -> R:
    website, asked = request.site, asking.question.range
    pairs = [("startAt", to_iso(asked.since)), ("endAt", to_iso(asked.until - 1)), ("limit", str(ROWS + 2))]
    question = await asyncio.to_thread(read_bot_question, pairs, request.now, website.created_at)
    return await request.services.database.scan(
        read, (website.website_id, question), share=website.website_id
    )


def _bot_lines(rows: Sequence[tuple[str, int, int]]) -> list[BoardLine]:
    most = max((hits for _, hits, _ in rows), default=0) or 1
    return [
        BoardLine(label, round(100 * hits / most, 1), (f"{hits:,}", f"{count:,}"))
        for label, hits, count in rows
    ]


_BOARDS: Mapping[str, Board] = {
    "paid": _paid,
    "new": _new,
    "back": _back,
    "funnels": _funnels,
    "crawlers": _crawlers,
    "crawled": _crawled,
}
