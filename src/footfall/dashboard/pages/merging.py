"""Two people side by side, the result of a merge, and the next two who may be one."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from footfall.dashboard.forms import Problem
from footfall.dashboard.page import PageRequest, apart, redirect, render
from footfall.dashboard.pages.person import path_of, read_user, ref_of
from footfall.db.protocol import Transaction
from footfall.errors import ApiError
from footfall.identity.audit.health import preview_merge
from footfall.identity.audit.suspicions import (
    Settled,
    SharedBy,
    digest_of,
    open_pairs,
    pair_of,
    read_settled,
    shared_emails,
)
from footfall.identity.fold import find_user
from footfall.identity.ledger.merge import MERGE_HANDLER, MergeCall, Merged
from footfall.identity.ledger.show import person_now
from footfall.identity.model import MergePreview
from footfall.identity.refs import Ref, no_such_person, resolve_profile
from footfall.people.endpoints import PersonQuery, show_person
from footfall.people.model import PersonDetail
from footfall.web.envelope import Response
from footfall.websites.model import Website

MOST_DEVICES = 6
MOST_LIKELY = 10
"""How many likely duplicates of one person are named."""


class LikelyPair(NamedTuple):
    """Two people with the same e-mail address: a profile of the first, and a user id of each."""

    profile_id: bytes
    user_id: str
    other: str
    email: str


class MergePage(msgspec.Struct, frozen=True):
    """What the page shows. `other`: the other person, None if there is nobody with that user id; `likely`: who may be the same person.

    `preview`: the result of a merge, None if there is nothing to merge; `following`: the next two to look at.
    """

    person: PersonDetail
    other: PersonDetail | None
    preview: MergePreview | None
    likely: list[str]
    following: LikelyPair | None

    @property
    def is_one(self) -> bool:
        """Whether the two are already one person."""
        return self.other is not None and self.other.person.person_id == self.person.person.person_id


async def show(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people/{ref}/merge`: the result of a merge with `other`; or that they are already one person."""
    other = request.query.get("other", "").strip()
    asked = (request.site, ref_of(request), other)
    page = await request.services.database.scan(read_merge_page, asked, share=request.site.website_id)
    if page is None:
        raise no_such_person()
    problem = None
    if other and page.preview is None and not page.is_one:
        problem = Problem("other", "Nobody has been identified with this user id.")
    return await apart(
        lambda: render(
            request,
            "merge.html",
            status=404 if problem else 200,
            section="people",
            here=path_of(request),
            done=request.query.get("done"),
            most_devices=MOST_DEVICES,
            page=page,
            problem=problem,
        )
    )


def read_merge_page(tx: Transaction, asked: tuple[Website, Ref, str]) -> MergePage | None:
    """Everything the page shows, in one state of the database; None if there is nobody."""
    website, ref, user_id = asked
    person = detail_of(tx, website, resolve_profile(tx, website, ref))
    if person is None:
        return None
    other = detail_of(tx, website, resolve_profile(tx, website, user_id)) if user_id else None
    preview = None
    # A merge joins two users about whom some fact counts.
    if other and find_user(tx, website.website_id, website.profile_secret, user_id):
        ids = [person.person.person_id, other.person.person_id]
        preview = preview_merge(tx, website.website_id, ids) if ids[0] != ids[1] else None
    shared, settled = shared_emails(tx, website), read_settled(tx, website)
    return MergePage(
        person,
        other,
        preview,
        _likely(website, shared, settled, person.person.person_id),
        _next(_pairs(website, shared, settled), person, user_id),
    )


def detail_of(
    tx: Transaction, website: Website, profile_id: bytes, devices: int = MOST_DEVICES
) -> PersonDetail | None:
    """A person with some of their devices; None if there is nobody."""
    found = person_now(tx, website.website_id, profile_id)
    if found is None:
        return None
    return show_person(tx, found, PersonQuery(website, profile_id, limit=devices))


def _likely(website: Website, shared: list[SharedBy], settled: Settled, person_id: bytes) -> list[str]:
    """User ids of others who share an e-mail address with this person, and from whom nobody told them apart."""
    return [
        one.user_id
        for group in shared
        if any(one.person_id == person_id for one in group.people)
        for one in group.people
        if one.person_id != person_id
        and (pair_of(one.person_id, person_id), digest_of(website, group.evidence)) not in settled
    ][:MOST_LIKELY]


def _pairs(website: Website, shared: list[SharedBy], settled: Settled) -> list[LikelyPair]:
    """All who may be one, by e-mail address and user id: always in the same order, whoever is merged in the meantime."""
    pairs = [
        LikelyPair(one.person_id, one.user_id, other.user_id, group.evidence.value)
        for group in shared
        for one, other in open_pairs(website, group, settled)
    ]
    return sorted(pairs, key=lambda pair: (pair.email, pair.other))


def _next(pairs: list[LikelyPair], detail: PersonDetail, other: str) -> LikelyPair | None:
    """The pair after this one, the first after the last; None if no other is left."""
    present = (str(detail.person.traits.get("email", "")).strip().lower(), other)
    left = [pair for pair in pairs if (pair.email, pair.other) != present]
    later = (pair for pair in left if (pair.email, pair.other) > present)
    return next(later, left[0] if left else None)


async def merge(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/people/{ref}/merge`; if it is refused, the page it leads to says why."""
    other, reason = request.form.get("other", "").strip(), request.form.get("reason", "")
    asked = request.site, ref_of(request)
    found = await request.services.database.scan(read_user, asked, share=request.site.website_id)
    if found is None:
        raise no_such_person()
    merge_call = MergeCall(
        request.site.website_id,
        request.site.profile_secret,
        (found.user_id, other),
        reason[:500] or None,
        request.user.account_id,
        request.now,
    )
    outcome: Merged | ApiError = await request.services.database.write(MERGE_HANDLER, merge_call)
    if isinstance(outcome, ApiError):
        return redirect(request, _address(request, {"other": other, "reason": reason}))
    return redirect(
        request, _address(request, {"other": other, "fact": outcome.fact_id.hex(), "done": "merged"})
    )


def _address(request: PageRequest, query: dict[str, str]) -> str:
    return f"{path_of(request)}/merge?{urlencode(query)}"
