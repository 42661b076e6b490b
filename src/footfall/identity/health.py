"""The doctor: what looks wrong in a website's identities, counted exactly."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from footfall.clock import DAY_MS, system_clock, to_iso
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.identity import rules, store
from footfall.identity.dating import AHEAD_MS
from footfall.ids import at_of, at_prefix, format_uuid
from footfall.websites.counts import counting
from footfall.websites.model import Website

sql = load(__file__, "health.sql")

MOST_SHOWN = 20
MOST_NAMED = 6
"""Of one example, people who are named."""
MANY_VISITORS = 20
"""Visitors of one user from which on the id may be a shared one."""
LATELY_DAYS = 30
"""Days, today's among them, whose refused ids are told of."""
Shared = tuple[str, list[tuple[bytes, str]]]
"""An e-mail address, in lower case, and (person id, user id) of those who have it, first identified first."""


def identity_health(tx: Transaction, website: Website) -> dict[str, Any]:
    """Findings with exact counts, the first of each described."""
    now = system_clock()
    findings = [
        _shared_visitors(tx, website.website_id),
        _users_with_many_visitors(tx, website.website_id),
        _likely_duplicates(tx, website.website_id),
        _same_but_case(tx, website.website_id),
        _junk_refused(tx, website.website_id, now // DAY_MS - LATELY_DAYS),
        _future_facts(tx, website.website_id, now + AHEAD_MS),
    ]
    return {"ok": not any(finding["count"] for finding in findings), "findings": findings}


def _finding(kind: str, count: int, examples: list[dict[str, Any]], advice: str) -> dict[str, Any]:
    return {"kind": kind, "count": count, "examples": examples[:MOST_SHOWN], "advice": advice}


def _shared_visitors(tx: Transaction, website_id: bytes) -> dict[str, Any]:
    rows = tx.all(sql.visitors_with_several_people, (website_id,))
    examples = [
        {
            "visitorId": format_uuid(visitor_id),
            "people": people,
            "who": _who(
                tx, website_id, [row[0] for row in tx.all(sql.people_of_visitor, (website_id, visitor_id))]
            ),
        }
        for visitor_id, people in rows[:MOST_SHOWN]
    ]
    advice = (
        "Several people on one visitor: a shared device, or a log-out that does not call datafast('reset')."
    )
    return _finding("shared_visitors", len(rows), examples, advice)


def _users_with_many_visitors(tx: Transaction, website_id: bytes) -> dict[str, Any]:
    rows = tx.all(sql.people_with_many_visitors, (website_id, MANY_VISITORS))
    examples = [
        {
            "profileId": person_id.hex(),
            "userId": tx.all(store.sql.members_of_person, (website_id, person_id))[0][1],
            "visitors": visitors,
            "who": _who(tx, website_id, [person_id]),
        }
        for person_id, visitors in rows[:MOST_SHOWN]
    ]
    advice = (
        "Very many visitors for one user: is this the id of one person, or of an account, a role or a test?"
    )
    return _finding("many_visitors", len(rows), examples, advice)


def shared_emails(tx: Transaction, website_id: bytes) -> list[Shared]:
    """E-mail addresses that several people have."""
    by_email: dict[str, list[tuple[bytes, str]]] = {}
    for person_id, user_id, metadata in tx.stream(sql.people_with_email, (website_id,)):
        email = msgspec.json.decode(metadata).get("email")
        if isinstance(email, str) and "@" in email:
            by_email.setdefault(email.strip().lower(), []).append((person_id, user_id))
    return [(email, people) for email, people in by_email.items() if len(people) > 1]


def _likely_duplicates(tx: Transaction, website_id: bytes) -> dict[str, Any]:
    shared = shared_emails(tx, website_id)
    examples = [{**_twins(tx, website_id, people), "email": email} for email, people in shared[:MOST_SHOWN]]
    advice = (
        "The same e-mail address under several user ids: preview the merge, then merge if it is one person."
    )
    return _finding("likely_duplicates", len(shared), examples, advice)


def _same_but_case(tx: Transaction, website_id: bytes) -> dict[str, Any]:
    first: dict[str, tuple[bytes, str]] = {}
    spelled: dict[str, dict[bytes, str]] = {}
    for person_id, user_id in tx.stream(sql.user_ids, (website_id,)):
        before = first.setdefault(user_id.casefold(), (person_id, user_id))
        if before[0] != person_id:
            spelled.setdefault(user_id.casefold(), dict([before])).setdefault(person_id, user_id)
    examples = [
        _twins(tx, website_id, list(people.items()))
        for people in itertools.islice(spelled.values(), MOST_SHOWN)
    ]
    advice = (
        "User ids that differ in upper and lower case only are several people: send one spelling from everywhere, "
        "then merge these if they are one person."
    )
    return _finding("same_but_case", len(spelled), examples, advice)


def _twins(tx: Transaction, website_id: bytes, people: list[tuple[bytes, str]]) -> dict[str, Any]:
    """People, each with one of their user ids, who may be one; and what would come of merging the first two."""
    ids = [person_id for person_id, _ in people]
    return {
        "profileIds": [person_id.hex() for person_id in ids],
        "userIds": [user_id for _, user_id in people],
        "who": _who(tx, website_id, ids),
        "merge": {"userIds": [people[0][1], people[1][1]], "dryRun": True},
        "preview": _merge_preview(tx, website_id, ids[:2]),
    }


def _who(tx: Transaction, website_id: bytes, person_ids: list[bytes]) -> list[dict[str, Any]]:
    """The first of these people as they are shown: `{profileId, userId, name, email}`, null where it is not known."""
    return [_one(tx, website_id, person_id) for person_id in person_ids[:MOST_NAMED]]


def _one(tx: Transaction, website_id: bytes, person_id: bytes) -> dict[str, Any]:
    known = msgspec.json.decode(tx.all(store.sql.profile_get, (website_id, person_id))[0][5])
    return {
        "profileId": person_id.hex(),
        "userId": tx.all(store.sql.members_of_person, (website_id, person_id))[0][1],
        "name": known.get("name"),
        "email": known.get("email"),
    }


def _merge_preview(tx: Transaction, website_id: bytes, person_ids: list[bytes]) -> dict[str, Any]:
    """What would come of merging these people: as a dry run of the merge answers, but that visitors are only counted."""
    rows = [
        row
        for person_id in person_ids
        for row in tx.all(store.sql.members_of_person, (website_id, person_id))
    ]
    members = [row[0] for row in rows]
    users = [row[1] for row in sorted(rows, key=lambda row: (row[2], row[0]))]
    traits = rules.fold_traits(store.facts_of_profiles(tx, website_id, members))
    return {
        "profileId": min(members).hex(),
        "userId": users[0],
        "userIds": users,
        "visitors": len(store.visitors_of(tx, website_id, members)),
        "metadata": traits.values,
        "leftOut": sorted(traits.left_out),
    }


def _junk_refused(tx: Transaction, website_id: bytes, before: int) -> dict[str, Any]:
    """Refusals after the day `before` (days since epoch)."""
    rows = tx.all(sql.refused_ids, (website_id, before))
    examples = [{"day": to_iso(row[0] * DAY_MS)[:10], "source": row[1], "calls": row[2]} for row in rows]
    advice = (
        "Placeholders were sent as user ids and refused: look for the client that identifies before log-in."
    )
    return _finding("junk_ids", sum(row[2] for row in rows), examples, advice)


def _future_facts(tx: Transaction, website_id: bytes, after: int) -> dict[str, Any]:
    """Facts later than `after` (ms since epoch)."""
    since = at_prefix(after + 1)
    count = tx.all(sql.facts_ahead_count, (website_id, since))[0][0]
    rows = tx.all(sql.facts_ahead, (website_id, since, MOST_SHOWN)) if count else []
    examples = [{"factId": row[0].hex(), "userId": row[1], "at": to_iso(at_of(row[0]))} for row in rows]
    advice = (
        "A clock ran ahead: until then, visitors who change users count as who they were before. "
        f"Set the clock, then date these facts back: footfall doctor {website_id.hex()} --date-back"
    )
    return _finding("future_facts", count, examples, advice)


REFUSED_HANDLER = counting(sql.refused_add)
"""Adds to the numbers of identify calls that were refused since their user id was a placeholder, by source."""
