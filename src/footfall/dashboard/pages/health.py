"""Identity health: a queue of pairs who may be one person, what else looks wrong, and the pairs that are settled.

Which pairs were skipped stands in the address: they come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from footfall.dashboard.page import PageRequest, apart, redirect, render
from footfall.dashboard.pages.merging import detail_of
from footfall.dashboard.rendering import called, sorted_traits, value_text
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, accepted
from footfall.identity.audit import suspicions
from footfall.identity.audit.health import other_findings
from footfall.identity.audit.suspicions import EvidenceKind, Suspicion
from footfall.identity.model import Finding
from footfall.identity.reading import find_person
from footfall.ids import parse_object_id
from footfall.people.model import PersonDetail
from footfall.web.envelope import Response
from footfall.websites.model import Website

SHOWN = 10
"""Pairs on one page."""
MOST_SKIPPED = 60
"""Pairs that an address holds; of more, those skipped first are forgotten."""
MOST_DEVICES = 3
MOST_SETTLED = 50
MOST_COMMON = 12
"""Traits in common that are shown."""
REASONS = {
    EvidenceKind.EMAIL: "the same e-mail address",
    EvidenceKind.USER_ID: "the same user id except for case",
}


class SuspectPair(msgspec.Struct, frozen=True):
    """Two people side by side. `common`: traits that both have."""

    suspicion: Suspicion
    one: PersonDetail
    other: PersonDetail
    common: list[tuple[str, str]]

    @property
    def reason(self) -> str:
        """Why they are suspected, in a few words."""
        return " and ".join(dict.fromkeys(REASONS[one.kind] for one in self.suspicion.evidence))


class SettledLine(NamedTuple):
    """A settled pair in a list. `names`: of both."""

    profile_id: bytes
    other_id: bytes
    people: tuple[bytes, bytes]
    names: tuple[str, str]
    reason: str
    settled_at: int


class HealthPage(msgspec.Struct, frozen=True):
    """What the page shows. `total`: pairs in the queue."""

    total: int
    pairs: list[SuspectPair]
    findings: list[Finding]
    settled: list[SettledLine]


async def health(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/health`. `skip`: the keys of pairs that come last, of which each may be given."""
    await request.services.refused.flush()
    skipped = _skipped(request.pairs)
    page = await request.services.database.scan(
        read_health_page, (request.site, skipped), share=request.site.website_id
    )
    request.services.suspicions.note(request.site.website_id, page.total)
    request.suspicions = page.total
    return await apart(lambda: _drawn(request, page, skipped))


def _skipped(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    keys = dict.fromkeys(value for name, value in pairs if name == "skip" and value.isalnum())
    return tuple(key for key in keys if len(key) == suspicions.KEY_LENGTH)[-MOST_SKIPPED:]


def _drawn(request: PageRequest, page: HealthPage, skipped: tuple[str, ...]) -> Response:
    values: dict[str, Any] = {"page": page, "skipped": skipped, "skipping": _skipping}
    return render(
        request, "health.html", section="health", done=request.query.get("done"), reasons=REASONS, **values
    )


def _skipping(skipped: tuple[str, ...], key: str) -> str:
    """The query of the page on which one more pair is skipped."""
    others = [one for one in skipped if one != key]
    return "?" + urlencode([("skip", one) for one in [*others, key][-MOST_SKIPPED:]])


def read_health_page(tx: Transaction, asked: tuple[Website, tuple[str, ...]]) -> HealthPage:
    """Everything the page shows, in one state of the database."""
    website, skipped = asked
    queue = queued(suspicions.suspicions(tx, website), skipped)
    pairs = [pair for one in queue[:SHOWN] if (pair := _pair(tx, website, one))]
    return HealthPage(len(queue), pairs, other_findings(tx, website), _settled(tx, website))


def queued(found: list[Suspicion], skipped: Sequence[str]) -> list[Suspicion]:
    """The suspicions, those that were skipped last."""
    places = {key: place for place, key in enumerate(skipped, 1)}
    return sorted(found, key=lambda one: places.get(one.key, 0)) if places else found


def _pair(tx: Transaction, website: Website, suspicion: Suspicion) -> SuspectPair | None:
    one = detail_of(tx, website, suspicion.one.person_id, MOST_DEVICES)
    other = detail_of(tx, website, suspicion.other.person_id, MOST_DEVICES)
    if one is None or other is None:
        return None
    theirs = other.person.traits
    common = [
        (name, value_text(value))
        for name, value in sorted_traits(one.person.traits)
        if name in theirs and _alike(value, theirs[name]) and not (name == "email" and suspicion.email)
    ]
    return SuspectPair(suspicion, one, other, common[:MOST_COMMON])


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same, whatever the case of their letters."""
    if isinstance(one, str) and isinstance(other, str):
        return one.strip().casefold() == other.strip().casefold()
    return bool(one == other)


def _settled(tx: Transaction, website: Website) -> list[SettledLine]:
    lines = []
    for one in suspicions.list_settled(tx, website.website_id, MOST_SETTLED):
        people = one.person_id, one.other_person_id
        names = _name(tx, website.website_id, people[0]), _name(tx, website.website_id, people[1])
        reason = " and ".join(dict.fromkeys(REASONS[kind] for kind in one.kinds))
        lines.append(SettledLine(one.profile_id, one.other_id, people, names, reason, one.settled_at))
    return lines


def _name(tx: Transaction, website_id: bytes, person_id: bytes) -> str:
    found = find_person(tx, website_id, person_id)
    return called(found.traits, found.user_id) if found else "Somebody"


async def settle(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/health/settle`: `one` and `other`, the ids of two people, are not the same."""
    one, other = _people(request)
    website, now = request.site, request.now
    accepted(
        await request.services.database.change(lambda tx: suspicions.settle(tx, website, one, other, now))
    )
    return _back(request, "settled")


async def reopen(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/health/reopen`: the pair comes back."""
    one, other = _people(request)
    website_id = request.site.website_id
    await request.services.database.change(lambda tx: suspicions.reopen(tx, website_id, one, other))
    return _back(request, "reopened")


def _people(request: PageRequest) -> tuple[bytes, bytes]:
    """The two ids of a form. Raises BadRequest."""
    one, other = parse_object_id(request.form.get("one", "")), parse_object_id(request.form.get("other", ""))
    if one is None or other is None:
        raise BadRequest("one, other: each must be the profileId of a person, 24 hex digits.")
    return one, other


def _back(request: PageRequest, done: str) -> Response:
    kept = [("skip", key) for key in _skipped(request.fields)]
    path = f"/w/{request.site.website_id.hex()}/health"
    return redirect(request, f"{path}?{urlencode([*kept, ('done', done)])}")
