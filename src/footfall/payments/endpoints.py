"""Routes that take, list and delete payments."""

from __future__ import annotations

from typing import Any

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import to_iso
from footfall.db.protocol import Database, Transaction
from footfall.directory import Directory
from footfall.errors import NotFound
from footfall.identity.ledger.show import person_now
from footfall.identity.refs import read_ref, resolve_profile
from footfall.payments.model import OPEN, Payment
from footfall.payments.money import read_decimal
from footfall.payments.owners import owners_of, some_payments
from footfall.payments.rules import API, digest
from footfall.payments.service import RECORD_HANDLER, REMOVE_HANDLER, PaymentCall, Recorded, RemoveCall, find
from footfall.payments.store import END, edge, find_named, payment_from, sql
from footfall.payments.timeline import read_story
from footfall.payments.wire import (
    DeleteQuery,
    PaymentQuery,
    Range,
    owned_json,
    read_delete_query,
    read_payment,
    read_payment_query,
    story_json,
)
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Response, success
from footfall.web.json import decode_object, decoding, encode
from footfall.websites.model import Website

PAGE = 1000
"""Payments that are read at once where some of them are left out."""
_decode = decoding(read_decimal)


class Payments:
    """The handlers, on one database."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def record(self, context: Context[WebsitePrincipal]) -> Response:
        """Stores a payment, or says that it is."""
        website = context.principal.website
        paid = read_payment(decode_object(context.body, _decode), context.now)
        call = PaymentCall(website.website_id, paid, context.now, not website.has_payments)
        recorded: Recorded = await self._database.write(RECORD_HANDLER, call)
        if call.is_first:
            await self._directory.refresh()
        return Response(encode(_recorded_json(recorded, paid.transaction_id)), 200, [JSON_TYPE])

    async def list(self, context: Context[WebsitePrincipal]) -> Response:
        """A page of payments, newest first, by cursor."""
        website = context.principal.website
        query = read_payment_query(context.query(), website.timezone)
        return await self._database.scan(_answer_list, (website, query), share=website.website_id)

    async def story(self, context: Context[WebsitePrincipal]) -> Response:
        """One payment, with its timeline."""
        website = context.principal.website
        asked = (website, context.path_values[0])
        found = await self._database.scan(_answer_story, asked, share=website.website_id)
        if found is None:
            raise _no_such_payment()
        return found

    async def remove(self, context: Context[WebsitePrincipal]) -> Response:
        """Deletes payments, some at a time."""
        website = context.principal.website
        query = read_delete_query(context.query(), website.timezone)
        call = RemoveCall(
            website.website_id,
            query.transaction_id,
            query.visitor,
            edge(query.range.since),
            edge(query.range.until),
        )
        removed = 0
        while some := await self._database.write(REMOVE_HANDLER, call):
            removed += some
        if not removed:
            raise _no_such_payment()
        return success([_removed_json(query, removed)])


def _no_such_payment() -> NotFound:
    return NotFound("There is no such payment in this website.")


def _answer_story(tx: Transaction, asked: tuple[Website, str]) -> Response | None:
    website, transaction_id = asked
    one = find_named(tx, website.website_id, digest(website.website_id, API, transaction_id))
    return None if one is None else success(story_json(read_story(tx, website.website_id, one)))


def _recorded_json(recorded: Recorded, transaction_id: str) -> dict[str, Any]:
    """Without a `status`, as clients of the DataFast API expect it."""
    told = {"message": "Payment recorded and attributed successfully", "transaction_id": transaction_id}
    if recorded.is_other:
        told["warning"] = (
            "Another payment is stored under this transaction_id; what was sent now was ignored."
        )
    return told


def _removed_json(query: DeleteQuery, removed: int) -> dict[str, Any]:
    if query.transaction_id is not None:
        return {
            "message": "Payment deleted successfully",
            "transaction_id": query.transaction_id,
            "deleted": removed,
        }
    shown: dict[str, Any] = {"message": "Payments deleted successfully", "deleted": removed}
    if query.visitor is not None:
        shown = {
            "datafast_visitor_id": query.visitor,
            "message": "All payments for visitor deleted successfully within time range",
            "deleted": removed,
        }
    return shown if query.range.is_all else {**shown, "timeRange": _range_json(query.range)}


def _range_json(one: Range) -> dict[str, str | None]:
    return {
        "start": to_iso(one.since) if one.since else None,
        "end": to_iso(one.until) if one.until != Range().until else None,
    }


def _answer_list(tx: Transaction, asked: tuple[Website, PaymentQuery]) -> Response:
    website, query = asked
    found = list_payments(tx, website, query)
    page = found[: query.limit]
    shown = [owned_json(one) for one in owners_of(tx, website.website_id, page)]
    has_more = len(found) > query.limit
    following = page[-1].payment_id.hex() if has_more else None
    pagination = {"limit": query.limit, "hasMore": has_more, "nextCursor": following}
    return success(shown, pagination=pagination)


def list_payments(tx: Transaction, website: Website, query: PaymentQuery) -> list[Payment]:
    """The payments of a page, and one more if there is one."""
    since, until = edge(query.range.since), edge(query.range.until)
    until = min(until, query.cursor or END)
    if query.transaction_id is not None:
        one = find_named(tx, website.website_id, digest(website.website_id, API, query.transaction_id))
        page = [one] if one and since <= one.payment_id < until else []
        return [one for one in page if _is_asked(one, query)]
    found: list[Payment] = []
    while len(found) <= query.limit:
        most = PAGE if _leaves_out(query) else query.limit + 1
        page = _read(tx, website, query, since, until, most)
        found += [one for one in page if _is_asked(one, query)]
        if len(page) < most:
            break
        until = page[-1].payment_id
    return found[: query.limit + 1]


def _leaves_out(query: PaymentQuery) -> bool:
    """Whether a page of what `_read` gives may hold payments that are not asked for."""
    is_of_somebody = query.ref is not None or query.visitor is not None
    return query.currency is not None or (query.is_matched is not None and is_of_somebody)


def _is_asked(one: Payment, query: PaymentQuery) -> bool:
    is_matched = one.method not in OPEN
    return query.currency in (None, one.money.currency) and query.is_matched in (None, is_matched)


def _read(
    tx: Transaction, website: Website, query: PaymentQuery, since: bytes, until: bytes, most: int
) -> list[Payment]:
    """The newest payments in a range, of any currency; a person goes before a visitor."""
    if query.ref is None and query.visitor is None and query.is_matched is not None:
        key = (website.website_id, int(not query.is_matched), since, until, most)
        return [payment_from(row) for row in tx.all(sql.open_down, key)]
    if query.ref is None:
        return find(tx, website.website_id, query.visitor, since, until, most)
    person = person_now(tx, website.website_id, resolve_profile(tx, website, read_ref(query.ref)))
    if person is None:
        return []
    return some_payments(tx, website.website_id, person, since, until, most, newest_first=True)
