"""One person: the journey, why each value is there, undo, export and erase."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from footfall.clock import from_iso
from footfall.dashboard.core import Call, Problem, apart, attachment, redirect, render
from footfall.dashboard.drawing import clock_text, plain
from footfall.dashboard.journey import Journey, draw_journey, empty_journey, read_part, shown_journey
from footfall.db.protocol import Params, Transaction
from footfall.errors import ApiError
from footfall.identity import store
from footfall.identity.history import Person, PersonThen, facts_json, nobody, person_now, person_then
from footfall.identity.ledger import UNDO_HANDLER, UndoCall
from footfall.identity.ledger_endpoints import (
    LedgerQuery,
    read_fact_id,
    read_ledger,
)
from footfall.identity.model import UNDO
from footfall.identity.refs import Ref, no_such_person, profile_id_of, read_ref
from footfall.ids import FACT_BYTES
from footfall.log import get_logger
from footfall.people.endpoints import PersonQuery, read_export, read_journey_cursor, show_person
from footfall.people.export import stream_parts
from footfall.people.journey import journey
from footfall.people.reading import KEY_BYTES
from footfall.privacy.endpoints import bytes_note, receipt_json
from footfall.privacy.erase import erase_call, is_being_erased, profile_to_erase
from footfall.web.envelope import JSON_TYPE, Reply
from footfall.web.json import encode
from footfall.web.parameters import read_cursor
from footfall.websites.model import Website

PAGE = 50
"""Entries of a journey, devices, and facts of a ledger that are shown at once."""
MOST_TRAITS, MOST_DEVICES = 20, 6
"""Beyond so many they are folded."""
MOST_SPANS = 20
"""Times at which a device was this person that are shown of it, the newest."""
MOST_UNDONE = 10
"""Undos of undos that are followed to what they are about."""

_log = get_logger("dashboard")


async def person(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}`."""
    return await _show_person(call)


class _Asked(NamedTuple):
    """What a page shows. `journey`: where it goes on; `ledger`: the same, None when it is not to be seen."""

    person: PersonQuery
    journey: bytes
    ledger: bytes | None


class _Found(NamedTuple):
    """`counts`: whether any fact about the person does; `devices`, `facts`: the cursors of the next, if there are more."""

    person: dict[str, Any]
    counts: bool
    devices: bytes | None
    journey: Journey
    ledger: list[dict[str, Any]] | None
    facts: bytes | None


async def _show_person(call: Call, *, status: int = 200, problem: Problem | None = None) -> Reply:
    with_reasons = call.query.get("why") == "1"
    with_ledger = call.query.get("ledger") == "1" or "fact" in call.form
    devices = read_cursor(call.query.get("devices"), KEY_BYTES, KEY_BYTES, "person")
    facts = read_cursor(call.query.get("facts"), FACT_BYTES, FACT_BYTES, "ledger")
    query = PersonQuery(call.site, ref_of(call), with_reasons=with_reasons, cursor=devices, limit=PAGE)
    asked = _Asked(query, read_journey_cursor(call.query.get("cursor")), facts if with_ledger else None)
    found = await call.services.database.scan(_read_page, asked, share=call.site.website_id)
    if found is None:
        raise no_such_person()
    # A page of much text takes its time.
    return await apart(
        lambda: render(
            call,
            "person.html",
            status=status,
            section="people",
            person={**found.person, "counts": found.counts},
            journey=found.journey,
            ledger=found.ledger,
            facts=found.facts and found.facts.hex(),
            timeline=timeline(found.person, call.now),
            devices=found.devices and found.devices.hex(),
            problem=problem,
            done=call.query.get("done"),
            here=path_of(call),
            with_reasons=with_reasons,
            with_ledger=with_ledger,
            is_first={"devices": not devices, "facts": not facts},
            most_traits=MOST_TRAITS,
            most_devices=MOST_DEVICES,
        )
    )


def _read_page(tx: Transaction, asked: _Asked) -> _Found | None:
    query = asked.person
    website, key = query.website, (query.website.website_id, profile_id_of(tx, query.website, query.ref))
    read = person_then if query.with_reasons else person_now
    standing: Person | PersonThen | None = read(tx, *key)
    found = standing or nobody(tx, *key)
    if found is None:
        return None
    shown, devices = show_person(tx, found, query)
    path = f"/w/{website.website_id.hex()}/people/{_segment(query.ref)}"
    part = empty_journey(path)
    if standing is not None:
        part = _part_of(tx, website, standing, asked.journey, path)
    ledger, facts = None, None
    if asked.ledger is not None or standing is None:
        ledger, facts = read_facts(tx, website, query.ref, asked.ledger or b"")
    return _Found(shown, standing is not None, devices, part, ledger, facts)


def _part_of(tx: Transaction, website: Website, person: Person, cursor: bytes, path: str) -> Journey:
    found = journey(tx, website.website_id, person, cursor, PAGE, newest_first=True)
    part = read_part(tx, website, found, with_devices=len(person.spans) > 1)
    return shown_journey(part, website, path, is_first=not cursor)


def read_facts(
    tx: Transaction, website: Website, ref: Ref, cursor: bytes
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The ledger as the API has it, newest first, but with user ids in place of the ids of the profiles that a merge joined.

    `said`: what each identify fact does to the traits, as (verb, name, value), with an empty value where it takes the trait away;
    `undid`: what an undo is about.
    """
    facts, following = read_ledger(tx, LedgerQuery(website, ref, cursor, PAGE, True)) or ([], None)
    for fact in facts:
        fact["said"] = _said(fact)
        fact["merged"] = _merged_users(tx, website.website_id, fact)
        fact["undid"] = _undid(tx, website, fact) if fact["kind"] == UNDO else None
    return facts, following


def _said(fact: dict[str, Any]) -> list[tuple[str, str, Any]]:
    does = fact.get("operations", {})
    return [
        *((verb, *one) for verb in ("set", "set_once") for one in sorted(does.get(verb, {}).items())),
        *(("unset", name, "") for name in sorted(does.get("unset", ()))),
    ]


def _merged_users(tx: Transaction, website_id: bytes, fact: dict[str, Any]) -> list[str]:
    """The user ids of the profiles that a merge joined."""
    keys: list[Params] = [(website_id, bytes.fromhex(one)) for one in fact.get("merged", ())]
    return [row.user_id for row in tx.lookup(store.sql.profile_get, keys) if row is not None]


def _undid(tx: Transaction, website: Website, undo: dict[str, Any]) -> str:
    """What an undo took back, or gave back, such as `undo of identify user_1 of 5 May 2026, 12:00 UTC`."""
    words = ""
    for _ in range(MOST_UNDONE):
        row = tx.one(store.sql.fact_get, (website.website_id, bytes.fromhex(undo["undone"])))
        if row is None:
            return words + "a fact that is gone"
        undo = _only(facts_json(tx, website.website_id, [row], {}))
        if undo["kind"] != UNDO:
            break
        words += "undo of "
    who = " with ".join(_merged_users(tx, website.website_id, undo)) or undo["userId"]
    return f"{words}{undo['kind']} {plain(who)} of {clock_text(undo['at'], website.timezone)}"


def _only(facts: list[dict[str, Any]]) -> dict[str, Any]:
    (fact,) = facts
    return fact


async def person_journey(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/journey`: the next entries, to be put below those that are there."""
    asked = (call.site, ref_of(call), read_journey_cursor(call.query.get("cursor")))
    found = await call.services.database.scan(_read_journey, asked, share=call.site.website_id)
    if found is None:
        raise no_such_person()
    return await draw_journey(call, found)


def _read_journey(tx: Transaction, asked: tuple[Website, Ref, bytes]) -> Journey | None:
    website, ref, cursor = asked
    person = person_now(tx, website.website_id, profile_id_of(tx, website, ref))
    path = f"/w/{website.website_id.hex()}/people/{_segment(ref)}"
    return None if person is None else _part_of(tx, website, person, cursor, path)


class Timeline(NamedTuple):
    """`begin`: ms since epoch; `rows`: each visitor with `bars`, the times for which it was this person, in per mille of those until now.

    A bar ends when the visitor was last seen. `reasons`: why it was this person; `older`: how many more times it was.
    """

    begin: int
    rows: list[dict[str, Any]]


def timeline(person: dict[str, Any], now: int) -> Timeline:
    """How the visitors of a person lie in time, with the reasons for each of them."""
    begin = min(from_iso(person["firstSeenAt"] or person["identifiedAt"]), from_iso(person["identifiedAt"]))
    reasons: dict[str, list[dict[str, Any]]] = {}
    for link in person.get("explain", {}).get("links", ()):
        reasons.setdefault(link["visitorId"], []).append(link)
    rows = []
    for visitor in person["visitors"]:
        spans = visitor["spans"][-MOST_SPANS:]
        shown = {
            "spans": spans,
            "bars": [_bar(span, visitor, person, begin, now) for span in spans],
            "older": len(visitor["spans"]) - len(spans),
            "reasons": reasons.get(visitor["visitorId"], [])[-MOST_SPANS:],
        }
        rows.append({**visitor, **shown})
    return Timeline(begin, rows)


def _bar(
    span: dict[str, Any], visitor: dict[str, Any], person: dict[str, Any], begin: int, now: int
) -> dict[str, int]:
    length = max(now - begin, 1)
    start = from_iso(span["from"] or visitor["firstSeenAt"] or person["identifiedAt"])
    last = from_iso(visitor["lastSeenAt"]) if visitor["lastSeenAt"] else start
    end = min(from_iso(span["until"]), last) if span["until"] else last
    x = max(0, min(994, 1000 * (start - begin) // length))
    return {"x": x, "width": min(1000 - x, max(6, 1000 * (end - begin) // length - x))}


def refused(field: str, error: ApiError) -> Problem:
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
        return await _show_person(call, status=outcome.status, problem=refused("", outcome))
    done = "still" if outcome.still_merged_by else "undone"
    if "other" in call.form:  # it stood on the page of a merge
        return redirect(
            call, f"{path_of(call)}/merge?{urlencode({'other': call.form['other'], 'done': done})}"
        )
    return redirect(call, f"{path_of(call)}?done={done}&ledger=1")


async def erase(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/erase`: once the user id was typed."""
    profile_id = await call.services.database.read(profile_to_erase, (call.site, ref_of(call)))
    key = (call.site.website_id, profile_id)
    if not await call.services.database.read(is_being_erased, key):  # else it was typed before
        found = await user_of(call)
        if call.form.get("confirm", "") != found.user_id:
            problem = Problem("confirm", "Type the user id exactly as it stands there to erase this person.")
            return await _show_person(call, status=400, problem=problem)
        profile_id = found.profile_id
    request = erase_call(call.site, profile_id, call.now)
    receipt, is_gone = await call.services.erasing.erase_person(call.services.database, request)
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
    user = await user_of(call)
    parts = await call.services.database.scan(
        read_export, (call.site, ref_of(call)), share=call.site.website_id
    )
    if parts is None:
        raise no_such_person()
    _log.info("person exported", profile=user.profile_id.hex(), account=call.user.account_id.hex())
    headers = [
        JSON_TYPE,
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        attachment(f"{call.site.domain}-person-{user.profile_id.hex()}.json"),
    ]
    return Reply(b"", 200, headers, stream_parts(parts))


class _User(NamedTuple):
    """The user of a person who was identified first, also when nothing that was said about them counts."""

    profile_id: bytes
    user_id: str


async def user_of(call: Call) -> _User:
    """Who the person in the address is. Raises NotFound when there is none."""
    found = await call.services.database.scan(
        _read_user, (call.site, ref_of(call)), share=call.site.website_id
    )
    if found is None:
        raise no_such_person()
    return found


def _read_user(tx: Transaction, asked: tuple[Website, Ref]) -> _User | None:
    key = (asked[0].website_id, profile_id_of(tx, *asked))
    found = person_now(tx, *key) or nobody(tx, *key)
    return None if found is None else _User(found.person_id, next(iter(found.members.values())))


def ref_of(call: Call) -> Ref:
    """The person that the address names."""
    return read_ref(call.context.path_values[1])


def path_of(call: Call) -> str:
    """The page of the person in the address."""
    return f"/w/{call.site.website_id.hex()}/people/{quote(call.context.path_values[1], safe=':')}"


def _segment(ref: Ref) -> str:
    return ref.hex() if isinstance(ref, bytes) else "user:" + quote(ref, safe="")
