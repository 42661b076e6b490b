"""Identify: from a list of calls to facts, profiles and links, in one transaction.

The state that the calls touch is read at once, decided on call by call in memory by the pure rules, and written at once. So the
results equal those of one call after the other, and each row is written once however many calls named it.
"""

from __future__ import annotations

import functools

import msgspec

from footfall.clock import DAY_MS
from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.errors import ApiError, BadRequest, NotFound, Unavailable
from footfall.identity import rules, store
from footfall.identity.fold import refresh_people
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import in_preview
from footfall.identity.model import BROWSER, IDENTIFY, Fact, Link, Traits, Warn
from footfall.identity.store import Profile, Unsigned, VisitorState, sql
from footfall.ids import at_of, at_prefix
from footfall.outbox.model import ChangeKind, visitor_key
from footfall.outbox.store import tell

MAX_AHEAD = 60_000
"""Milliseconds by which `$at` may lie ahead of the clock."""

LATE = 60_000
"""Milliseconds by which `$at` may lie behind the clock in a call that is written on the event loop."""
MAX_UNSIGNED_A_DAY = 500
"""Unsigned facts that a visitor may bring in a UTC day, by the clock of who takes them: anybody can make them, and they stay."""

_END = b"\xff" * 16
"""After all fact ids."""
_UNDONE = Warn("fact_undone", "$at", "$at: this call was stored before and undone since; it does not count.")


class IdentifyCall(msgspec.Struct, frozen=True):
    """One identify call and who makes it. `now`: ms since epoch at its arrival; `actor_id` None: a page."""

    website_id: bytes
    profile_secret: bytes
    said: Identify
    source: str
    is_trusted: bool
    actor_id: bytes | None
    now: int


class Identified(msgspec.Struct, frozen=True):
    """The outcome of an accepted call. `action`: `created`, `updated` or `unchanged`; `linked_visitors`: a count."""

    action: str
    profile_id: bytes
    fact_id: bytes
    linked_visitors: int
    previous_user_id: str | None
    warnings: list[Warn]


class BeforeErasure(msgspec.Struct, frozen=True):
    """A fact from before the erasure of its user: nothing was stored."""


class TooMany(msgspec.Struct, frozen=True):
    """One unsigned fact more than a visitor may bring in a day: nothing was stored."""


Outcome = Identified | BeforeErasure | TooMany | ApiError


def identify(tx: Transaction, calls: list[IdentifyCall]) -> list[Outcome]:
    """Write handler: the outcome of each call, in order."""
    batch = _Batch(tx, calls)
    outcomes = [batch.identify(call) for call in calls]
    batch.flush()
    batch.put_unsigned()
    return outcomes


def preview(tx: Transaction, batches: list[list[IdentifyCall]]) -> list[list[Outcome]]:
    """Write handler: what the outcomes of each list of calls would be, one call after the other. Nothing is kept."""
    return [in_preview(tx, functools.partial(identify, tx, calls)) for calls in batches]


def _locks(calls: list[IdentifyCall]) -> list[Params]:
    visitors: list[Params] = [(call.website_id, call.said.visitor_id) for call in calls]
    users: list[Params] = [
        (call.website_id, rules.profile_id(call.profile_secret, 0, call.said.user_id)) for call in calls
    ]
    return visitors + users


def _shares(calls: list[IdentifyCall]) -> list[Params]:
    """Merges, undos and erasures move people about; they wait for identify calls, and these for them."""
    return list({(call.website_id, b"people"): None for call in calls})


def _visitor_of(call: IdentifyCall) -> bytes:
    return call.said.visitor_id


def _is_late(call: IdentifyCall) -> bool:
    """Whether the call may have to be folded among all facts about its user, of which there may be many."""
    return call.said.at is not None and call.said.at < call.now - LATE


IDENTIFY_HANDLER = WriteHandler(
    rank=1, run=identify, locks=_locks, shares=_shares, about=_visitor_of, is_long=_is_late
)
PREVIEW_HANDLER = WriteHandler(
    rank=1,
    run=preview,
    is_slow=True,
    locks=lambda batches: _locks([call for calls in batches for call in calls]),
    shares=lambda batches: _shares([call for calls in batches for call in calls]),
)


class _Batch:
    """The rows that a list of calls touches, as they stand after each of them."""

    def __init__(self, tx: Transaction, calls: list[IdentifyCall]) -> None:
        self._tx = tx
        secrets = {call.website_id: call.profile_secret for call in calls}
        visitors: list[Params] = list({(call.website_id, call.said.visitor_id): None for call in calls})
        users: list[tuple[bytes, str]] = list({(call.website_id, call.said.user_id): None for call in calls})
        ids: list[Params] = [
            (website, rules.profile_id(secrets[website], 0, user)) for website, user in users
        ]
        self._visitors, self._profiles, self._undone = store.read_state(tx, visitors, ids)
        self._ids = dict(zip(users, ids, strict=True))
        self._erased_at: dict[tuple[bytes, str], int] = {}
        if len(self._profiles) < len(ids):
            self._follow_erasures([user for user in users if self._ids[user] not in self._profiles], secrets)
        if any(profile.member_count > 1 for profile in self._profiles.values()):
            self._read_people()
        self._unsigned = store.read_unsigned(
            tx, {(call.website_id, call.said.visitor_id) for call in calls if not call.is_trusted}
        )
        """(UTC day, unsigned facts in it) of visitors who bring some."""
        self._newest_of_people: dict[Params, bytes] = {}
        self._histories: dict[Params, rules.History] = {}
        """Of the people about whom an older fact came, what all facts about them do."""
        self._facts: list[Params] = []
        self._links: list[Params] = []
        self._linked: set[Params] = set()
        """(website id, profile id, visitor id) of all that were linked here."""
        self._told: list[bytes] = []
        """Of the visitors of these links, the keys of their changes."""
        self._changed: dict[Params, Profile] = {}

    def _follow_erasures(self, users: list[tuple[bytes, str]], secrets: dict[bytes, bytes]) -> None:
        """Give users who were erased before the id of their next generation."""
        keys: list[Params] = [(website, rules.user_hash(secrets[website], user)) for website, user in users]
        again: list[Params] = []
        for user, tombstone in zip(users, self._tx.get_many(sql.tombstone_get, keys), strict=True):
            if tombstone is not None:
                website_id, user_id = user
                again_id = rules.profile_id(secrets[website_id], tombstone.generation, user_id)
                self._ids[user] = (website_id, again_id)
                self._erased_at[user] = tombstone.erased_at
                again.append(self._ids[user])
        _, found, undone = store.read_state(self._tx, [], again)
        self._profiles.update(found)
        self._undone.update(undone)

    def _read_people(self) -> None:
        """The rows of merged people, read anew under a lock, since a call about another of their users may run elsewhere.

        The lock has a name of its own: it is taken after those of users, so it must never be one of them.
        """
        merged = [profile for profile in self._profiles.values() if profile.member_count > 1]
        people: list[Params] = list({(profile.website_id, profile.person_id): None for profile in merged})
        self._tx.lock([(website_id, b"person", person_id) for website_id, person_id in people])
        again: list[Params] = [(profile.website_id, profile.profile_id) for profile in merged]
        self._profiles.update(store.read_state(self._tx, [], list({*people, *again})).profiles)

    def identify(self, call: IdentifyCall) -> Outcome:
        """Decide one call."""
        said = call.said
        visitor = self._visitors[(call.website_id, said.visitor_id)]
        if not visitor.has_pageview and call.source != BROWSER:
            return NotFound(
                "datafast_visitor_id: no pageview of this visitor has come for this website. "
                "Send the id from the cookie of a page that carries the tracking script."
            )
        user = (call.website_id, said.user_id)
        profile = self._profiles.get(self._ids[user]) or self._new_profile(call)
        erased_at = self._erased_at.get(user, -1)
        if said.at is None:
            at = max(self._live_at(call, profile, visitor), erased_at + 1)
        elif said.at > call.now + MAX_AHEAD:
            return BadRequest("$at lies more than 60 s ahead of the clock.")
        elif said.at <= erased_at:
            return BeforeErasure()
        else:
            at = said.at
        operations = rules.canonical_operations(said.operations)
        fact = self._fact(call, profile, at, operations)
        if said.at is not None and self._is_known(call.website_id, fact):
            return self._said_again(call, profile, fact)
        if said.at is not None and self._is_being_erased(call, fact):
            return Unavailable("Somebody who had this visitor is being erased. Try again in a second.")
        if not call.is_trusted and not self._take_unsigned(call):
            return TooMany()
        return self._accept(call, profile, visitor, fact, operations)

    def _is_being_erased(self, call: IdentifyCall, fact: Fact) -> bool:
        """Whether what the visitor did around an older fact is somebody's who is being erased: it must not become another's before it is blanked."""
        beside = store.links_around(self._tx, call.website_id, call.said.visitor_id, fact.fact_id)
        owners = [link.profile_id for link in beside if link is not None and link.profile_id is not None]
        keys: list[Params] = [(call.website_id, owner) for owner in owners]
        return any(row is not None for row in self._tx.get_many(sql.erasing_get, keys))

    def _take_unsigned(self, call: IdentifyCall) -> bool:
        """Count an unsigned fact of a visitor; False when the visitor brought enough of them today."""
        day, taken = self._unsigned[(call.website_id, call.said.visitor_id)]
        today = call.now // DAY_MS
        if today > day:
            day, taken = today, 0
        if taken >= MAX_UNSIGNED_A_DAY:
            return False
        self._unsigned[(call.website_id, call.said.visitor_id)] = Unsigned(day, taken + 1)
        return True

    def _new_profile(self, call: IdentifyCall) -> Profile:
        key = self._ids[(call.website_id, call.said.user_id)]
        profile_id: bytes = key[1]  # type: ignore[assignment]
        return Profile(
            call.website_id,
            profile_id,
            profile_id,
            1,
            call.said.user_id,
            call.now,
            0,
            Traits({}, {}, set()),
            self._undone.get(key, b""),
            is_new=True,
        )

    def _live_at(self, call: IdentifyCall, profile: Profile, visitor: VisitorState) -> int:
        """The time of a call that names none: see `rules.live_at`. Facts on the visitor after its last link are that profile's."""
        newest = max(profile.newest, visitor.newest)
        last = visitor.last
        if last is not None and last.profile_id != profile.profile_id:
            newest = max(newest, last.fact_id)
            newest = max(newest, self._newest_after(call, last, at_prefix(call.now)))
        return rules.live_at(call.now, newest)

    def _newest_after(self, call: IdentifyCall, last: Link, since: bytes) -> bytes:
        """The newest fact after `since` on the call's visitor of whoever has its last link, which begins a run of them; or empty."""
        key = (call.website_id, call.said.visitor_id)
        if last.profile_id is None:
            row = self._tx.one(sql.boundary_newest, (*key, since))
        else:
            key_on = (call.website_id, last.profile_id, call.said.visitor_id, since)
            row = self._tx.one(sql.fact_newest_of_profile_on, key_on)
        return row.fact_id if row else b""

    def _fact(self, call: IdentifyCall, profile: Profile, at: int, operations: bytes) -> Fact:
        said = call.said
        fact_id = rules.fact_id(
            call.website_id,
            IDENTIFY,
            said.user_id,
            said.visitor_id,
            at,
            operations,
            call.source,
            call.actor_id,
        )
        return Fact(
            fact_id,
            IDENTIFY,
            profile.profile_id,
            said.user_id,
            said.visitor_id,
            call.now,
            call.source,
            call.is_trusted,
            call.actor_id,
            said.operations,
        )

    def _is_known(self, website_id: bytes, fact: Fact) -> bool:
        """Whether the same fact is there already; the smaller time of arrival stays."""
        self.flush()
        row = self._tx.one(sql.fact_exists, (website_id, fact.fact_id))
        if row is not None and fact.received_at < row.received_at:
            self._tx.execute(sql.fact_received, (website_id, fact.fact_id, fact.received_at))
        return row is not None

    def _said_again(self, call: IdentifyCall, profile: Profile, fact: Fact) -> Outcome:
        """The outcome of a fact that is there already."""
        before, _ = store.links_around(self._tx, call.website_id, call.said.visitor_id, fact.fact_id)
        previous = before.profile_id if before and before.profile_id not in self._members(profile) else None
        warnings = call.said.warnings
        if store.is_inactive(self._tx, call.website_id, fact.fact_id):
            warnings = [*warnings, _UNDONE]
        return self._outcome("unchanged", profile, fact, previous, warnings)

    def _accept(
        self, call: IdentifyCall, profile: Profile, visitor: VisitorState, fact: Fact, operations: bytes
    ) -> Outcome:
        person = self._person(profile)
        before = person.traits
        key: Params = (person.website_id, person.profile_id)
        is_newest = self._is_newest(fact, profile) and not rules.trusted_left_out(before)
        if is_newest:
            traits, refused = rules.apply_newest(before, fact.operations, fact.is_trusted)
        else:
            traits = rules.fold_in(before, self._read_history(person, profile), _as_stored(fact, operations))
            refused = [] if fact.is_trusted else rules.refused_keys(traits, fact.operations)
        if problem := self._problem(before, traits):
            self._histories.pop(key, None)
            return BadRequest(problem)
        if is_newest and key in self._histories:
            self._histories[key].add(_as_stored(fact, operations))
        is_new = profile.is_new
        is_relinked, previous = self._link(call, profile, visitor, fact)
        self._facts.append(store.fact_row(call.website_id, fact, operations))
        action = "created" if is_new else _action(is_relinked, before, traits)
        if profile.is_new or is_relinked or at_of(fact.fact_id) < profile.identified_at:
            self._keep(profile, at_of(fact.fact_id))
        if traits is not before:
            person.traits = traits
            self._keep_traits(person, rules.changed_names(before, traits))
        self._note_newest(profile, visitor, fact)
        if is_new and (call.website_id, profile.profile_id) in self._undone:
            profile = self._rejoin(profile)
            previous = None if previous in self._members(profile) else previous
        warnings = _warnings(call, fact, before, traits, refused)
        return self._outcome(action, profile, fact, previous, warnings)

    def _note_newest(self, profile: Profile, visitor: VisitorState, fact: Fact) -> None:
        """Remember an accepted fact as the newest, if it is, of its visitor, profile and person."""
        visitor.newest = max(visitor.newest, fact.fact_id)
        profile.newest = max(profile.newest, fact.fact_id)
        if profile.member_count > 1:
            key = (profile.website_id, profile.person_id)
            self._newest_of_people[key] = max(self._newest_of_person(profile), fact.fact_id)

    def _read_history(self, person: Profile, profile: Profile) -> rules.History:
        """What the facts about a person do by now, as far as it can matter, without the one that is being decided."""
        key = (person.website_id, person.profile_id)
        if key not in self._histories:
            self.flush()
            facts = store.facts_of_profiles(self._tx, person.website_id, self._members(profile))
            history = rules.history_of(facts)
            history.changes_of = {
                name: rules.compact(changes) for name, changes in history.changes_of.items()
            }
            self._histories[key] = history
        return self._histories[key]

    def _problem(self, before: Traits, after: Traits) -> str | None:
        """Why a call is refused; what only unsigned calls said never is the reason."""
        if after is before:
            return None
        if problem := rules.size_problem(after.values):
            return problem
        return None if rules.trusted_left_out(after) <= rules.trusted_left_out(before) else rules.NO_ROOM

    def _is_newest(self, fact: Fact, profile: Profile) -> bool:
        """Whether the fact is later than all about the person, so that it can be applied without the ledger."""
        newest = profile.newest if profile.member_count == 1 else self._newest_of_person(profile)
        return not newest or at_of(fact.fact_id) > at_of(newest)

    def _newest_of_person(self, profile: Profile) -> bytes:
        """The newest fact id of all users who are one person with `profile`."""
        key = (profile.website_id, profile.person_id)
        if key not in self._newest_of_people:
            self.flush()
            members: list[Params] = [(profile.website_id, one) for one in self._members(profile)]
            rows = self._tx.get_many(sql.fact_newest_of_profile, members)
            self._newest_of_people[key] = max((row.fact_id for row in rows if row is not None), default=b"")
        return self._newest_of_people[key]

    def _keep(self, profile: Profile, at: int) -> None:
        profile.identified_at = at if profile.is_new else min(profile.identified_at, at)
        profile.is_new, profile.changed_names = False, None
        key = (profile.website_id, profile.profile_id)
        self._profiles[key] = self._changed[key] = profile

    def _keep_traits(self, person: Profile, names: set[str]) -> None:
        """Nothing but traits changed: the trait index has less to do."""
        key = (person.website_id, person.profile_id)
        if key not in self._changed:
            person.changed_names = names
        elif person.changed_names is not None:
            person.changed_names |= names
        self._changed[key] = person

    def _rejoin(self, profile: Profile) -> Profile:
        """A user whose facts were all undone is back, and with them the merges that name the user."""
        self.flush()
        self._newest_of_people.clear()
        self._histories.clear()
        refresh_people(self._tx, profile.website_id, [profile.profile_id])
        tell(self._tx, ChangeKind.PERSON, [profile.website_id + profile.profile_id])
        key = (profile.website_id, profile.profile_id)
        known: list[Params] = list(self._profiles)
        self._profiles.update(store.read_state(self._tx, [], known).profiles)
        person: Params = (profile.website_id, self._profiles[key].person_id)
        self._profiles.update(store.read_state(self._tx, [], [person]).profiles)
        return self._profiles[key]

    def _person(self, profile: Profile) -> Profile:
        """The profile whose row holds the traits of the person that `profile` belongs to."""
        return (
            self._profiles[(profile.website_id, profile.person_id)] if profile.member_count > 1 else profile
        )

    def _members(self, profile: Profile) -> list[bytes]:
        """The profile ids of the person that `profile` belongs to."""
        if profile.member_count == 1:
            return [profile.profile_id]
        rows = self._tx.all(sql.members_of_person, (profile.website_id, profile.person_id))
        return [row.profile_id for row in rows]

    def _link(
        self, call: IdentifyCall, profile: Profile, visitor: VisitorState, fact: Fact
    ) -> tuple[bool, bytes | None]:
        """Link the visitor to the profile from the fact on: whether any span changed, and whose the visitor was before."""
        last = visitor.last
        if last is not None and last.profile_id == profile.profile_id and fact.fact_id > profile.newest:
            return False, None
        if profile.member_count > 1:
            return self._link_merged(call, profile, visitor, fact)
        if last is None:
            profile.visitor_count += 1
        elif not self._is_newest_on(call, last, visitor, fact):
            return self._link_late(call, profile, visitor, fact)
        elif last.profile_id == profile.profile_id:
            return False, None
        else:
            profile.visitor_count += not self._was_linked(call, profile)
        self._told.append(
            visitor_key(call.website_id, call.said.visitor_id, at_of(fact.fact_id) if last else 0)
        )
        visitor.last = Link(fact.fact_id, profile.profile_id)
        self._linked.add((call.website_id, profile.profile_id, call.said.visitor_id))
        self._links.append((call.website_id, call.said.visitor_id, fact.fact_id, profile.profile_id))
        return True, last.profile_id if last else None

    def _is_newest_on(self, call: IdentifyCall, last: Link, visitor: VisitorState, fact: Fact) -> bool:
        if fact.fact_id < last.fact_id or fact.fact_id < visitor.newest:
            return False
        return not self._newest_after(call, last, fact.fact_id)

    def _was_linked(self, call: IdentifyCall, profile: Profile) -> bool:
        key = (call.website_id, profile.profile_id, call.said.visitor_id)
        return key in self._linked or self._tx.one(sql.link_known, key) is not None

    def _link_late(
        self, call: IdentifyCall, profile: Profile, visitor: VisitorState, fact: Fact
    ) -> tuple[bool, bytes | None]:
        """A fact among older and newer ones of the visitor: look at the links beside it."""
        before, after, previous = self._relink(call, profile, visitor, fact)
        return rules.spans(after) != rules.spans(before), None if previous == profile.profile_id else previous

    def _link_merged(
        self, call: IdentifyCall, profile: Profile, visitor: VisitorState, fact: Fact
    ) -> tuple[bool, bytes | None]:
        """The same for a user who is one person with others: what changes only among them changes nothing."""
        before, after, previous = self._relink(call, profile, visitor, fact)
        members = dict.fromkeys(self._members(profile), profile.person_id)
        is_changed = rules.spans_of_people(after, members) != rules.spans_of_people(before, members)
        return is_changed, None if previous in members else previous

    def _relink(
        self, call: IdentifyCall, profile: Profile, visitor: VisitorState, fact: Fact
    ) -> tuple[list[Link], list[Link], bytes | None]:
        """Store the visitor's links with the fact: those beside it without it and with it, and whose the visitor was until then."""
        self.flush()
        key = (call.website_id, call.said.visitor_id)
        earlier, later = store.links_around(self._tx, *key, fact.fact_id)
        before = [link for link in (earlier, later) if link]
        around = [*before, Link(fact.fact_id, profile.profile_id)]
        if earlier and earlier.profile_id != profile.profile_id:
            until = later.fact_id if later else _END
            if resumed := store.resumes(self._tx, *key, earlier, fact.fact_id, until):
                around.append(resumed)
        after = rules.fold_links((link.fact_id, link.profile_id) for link in around)
        if after != before:
            profile.visitor_count += not self._was_linked(call, profile)
            store.replace_some_links(self._tx, *key, before, after)
            self._keep(profile, at_of(fact.fact_id))
        if later is None or later == visitor.last:
            visitor.last = after[-1]
        return before, after, earlier.profile_id if earlier else None

    def _outcome(
        self, action: str, profile: Profile, fact: Fact, previous: bytes | None, warnings: list[Warn]
    ) -> Identified:
        user = None
        if previous is not None:
            key = (profile.website_id, previous)
            known = self._profiles.get(key)
            row = None if known else self._tx.one(sql.profile_get, key)
            user = known.user_id if known else row.user_id if row else None  # no row: being erased
        visitors = profile.visitor_count
        if profile.member_count > 1:
            self.flush()
            key = (profile.website_id, profile.person_id)
            visitors = self._tx.all(sql.visitors_of_person, key)[0].count
        return Identified(action, profile.person_id, fact.fact_id, visitors, user, warnings)

    def flush(self) -> None:
        """Write what was decided so far."""
        self._tx.execute_many(sql.fact_add, self._facts)
        self._tx.execute_many(sql.link_add, self._links)
        tell(self._tx, ChangeKind.VISITOR, self._told)
        if self._changed:
            store.put_profiles(self._tx, self._changed.values())
        self._facts, self._links, self._told, self._changed = [], [], [], {}

    def put_unsigned(self) -> None:
        """Write how many unsigned facts the visitors brought."""
        self._tx.execute_many(sql.unsigned_put, [(*key, *taken) for key, taken in self._unsigned.items()])


def _as_stored(fact: Fact, operations: bytes) -> Fact:
    """A fact as the ledger gives it: 1.0 is 1 there."""
    return msgspec.structs.replace(fact, operations=store.decode_operations(operations))


def _action(is_relinked: bool, before: Traits, after: Traits) -> str:
    """What a call did to a known profile."""
    if is_relinked or (after is not before and not rules.same_value(after.values, before.values)):
        return "updated"
    return "unchanged"


def _warnings(
    call: IdentifyCall, fact: Fact, before: Traits, after: Traits, refused: list[str]
) -> list[Warn]:
    left_out = _left_out(before, after, fact, refused)
    if not refused and not left_out:
        return call.said.warnings
    return [*call.said.warnings, *map(_refused, refused), *map(_no_room, left_out)]


def _left_out(before: Traits, after: Traits, fact: Fact, refused: list[str]) -> list[str]:
    """The fields of pages that this fact pushes out, or that it brings and there is no room for."""
    if not fact.is_trusted:
        return [key for key in fact.operations.set if key not in after.values and key not in refused]
    if not after.left_out:
        return []
    return sorted((after.left_out & after.untrusted.keys()) - before.left_out)


def _no_room(key: str) -> Warn:
    return Warn(
        "left_out", key, f"{key}: there is no room for this field, which only unsigned calls of pages set."
    )


def _refused(key: str) -> Warn:
    return Warn(
        "trusted_value_kept",
        key,
        f"{key}: a trusted call decided this field; the page's unsigned value was ignored.",
    )
