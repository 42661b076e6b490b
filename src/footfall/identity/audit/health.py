"""The doctor: what looks wrong in a website's identities, counted exactly."""

from __future__ import annotations

from collections.abc import Sequence

from footfall.clock import DAY_MS, system_clock
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.identity import store, trait_rules
from footfall.identity.audit.dating import AHEAD_MS
from footfall.identity.audit.suspicions import Settled, Suspect, open_emails, open_user_ids, read_settled
from footfall.identity.model import (
    Example,
    Finding,
    FutureFact,
    JunkCalls,
    ManyVisitors,
    MergePreview,
    Named,
    SharedVisitor,
    Twins,
)
from footfall.identity.reading import find_person, members_of
from footfall.ids import at_prefix
from footfall.websites.counts import counting
from footfall.websites.model import Website

sql = load(__file__, "health.sql")

MOST_SHOWN = 20
MOST_NAMED = 6
"""People named in one example."""
MANY_VISITORS = 20
"""Visitors of one user from which on the id may be a shared one."""
LATELY_DAYS = 30
"""Days, with today, whose refused ids are reported."""


def identity_health(tx: Transaction, website: Website) -> list[Finding]:
    """Findings with exact counts, the first of each described."""
    settled = read_settled(tx, website)
    shared, many, *others = other_findings(tx, website)
    duplicates = [_likely_duplicates(tx, website, settled), _same_but_case(tx, website, settled)]
    return [shared, many, *duplicates, *others]


def other_findings(tx: Transaction, website: Website) -> list[Finding]:
    """The findings that are about no pairs of people."""
    now = system_clock()
    return [
        _shared_visitors(tx, website.website_id),
        _users_with_many_visitors(tx, website.website_id),
        _junk_refused(tx, website.website_id, now // DAY_MS - LATELY_DAYS),
        _future_facts(tx, website.website_id, now + AHEAD_MS),
    ]


def _shared_visitors(tx: Transaction, website_id: bytes) -> Finding:
    rows = tx.all(sql.visitors_with_several_people, (website_id,))
    examples: list[Example] = [
        SharedVisitor(row.visitor_id, row.people, _who(tx, website_id, _people_of(tx, website_id, row)))
        for row in rows[:MOST_SHOWN]
    ]
    advice = (
        "Several people use one visitor: a shared device, or a logout that does not call datafast('reset')."
    )
    return Finding("shared_visitors", len(rows), examples, advice)


def _people_of(tx: Transaction, website_id: bytes, row: Row) -> list[bytes]:
    return [one.person_id for one in tx.all(sql.people_of_visitor, (website_id, row.visitor_id))]


def _users_with_many_visitors(tx: Transaction, website_id: bytes) -> Finding:
    rows = tx.all(sql.people_with_many_visitors, (website_id, MANY_VISITORS))
    examples: list[Example] = [
        ManyVisitors(row.visitors, _named(tx, website_id, row.person_id)) for row in rows[:MOST_SHOWN]
    ]
    advice = (
        "Very many visitors for one user: is this the id of one person, or of an account, a role or a test?"
    )
    return Finding("many_visitors", len(rows), examples, advice)


def _likely_duplicates(tx: Transaction, website: Website, settled: Settled) -> Finding:
    shared = open_emails(tx, website, settled)
    examples: list[Example] = [
        _twins(tx, website.website_id, people, evidence.value) for evidence, people in shared[:MOST_SHOWN]
    ]
    advice = (
        "The same e-mail address under several user ids: preview the merge, then merge if it is one person."
    )
    return Finding("likely_duplicates", len(shared), examples, advice)


def _same_but_case(tx: Transaction, website: Website, settled: Settled) -> Finding:
    spelled = open_user_ids(tx, website, settled)
    examples: list[Example] = [_twins(tx, website.website_id, people) for _, people in spelled[:MOST_SHOWN]]
    advice = (
        "User ids that differ in upper and lower case only are several people: send one spelling from everywhere, "
        "then merge these if they are one person."
    )
    return Finding("same_but_case", len(spelled), examples, advice)


def _twins(tx: Transaction, website_id: bytes, people: Sequence[Suspect], email: str | None = None) -> Twins:
    """People who may be one, each with one of their user ids, and what a merge of the first two would give."""
    ids = [person_id for person_id, _ in people]
    return Twins(
        [(one.person_id, one.user_id) for one in people],
        _who(tx, website_id, ids),
        preview_merge(tx, website_id, ids[:2]),
        email,
    )


def _who(tx: Transaction, website_id: bytes, person_ids: list[bytes]) -> list[Named]:
    """The first of these people."""
    return [_named(tx, website_id, person_id) for person_id in person_ids[:MOST_NAMED]]


def _named(tx: Transaction, website_id: bytes, person_id: bytes) -> Named:
    found = find_person(tx, website_id, person_id)
    assert found is not None  # noqa: S101 - a row of the same state of the database named it
    traits = found.traits
    return Named(person_id, found.user_id, traits.get("name"), traits.get("email"))


def preview_merge(tx: Transaction, website_id: bytes, person_ids: list[bytes]) -> MergePreview:
    """What a merge of these people would give: the same as a dry run, but visitors are only counted."""
    members = [one for person_id in person_ids for one in members_of(tx, website_id, person_id)]
    ids = [one.profile_id for one in members]
    order = sorted(members, key=lambda one: (one.identified_at, one.profile_id))
    traits = trait_rules.fold_traits(store.facts_of_profiles(tx, website_id, ids))
    return MergePreview(
        min(ids),
        [one.user_id for one in order],
        len(store.visitors_of(tx, website_id, ids)),
        traits.values,
        sorted(traits.left_out),
    )


def _junk_refused(tx: Transaction, website_id: bytes, before: int) -> Finding:
    """Refusals after the day `before` (days since epoch)."""
    rows = tx.all(sql.refused_ids, (website_id, before))
    examples: list[Example] = [
        JunkCalls(row.day * DAY_MS, row.source, row.calls) for row in rows[:MOST_SHOWN]
    ]
    advice = (
        "Placeholders were sent as user ids and refused: look for the client that identifies before log-in."
    )
    return Finding("junk_ids", sum(row.calls for row in rows), examples, advice)


def _future_facts(tx: Transaction, website_id: bytes, after: int) -> Finding:
    """Facts later than `after` (ms since epoch)."""
    since = at_prefix(after + 1)
    count = tx.all(sql.facts_ahead_count, (website_id, since))[0].facts
    rows = tx.all(sql.facts_ahead, (website_id, since, MOST_SHOWN)) if count else []
    examples: list[Example] = [FutureFact(row.fact_id, row.user_id) for row in rows]
    advice = (
        "A clock ran ahead: until then, visitors who change users count as who they were before. "
        f"Set the clock, then date these facts back: footfall doctor {website_id.hex()} --date-back"
    )
    return Finding("future_facts", count, examples, advice)


REFUSED_HANDLER = counting(sql.refused_add)
"""Adds to the numbers of identify calls that were refused since their user id was a placeholder, by source."""
