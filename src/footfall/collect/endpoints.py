"""`POST /api/events`: what the tracking script and the SDKs send."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import msgspec

from footfall.clock import DAY_MS, Clock, elapsed_clock
from footfall.collect.drops import Drops
from footfall.collect.enrich.geo import Geo
from footfall.collect.model import IDENTIFY, Dropped, Hit, Reason
from footfall.collect.online import Online
from footfall.collect.pipeline import Arrival, drop_reason, is_cookieless, read_hit
from footfall.collect.service import RECORD_HANDLER, SALT_HANDLER, SALTS_DESTROY_HANDLER, is_identified
from footfall.db.protocol import Database
from footfall.directory import Directory
from footfall.errors import ApiError, BadRequest
from footfall.identity.identify.endpoints import identify_data
from footfall.identity.identify.model import MAX_UNSIGNED_A_DAY, IdentifyCall, TooMany
from footfall.identity.identify.service import IDENTIFY_HANDLER
from footfall.identity.identify.wire import JunkUserId, read_browser_identify
from footfall.identity.model import BROWSER
from footfall.identity.signing import is_signed
from footfall.ids import EventIds, format_uuid, parse_uuid
from footfall.web.address import ClientAddress
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Response
from footfall.web.json import decode_object, encode
from footfall.websites.counts import Counts
from footfall.websites.model import Website

JUMP_MS = 60_000
"""How far a clock must be moved to count as a jump."""
STEADY_MS = 3_600_000
"""How long a clock must have run without a jump before it may end a day."""
_NO_WEBSITE = b""
_TOO_MANY = f"A visitor may send {MAX_UNSIGNED_A_DAY} unsigned identify events a day"
_ACCEPTED = encode({"status": "success"})


class DailySalt:
    """The salt of the current UTC day, shared by all processes through the database.

    A day's salt is destroyed when the day is over, by a clock that is steady. One that jumped may come back, and an hour later than it
    jumped, or than the server was started, it is believed. `elapsed`: a clock that nobody sets.
    """

    def __init__(self, database: Database, elapsed: Clock = elapsed_clock) -> None:
        self._database = database
        self._elapsed = elapsed
        self._day = -1
        self._salt = b""
        self._lock = asyncio.Lock()
        self._steady_since = elapsed()
        self._offset: int | None = None
        self._turned = -1

    async def at(self, now: int) -> bytes:
        """The salt of the day of `now` (ms since epoch)."""
        day = now // DAY_MS
        if day != self._day:
            async with self._lock:
                if day != self._day:
                    self._salt = await self._database.write(SALT_HANDLER, (day, secrets.token_bytes(32)))
                    self._day = day
        return self._salt

    async def turn(self, now: int) -> None:
        """Destroy the salts of days before that of `now` (ms since epoch), even when no events come in."""
        day = now // DAY_MS
        if self._is_steady(now) and day != self._turned:
            await self._database.write(SALTS_DESTROY_HANDLER, day)
            self._turned = day
            await self._database.scrub()

    def _is_steady(self, now: int) -> bool:
        """Whether the clock has run steadily for long enough. Small corrections are fine."""
        elapsed = self._elapsed()
        offset = now - elapsed
        if self._offset is not None and abs(offset - self._offset) > JUMP_MS:
            self._steady_since = elapsed
        self._offset = offset
        return elapsed - self._steady_since >= STEADY_MS


class Collector:
    """Takes events. Refused user ids are counted in `refused`, dropped hits in `dropped`."""

    def __init__(
        self, database: Database, directory: Directory, geo: Geo, address: ClientAddress, refused: Counts
    ) -> None:
        self.online = Online()
        self.dropped = Drops(database)
        self._refused = refused
        self._database = database
        self._directory = directory
        self._geo = geo
        self._address = address
        self.salt = DailySalt(database)
        self.new_event_id = EventIds()

    async def events(self, context: Context[None]) -> Response:
        """Takes one event and answers 200 once it is on disk, or says why it was dropped."""
        body = decode_object(context.body)
        website = self._directory.by_tracking_id.get(_text(body.get("websiteId")))
        user_agent = context.header(b"user-agent")
        dropped = drop_reason(website, user_agent)
        if dropped is not None or website is None:
            return self._drop(website, dropped or Dropped(Reason.UNKNOWN_WEBSITE), context.now)
        address = self._address.find(context.peer, context.headers)
        needs_salt = is_cookieless(body, website)
        arrival = Arrival(
            context.now,
            self.new_event_id(context.now),
            user_agent,
            address,
            self._geo.place(address),
            await self.salt.at(context.now) if needs_salt else b"",
        )
        hit = read_hit(body, website, arrival)
        if isinstance(hit, Dropped):
            return self._drop(website, hit, context.now)
        named = hit.visitor_id if needs_salt else None
        if "replaces" in body and not needs_salt and (named := await self._identified_before(body, hit)):
            hit = msgspec.structs.replace(hit, visitor_id=named)
        if hit.type == IDENTIFY:
            if needs_salt:
                return self._drop(website, Dropped(Reason.COOKIELESS), context.now, named)
            return await self._identify(body, website, hit, named, context.now)
        await self._database.write(RECORD_HANDLER, hit)
        self.online.see(hit.website_id, hit.visitor_id, hit.at)
        return Response(_ACCEPTED if named is None else _success(named), 200, [JSON_TYPE])

    async def _identified_before(self, body: dict[str, Any], hit: Hit) -> bytes | None:
        """The visitor whom the page's id replaced, when they were identified: no link takes their place.

        Anybody may ask. Who knows a visitor's id learns whether it is somebody's, and can send events of that visitor anyway.
        """
        visitor_id = parse_uuid(body["replaces"])
        if visitor_id is None or visitor_id == hit.visitor_id:
            return None
        is_known = await self._database.read(is_identified, (hit.website_id, visitor_id))
        return visitor_id if is_known else None

    async def _identify(
        self, body: dict[str, Any], website: Website, hit: Hit, named: bytes | None, now: int
    ) -> Response:
        extra = body.get("extraData")
        fields = extra if isinstance(extra, dict) else {}
        try:
            said = read_browser_identify(fields, hit.visitor_id)
        except BadRequest as error:
            if isinstance(error, JunkUserId):
                self._refused.add(website.website_id, now, BROWSER)
            return self._drop(website, Dropped(Reason.INVALID_IDENTIFY, error.message), now)
        is_trusted = is_signed(website.signing_secrets, said.user_id, fields.get("user_hash"))
        if website.is_signature_required and not is_trusted:
            return self._drop(website, Dropped(Reason.UNSIGNED, "user_hash is missing or wrong"), now)
        call = IdentifyCall(website.website_id, website.profile_secret, said, BROWSER, is_trusted, None, now)
        outcome = await self._database.write(IDENTIFY_HANDLER, call)
        if isinstance(outcome, ApiError):
            return self._drop(website, Dropped(Reason.INVALID_IDENTIFY, outcome.message), now)
        if isinstance(outcome, TooMany):
            return self._drop(website, Dropped(Reason.TOO_MANY, _TOO_MANY), now)
        data = identify_data(outcome, said, may_read=False)
        return Response(_success(named, warnings=data.warnings), 200, [JSON_TYPE])

    def _drop(
        self, website: Website | None, dropped: Dropped, now: int, named: bytes | None = None
    ) -> Response:
        self.dropped.add(website.website_id if website else _NO_WEBSITE, now, dropped)
        body: dict[str, Any] = {"status": "success", "dropped": dropped.reason.value}
        if dropped.message:
            body["message"] = dropped.message
        if named is not None:
            body["visitorId"] = format_uuid(named)
        return Response(
            encode(body), 200, [JSON_TYPE, (b"x-footfall-dropped", dropped.reason.value.encode())]
        )


def _success(named: bytes | None, **more: object) -> bytes:
    """The body for an event that is kept; `named`: the visitor whom it tells the page of."""
    who = {} if named is None else {"visitorId": format_uuid(named)}
    return encode({"status": "success", **who, **more})


def _text(value: object) -> str:
    return value if type(value) is str else ""
