"""Routes that list and change notes."""

from __future__ import annotations

from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database, Transaction
from footfall.errors import accepted
from footfall.ids import parse_object_id
from footfall.notes.store import add_note, change_note, delete_note, read_notes
from footfall.notes.wire import note_json, read_new_note, read_note_change
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object

Call = Context[WebsitePrincipal]


class Notes:
    """The handlers, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notes(self, context: Call) -> Response:
        """The notes of a website, the latest moment first."""
        website_id = context.principal.website.website_id
        return await self._database.scan(_answer_list, website_id, share=website_id)

    async def create(self, context: Call) -> Response:
        """Creates a note."""
        website_id, author_id = context.principal.website.website_id, context.principal.caller.credential_id
        said = read_new_note(decode_object(context.body))
        made = await self._database.change(lambda tx: add_note(tx, website_id, said, author_id, context.now))
        return success([note_json(website_id, accepted(made))])

    async def change(self, context: Call) -> Response:
        """Changes the text or the moment of a note."""
        website_id, said = context.principal.website.website_id, read_note_change(decode_object(context.body))
        note_id = _note_id(context)
        changed = await self._database.change(
            lambda tx: change_note(tx, website_id, note_id, said, context.now)
        )
        return success([note_json(website_id, accepted(changed))])

    async def delete(self, context: Call) -> Response:
        """Deletes a note."""
        website_id, note_id = context.principal.website.website_id, _note_id(context)
        accepted(await self._database.change(lambda tx: delete_note(tx, website_id, note_id)))
        shown = note_id.hex()
        return success([{"message": "Note deleted successfully", "_id": shown, "id": shown}])


def _note_id(context: Call) -> bytes:
    """The note that the path names; empty for what is no id."""
    return parse_object_id(context.path_values[1]) or b""


def _answer_list(tx: Transaction, website_id: bytes) -> Response:
    return success([note_json(website_id, one) for one in read_notes(tx, website_id)])
