"""Routes that list websites, and read and change their settings."""

from __future__ import annotations

from footfall.auth.principal import Principal, WebsitePrincipal
from footfall.db.protocol import Database, Transaction
from footfall.directory import Directory
from footfall.errors import BadRequest, Conflict, FieldError, NotFound, accepted
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object
from footfall.websites.fields import clean_changes
from footfall.websites.model import Website
from footfall.websites.store import configuration_changed, lock_website, update_website
from footfall.websites.wire import WebsiteCall, field_message, listed_json, read_website_call, settings_json

Call = Context[WebsitePrincipal]


class Websites:
    """The handlers, on one database."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def list(self, context: Context[Principal]) -> Response:
        """The websites that the caller may access, oldest first."""
        caller = context.principal
        role = "owner" if caller.website_id is None else "member"
        reached = [one for one in self._directory.websites.values() if caller.reaches(one.website_id)]
        return success([listed_json(website, role) for website in reached])

    async def settings(self, context: Call) -> Response:
        """The settings of a website."""
        return success([settings_json(context.principal.website)])

    async def change(self, context: Call) -> Response:
        """Changes settings of a website, which every call from now on follows."""
        website_id, said = (
            context.principal.website.website_id,
            read_website_call(decode_object(context.body)),
        )
        changed = accepted(await self._database.change(lambda tx: change_website(tx, website_id, said)))
        await self._directory.refresh()
        return success([settings_json(changed)])


def change_website(
    tx: Transaction, website_id: bytes, said: WebsiteCall
) -> Website | BadRequest | Conflict | NotFound:
    """Change a website. Returns Conflict if its new domain is taken."""
    known = lock_website(tx, website_id)
    if isinstance(known, NotFound):
        return known
    try:
        changes = clean_changes(said.changes_of(known.exclusions), known)
    except FieldError as error:
        return BadRequest(field_message(error))
    changed = update_website(tx, website_id, changes)
    if isinstance(changed, FieldError):
        return Conflict(field_message(changed))
    configuration_changed(tx)
    return changed
