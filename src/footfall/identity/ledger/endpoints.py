"""Routes that work on the ledger: merge, undo, show, and explain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from footfall.auth.principal import WebsitePrincipal
from footfall.auth.store import key_names
from footfall.clock import from_iso
from footfall.db.protocol import Database, Transaction
from footfall.errors import ApiError, BadRequest
from footfall.identity.audit.health import identity_health
from footfall.identity.fold import everybody_of
from footfall.identity.identify.wire import health_json, ledger_json, read_user_id
from footfall.identity.ledger.merge import MERGE_HANDLER, MergeCall, Merged
from footfall.identity.ledger.show import LedgerPart, ledger_of
from footfall.identity.ledger.undo import UNDO_HANDLER, UndoCall, Undone
from footfall.identity.refs import Ref, no_such_person, read_ref, resolve_profile
from footfall.ids import FACT_BYTES, format_uuid
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object
from footfall.web.parameters import read_cursor, read_hex, read_number_parameter, read_order
from footfall.websites.counts import Counts
from footfall.websites.model import Website

MAX_REASON = 500
"""Characters of the reason that a merge or undo may give."""
LEDGER_LIMIT = 1000
"""Facts that an answer holds, and the most that may be asked for."""


class Ledger:
    """The handlers, on one database."""

    def __init__(self, database: Database, refused: Counts) -> None:
        self._database = database
        self._refused = refused

    async def merge(self, context: Context[WebsitePrincipal]) -> Response:
        """Says that two users are one person; with `dryRun`, only what would come of it."""
        body = decode_object(context.body)
        website = context.principal.website
        call = MergeCall(
            website.website_id,
            website.profile_secret,
            read_pair(body),
            read_reason(body),
            context.principal.caller.credential_id,
            context.now,
            read_flag(body, "dryRun"),
        )
        outcome = await self._database.write(MERGE_HANDLER, call)
        if isinstance(outcome, ApiError):
            raise outcome
        may_read = context.principal.caller.may("analytics:read")
        return await asyncio.to_thread(_merged_reply, outcome, is_dry_run=call.is_dry_run, may_read=may_read)

    async def undo(self, context: Context[WebsitePrincipal]) -> Response:
        """Says that a fact does not count; undoing an undo restores."""
        fact_id = read_fact_id(context.path_values[0])
        body = decode_object(context.body) if context.body else {}
        website = context.principal.website
        call = UndoCall(
            website.website_id,
            website.profile_secret,
            fact_id,
            read_reason(body),
            context.principal.caller.credential_id,
            context.now,
        )
        outcome = await self._database.write(UNDO_HANDLER, call)
        if isinstance(outcome, ApiError):
            raise outcome
        return success(_undone_json(outcome))

    async def ledger(self, context: Context[WebsitePrincipal]) -> Response:
        """Every fact about a person, oldest or newest first, by cursor."""
        query = context.query()
        asked = LedgerQuery(
            context.principal.website,
            read_ref(context.path_values[0]),
            read_cursor(query.get("cursor"), FACT_BYTES, FACT_BYTES, "ledger"),
            read_number_parameter(query, "limit", LEDGER_LIMIT, 1, LEDGER_LIMIT),
            read_order(query, "asc") == "desc",
        )
        answer = await self._database.scan(_answer_ledger, asked, share=context.principal.website.website_id)
        if answer is None:
            raise no_such_person()
        return answer

    async def health(self, context: Context[WebsitePrincipal]) -> Response:
        """What looks wrong in this website's identities."""
        await self._refused.flush()
        return await self._database.scan(
            _answer_health, context.principal.website, share=context.principal.website.website_id
        )


class LedgerQuery(NamedTuple):
    """Which facts about a person: see `ledger_of`."""

    website: Website
    ref: Ref
    cursor: bytes = b""
    limit: int = LEDGER_LIMIT
    newest_first: bool = False


def read_ledger(tx: Transaction, asked: LedgerQuery) -> LedgerPart | None:
    """Facts about a person, whether or not they count; None when there is nobody."""
    website_id = asked.website.website_id
    users = everybody_of(tx, website_id, resolve_profile(tx, asked.website, asked.ref))
    if not users:
        return None
    return ledger_of(
        tx,
        website_id,
        users,
        key_names(tx, website_id),
        asked.cursor,
        asked.limit,
        newest_first=asked.newest_first,
    )


def _answer_ledger(tx: Transaction, asked: LedgerQuery) -> Response | None:
    """The same as an answer, which may be long."""
    found = read_ledger(tx, asked)
    if found is None:
        return None
    following = found.following and found.following.hex()
    shown = [ledger_json(entry) for entry in found.entries]
    return success(shown, pagination={"limit": asked.limit, "nextCursor": following})


def _answer_health(tx: Transaction, website: Website) -> Response:
    return success(health_json(identity_health(tx, website)))


def read_pair(body: Mapping[str, Any]) -> tuple[str, str]:
    """`userIds` of a merge. Raises BadRequest."""
    users = body.get("userIds")
    if not isinstance(users, list) or len(users) != 2:
        raise BadRequest('userIds must be a list of two user ids, such as ["user_1", "user_2"].')
    first, second = (read_user_id(user) for user in users)
    return first, second


def read_reason(body: Mapping[str, Any]) -> str | None:
    """The optional `reason`. Raises BadRequest."""
    reason = body.get("reason")
    if reason is None or (type(reason) is str and len(reason) <= MAX_REASON):
        return reason
    raise BadRequest(f"reason must be a text of at most {MAX_REASON} characters.")


def read_flag(body: Mapping[str, Any], field: str) -> bool:
    """An optional true or false. Raises BadRequest."""
    value = body.get(field, False)
    if type(value) is not bool:
        raise BadRequest(f"{field} must be true or false.")
    return value


def read_fact_id(text: str) -> bytes:
    """A fact id from its path segment. Raises BadRequest."""
    fact_id = read_hex(text, FACT_BYTES, FACT_BYTES)
    if fact_id is None:
        raise BadRequest("The fact id in the path must be 32 hex digits, as identify answers them.")
    return fact_id


def read_as_of(query: Mapping[str, str]) -> int | None:
    """The optional `as_of` of a query, in ms since epoch. Raises BadRequest."""
    text = query.get("as_of")
    if text is None:
        return None
    try:
        return from_iso(text)
    except (ValueError, OverflowError):
        raise BadRequest(
            "as_of must be an ISO 8601 time with a zone, such as 2026-05-05T12:00:00Z."
        ) from None


def _merged_reply(merged: Merged, *, is_dry_run: bool, may_read: bool) -> Response:
    """The survivor, who may have any number of visitors; who may not read is not told about the person."""
    told = {
        "userId": merged.user_id,
        "userIds": merged.user_ids,
        "visitors": [format_uuid(visitor_id) for visitor_id in merged.visitor_ids],
        "metadata": merged.metadata,
        "leftOut": merged.left_out,
    }
    shown = {
        "message": "These users would be one person" if is_dry_run else "These users are one person now",
        "factId": None if is_dry_run else merged.fact_id.hex(),
        "dryRun": is_dry_run,
        "profileId": merged.profile_id.hex(),
        **(told if may_read else dict.fromkeys(told)),
    }
    return success(shown)


def _undone_json(undone: Undone) -> dict[str, Any]:
    return {
        "message": "This fact does not count any more" if undone.is_new else "This fact was undone before",
        "factId": undone.fact_id.hex(),
        "undone": undone.target_id.hex(),
        "kind": undone.kind,
        "stillMergedBy": [fact_id.hex() for fact_id in undone.still_merged_by],
    }
