"""Routes that erase people and export what is held about them."""

from __future__ import annotations

from typing import Any

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import to_iso
from footfall.db.protocol import Database
from footfall.identity.refs import no_such_person, read_ref
from footfall.log import get_logger
from footfall.privacy.erase import (
    Erasing,
    columns_by,
    columns_note,
    erase_call,
    nobody_to_erase,
    profile_to_erase,
)
from footfall.privacy.erasing import Erased
from footfall.privacy.export import Exporting, stream_parts
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Response, success


class Privacy:
    """The handlers, on one database."""

    def __init__(self, database: Database, erasing: Erasing, exporting: Exporting) -> None:
        self._database = database
        self._erasing = erasing
        self._exporting = exporting
        self._log = get_logger("privacy")

    async def export(self, context: Context[WebsitePrincipal]) -> Response:
        """Exports everything stored about a person."""
        website = context.principal.website
        asked = website, read_ref(context.path_values[0])
        found = await self._database.scan(self._exporting.read, asked, share=website.website_id)
        if found is None:
            raise no_such_person()
        self._tell("person exported", context, profile=found.person_id.hex())
        parts = [b'{"status":"success","data":', *found.parts, b"}"]
        return Response(b"", 200, [JSON_TYPE], stream_parts(parts))

    async def erase(self, context: Context[WebsitePrincipal]) -> Response:
        """Erases a person, and says whether anything of them is left in the files of the database."""
        asked = context.principal.website, read_ref(context.path_values[0])
        profile_id = await self._database.read(profile_to_erase, asked)
        call = erase_call(context.principal.website, profile_id, context.now)
        receipt, is_gone = await self._erasing.erase_person(self._database, call)
        if receipt is None:
            raise await self._database.read(nobody_to_erase, asked)
        self._tell("person erased", context, erasure=receipt.erasure_id.hex())
        return success(receipt_json(receipt, is_gone, self._database.engine))

    def _tell(self, what: str, context: Context[WebsitePrincipal], **ids: str) -> None:
        """Log what was done, and by which key or token."""
        self._log.info(what, **ids, key=context.principal.caller.credential_id.hex())


def receipt_json(receipt: Erased, is_gone: bool, engine: str) -> dict[str, Any]:
    """The receipt of an erasure as JSON."""
    return {
        "message": "This person was erased",
        "erasureId": receipt.erasure_id.hex(),
        "erasedAt": to_iso(receipt.erased_at),
        "users": receipt.users,
        "visitors": receipt.visitors,
        "rows": receipt.rows,
        "bytesGone": is_gone,
        "columnsRewrittenAt": receipt.columns_at and to_iso(receipt.columns_at),
        "columnsRewrittenBy": (by := columns_by(receipt)) and to_iso(by),
        "note": f"{bytes_note(is_gone, engine)} {columns_note(receipt)}".rstrip(),
    }


def bytes_note(is_gone: bool, engine: str) -> str:
    """What the receipt of an erasure says about the database files."""
    if is_gone:
        return "No file of the database holds the person any more."
    if engine == "sqlite":
        return (
            "The rows are gone. Something that reads the database since before, such as a backup or db verify, keeps the "
            "write-ahead log in use: what it holds of the person goes within a second after that ends."
        )
    return "The rows are gone; the server's write-ahead log and dead rows go with its next checkpoints and vacuum."
