"""One person and one visitor: the journey, why each value is there, merge, undo, export and erase."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from footfall.clock import from_iso
from footfall.collect.visitors import read_visitor
from footfall.dashboard.core import Call, Problem, attachment, page_headers, redirect, render, send_json
from footfall.dashboard.drawing import day_text, draw
from footfall.dashboard.people import sql
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, NotFound
from footfall.identity import store
from footfall.identity.erase import erase_call, erase_person
from footfall.identity.history import nobody
from footfall.identity.ledger import MERGE_HANDLER, UNDO_HANDLER, MergeCall, Merged, UndoCall
from footfall.identity.ledger_endpoints import (
    bytes_note,
    identity_json,
    read_fact_id,
    read_ledger,
    receipt_json,
)
from footfall.identity.refs import Ref, find_profile, no_such_person, profile_id_of, read_ref
from footfall.ids import MAX_AT, format_uuid, parse_uuid
from footfall.log import get_logger
from footfall.people.endpoints import read_export, read_journey, read_person
from footfall.people.journey import read_cursor, visitor_journey
from footfall.people.reading import device_kind, person_json
from footfall.web.envelope import Reply
from footfall.web.json import encode
from footfall.websites.model import Website

PAGE = 50
"""Entries of a journey that are shown at once."""

_log = get_logger("dashboard")
_decode = msgspec.json.Decoder().decode


# One person


async def person(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}`."""
    return await _show_person(call)


async def _show_person(
    call: Call, *, status: int = 200, problem: Problem | None = None, preview: Any = None
) -> Reply:
    with_reasons = call.query.get("why") == "1"
    found = await _person(call, with_reasons=with_reasons)
    asked = (call.site, read_ref(call.context.path_values[1]))
    with_ledger = call.query.get("ledger") == "1" or "fact" in call.form
    ledger, journey = None, Journey([], _path(call), True, None, {})
    if found["counts"]:
        journey = await _journey_of_person(call)
    if with_ledger or not found["counts"]:
        ledger = await call.services.database.scan(_read_ledger, asked, share=call.site.website_id)
    return render(
        call,
        "person.html",
        status=status,
        section="people",
        person=found,
        journey=journey,
        ledger=ledger,
        timeline=_timeline(found, call.now),
        problem=problem,
        preview=preview,
        done=call.query.get("done"),
        here=_path(call),
        with_reasons=with_reasons,
        with_ledger=with_ledger,
    )


def _read_ledger(tx: Transaction, asked: tuple[Website, Ref]) -> list[dict[str, Any]]:
    """The ledger as the API has it, but with user ids in place of the ids of the profiles that a merge joined.

    `said`: what each identify fact does to the traits, as (verb, name, value), with an empty value where it takes the trait away.
    """
    facts = read_ledger(tx, asked) or []
    for fact in facts:
        does = fact.get("operations", {})
        fact["said"] = [
            *((verb, *one) for verb in ("set", "set_once") for one in does.get(verb, {}).items()),
            *(("unset", name, "") for name in does.get("unset", ())),
        ]
        if merged := fact.get("merged"):
            keys = [(asked[0].website_id, bytes.fromhex(profile_id)) for profile_id in merged]
            fact["merged"] = [row[2] for row in tx.lookup(store.sql.profile_get, keys) if row is not None]
    return facts


async def person_journey(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/journey`: the next entries, to be put below those that are there."""
    return _draw_journey(call, await _journey_of_person(call))


class Visit(NamedTuple):
    """Entries of a journey that belong together. `visitor_id`: as on the wire."""

    visitor_id: str
    entries: list[dict[str, Any]]


class Journey(NamedTuple):
    """A part of a journey. `following`: the cursor of the next part; `devices`: what each visitor is, empty when there is one only."""

    days: list[tuple[str, list[Visit]]]
    path: str
    is_first: bool
    following: str | None
    devices: dict[str, str]


async def _journey_of_person(call: Call) -> Journey:
    asked = (call.site, read_ref(call.context.path_values[1]), _cursor(call), PAGE, True)
    found = await call.services.database.read(read_journey, asked)
    if found is None:
        raise no_such_person()
    devices = await call.services.database.read(_devices_of, asked[:2])
    return _journey(call, _path(call), found, devices if len(devices) > 1 else {})


def _devices_of(tx: Transaction, asked: tuple[Website, Ref]) -> dict[str, str]:
    """The kind of device of each visitor of a person."""
    website, ref = asked
    profile = find_profile(tx, website, ref)
    if profile is None:
        return {}
    rows = tx.all(store.sql.members_of_person, (website.website_id, profile.person_id))
    visitors = store.visitors_of(tx, website.website_id, [row[0] for row in rows])
    found = tx.lookup(sql.visitor_seen, [(website.website_id, visitor_id) for visitor_id in visitors])
    return {
        format_uuid(visitor_id): device_kind(row[3] if row else None)
        for visitor_id, row in zip(visitors, found, strict=True)
    }


def _cursor(call: Call) -> bytes:
    return read_cursor(call.query.get("cursor"))


def _journey(
    call: Call, path: str, found: tuple[list[dict[str, Any]], bytes | None], devices: dict[str, str]
) -> Journey:
    entries, following = found
    days = _days(entries, call.site.timezone)
    return Journey(days, path, not call.query.get("cursor"), following.hex() if following else None, devices)


def _draw_journey(call: Call, journey: Journey) -> Reply:
    html = draw("journey.html", website=call.site, journey=journey)
    return Reply(html.encode(), 200, page_headers(call))


def _days(entries: list[dict[str, Any]], zone: str) -> list[tuple[str, list[Visit]]]:
    """Entries by day, and within a day by session. What was said of a visitor lies in the session around it, if there is one."""
    sessions = [entry["sessionId"] or _session_around(entries, index) for index, entry in enumerate(entries)]
    keyed = zip(entries, sessions, strict=True)
    return [
        (day, [_visit(group) for _, group in groupby(of_day, key=lambda pair: pair[1])])
        for day, of_day in groupby(keyed, key=lambda pair: day_text(pair[0]["at"], zone))
    ]


def _visit(group: Iterable[tuple[dict[str, Any], str]]) -> Visit:
    entries = [entry for entry, _ in group]
    return Visit(entries[0]["visitorId"], entries)


def _session_around(entries: list[dict[str, Any]], index: int) -> str:
    """The session of the nearest entry of the same visitor; the visitor's own when no entry is a neighbour."""
    visitor_id: str = entries[index]["visitorId"]
    for step in (1, -1):
        other = index + step
        while 0 <= other < len(entries) and entries[other]["visitorId"] == visitor_id:
            if session := entries[other]["sessionId"]:
                return str(session)
            other += step
    return visitor_id


class Timeline(NamedTuple):
    """`begin`: ms since epoch; `rows`: each visitor with `bars`, the times for which it was this person, in per mille of those until now."""

    begin: int
    rows: list[dict[str, Any]]


def _timeline(person: dict[str, Any], now: int) -> Timeline:
    begin = min(from_iso(person["firstSeenAt"] or person["identifiedAt"]), from_iso(person["identifiedAt"]))
    length = max(now - begin, 1)
    rows = []
    for visitor in person["visitors"]:
        bars = []
        for span in visitor["spans"]:
            start = from_iso(span["from"] or visitor["firstSeenAt"] or person["identifiedAt"])
            end = from_iso(span["until"]) if span["until"] else now
            x = min(994, 1000 * (start - begin) // length)
            bars.append({"x": x, "width": max(6, 1000 * (end - begin) // length - x)})
        rows.append({**visitor, "bars": bars})
    return Timeline(begin, rows)


async def preview(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/merge`: what would come of a merge with `other`."""
    if "other" not in call.query:
        return redirect(call, _path(call))
    outcome = await _merge(call, call.query, is_preview=True)
    if isinstance(outcome, ApiError):
        return await _show_person(call, status=outcome.status, problem=_refused("other", outcome))
    return await _show_person(call, preview=outcome)


async def merge(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/merge`; why it is refused stands on the preview."""
    outcome = await _merge(call, call.form, is_preview=False)
    if isinstance(outcome, ApiError):
        asked = {name: call.form.get(name, "") for name in ("other", "reason")}
        return redirect(call, f"{_path(call)}/merge?{urlencode(asked)}#do")
    return redirect(call, f"{_path(call, outcome.profile_id.hex())}?done=merged&ledger=1")


async def _merge(call: Call, fields: dict[str, str], *, is_preview: bool) -> Merged | ApiError:
    request = MergeCall(
        call.site.website_id,
        call.site.profile_secret,
        ((await _person(call))["userId"], fields.get("other", "").strip()),
        None if is_preview else fields.get("reason", "")[:500] or None,
        call.user.account_id,
        call.now,
        is_preview,
    )
    outcome: Merged | ApiError = await call.services.database.write(MERGE_HANDLER, request)
    return outcome


def _refused(field: str, error: ApiError) -> Problem:
    """The problem with a form's field, without the name that the field has in the API."""
    said = error.message.partition(": ")[2] or error.message
    return Problem(field, said[:1].upper() + said[1:])


async def undo(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/undo`."""
    request = UndoCall(
        call.site.website_id,
        call.site.profile_secret,
        read_fact_id(call.form.get("fact", "")),
        None,
        call.user.account_id,
        call.now,
    )
    outcome = await call.services.database.write(UNDO_HANDLER, request)
    if isinstance(outcome, ApiError):
        return await _show_person(call, status=outcome.status, problem=_refused("", outcome))
    done = "still" if outcome.still_merged_by else "undone"
    return redirect(call, f"{_path(call)}?done={done}&ledger=1")


async def erase(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/erase`: once the user id was typed."""
    found = await _person(call)
    if call.form.get("confirm", "") != found["userId"]:
        problem = Problem("confirm", "Type the user id exactly as it stands there to erase this person.")
        return await _show_person(call, status=400, problem=problem)
    request = erase_call(call.site, bytes.fromhex(found["profileId"]), call.now)
    receipt, is_gone = await erase_person(call.services.database, request)
    if receipt is None:
        raise no_such_person()
    _log.info("person erased", erasure=receipt.erasure_id.hex(), account=call.user.account_id.hex())
    call.home = f"/w/{call.site.website_id.hex()}/people"
    return render(
        call,
        "erased.html",
        section="people",
        receipt=receipt,
        note=bytes_note(is_gone, call.services.database.engine),
        file=encode(receipt_json(receipt, is_gone, call.services.database.engine)).decode(),
    )


async def export(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/export`: everything held, as a file."""
    found = await call.services.database.scan(
        read_export, (call.site, read_ref(call.context.path_values[1])), share=call.site.website_id
    )
    if found is None:
        raise no_such_person()
    _log.info("person exported", profile=found["profile"]["profileId"], account=call.user.account_id.hex())
    return send_json(found, attachment(f"{call.site.domain}-person-{found['profile']['profileId']}.json"))


async def _person(call: Call, *, with_reasons: bool = False) -> dict[str, Any]:
    """The person in the address; `counts`: whether any fact about them does. Raises NotFound when there is none."""
    asked = (call.site, read_ref(call.context.path_values[1]), MAX_AT, with_reasons)
    database = call.services.database
    if with_reasons:
        found = await database.scan(read_person, asked, share=asked[0].website_id)
    else:
        found = await database.read(read_person, asked)
    counts = found is not None
    if found is None:
        found = await database.read(_read_nobody, asked[:2])
    if found is None:
        raise no_such_person()
    return {**found, "counts": counts}


def _read_nobody(tx: Transaction, asked: tuple[Website, Ref]) -> dict[str, Any] | None:
    """A person about whom there are facts, none of which counts, in the form of `read_person`."""
    website, ref = asked
    found = nobody(tx, website.website_id, profile_id_of(tx, website, ref))
    return None if found is None else identity_json(found) | person_json(tx, website.website_id, found)


def _path(call: Call, profile_id: str | None = None) -> str:
    ref = profile_id or quote(call.context.path_values[1], safe=":")
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
    return render(
        call,
        "visitor.html",
        section="people",
        visitor=_decode(encode(found)),
        journey=await _journey_of_visitor(call, visitor_id),
    )


async def visitor_page(call: Call) -> Reply:
    """`GET /w/{websiteId}/visitors/{visitorId}/journey`: the next entries."""
    visitor_id = parse_uuid(call.context.path_values[1])
    if visitor_id is None:
        raise NotFound("There is no such visitor in this website.")
    return _draw_journey(call, await _journey_of_visitor(call, visitor_id))


async def _journey_of_visitor(call: Call, visitor_id: bytes) -> Journey:
    cursor = _cursor(call)
    found = await call.services.database.read(
        lambda tx, website_id: visitor_journey(tx, website_id, visitor_id, cursor, PAGE), call.site.website_id
    )
    path = f"/w/{call.site.website_id.hex()}/visitors/{format_uuid(visitor_id)}"
    return _journey(call, path, found, {})
