"""`POST /api/v1/identify`, one call or many."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable
from typing import Any

import msgspec

from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database
from footfall.errors import ApiError, BadRequest
from footfall.identity.identify.model import BeforeErasure, Identified, IdentifyCall
from footfall.identity.identify.service import IDENTIFY_HANDLER, PREVIEW_HANDLER
from footfall.identity.identify.wire import Identify, JunkUserId, read_identify
from footfall.identity.model import SERVER, Warn
from footfall.web.batch import BatchReader, Charge, Item, failed, submit_all
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Response
from footfall.web.json import decode_object, encode
from footfall.websites.counts import Counts

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


class Identifying:
    """The handlers, on one database. `charge` counts calls of a credential against its rate limit."""

    def __init__(self, database: Database, refused: Counts, charge: Charge) -> None:
        self._database = database
        self._refused = refused
        self._charge = charge
        self._batches = itertools.count()
        """Numbers for the batches that come."""
        self._reader = BatchReader(read_identify, "identify calls")

    async def identify(self, context: Context[WebsitePrincipal]) -> Response:
        """Says which user a visitor is. Answers 200 once the fact is on disk; with `?dry_run=1`, what would come of it."""
        is_dry_run = read_dry_run(context)
        said = self._read(context, decode_object(context.body))
        if is_dry_run:
            (outcome,) = await self._preview(context, [said])
        else:
            outcome = await self._submit(context, said)
        return Response(
            encode(_Answer(_data(context, outcome, said, is_dry_run=is_dry_run))), 200, [JSON_TYPE]
        )

    async def batch(self, context: Context[WebsitePrincipal]) -> Response:
        """Many calls in one, each answered in order with a status of its own; `?dry_run=1` as for one."""
        calls = await self._reader.read(context)
        if len(calls) > 1:
            context.limits[:] = self._charge(
                context.principal.caller.credential_id, context.now, len(calls) - 1
            )
        self._count_junk(context, calls)
        is_dry_run, bulk = read_dry_run(context), next(self._batches)
        waiting: list[Any]
        if is_dry_run:
            waiting = await self._preview_all(context, calls)
        else:
            waiting = await submit_all(calls, lambda said: self._submit(context, said, bulk))
        items = [
            await _finish_item(context, said, outcome, is_dry_run=is_dry_run)
            for said, outcome in zip(calls, waiting, strict=True)
        ]
        return Response(encode({"status": "success", "data": items}), 200, [JSON_TYPE])

    async def _preview_all(
        self, context: Context[WebsitePrincipal], calls: list[Identify | ApiError]
    ) -> list[Any]:
        """What would become of each call, together: each has to see those before it, which are not stored."""
        said = [one for one in calls if not isinstance(one, ApiError)]
        outcomes = iter(await self._preview(context, said) if said else [])
        return [one if isinstance(one, ApiError) else next(outcomes) for one in calls]

    def _count_junk(self, context: Context[WebsitePrincipal], calls: list[Identify | ApiError]) -> None:
        for one in calls:
            if isinstance(one, JunkUserId):
                self._refused.add(context.principal.website.website_id, context.now, SERVER)

    def _read(self, context: Context[WebsitePrincipal], body: dict[str, Any]) -> Identify:
        try:
            return read_identify(body)
        except JunkUserId:
            self._refused.add(context.principal.website.website_id, context.now, SERVER)
            raise

    def _submit(
        self, context: Context[WebsitePrincipal], said: Identify, bulk: int | None = None
    ) -> Awaitable[Any]:
        """The outcome to come; None on a cookieless website. Raises Unavailable."""
        if context.principal.website.is_cookieless:
            return _nothing()
        return self._database.write(IDENTIFY_HANDLER, _call(context, said), bulk=bulk)

    async def _preview(self, context: Context[WebsitePrincipal], said: list[Identify]) -> list[Any]:
        """What the outcomes would be, one after the other; None on a cookieless website. Raises Unavailable."""
        if context.principal.website.is_cookieless:
            return [None] * len(said)
        calls = [_call(context, one) for one in said]
        outcomes: list[Any] = await self._database.write(
            PREVIEW_HANDLER, calls, bulk=next(self._batches) if len(calls) > 1 else None
        )
        return outcomes


async def _nothing() -> None:
    """The outcome of a call that is not stored."""


def _call(context: Context[WebsitePrincipal], said: Identify) -> IdentifyCall:
    website, credential_id = context.principal.website, context.principal.caller.credential_id
    return IdentifyCall(
        website.website_id, website.profile_secret, said, SERVER, True, credential_id, context.now
    )


async def _finish_item(
    context: Context[WebsitePrincipal], said: Identify | ApiError, outcome: Any, *, is_dry_run: bool
) -> Item:
    """The answer to a call; `outcome` may be still to come."""
    if isinstance(said, ApiError):
        return failed(said)
    try:
        found = await outcome if isinstance(outcome, Awaitable) else outcome
        return Item(200, data=_data(context, found, said, is_dry_run=is_dry_run))
    except ApiError as error:
        return failed(error)


def _data(
    context: Context[WebsitePrincipal], outcome: Any, said: Identify, *, is_dry_run: bool
) -> IdentifyData:
    """`data` for what the handler gave. Raises the ApiError that it may be."""
    if outcome is None:
        return not_stored("This website is cookieless: nothing was stored", said.warnings)
    if isinstance(outcome, ApiError):
        raise outcome
    data = identify_data(outcome, said, may_read=context.principal.caller.may("analytics:read"))
    return _previewed(data) if is_dry_run else data


def read_dry_run(context: Context[WebsitePrincipal]) -> bool:
    """Whether the call asks only what would come of it. Raises BadRequest."""
    value = context.query().get("dry_run", "0") if context.query_string else "0"
    if value not in ("0", "1"):
        raise BadRequest("dry_run must be 1, or 0.")
    return value == "1"


def _previewed(data: IdentifyData) -> IdentifyData:
    data.message, data.persisted = "This was a dry run: nothing was stored", False
    return data


def identify_data(outcome: Identified | BeforeErasure, said: Identify, *, may_read: bool) -> IdentifyData:
    """`data` for an outcome; who may not read is not told about other visitors and users."""
    if isinstance(outcome, BeforeErasure):
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
