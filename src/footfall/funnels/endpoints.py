"""Routes that list and change funnels."""

from __future__ import annotations

from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database, Transaction
from footfall.errors import accepted
from footfall.funnels.store import add_funnel, change_funnel, delete_funnel, read_funnels
from footfall.funnels.wire import funnel_json, read_funnel
from footfall.ids import parse_object_id
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object

Call = Context[WebsitePrincipal]


class Funnels:
    """The handlers, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def funnels(self, context: Call) -> Response:
        """The funnels of a website, oldest first."""
        website_id = context.principal.website.website_id
        return await self._database.scan(_answer_list, website_id, share=website_id)

    async def create(self, context: Call) -> Response:
        """Creates a funnel."""
        website_id, said = (
            context.principal.website.website_id,
            read_funnel(decode_object(context.body), is_new=True),
        )
        made = await self._database.change(lambda tx: add_funnel(tx, website_id, said, context.now))
        return success([funnel_json(website_id, accepted(made))])

    async def change(self, context: Call) -> Response:
        """Changes the name or the steps of a funnel."""
        website_id, said = (
            context.principal.website.website_id,
            read_funnel(decode_object(context.body), is_new=False),
        )
        funnel_id = parse_object_id(context.path_values[1])
        changed = await self._database.change(
            lambda tx: change_funnel(tx, website_id, funnel_id, said, context.now)
        )
        return success([funnel_json(website_id, accepted(changed))])

    async def delete(self, context: Call) -> Response:
        """Deletes a funnel."""
        website_id, funnel_id = context.principal.website.website_id, parse_object_id(context.path_values[1])
        deleted = accepted(
            await self._database.change(lambda tx: delete_funnel(tx, website_id, funnel_id, context.now))
        )
        shown = deleted.funnel_id.hex()
        return success([{"message": "Funnel deleted successfully", "_id": shown, "id": shown}])


def _answer_list(tx: Transaction, website_id: bytes) -> Response:
    return success([funnel_json(website_id, one) for one in read_funnels(tx, website_id)])
