"""`GET /api/v1/visitors`: a page of visitors, found by what they did, where they are and who they are."""

from __future__ import annotations

from typing import Any

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import to_iso
from footfall.collect.service import sql
from footfall.db.protocol import Database, Params, Transaction
from footfall.ids import format_uuid
from footfall.visitors.channels import channel
from footfall.visitors.find import FoundVisitors, find_visitors
from footfall.visitors.model import Visitor
from footfall.visitors.query import VisitorQuery, cursor_behind, read_visitor_query
from footfall.visitors.retrieve import visitor_from
from footfall.web.context import Context, Handler
from footfall.web.envelope import Response, success

Asked = tuple[bytes, VisitorQuery]
"""By website id."""


def visitors_endpoint(database: Database) -> Handler[WebsitePrincipal]:
    """A page of visitors, most recently seen first."""

    async def visitors(context: Context[WebsitePrincipal]) -> Response:
        website = context.principal.website
        query = read_visitor_query(context.pairs(), website.timezone)
        return await database.scan(_answer, (website.website_id, query), share=website.website_id)

    return visitors


def _answer(tx: Transaction, asked: Asked) -> Response:
    """A page of visitors as an answer. It is built where it is read, off the event loop, because it may be long."""
    website_id, query = asked
    found = find_visitors(tx, website_id, query)
    pagination = {
        "limit": query.limit,
        "offset": query.offset,
        "total": found.total,
        "hasMore": found.has_more,
        "nextCursor": cursor_behind(*found.visitors[-1]) if found.has_more else None,
    }
    return success(_rows(tx, website_id, found), pagination=pagination)


def _rows(tx: Transaction, website_id: bytes, found: FoundVisitors) -> list[dict[str, Any]]:
    keys: list[Params] = [(website_id, visitor_id) for _, visitor_id in found.visitors]
    rows = zip(found.visitors, tx.get_many(sql.visitor_get, keys), strict=True)
    return [
        _row(at, visitor_from(visitor_id, row, None)) for (at, visitor_id), row in rows if row is not None
    ]


def _row(at: int, visitor: Visitor) -> dict[str, Any]:
    place, device, params = visitor.place, visitor.stored_device.device, visitor.params
    return {
        "visitorId": format_uuid(visitor.visitor_id),
        "lastSeenAt": to_iso(at),
        "currentUrl": visitor.current_url,
        "identity": {
            "country": place.country_code,
            "region": place.region.partition("-")[2] if place.region else None,
            "city": place.city,
            "browser": device.browser,
            "os": device.os,
            "device": device.type,
        },
        "acquisition": {
            "referrer": visitor.referrer,
            "channel": channel(
                visitor.referrer, params.utm_medium, params.utm_source, is_ad=visitor.click_ids is not None
            ),
            "params": params,
        },
    }
