"""One person: the journey, the origin of each value, undo, export and erase."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from footfall.dashboard.forms import Problem, refused
from footfall.dashboard.page import PageRequest, apart, attachment, redirect, render
from footfall.dashboard.pages.journey import (
    PART,
    Journey,
    JourneyAsked,
    read_only,
    render_journey,
    show_journey,
)
from footfall.dashboard.rendering import clock_text, money_text, plain
from footfall.dashboard.story import StoryFacts, story, strip, strip_begins
from footfall.db.protocol import Transaction
from footfall.errors import ApiError
from footfall.identity.ledger.endpoints import (
    LedgerQuery,
    read_fact_id,
    read_ledger,
)
from footfall.identity.ledger.show import find_entry, nobody, person_now, person_then
from footfall.identity.ledger.undo import UNDO_HANDLER, UndoCall
from footfall.identity.model import IDENTIFY, UNDO, LedgerEntry, LinkReason, Person, PersonThen, Stay
from footfall.identity.reading import users_of
from footfall.identity.refs import Ref, no_such_person, read_ref, resolve_profile
from footfall.ids import FACT_BYTES
from footfall.log import get_logger
from footfall.payments.model import Finance, Revenue
from footfall.payments.money import to_major
from footfall.payments.webhooks.integrations import lacks_payments
from footfall.people.endpoints import PersonQuery, read_journey_cursor, show_person
from footfall.people.journey import journey
from footfall.people.model import PersonDetail, VisitorOfPerson
from footfall.people.person import KEY_BYTES, visits_by_quarter
from footfall.predictions.model import Model, Prediction
from footfall.privacy.endpoints import bytes_note, receipt_json
from footfall.privacy.erase import columns_by, erase_call, is_being_erased, profile_to_erase
from footfall.privacy.export import stream_parts
from footfall.visitors.retrieve import find_visitor, predict_unpaid
from footfall.web.envelope import JSON_TYPE, Response
from footfall.web.json import encode
from footfall.web.parameters import read_cursor
from footfall.websites.model import Website

PAGE = 50
"""How many devices, and facts of a ledger are shown at once."""
MOST_TRAITS, MOST_DEVICES = 20, 6
"""Beyond this number, they are folded."""
MOST_SPANS = 20
"""How many periods of a device are shown, the newest."""
MOST_UNDONE = 10
"""How many undos of undos are followed to what they are about."""

_log = get_logger("dashboard")


async def person(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people/{ref}`."""
    return await _show_person(request)


class _PersonQuery(NamedTuple):
    """What a page has to show. `strip`: the time of the visits that are shown by day (ms since epoch); `ledger`: where to continue, None if it is
    hidden; `model`: None without customers.
    """

    person: PersonQuery
    journey: JourneyAsked
    strip: tuple[int, int]
    ledger: bytes | None
    model: Model | None


class LedgerLine(msgspec.Struct, frozen=True):
    """A fact as the page shows it.

    `said`: what an identify fact does to the traits, as (verb, name, value), with an empty value if it removes the trait;
    `merged`: the user ids that a merge joined; `undid`: what an undo is about.
    """

    entry: LedgerEntry
    said: list[tuple[str, str, Any]]
    merged: list[str]
    undid: str | None


class PersonPage(msgspec.Struct, frozen=True):
    """What the page shows. `counts`: whether any fact about the person counts; `facts`: the cursor of the next ones, if there are more.

    `visits`: of the last days, as (when, how many).
    `prediction`: for the device that was seen last; None if nothing can be predicted, or the person has paid. `lacks_payments`: the website.
    """

    detail: PersonDetail
    counts: bool
    journey: Journey
    visits: list[tuple[int, int]]
    prediction: Prediction | None = None
    ledger: list[LedgerLine] | None = None
    facts: bytes | None = None
    lacks_payments: bool = False


async def _show_person(
    request: PageRequest, *, status: int = 200, problem: Problem | None = None
) -> Response:
    with_reasons = request.query.get("why") == "1"
    with_ledger = request.query.get("ledger") == "1" or "fact" in request.form
    devices = read_cursor(request.query.get("devices"), KEY_BYTES, KEY_BYTES, "person")
    facts = read_cursor(request.query.get("facts"), FACT_BYTES, FACT_BYTES, "ledger")
    rates = await request.services.rates.rates_for(request.site)
    query = PersonQuery(
        request.site, ref_of(request), with_reasons=with_reasons, cursor=devices, limit=PAGE, rates=rates
    )
    asked = _PersonQuery(
        query,
        journey_asked(request),
        (strip_begins(request.now, request.site.timezone), request.now + 1),
        facts if with_ledger else None,
        request.services.predictions.model_of(request.site),
    )
    page = await request.services.database.scan(read_person_page, asked, share=request.site.website_id)
    if page is None:
        raise no_such_person()
    # A page with much text takes time.
    return await apart(
        lambda: render(
            request,
            "person.html",
            status=status,
            section="people",
            page=page,
            detail=page.detail,
            person=page.detail.person,
            journey=page.journey,
            timeline=timeline(page.detail, request.now),
            story=story(_story_facts(page), request.now, request.site.timezone),
            strip=strip(page.visits, request.now, request.site.timezone),
            revenue=revenue_texts(page.detail.finance),
            revenue_then=revenue_then(page.detail.finance),
            prediction=page.prediction,
            problem=problem,
            done=request.query.get("done"),
            here=path_of(request),
            with_reasons=with_reasons,
            with_ledger=with_ledger,
            is_first={"devices": not devices, "facts": not facts},
            most_traits=MOST_TRAITS,
            most_devices=MOST_DEVICES,
        )
    )


def read_person_page(tx: Transaction, asked: _PersonQuery) -> PersonPage | None:
    """Everything the page shows, in one state of the database; None if there is nobody."""
    query = asked.person
    website, key = query.website, (query.website.website_id, resolve_profile(tx, query.website, query.ref))
    read = person_then if query.with_reasons else person_now
    standing: Person | PersonThen | None = read(tx, *key)
    found = standing or nobody(tx, *key)
    if found is None:
        return None
    detail = show_person(tx, found, query)
    page = PersonPage(
        detail,
        standing is not None,
        _read_journey(tx, website, query.ref, standing, asked.journey),
        _read_visits(tx, website, standing, *asked.strip) if standing else [],
        _predict(tx, website, detail, asked.model) if asked.model else None,
        lacks_payments=lacks_payments(tx, website),
    )
    if asked.ledger is None and standing is not None:
        return page
    ledger, facts = _read_facts(tx, website, query.ref, asked.ledger or b"")
    return msgspec.structs.replace(page, ledger=ledger, facts=facts)


def _predict(tx: Transaction, website: Website, detail: PersonDetail, model: Model) -> Prediction | None:
    """Of the listed device that was seen last, if the person has paid nothing on any."""
    seen = [(one.last_at, one.visitor_id) for one in detail.visitors if one.last_at is not None]
    if not seen or (detail.finance is not None and detail.finance.is_customer):
        return None
    visitor = find_visitor(tx, website.website_id, max(seen)[1])
    return predict_unpaid(tx, website.website_id, visitor, model) if visitor else None


def _read_journey(
    tx: Transaction, website: Website, ref: Ref, person: Person | None, asked: JourneyAsked
) -> Journey:
    """A part of the journey of a person; None for somebody about whom nothing counts."""
    path = f"/w/{website.website_id.hex()}/people/{_segment(ref)}"
    if person is None:
        return Journey(path)
    part = journey(tx, website.website_id, person, asked.cursor, PART, newest_first=True, only=asked.only)
    return show_journey(
        tx,
        website,
        part,
        path,
        asked,
        has_devices=len(person.spans) > 1,
        signed_up_at=person.identified_at,
    )


def _read_visits(
    tx: Transaction, website: Website, person: Person, since: int, until: int
) -> list[tuple[int, int]]:
    """How many visits began when in a time."""
    times = (
        (visitor_id, max(span.since, since), min(span.until, until))
        for visitor_id, spans in person.spans.items()
        for span in spans
    )
    return visits_by_quarter(tx, website.website_id, [time for time in times if time[1] < time[2]])


def journey_asked(request: PageRequest) -> JourneyAsked:
    """Which part of a journey the address names."""
    return JourneyAsked(
        read_journey_cursor(request.query.get("cursor")), read_only(request.query.get("only"))
    )


def _read_facts(
    tx: Transaction, website: Website, ref: Ref, cursor: bytes
) -> tuple[list[LedgerLine], bytes | None]:
    """Facts of the ledger, newest first, and the cursor of the next."""
    found = read_ledger(tx, LedgerQuery(website, ref, cursor, PAGE, True))
    if found is None:
        return [], None
    return [_line(tx, website, entry) for entry in found.entries], found.following


def _line(tx: Transaction, website: Website, entry: LedgerEntry) -> LedgerLine:
    said = _said(entry) if entry.kind == IDENTIFY else []
    merged = users_of(tx, website.website_id, entry.merged)
    return LedgerLine(entry, said, merged, _undid(tx, website, entry) if entry.kind == UNDO else None)


def _said(entry: LedgerEntry) -> list[tuple[str, str, Any]]:
    does = entry.operations
    return [
        *(("set", *one) for one in sorted(does.set.items())),
        *(("set_once", *one) for one in sorted(does.set_once.items())),
        *(("unset", name, "") for name in sorted(does.unset)),
    ]


def _undid(tx: Transaction, website: Website, undo: LedgerEntry) -> str:
    """What an undo took back or restored, such as `undo of identify user_1 of 5 May 2026, 12:00 UTC`."""
    words = ""
    for _ in range(MOST_UNDONE):
        found = find_entry(tx, website.website_id, undo.undone)
        if found is None:
            return words + "a fact that is gone"
        undo = found
        if undo.kind != UNDO:
            break
        words += "undo of "
    who = " with ".join(users_of(tx, website.website_id, undo.merged)) or undo.user_id
    return f"{words}{undo.kind} {plain(who)} of {clock_text(undo.at, website.timezone)}"


async def person_journey(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people/{ref}/journey`: the next entries, to be added below those already shown."""
    asked = (request.site, ref_of(request), journey_asked(request))
    found = await request.services.database.scan(_read_part, asked, share=request.site.website_id)
    if found is None:
        raise no_such_person()
    return await render_journey(request, found)


def _read_part(tx: Transaction, asked: tuple[Website, Ref, JourneyAsked]) -> Journey | None:
    website, ref, part = asked
    person = person_now(tx, website.website_id, resolve_profile(tx, website, ref))
    return None if person is None else _read_journey(tx, website, ref, person, part)


def revenue_texts(finance: Finance | None) -> list[str]:
    """What a person paid: in the website's currency, with amounts without a rate listed separately; nothing for somebody who paid nothing."""
    if finance is None or not finance.count:
        return []
    return _sums(finance.revenue)


def revenue_then(finance: Finance | None) -> list[str]:
    """The same of what was known as theirs when it was paid, where that is not all."""
    then = finance.at_payment if finance and finance.count else None
    return _sums(then) if finance and then and then != finance.revenue else []


def _sums(revenue: Revenue) -> list[str]:
    return [money_text(to_major(one), one.currency) for one in (revenue.total, *revenue.unconverted)]


def _story_facts(page: PersonPage) -> StoryFacts:
    detail, touch = page.detail, page.detail.first_touch
    finance = detail.finance
    return StoryFacts(
        touch.source if touch else None,
        touch.at if touch else None,
        detail.person.identified_at,
        detail.activity.visits,
        detail.activity.visitor_count,
        None if page.lacks_payments else _paid_texts(finance),
        is_refunded(finance),
    )


def _paid_texts(finance: Finance | None) -> list[str]:
    if finance is None or not finance.is_customer:
        return []
    if is_refunded(finance):
        paid = [one.paid for one in finance.revenue.by_currency if one.paid.minor]
        return [money_text(to_major(one), one.currency) for one in paid]
    return _sums(finance.revenue)


def is_refunded(finance: Finance | None) -> bool:
    """Whether somebody who paid got everything back."""
    return (
        finance is not None
        and finance.is_customer
        and all(one.net.minor <= 0 for one in finance.revenue.by_currency)
    )


class Bar(NamedTuple):
    """A time on the timeline, in per mille of its length."""

    x: int
    width: int


class DeviceRow(NamedTuple):
    """A visitor of a person, with the periods in which it was this person. `bars` end when it was last seen.

    `reasons`: why it was this person; `older`: how many more periods there are.
    """

    visitor: VisitorOfPerson
    stays: list[Stay]
    bars: list[Bar]
    older: int
    reasons: list[LinkReason]


class Timeline(NamedTuple):
    """The visitors of a person on a timeline, from `begin` (ms since epoch) until now."""

    begin: int
    devices: list[DeviceRow]


def timeline(detail: PersonDetail, now: int) -> Timeline:
    """The visitors of a person on a timeline, with the reasons for each of them."""
    identified_at, first_at = detail.person.identified_at, detail.activity.first_at
    begin = identified_at if first_at is None else min(first_at, identified_at)
    reasons: dict[bytes, list[LinkReason]] = {}
    for link in detail.reasons.links if detail.reasons else ():
        reasons.setdefault(link.visitor_id, []).append(link)
    devices = []
    for visitor in detail.visitors:
        stays = visitor.stays[-MOST_SPANS:]
        bars = [_bar(stay, visitor, identified_at, begin, now) for stay in stays]
        why = reasons.get(visitor.visitor_id, [])[-MOST_SPANS:]
        devices.append(DeviceRow(visitor, stays, bars, len(visitor.stays) - len(stays), why))
    return Timeline(begin, devices)


def _bar(stay: Stay, visitor: VisitorOfPerson, identified_at: int, begin: int, now: int) -> Bar:
    length = max(now - begin, 1)
    starts = (stay.since, visitor.first_at, identified_at)
    start = next(at for at in starts if at is not None)
    last = start if visitor.last_at is None else visitor.last_at
    end = last if stay.until is None else min(stay.until, last)
    x = max(0, min(994, 1000 * (start - begin) // length))
    return Bar(x, min(1000 - x, max(6, 1000 * (end - begin) // length - x)))


async def undo(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/people/{ref}/undo`."""
    undo_call = UndoCall(
        request.site.website_id,
        request.site.profile_secret,
        read_fact_id(request.form.get("fact", "")),
        None,
        request.user.account_id,
        request.now,
    )
    outcome = await request.services.database.write(UNDO_HANDLER, undo_call)
    if isinstance(outcome, ApiError):
        return await _show_person(request, status=outcome.status, problem=refused("", outcome))
    done = "still" if outcome.still_merged_by else "undone"
    if "other" in request.form:  # sent from the page of a merge
        return redirect(
            request, f"{path_of(request)}/merge?{urlencode({'other': request.form['other'], 'done': done})}"
        )
    return redirect(request, f"{path_of(request)}?done={done}&ledger=1")


async def erase(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/people/{ref}/erase`: once the user id has been typed."""
    asked = request.site, ref_of(request)
    found = await request.services.database.scan(_read_to_erase, asked, share=request.site.website_id)
    if found is None:
        raise no_such_person()
    if found.user_id is not None and request.form.get("confirm", "") != found.user_id:
        problem = Problem("confirm", "To erase this person, type the user id exactly as shown.")
        return await _show_person(request, status=400, problem=problem)
    erasure = erase_call(request.site, found.profile_id, request.now)
    receipt, is_gone = await request.services.erasing.erase_person(request.services.database, erasure)
    if receipt is None:
        raise no_such_person()
    _log.info("person erased", erasure=receipt.erasure_id.hex(), account=request.user.account_id.hex())
    request.home = f"/w/{request.site.website_id.hex()}/people"
    return render(
        request,
        "erased.html",
        section="people",
        receipt=receipt,
        note=bytes_note(is_gone, request.services.database.engine),
        columns_by=columns_by(receipt),
        file=encode(receipt_json(receipt, is_gone, request.services.database.engine)).decode(),
    )


class _ToErase(NamedTuple):
    """Who is to be erased. `user_id`: what has to be typed first; None if an erasure is under way, before which it was typed."""

    profile_id: bytes
    user_id: str | None


def _read_to_erase(tx: Transaction, asked: tuple[Website, Ref]) -> _ToErase | None:
    """None if there is nobody to erase."""
    profile_id = profile_to_erase(tx, asked)
    if is_being_erased(tx, (asked[0].website_id, profile_id)):
        return _ToErase(profile_id, None)
    found = read_user(tx, asked)
    return None if found is None else _ToErase(found.profile_id, found.user_id)


async def export(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people/{ref}/export`: everything held about the person, as a file."""
    found = await request.services.database.scan(
        request.services.exporting.read, (request.site, ref_of(request)), share=request.site.website_id
    )
    if found is None:
        raise no_such_person()
    profile = found.person_id.hex()
    _log.info("person exported", profile=profile, account=request.user.account_id.hex())
    headers = [
        JSON_TYPE,
        (b"cache-control", b"no-store"),
        attachment(f"{request.site.domain}-person-{profile}.json"),
    ]
    return Response(b"", 200, headers, stream_parts(found.parts))


class FirstUser(NamedTuple):
    """The user of a person who was identified first, even if nothing said about them counts."""

    profile_id: bytes
    user_id: str


def read_user(tx: Transaction, asked: tuple[Website, Ref]) -> FirstUser | None:
    """The person that a reference names; None if there is none."""
    key = (asked[0].website_id, resolve_profile(tx, *asked))
    found = person_now(tx, *key) or nobody(tx, *key)
    return None if found is None else FirstUser(found.person_id, found.user_id)


def ref_of(request: PageRequest) -> Ref:
    """The person that the address names."""
    return read_ref(request.context.path_values[1])


def path_of(request: PageRequest) -> str:
    """The page of the person in the address."""
    return f"/w/{request.site.website_id.hex()}/people/{quote(request.context.path_values[1], safe=':')}"


def _segment(ref: Ref) -> str:
    return ref.hex() if isinstance(ref, bytes) else "user:" + quote(ref, safe="")
