"""The pages about people: the list, one person, one visitor, who is online, and what looks wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from footfall.clock import from_iso
from footfall.collect.online import Seen
from footfall.collect.visitors import read_visitor
from footfall.dashboard.core import Call, page_headers, redirect, render
from footfall.dashboard.drawing import day_text, draw
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import ApiError, BadRequest, NotFound
from footfall.identity import store
from footfall.identity.erase import ERASE_HANDLER, EraseCall
from footfall.identity.health import identity_health
from footfall.identity.ledger import MERGE_HANDLER, UNDO_HANDLER, MergeCall, UndoCall
from footfall.identity.ledger_endpoints import read_fact_id, read_ledger
from footfall.identity.reading import profile_of_visitor
from footfall.identity.refs import find_profile, no_such_person, read_ref
from footfall.ids import EVENT_BYTES, MAX_AT, format_uuid, parse_uuid
from footfall.people.endpoints import read_export, read_journey, read_page, read_person
from footfall.people.journey import event_entry, read_cursor
from footfall.people.reading import device_kind, read_activity
from footfall.people.wire import read_people_query
from footfall.web.envelope import JSON_TYPE, Reply
from footfall.web.json import encode
from footfall.websites.model import Website

sql = load(__file__, "people.sql")

PAGE = 50
MOST_TRAITS = 3
"""Traits that a list shows of a person."""
OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "exists": "is there",
    "missing": "is missing",
}
LIVE_SECONDS = 25
"""How long a stream of who is online lasts; browsers come back by themselves."""
_HIDDEN = frozenset(("name", "image", "email"))

_decode = msgspec.json.Decoder().decode


def has_visitors(tx: Transaction, website_id: bytes) -> bool:
    """Whether a pageview has come."""
    return tx.one(sql.any_visitor, (website_id,)) is not None


# The list


async def people(call: Call) -> Reply:
    """`GET /w/{websiteId}/people`: identified users; the whole view is in the address."""
    problem, offset = None, 0
    try:
        query = read_people_query({"limit": str(PAGE), "sort": "lastSeenAt", **_filters(call.query)})
        offset = query.offset
        rows, pagination = await call.services.database.scan(read_page, (call.site, query))
    except BadRequest as error:
        problem, rows, pagination = error.message, [], {"total": 0, "hasMore": False, "totalIsExact": True}
    rows = await call.services.database.scan(_with_activity, (call.site, rows))
    is_seen = bool(rows) or await call.services.database.read(has_visitors, call.site.website_id)
    values: dict[str, Any] = {
        "people": rows,
        "pagination": pagination,
        "problem": problem,
        "search": call.query.get("search", ""),
        "filters": [_shown_filter(call.query, name) for name in call.query if name.startswith("trait.")],
        "operators": OPERATORS,
        "is_filtered": any(name == "search" or name.startswith("trait.") for name in call.query),
        "is_seen": is_seen,
        "before": _page_address(call.query, offset - PAGE) if offset else None,
        "after": _page_address(call.query, offset + PAGE) if pagination["hasMore"] else None,
        "offset": offset,
    }
    if call.query.get("part") == "list":  # what search as you type asks for
        html = draw(
            "people_list.html",
            call=call,
            website=call.site,
            now=call.now,
            form_token=call.form_token(),
            **values,
        )
        return Reply(html.encode(), 200, page_headers(call))
    return render(call, "people.html", section="people", **values)


def _filters(query: dict[str, str]) -> dict[str, str]:
    """The query as the API has it. The form's fields `field`, `operator` and `text` are one more filter."""
    kept = {
        name: text
        for name, text in query.items()
        if name in ("search", "offset") or name.startswith("trait.")
    }
    if query.get("field"):
        operator, text = query.get("operator", "is"), query.get("text", "")
        query[f"trait.{query['field']}"] = kept[f"trait.{query['field']}"] = (
            operator if operator in ("exists", "missing") else f"{operator}:{text}"
        )
    return kept


def _shown_filter(query: dict[str, str], name: str) -> dict[str, str]:
    operator, separator, rest = query[name].partition(":")
    if query[name] in ("exists", "missing"):
        operator, rest = query[name], ""
    elif not separator or operator not in OPERATORS:
        operator, rest = "is", query[name]
    left = {
        key: text
        for key, text in query.items()
        if key in ("search",) or (key.startswith("trait.") and key != name)
    }
    return {
        "name": name.removeprefix("trait."),
        "parameter": name,
        "raw": query[name],
        "operator": OPERATORS[operator],
        "text": rest.replace(",", " or "),
        "without": "?" + urlencode(left),
    }


def _page_address(query: dict[str, str], offset: int) -> str:
    kept = {name: text for name, text in query.items() if name == "search" or name.startswith("trait.")}
    return "?" + urlencode(kept | ({"offset": str(offset)} if offset > 0 else {}))


def _with_activity(tx: Transaction, asked: tuple[Website, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """People with when they were seen, how often and with which devices."""
    website, rows = asked
    for row in rows:
        profile_id = bytes.fromhex(row["profileId"])
        members = [profile_id]
        if len(row["userIds"]) > 1:
            key = (website.website_id, profile_id)
            members = [member[0] for member in tx.all(store.sql.members_of_person, key)]
        row["activity"] = read_activity(tx, website.website_id, members)
        row["traits"] = [(key, value) for key, value in row["metadata"].items() if key not in _HIDDEN][
            :MOST_TRAITS
        ]
    return rows


# One person


async def person(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}`."""
    return await _show_person(call)


async def _show_person(
    call: Call, *, status: int = 200, problem: str | None = None, preview: Any = None
) -> Reply:
    database, ref = call.services.database, read_ref(call.context.path_values[1])
    with_reasons = call.query.get("why") == "1"
    found = await database.read(read_person, (call.site, ref, MAX_AT, with_reasons))
    if found is None:
        raise no_such_person()
    cursor = read_cursor(call.query.get("cursor"))
    entries: list[dict[str, Any]] = []
    following: bytes | None = None
    if page := await database.read(read_journey, (call.site, ref, cursor, PAGE, True)):
        entries, following = page
    ledger = (
        (await database.scan(read_ledger, (call.site, ref)) or [])
        if call.query.get("ledger") == "1"
        else None
    )
    return render(
        call,
        "person.html",
        status=status,
        section="people",
        person=found,
        days=_days(entries, call.site.timezone),
        following=following and following.hex(),
        is_first=not cursor,
        ledger=ledger,
        spans=_timeline(found, call.now),
        problem=problem,
        preview=preview,
        done=call.query.get("done"),
        ref=call.context.path_values[1],
    )


async def person_journey(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/journey`: the next entries, to be put below those that are there."""
    cursor = read_cursor(call.query.get("cursor"))
    asked = (call.site, read_ref(call.context.path_values[1]), cursor, PAGE, True)
    found = await call.services.database.read(read_journey, asked)
    if found is None:
        raise no_such_person()
    entries, following = found
    html = draw(
        "journey.html",
        call=call,
        website=call.site,
        days=_days(entries, call.site.timezone),
        following=following and following.hex(),
        ref=call.context.path_values[1],
    )
    return Reply(html.encode(), 200, page_headers(call))


def _days(
    entries: Iterable[dict[str, Any]], zone: str
) -> list[tuple[str, list[tuple[str | None, list[dict[str, Any]]]]]]:
    """Entries by day, and within a day by session."""
    return [
        (
            day,
            [
                (session, list(group))
                for session, group in groupby(of_day, key=lambda entry: entry["sessionId"])
            ],
        )
        for day, of_day in groupby(entries, key=lambda entry: day_text(entry["at"], zone))
    ]


def _timeline(person: dict[str, Any], now: int) -> list[dict[str, Any]]:
    """For each visitor the times for which it was this person, in per mille of the time since the first of them."""
    begin = min(from_iso(person["firstSeenAt"] or person["identifiedAt"]), from_iso(person["identifiedAt"]))
    length = max(now - begin, 1)
    rows = []
    for visitor in person["visitors"]:
        bars = []
        for span in visitor["spans"]:
            start = from_iso(span["from"]) if span["from"] else begin
            end = from_iso(span["until"]) if span["until"] else now
            x = 1000 * (start - begin) // length
            bars.append({"x": x, "width": max(6, 1000 * (end - begin) // length - x)})
        rows.append({**visitor, "bars": bars})
    return rows


async def merge(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/merge`: first what would come of it, then the merge."""
    other = call.form.get("other", "")
    is_preview = call.form.get("action") != "merge"
    found = await _person(call)
    request = MergeCall(
        call.site.website_id,
        call.site.profile_secret,
        (found["userId"], other),
        call.form.get("reason", "")[:500] or None,
        call.user.account_id,
        call.now,
        is_preview,
    )
    outcome = await call.services.database.write(MERGE_HANDLER, request)
    if isinstance(outcome, ApiError):
        return await _show_person(call, status=outcome.status, problem=outcome.message)
    if is_preview:
        return await _show_person(
            call, preview={"other": other, "reason": request.reason or "", "merged": outcome}
        )
    return redirect(call, f"{_path(call, outcome.profile_id.hex())}?done=merged&ledger=1#ledger")


async def undo(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/undo`."""
    request = UndoCall(
        call.site.website_id, read_fact_id(call.form.get("fact", "")), None, call.user.account_id, call.now
    )
    outcome = await call.services.database.write(UNDO_HANDLER, request)
    if isinstance(outcome, ApiError):
        return await _show_person(call, status=outcome.status, problem=outcome.message)
    ref = read_ref(call.context.path_values[1])
    is_there = await call.services.database.read(read_person, (call.site, ref, MAX_AT, False))
    if is_there is None:
        return redirect(call, f"/w/{call.site.website_id.hex()}/people")
    return redirect(call, f"{_path(call)}?done=undone&ledger=1#ledger")


async def erase(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/erase`: once the user id was typed."""
    found = await _person(call)
    if call.form.get("confirm", "") != found["userId"]:
        return await _show_person(
            call, status=400, problem="Type the user id exactly as it stands there to erase this person."
        )
    profile = await call.services.database.read(
        lambda tx, asked: find_profile(tx, *asked), (call.site, found["userId"])
    )
    if profile is None:
        raise no_such_person()
    request = EraseCall(
        call.site.website_id, call.site.profile_secret, profile.profile_id, secrets.token_bytes(16), call.now
    )
    receipt = await call.services.database.write(ERASE_HANDLER, request)
    if receipt is None:
        raise no_such_person()
    await call.services.database.scrub()
    return render(call, "erased.html", section="people", receipt=receipt)


async def export(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/export`: everything held, as a file."""
    found = await call.services.database.scan(read_export, (call.site, read_ref(call.context.path_values[1])))
    if found is None:
        raise no_such_person()
    headers = [
        JSON_TYPE,
        (b"content-disposition", b'attachment; filename="person.json"'),
        (b"cache-control", b"no-store"),
    ]
    return Reply(msgspec.json.format(encode(found), indent=2), 200, headers)


async def _person(call: Call) -> dict[str, Any]:
    ref = read_ref(call.context.path_values[1])
    found = await call.services.database.read(read_person, (call.site, ref, MAX_AT, False))
    if found is None:
        raise no_such_person()
    return found


def _path(call: Call, profile_id: str | None = None) -> str:
    ref = profile_id or quote(call.context.path_values[1], safe="")
    return f"/w/{call.site.website_id.hex()}/people/{ref}"


# One visitor


async def visitor(call: Call) -> Reply:
    """`GET /w/{websiteId}/visitors/{visitorId}`."""
    visitor_id = parse_uuid(call.context.path_values[1])
    found = None
    if visitor_id is not None:
        found = await call.services.database.read(read_visitor, (call.site.website_id, visitor_id, call.now))
    if found is None or visitor_id is None:
        raise NotFound("There is no such visitor in this website.")
    until = read_cursor(call.query.get("cursor"))[:EVENT_BYTES] or b"\xff" * EVENT_BYTES
    asked = (call.site.website_id, visitor_id, until, PAGE + 1)
    rows = await call.services.database.read(lambda tx, asked: tx.all(sql.events_before, asked), asked)
    entries = [event_entry(visitor_id, row) for row in rows]
    following = (entries[PAGE - 1][0]).hex() if len(entries) > PAGE else None
    return render(
        call,
        "visitor.html",
        section="people",
        visitor=msgspec.to_builtins(found),
        days=_days([entry for _, entry in entries[:PAGE]], call.site.timezone),
        following=following,
    )


# Who is online


async def live(call: Call) -> Reply:
    """`GET /w/{websiteId}/live`."""
    return render(call, "live.html", section="live", online=await _online(call))


async def live_stream(call: Call) -> Reply:
    """`GET /w/{websiteId}/live/stream`: the list again whenever it changes, as server-sent events."""
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    return Reply(b"retry: 1000\n\n", 200, headers, _live_events(call))


async def _live_events(call: Call) -> AsyncIterator[bytes]:
    before = ""
    for _ in range(LIVE_SECONDS):
        html = draw(
            "online.html", call=call, website=call.site, online=await _online(call), now=call.context.now
        )
        if html != before:
            yield b"data: " + html.replace("\n", " ").encode() + b"\n\n"
            before = html
        await asyncio.sleep(1)
        call.context.now += 1000


async def _online(call: Call) -> list[dict[str, Any]]:
    """Who was seen in the last five minutes, the latest first; the first hundred."""
    seen = call.services.online.visitors(call.site.website_id, call.now)
    return await call.services.database.read(_read_online, (call.site, seen[:100]))


def _read_online(tx: Transaction, asked: tuple[Website, list[tuple[bytes, Seen]]]) -> list[dict[str, Any]]:
    website, seen = asked
    shown = []
    for visitor_id, last in seen:
        row = tx.one(sql.visitor_seen, (website.website_id, visitor_id))
        profile = profile_of_visitor(tx, website.website_id, visitor_id)
        place = _decode(row[4]) if row and row[4] else {}
        shown.append(
            {
                "visitorId": format_uuid(visitor_id),
                "at": last.at,
                "url": last.url,
                "device": device_kind(row[3] if row else None),
                "country": place.get("country"),
                "profile": msgspec.to_builtins(profile) if profile else None,
            }
        )
    return shown


# What looks wrong


async def health(call: Call) -> Reply:
    """`GET /w/{websiteId}/health`."""
    await call.services.refused.flush()
    report = await call.services.database.scan(identity_health, call.site)
    return render(call, "health.html", section="health", report=report)
