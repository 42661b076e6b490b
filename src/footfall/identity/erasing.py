"""What an erasure does to the database: at once what makes the person nobody, then in slices what may be many rows.

From the first transaction on, the users of the person are dead (tombstones), have no profile, and stand in `erasing`, which hides the
facts about them. Their links go on to say whose a visitor's events were, until a slice has blanked these events and put boundaries in
the facts' places. So the fold of the ledger is whole after each slice, and an erasure that was cut off can go on from any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from time import perf_counter

import msgspec

from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules, store
from footfall.identity.ledger import boundary_id, refresh_people
from footfall.identity.model import Link
from footfall.identity.store import sql as identity_sql
from footfall.ids import EVENT_BYTES, MAX_AT, at_of, at_prefix

sql = load(__file__, "erasing.sql")

FACTS, EVENTS, VISITORS = 200, 500, 16
"""Facts that are handed to a slice; events that are blanked and visitors that are worked on before it looks at the time."""
SLICE_SECONDS = 0.03
"""After so long a slice ends: live calls wait for it."""
PAGE = 10_000
"""Facts that are read at once, to be handed out."""

_EMAIL = re.compile(r"(?<![^\s/?&=#;,])[^\s/?&=#;,]+(?:@|%40)[^\s/?&=#;,]+")
"""Begins where a run of such characters does: tried at each of them, a long text without an address would take seconds."""
ERASED = "[erased]"
"""What stands where an e-mail address was (stored)."""
_BLANKED = b"\xff" * EVENT_BYTES
"""After all event ids: nothing of a visitor is left to blank."""

Pair = tuple[bytes, bytes]
"""(visitor id, fact id)."""


class Erasure(msgspec.Struct, frozen=True):
    """Which erasure: its website, with what is secret there, and its id."""

    website_id: bytes
    profile_secret: bytes
    erasure_id: bytes


class Erased(msgspec.Struct, frozen=True):
    """What an erasure removed or blanked so far: its receipt once `is_done`. `rows`: how many, by what they were.

    `keys`: (website id, profile id) of the users, while they are being erased.
    """

    erasure_id: bytes
    erased_at: int
    users: int
    visitors: int
    rows: dict[str, int]
    keys: list[Params]
    is_done: bool


def begin(
    tx: Transaction, erasure: Erasure, members: dict[bytes, str], now: int, until: int = MAX_AT
) -> list[Params]:
    """Make nobody of these users (user ids by profile id), of whom only facts before `until` are known; their keys."""
    website_id = erasure.website_id
    keys: list[Params] = [(website_id, member) for member in sorted(members)]
    newest = [row[0] for row in tx.lookup(identity_sql.fact_newest_of_profile, keys) if row is not None]
    erased_at = min(max([now, *map(at_of, newest)]), until - 1)
    counts = {"events": 0, "sessions": 0, "visitors": 0}
    counts["profiles"] = sum(tx.run(identity_sql.profile_remove, key) for key in keys)
    counts["facts"] = _remove_merges(tx, website_id, set(members))
    for user_id in members.values():
        _bury(tx, erasure, user_id, erased_at)
    tx.run_many(sql.changes_forget, keys)
    store.mark_changed(tx, keys)  # type: ignore[arg-type]
    _add_counts(tx, erasure, erased_at, len(members), counts)
    tx.run_many(sql.erasing_add, [(*key, erasure.erasure_id) for key in keys])
    return keys


def _remove_merges(tx: Transaction, website_id: bytes, ids: set[bytes]) -> int:
    """Remove the merges that name these users; how many facts that were."""
    merges = {row for member in ids for row in tx.all(identity_sql.merges_of_profile, (website_id, member))}
    keys: list[Params] = [(website_id, fact_id) for fact_id in sorted({row[0] for row in merges})]
    undone = tx.lookup(identity_sql.inactive_get, keys)
    active = {key[1] for key, row in zip(keys, undone, strict=True) if row is None}
    sides = {(website_id, side, row[0]) for row in merges for side in row[1:]}
    tx.run_many(identity_sql.merge_remove, sorted(sides))
    removed = remove_facts(tx, website_id, [row[0] for row in merges])
    refresh_people(tx, website_id, {row[2] for row in merges if row[0] in active} - ids)
    return removed


def _bury(tx: Transaction, erasure: Erasure, user_id: str, erased_at: int) -> None:
    user_hash = rules.user_hash(erasure.profile_secret, user_id)
    stone = tx.one(identity_sql.tombstone_get, (erasure.website_id, user_hash))
    generation = (stone[0] if stone else 0) + 1
    tx.run(
        identity_sql.tombstone_put,
        (erasure.website_id, user_hash, erasure.erasure_id, generation, erased_at),
    )


def _add_counts(
    tx: Transaction, erasure: Erasure, erased_at: int, users: int, counts: dict[str, int]
) -> None:
    """Note that an erasure begins; or that one which named several users goes on with the next of them."""
    known = tx.one(sql.erasure_get, (erasure.website_id, erasure.erasure_id))
    if known is not None:
        counts = {name: many + counts[name] for name, many in _decode(known[3]).items()}
    key = (erasure.website_id, erasure.erasure_id)
    tx.run(sql.erasure_add, (*key, erased_at, users, _encode(counts)))


def _encode(counts: dict[str, int]) -> str:
    return msgspec.json.encode(counts).decode()


_decode = msgspec.json.Decoder(dict[str, int]).decode


def erased(tx: Transaction, website_id: bytes, erasure_id: bytes) -> Erased | None:
    """How far an erasure came; None when none of this id is known."""
    row = tx.one(sql.erasure_get, (website_id, erasure_id))
    if row is None:
        return None
    keys: list[Params] = [
        (website_id, found[0]) for found in tx.all(sql.erasing_users, (website_id, erasure_id))
    ]
    erased_at, users, visitors, counts, *_ = row
    return Erased(erasure_id, erased_at, users, visitors, _decode(counts), keys, not keys)


def facts_left(tx: Transaction, erasure: Erasure) -> list[Pair]:
    """The next facts to remove: all about one visitor after the other, in the order in which the visitors lie."""
    return tx.all(sql.facts_left, (erasure.website_id, erasure.erasure_id, PAGE))


def few_facts(tx: Transaction, erasure: Erasure) -> list[Pair]:
    """All facts to remove, as `facts_left` gives them, when one slice may hold them; else none."""
    found = tx.all(sql.facts_some, (erasure.website_id, erasure.erasure_id, FACTS + 1))
    return sorted(found) if len(found) <= FACTS else []


def end(tx: Transaction, erasure: Erasure) -> Erased | None:
    """The receipt; not yet one when facts are left. None when nothing is known of the erasure, or of its website, any more."""
    key = (erasure.website_id, erasure.erasure_id)
    if not tx.all(sql.facts_some, (*key, 1)):
        tx.run(sql.erasing_remove, key)
    return erased(tx, *key)


def finish(tx: Transaction, erasure: Erasure, until: int = MAX_AT) -> Erased | None:
    """Do all that is left of an erasure in this one transaction. Only what was done before `until` is blanked, and leaves boundaries."""
    while facts := facts_left(tx, erasure):
        for part in slices(facts):
            taken = 0
            while taken < len(part.facts):
                rest = msgspec.structs.replace(part, facts=part.facts[taken:])
                taken += take(tx, erasure, rest, until)
    return end(tx, erasure)


class Slice(msgspec.Struct, frozen=True):
    """Some facts to remove, one visitor's after the other. `is_cut`: of the last visitor there may be more."""

    facts: list[Pair]
    is_cut: bool


def slices(facts: list[Pair]) -> list[Slice]:
    """What `facts_left` gave, in slices."""
    found = []
    for start in range(0, len(facts), FACTS):
        part, following = facts[start : start + FACTS], facts[start + FACTS : start + FACTS + 1]
        is_cut = following[0][0] == part[-1][0] if following else len(facts) >= PAGE
        found.append(Slice(part, is_cut))
    return found


def take(tx: Transaction, erasure: Erasure, part: Slice, until: int = MAX_AT) -> int:
    """Blank what was done before `until`, and remove facts, as many as there is time for; how many, from the first on.

    0: only some of the first visitor's events could be blanked.
    """
    row = tx.one(sql.erasure_get, (erasure.website_id, erasure.erasure_id))
    if row is None:  # its website is gone, and with it all of this
        tx.run(sql.erasing_remove, (erasure.website_id, erasure.erasure_id))
        return len(part.facts)
    work = _Work(tx, erasure, part, until, row)
    deadline, taken, width = perf_counter() + SLICE_SECONDS, 0, VISITORS
    listed = {visitor_id: len(list(pairs)) for visitor_id, pairs in groupby(part.facts, key=itemgetter(0))}
    waiting = list(listed)
    while waiting and (not taken or perf_counter() < deadline):
        done = work.do(waiting[:width])
        if not done:
            break
        taken += sum(listed[visitor_id] for visitor_id in done)
        waiting = waiting[len(done) :]
        width = min(2 * len(done), VISITORS)  # so that little is read in vain of visitors with many events
    work.save()
    return taken


class _Work:
    """What one slice does, some visitors at a time."""

    def __init__(self, tx: Transaction, erasure: Erasure, part: Slice, until: int, row: Row) -> None:
        self._tx = tx
        self._erasure = erasure
        self._until = until
        self._cut = part.facts[-1][0] if part.is_cut else None
        """Of this visitor there may be more facts than those of the slice."""
        _, _, self._visitors, counts, self._visitor_id, self._event_id = row
        self._counts = _decode(counts)
        users = tx.all(sql.erasing_users, (erasure.website_id, erasure.erasure_id))
        self._ids = {user[0] for user in users}
        self._facts: dict[bytes, list[bytes]] = {}
        """What is left of the slice's facts, by visitor: the same slice may have been handed out twice."""
        keys: list[Params] = [(erasure.website_id, fact_id) for _, fact_id in part.facts]
        found = tx.lookup(identity_sql.fact_exists, keys)
        for (visitor_id, fact_id), fact in zip(part.facts, found, strict=True):
            if fact is not None:
                self._facts.setdefault(visitor_id, []).append(fact_id)

    def save(self) -> None:
        """Note how far the erasure came."""
        key = (self._erasure.website_id, self._erasure.erasure_id)
        progress = (self._visitors, _encode(self._counts), self._visitor_id, self._event_id)
        self._tx.run(sql.erasure_put, (*key, *progress))

    def do(self, visitors: list[bytes]) -> list[bytes]:
        """Work on these visitors; those of them, from the first on, who are done."""
        links = self._links(self._left(visitors))
        done = self._blank(visitors, links)
        found = self._left(done)
        self._remove(found)
        self._refold(found, links)
        return done

    def _left(self, visitors: Iterable[bytes]) -> list[bytes]:
        return [visitor_id for visitor_id in visitors if visitor_id in self._facts]

    def _key(self, visitor_id: bytes) -> Params:
        return (self._erasure.website_id, visitor_id)

    def _links(self, visitors: list[bytes]) -> dict[bytes, list[Link]]:
        asked = [(identity_sql.links_of_visitor, self._key(one)) for one in visitors]
        found = self._tx.queries(*asked)
        return {
            visitor_id: [Link(*row) for row in rows] for visitor_id, rows in zip(visitors, found, strict=True)
        }

    def _blank(self, visitors: list[bytes], links: dict[bytes, list[Link]]) -> list[bytes]:
        """Blank what the users' own spans of these visitors tell; the visitors, from the first on, of whom that is done."""
        ranges = {one: self._ranges(one, links[one]) for one in self._left(visitors)}
        asked = [
            (sql.events_between, (*self._key(one), *span, EVENTS + 1))
            for one, spans in ranges.items()
            for span in spans
        ]
        answers = iter(self._tx.queries(*asked))
        events = {one: [row for _ in spans for row in next(answers)] for one, spans in ranges.items()}
        done, room = [], EVENTS
        for visitor_id in visitors:
            room -= len(events.get(visitor_id, ()))
            if room < 0:
                break
            done.append(visitor_id)
        if not done:
            self._blank_some(visitors[0], ranges[visitors[0]], events[visitors[0]])
            return []
        fresh = [one for one in self._left(done) if not self._is_blanked(one)]
        self._blank_rows(fresh, ranges, events)
        self._blank_visitors(
            [one for one in fresh if any(link.profile_id in self._ids for link in links[one])], links
        )
        self._visitors += len(fresh)
        if found := self._left(done):
            self._visitor_id, self._event_id = found[-1], _BLANKED
        return done

    def _is_blanked(self, visitor_id: bytes) -> bool:
        return (self._visitor_id, self._event_id) == (visitor_id, _BLANKED)

    def _ranges(self, visitor_id: bytes, links: list[Link]) -> list[tuple[bytes, bytes]]:
        """The event ids from which and before which the users had the visitor, as far as that is not blanked yet."""
        start = self._event_id if self._visitor_id == visitor_id else b""
        spans = [
            (max(at_prefix(since), start), at_prefix(min(until, self._until)))
            for since, until in rules.own_spans(links, self._ids)
        ]
        return [span for span in spans if span[0] < span[1]]

    def _blank_some(self, visitor_id: bytes, ranges: list[tuple[bytes, bytes]], events: list[Row]) -> None:
        """Blank the first events of a visitor who has too many, and the sessions that began before the next one."""
        following: bytes = events[EVENTS][0]
        before = [(since, min(until, following)) for since, until in ranges if since < following]
        self._blank_rows([visitor_id], {visitor_id: before}, {visitor_id: events[:EVENTS]})
        self._visitor_id, self._event_id = visitor_id, following

    def _blank_rows(
        self,
        visitors: list[bytes],
        ranges: dict[bytes, list[tuple[bytes, bytes]]],
        events: dict[bytes, list[Row]],
    ) -> None:
        """Blank these events, and the sessions that began in these ranges."""
        asked = [
            (sql.sessions_between, (*self._key(one), at_of(since), at_of(until)))
            for one in visitors
            for since, until in ranges[one]
        ]
        answers = iter(self._tx.queries(*asked))
        blank_events = [(*self._key(one), *_blanked(row)) for one in visitors for row in events[one]]
        blank_sessions = [
            (*self._key(one), *_blanked(row))
            for one in visitors
            for _ in ranges[one]
            for row in next(answers)
        ]
        self._tx.run_many(sql.event_blank, blank_events)
        self._tx.run_many(sql.session_blank, blank_sessions)
        self._counts["events"] += len(blank_events)
        self._counts["sessions"] += len(blank_sessions)

    def _blank_visitors(self, visitors: list[bytes], links: dict[bytes, list[Link]]) -> None:
        """A visitor's row tells where its first pageview came from and which page the last one was, whoever has the visitor since."""
        keys = [self._key(one) for one in visitors]
        found = self._tx.lookups(
            (sql.visitor_texts, keys), (sql.pageview_first, keys), (sql.pageview_last, keys)
        )
        blanked = [
            (*self._key(one), *self._texts(links[one], row, earliest, latest))
            for one, row, earliest, latest in zip(visitors, *found, strict=True)
            if row is not None
        ]
        self._tx.run_many(sql.visitor_blank, blanked)
        self._counts["visitors"] += len(blanked)

    def _texts(self, links: list[Link], row: Row, earliest: Row | None, latest: Row | None) -> Params:
        current_url, *first = row
        if latest is not None and rules.owner_at(links, at_of(latest[0])) in self._ids:
            current_url = without_emails(current_url)
        if earliest is not None and rules.owner_at(links, at_of(earliest[0])) in self._ids:
            first = [without_emails(first[0]), None, None]
        return (current_url, *first)

    def _remove(self, visitors: list[bytes]) -> None:
        """Remove the facts about these visitors; each that counted leaves a boundary."""
        website_id, secret = self._erasure.website_id, self._erasure.profile_secret
        pairs = [(one, fact_id) for one in visitors for fact_id in self._facts[one]]
        undone = self._tx.lookup(identity_sql.inactive_get, [(website_id, fact_id) for _, fact_id in pairs])
        boundaries: list[Params] = [
            (website_id, one, boundary_id(secret, fact_id))
            for (one, fact_id), row in zip(pairs, undone, strict=True)
            if row is None and at_of(fact_id) < self._until
        ]
        self._tx.run_many(identity_sql.boundary_add, boundaries)
        self._counts["facts"] += remove_facts(self._tx, website_id, [fact_id for _, fact_id in pairs])

    def _refold(self, visitors: list[bytes], links: dict[bytes, list[Link]]) -> None:
        """Fold the links of these visitors anew. Others than the erased are listed by other events than before."""
        website_id = self._erasure.website_id
        owners = {one: self._owners(one, links[one]) for one in visitors}
        asked = [
            (one, owner, identity_sql.fact_ids_of_profile_on, (website_id, owner, one))
            for one in visitors
            for owner in owners[one]
        ]
        found = self._tx.queries(
            *[(identity_sql.boundaries_of_visitor, self._key(one)) for one in visitors],
            *[(statement, key) for _, _, statement, key in asked],
        )
        facts: dict[bytes, list[tuple[bytes, bytes | None]]] = {
            one: [(row[0], None) for row in rows]
            for one, rows in zip(visitors, found[: len(visitors)], strict=True)
        }
        for (one, owner, _, _), rows in zip(asked, found[len(visitors) :], strict=True):
            facts[one] += [(row[0], owner) for row in rows]
        self._tx.run_many(identity_sql.links_remove, [self._key(one) for one in visitors])
        folded = [
            (*self._key(one), link.fact_id, link.profile_id)
            for one in visitors
            for link in rules.fold_links(facts[one])
        ]
        self._tx.run_many(identity_sql.link_add, folded)
        others = {owner for found in owners.values() for owner in found} - self._ids
        store.mark_changed(self._tx, [(website_id, owner) for owner in sorted(others)])

    def _owners(self, visitor_id: bytes, links: list[Link]) -> list[bytes]:
        """Whose facts about a visitor are left; the users' own are all removed, unless more of them follow."""
        found = {link.profile_id for link in links if link.profile_id is not None}
        return sorted(found if visitor_id == self._cut else found - self._ids)


def _blanked(row: Row) -> Row:
    """An own key, and texts that may hold an e-mail address."""
    return (row[0], *map(without_emails, row[1:]))


def without_emails(text: str | None) -> str | None:
    """`text` with every e-mail address, also a percent-encoded one, replaced."""
    return None if text is None else _EMAIL.sub(ERASED, text)


def remove_facts(tx: Transaction, website_id: bytes, fact_ids: Sequence[bytes]) -> int:
    """Remove facts, all undos of them, and undos of those; how many that were."""
    doomed, waiting = set(fact_ids), sorted(set(fact_ids))
    while waiting:
        found = tx.queries(*[(identity_sql.undos_of_fact, (website_id, one)) for one in waiting])
        undos = [(target, row[0]) for target, rows in zip(waiting, found, strict=True) for row in rows]
        tx.run_many(identity_sql.undo_remove, [(website_id, *undo) for undo in undos])
        waiting = [fact_id for _, fact_id in undos]
        doomed.update(waiting)
    keys: list[Params] = [(website_id, one) for one in sorted(doomed)]
    tx.run_many(identity_sql.inactive_remove, keys)
    tx.run_many(identity_sql.fact_remove, keys)
    return len(doomed)
