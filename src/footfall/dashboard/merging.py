"""Two people side by side, what a merge makes of them, and the next two who may be one."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from footfall.dashboard.forms import Problem
from footfall.dashboard.page import Call, apart, redirect, render
from footfall.dashboard.person import path_of, ref_of, refused, user_of
from footfall.db.protocol import Transaction
from footfall.errors import ApiError
from footfall.identity.health import Shared, shared_emails
from footfall.identity.history import person_now
from footfall.identity.ledger import MERGE_HANDLER, MergeCall, Merged
from footfall.identity.refs import Ref, find_profile, no_such_person, profile_id_of
from footfall.people.endpoints import PersonQuery, show_person
from footfall.web.envelope import Reply
from footfall.websites.model import Website

MOST_DEVICES = 6
MOST_LIKELY = 10
"""Likely duplicates of one person that are named."""


class Pair(NamedTuple):
    """Two people with one e-mail address: a profile of the first, and a user id of each."""

    profile_id: str
    user_id: str
    other: str
    email: str


class _Found(NamedTuple):
    """`other`: None when there is none of that user id; `likely`: who may be the same person; `following`: the next two to look at."""

    person: dict[str, Any]
    other: dict[str, Any] | None
    likely: list[str]
    following: Pair | None


async def show(call: Call) -> Reply:
    """`GET /w/{websiteId}/people/{ref}/merge`: what would come of a merge with `other`; or that they are one person already."""
    other = call.query.get("other", "").strip()
    asked = (call.site, ref_of(call), other)
    found = await call.services.database.scan(_read, asked, share=call.site.website_id)
    if found is None:
        raise no_such_person()
    if found.other and found.other["profileId"] == found.person["profileId"]:
        return await _draw(call, found, is_one=True)
    if not other:
        return await _draw(call, found)
    outcome = await _merge(call, call.query, is_preview=True)
    if isinstance(outcome, ApiError):
        return await _draw(call, found, status=outcome.status, problem=refused("other", outcome))
    return await _draw(call, found, result=outcome)


async def _draw(
    call: Call,
    found: _Found,
    *,
    status: int = 200,
    result: Merged | None = None,
    problem: Problem | None = None,
    is_one: bool = False,
) -> Reply:
    return await apart(
        lambda: render(
            call,
            "merge.html",
            status=status,
            section="people",
            here=path_of(call),
            done=call.query.get("done"),
            most_devices=MOST_DEVICES,
            result=result,
            problem=problem,
            is_one=is_one,
            **found._asdict(),
        )
    )


def _read(tx: Transaction, asked: tuple[Website, Ref, str]) -> _Found | None:
    website, ref, other = asked
    person = _person(tx, website, profile_id_of(tx, website, ref))
    if person is None:
        return None
    profile = find_profile(tx, website, other) if other else None
    shared = shared_emails(tx, website.website_id)
    return _Found(
        person,
        _person(tx, website, profile.profile_id) if profile else None,
        _likely(shared, bytes.fromhex(person["profileId"])),
        _next(_pairs(shared), person, other),
    )


def _person(tx: Transaction, website: Website, profile_id: bytes) -> dict[str, Any] | None:
    found = person_now(tx, website.website_id, profile_id)
    if found is None:
        return None
    return show_person(tx, found, PersonQuery(website, profile_id, limit=MOST_DEVICES))[0]


def _likely(shared: list[Shared], person_id: bytes) -> list[str]:
    """User ids of others who have an e-mail address of this person's."""
    own = [people for _, people in shared if any(one[0] == person_id for one in people)]
    return [user_id for people in own for one, user_id in people if one != person_id][:MOST_LIKELY]


def _pairs(shared: list[Shared]) -> list[Pair]:
    """All who may be one, by e-mail address and user id: the same order at every look, whoever is merged meanwhile."""
    pairs = [
        Pair(people[0][0].hex(), people[0][1], user_id, email)
        for email, people in shared
        for _, user_id in people[1:]
    ]
    return sorted(pairs, key=lambda pair: (pair.email, pair.other))


def _next(pairs: list[Pair], person: dict[str, Any], other: str) -> Pair | None:
    """The pair behind this one, the first behind the last; None when no other is left."""
    present = (str(person["metadata"].get("email", "")).strip().lower(), other)
    left = [pair for pair in pairs if (pair.email, pair.other) != present]
    later = (pair for pair in left if (pair.email, pair.other) > present)
    return next(later, left[0] if left else None)


async def merge(call: Call) -> Reply:
    """`POST /w/{websiteId}/people/{ref}/merge`; why it is refused stands on the page that it leads to."""
    other = call.form.get("other", "")
    outcome = await _merge(call, call.form, is_preview=False)
    if isinstance(outcome, ApiError):
        return redirect(call, _address(call, {"other": other, "reason": call.form.get("reason", "")}))
    return redirect(call, _address(call, {"other": other, "fact": outcome.fact_id.hex(), "done": "merged"}))


def _address(call: Call, query: dict[str, str]) -> str:
    return f"{path_of(call)}/merge?{urlencode(query)}"


async def _merge(call: Call, fields: dict[str, str], *, is_preview: bool) -> Merged | ApiError:
    request = MergeCall(
        call.site.website_id,
        call.site.profile_secret,
        ((await user_of(call)).user_id, fields.get("other", "").strip()),
        None if is_preview else fields.get("reason", "")[:500] or None,
        call.user.account_id,
        call.now,
        is_preview,
    )
    outcome: Merged | ApiError = await call.services.database.write(MERGE_HANDLER, request)
    return outcome
