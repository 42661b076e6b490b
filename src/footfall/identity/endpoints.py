"""`POST /api/v1/identify`."""

from __future__ import annotations

import msgspec

from footfall.auth.access import caller, site
from footfall.db.protocol import Database
from footfall.errors import ApiError
from footfall.identity.health import RefusedIds
from footfall.identity.model import SERVER, Warn
from footfall.identity.service import IDENTIFY_HANDLER, Dropped, Identified, IdentifyCall
from footfall.identity.wire import Identify, JunkUserId, read_identify
from footfall.web.context import Context, Handler
from footfall.web.envelope import JSON_TYPE, Reply
from footfall.web.json import decode_object, encode

_MESSAGES = {
    "created": "User profile created successfully",
    "updated": "User profile updated successfully",
    "unchanged": "User profile is up to date",
}


class IdentifyData(msgspec.Struct, rename="camel"):
    """`data` of the answer: a superset of the DataFast API's `{message, profileId, action}`."""

    message: str
    profile_id: str | None
    action: str | None
    fact_id: str | None
    persisted: bool
    linked_visitors: int | None
    previous_user_id: str | None
    warnings: list[Warn]


class _Answer(msgspec.Struct):
    data: IdentifyData
    status: str = "success"


def identify_endpoint(database: Database, refused: RefusedIds) -> Handler:
    """Says which user a visitor is. Answers 200 once the fact is on disk."""

    async def identify(context: Context) -> Reply:
        try:
            said = read_identify(decode_object(context.body))
        except JunkUserId:
            refused.add(site(context).website_id, context.now, SERVER)
            raise
        website = site(context)
        if website.is_cookieless:
            return _reply(not_stored("This website is cookieless: nothing was stored", said.warnings))
        principal = caller(context)
        call = IdentifyCall(
            website.website_id,
            website.profile_secret,
            said,
            SERVER,
            True,
            principal.credential_id,
            context.now,
        )
        outcome = await database.write(IDENTIFY_HANDLER, call)
        if isinstance(outcome, ApiError):
            raise outcome
        return _reply(identify_data(outcome, said, may_read=principal.may("analytics:read")))

    return identify


def identify_data(outcome: Identified | Dropped, said: Identify, *, may_read: bool) -> IdentifyData:
    """`data` for an outcome; who may not read is not told about other visitors and users."""
    if isinstance(outcome, Dropped):
        return not_stored(
            "This user was erased after the time of this call: nothing was stored", said.warnings
        )
    return IdentifyData(
        _MESSAGES[outcome.action],
        outcome.profile_id.hex(),
        outcome.action,
        outcome.fact_id.hex(),
        True,
        outcome.linked_visitors if may_read else None,
        outcome.previous_user_id if may_read else None,
        outcome.warnings,
    )


def not_stored(message: str, warnings: list[Warn]) -> IdentifyData:
    """`data` of a call that was right and yet left no trace."""
    return IdentifyData(message, None, None, None, False, None, None, warnings)


def _reply(data: IdentifyData) -> Reply:
    return Reply(encode(_Answer(data)), 200, [JSON_TYPE])
