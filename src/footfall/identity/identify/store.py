"""The rows that a list of identify calls touches: read together, changed in memory call by call, written together."""

from __future__ import annotations

from footfall.clock import DAY_MS
from footfall.db.protocol import Params, Transaction
from footfall.identity import rules, store, trait_rules
from footfall.identity.fold import refresh_people
from footfall.identity.identify.model import MAX_UNSIGNED_A_DAY, IdentifyCall
from footfall.identity.identify.rules import Beside, Decision, Situation, as_stored
from footfall.identity.model import Fact, Link, Traits
from footfall.identity.store import Profile, Unsigned, VisitorState, sql
from footfall.ids import AT_BYTES, at_of
from footfall.outbox.model import ChangeKind, visitor_key
from footfall.outbox.store import tell

_END = b"\xff" * 16
"""After all fact ids."""


class IdentifyState:
    """What the calls of one transaction see: the stored rows, with what earlier calls of the list changed.

    Rows that few calls need are read when a call asks for them; whatever might be among them is flushed before.
    """

    def __init__(self, tx: Transaction, calls: list[IdentifyCall]) -> None:
        self._tx = tx
        secrets = {call.website_id: call.profile_secret for call in calls}
        visitors: list[Params] = list({call.visitor: None for call in calls})
        users = list({call.user: None for call in calls})
        ids: list[Params] = [
            (website, rules.profile_id(secrets[website], 0, user)) for website, user in users
        ]
        self._visitors, self._profiles, self._undone = store.read_state(tx, visitors, ids)
        self._ids = dict(zip(users, ids, strict=True))
        """(website id, profile id) of users."""
        self._erased_at: dict[tuple[bytes, str], int] = {}
        if len(self._profiles) < len(ids):
            self._follow_erasures([user for user in users if self._ids[user] not in self._profiles], secrets)
        if any(profile.member_count > 1 for profile in self._profiles.values()):
            self._read_people()
        self._said_by_pages = self._said_by_pages_alone()
        self._unsigned = store.read_unsigned(tx, {call.visitor for call in calls if not call.is_trusted})
        self._newest_of_people: dict[Params, bytes] = {}
        self._histories: dict[Params, trait_rules.History] = {}
        """Of the people about whom an older fact came: what all facts about them do."""
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
        """Lock merged people and read their rows again: a call about another of their users may run elsewhere.

        The lock has a name of its own: it is taken after those of users, so it must never be one of them.
        """
        merged = [profile for profile in self._profiles.values() if profile.member_count > 1]
        people: list[Params] = list({(profile.website_id, profile.person_id): None for profile in merged})
        self._tx.lock([(website_id, b"person", person_id) for website_id, person_id in people])
        again: list[Params] = [(profile.website_id, profile.profile_id) for profile in merged]
        self._profiles.update(store.read_state(self._tx, [], list({*people, *again})).profiles)

    def _said_by_pages_alone(self) -> set[Params]:
        """The users (website id, profile id) of whom no server said anything since a page did; of those with no field that a server set."""
        keys = [key for key, profile in self._profiles.items() if not trait_rules.has_trusted(profile.traits)]
        newest = self._tx.all_together(*[(sql.facts_of_profile_newest, (*key, 1)) for key in keys])
        return {key for key, rows in zip(keys, newest, strict=True) if rows and not rows[0].is_trusted}

    # What is known

    def visitor_of(self, call: IdentifyCall) -> VisitorState:
        """The call's visitor."""
        return self._visitors[call.visitor]

    def profile_of(self, call: IdentifyCall) -> Profile:
        """The profile of the call's user; a new one, not stored yet, for a user nobody knows."""
        key = self._ids[call.user]
        profile = self._profiles.get(key)
        if profile is not None:
            return profile
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

    def erased_at(self, call: IdentifyCall) -> int:
        """When the call's user was erased last (ms since epoch); -1: never."""
        return self._erased_at.get(call.user, -1) if self._erased_at else -1

    def is_known(self, call: IdentifyCall, fact: Fact) -> bool:
        """Whether the same fact is stored already. The smaller time of arrival stays."""
        self.flush()
        row = self._tx.one(sql.fact_exists, (call.website_id, fact.fact_id))
        if row is not None and fact.received_at < row.received_at:
            self._tx.execute(sql.fact_received, (call.website_id, fact.fact_id, fact.received_at))
        return row is not None

    def is_undone(self, call: IdentifyCall, fact: Fact) -> bool:
        """Whether a stored fact does not count."""
        return store.is_inactive(self._tx, call.website_id, fact.fact_id)

    def is_vouched(self, call: IdentifyCall, visitor: VisitorState, fact: Fact) -> bool:
        """Whether a trusted call gave the visitor to the user of a new fact."""
        if visitor.last is None or visitor.last.profile_id != fact.profile_id:
            return False
        self.flush()
        row = self._tx.one(sql.fact_get, (call.website_id, visitor.last.fact_id))
        return row is not None and bool(row.is_trusted)

    def is_being_erased(self, call: IdentifyCall, fact: Fact) -> bool:
        """Whether somebody who had the visitor around the fact is being erased.

        What the visitor did then must not become another's before it is blanked.
        """
        beside = store.links_around(self._tx, *call.visitor, fact.fact_id)
        owners = [link.profile_id for link in beside if link is not None and link.profile_id is not None]
        keys: list[Params] = [(call.website_id, owner) for owner in owners]
        return any(row is not None for row in self._tx.get_many(sql.erasing_get, keys))

    def owner_before(self, call: IdentifyCall, fact: Fact) -> bytes | None:
        """The profile that the call's visitor belonged to until a fact."""
        before, _ = store.links_around(self._tx, *call.visitor, fact.fact_id)
        return before.profile_id if before else None

    def newest_after(self, call: IdentifyCall, last: Link, since: bytes) -> bytes:
        """The newest fact after `since` on the call's visitor of whoever has its last link; empty when there is none."""
        if last.profile_id is None:
            row = self._tx.one(sql.boundary_newest, (*call.visitor, since))
        else:
            key = (call.website_id, last.profile_id, call.said.visitor_id, since)
            row = self._tx.one(sql.fact_newest_of_profile_on, key)
        return row.fact_id if row else b""

    def members_of(self, profile: Profile) -> tuple[bytes, ...]:
        """The profile ids of a merged person; empty for one user."""
        if profile.member_count == 1:
            return ()
        rows = self._tx.all(sql.members_of_person, (profile.website_id, profile.person_id))
        return tuple(row.profile_id for row in rows)

    def count_visitors(self, profile: Profile) -> int:
        """How many visitors the person of a profile has."""
        if profile.member_count == 1:
            return profile.visitor_count
        self.flush()
        key = (profile.website_id, profile.person_id)
        return int(self._tx.all(sql.visitors_of_person, key)[0].count)

    def user_id_of(self, website_id: bytes, profile_id: bytes) -> str | None:
        """The user id of a profile; None while the user is being erased."""
        known = self._profiles.get((website_id, profile_id))
        if known is not None:
            return known.user_id
        row = self._tx.one(sql.profile_get, (website_id, profile_id))
        return row.user_id if row else None

    # What a call is decided by

    def situation(
        self, call: IdentifyCall, visitor: VisitorState, profile: Profile, fact: Fact, operations: bytes
    ) -> Situation:
        """What is known about a fact's visitor and person. `operations`: the fact's, as canonical JSON."""
        person = self._person_of(profile)
        beside = self._beside(call, visitor, profile, fact)
        history = None if self._is_newest(fact, profile, person) else self._history_of(person, profile)
        members = () if beside is None else self.members_of(profile)
        return Situation(fact, operations, profile.is_new, person.traits, history, beside, members)

    def _person_of(self, profile: Profile) -> Profile:
        """The profile whose row holds the traits of the person that `profile` belongs to."""
        if profile.member_count == 1:
            return profile
        return self._profiles[profile.website_id, profile.person_id]

    def _is_newest(self, fact: Fact, profile: Profile, person: Profile) -> bool:
        """Whether a fact is later than all about the person, so that it can be applied without the ledger."""
        newest = profile.newest if profile.member_count == 1 else self._newest_of_person(profile)
        is_newest = fact.fact_id[:AT_BYTES] > newest[:AT_BYTES]
        return is_newest and not trait_rules.trusted_left_out(person.traits)

    def _newest_of_person(self, profile: Profile) -> bytes:
        """The newest fact id of all users who are one person with `profile`."""
        key = (profile.website_id, profile.person_id)
        if key not in self._newest_of_people:
            self.flush()
            members: list[Params] = [(profile.website_id, one) for one in self.members_of(profile)]
            rows = self._tx.get_many(sql.fact_newest_of_profile, members)
            self._newest_of_people[key] = max((row.fact_id for row in rows if row is not None), default=b"")
        return self._newest_of_people[key]

    def _history_of(self, person: Profile, profile: Profile) -> trait_rules.History:
        """What the facts about a person do so far, as far as it can matter."""
        key = (person.website_id, person.profile_id)
        if key not in self._histories:
            self.flush()
            users = self.members_of(profile) or [profile.profile_id]
            facts = store.facts_of_profiles(self._tx, person.website_id, users)
            self._histories[key] = trait_rules.compact_history(facts)
        return self._histories[key]

    def _beside(
        self, call: IdentifyCall, visitor: VisitorState, profile: Profile, fact: Fact
    ) -> Beside | None:
        """The links beside a fact; None when the visitor is the user's and stays so.

        Only when something on the visitor is newer than the fact, they have to be looked for.
        """
        last = visitor.last
        if last is None:
            return Beside(None)
        if last.profile_id == profile.profile_id and fact.fact_id > profile.newest:
            return None
        is_newest = fact.fact_id >= last.fact_id and fact.fact_id >= visitor.newest
        if is_newest and not self.newest_after(call, last, fact.fact_id):
            return Beside(last)
        self.flush()
        earlier, later = store.links_around(self._tx, *call.visitor, fact.fact_id)
        if earlier is None or earlier.profile_id == profile.profile_id:
            return Beside(earlier, later)
        until = later.fact_id if later else _END
        resumed = store.resumes(self._tx, *call.visitor, earlier, fact.fact_id, until)
        return Beside(earlier, later, resumed)

    # What a call changes

    def take_unsigned(self, call: IdentifyCall) -> bool:
        """Count an unsigned fact of the call's visitor. False when it brought as many today as it may."""
        day, taken = self._unsigned[call.visitor]
        today = call.now // DAY_MS
        if today > day:
            day, taken = today, 0
        if taken >= MAX_UNSIGNED_A_DAY:
            return False
        self._unsigned[call.visitor] = Unsigned(day, taken + 1)
        return True

    def refuse(self, profile: Profile) -> None:
        """Forget the history that got the fact of a refused call."""
        self._histories.pop((profile.website_id, profile.person_id), None)

    def accept(
        self,
        call: IdentifyCall,
        visitor: VisitorState,
        profile: Profile,
        known: Situation,
        decision: Decision,
    ) -> Profile:
        """Make the changes of a call; the profile as it stands then."""
        fact, at, is_new = known.fact, at_of(known.fact.fact_id), profile.is_new
        person = self._person_of(profile)
        if self._histories and known.history is None:
            self._add_to_history(person, known)
        self._facts.append(store.fact_row(call.website_id, fact, known.operations))
        if known.beside is not None:
            self._put_links(call, visitor, profile, known.beside, decision)
        is_older = fact.fact_id < profile.newest or at < profile.identified_at
        if (
            is_new
            or decision.links != decision.replaced
            or is_older
            or self._is_first_of_server(profile, fact)
        ):
            self._keep(profile, at)
        if decision.traits is not known.traits:
            person.traits = decision.traits
            self._keep_traits(person, trait_rules.changed_names(known.traits, decision.traits))
        self._note_newest(visitor, profile, fact)
        is_back = is_new and (profile.website_id, profile.profile_id) in self._undone
        return self._rejoin(profile) if is_back else profile

    def _is_first_of_server(self, profile: Profile, fact: Fact) -> bool:
        """Whether a server says at last what a page said: from now on, that explains what is known of the user, though nothing else changes."""
        return fact.is_trusted and (profile.website_id, profile.profile_id) in self._said_by_pages

    def _add_to_history(self, person: Profile, known: Situation) -> None:
        """Tell the history of a person, if it was read, of a fact that applied on top."""
        history = self._histories.get((person.website_id, person.profile_id))
        if history is not None:
            history.add(as_stored(known.fact, known.operations))

    def _put_links(
        self,
        call: IdentifyCall,
        visitor: VisitorState,
        profile: Profile,
        beside: Beside,
        decision: Decision,
    ) -> None:
        """Put the visitor's links beside the fact in place of those before."""
        replaced, links = decision.replaced, decision.links
        if links != replaced:
            key = (call.website_id, profile.profile_id, call.said.visitor_id)
            profile.visitor_count += not (replaced and self._is_linked(key))
            is_live = call.said.at is None or not replaced  # nobody else loses events that have come already
            if is_live and links[:-1] == replaced:
                self._linked.add(key)
                self._links.append((*call.visitor, links[-1].fact_id, links[-1].profile_id))
                since = at_of(links[-1].fact_id) if replaced else 0
                self._told.append(visitor_key(*call.visitor, since))
            else:
                store.replace_some_links(self._tx, *call.visitor, replaced, links)
        if beside.later is None or beside.later == visitor.last:
            visitor.last = links[-1]

    def _is_linked(self, key: Params) -> bool:
        """Whether a profile has, or had, any link of a visitor. `key`: (website id, profile id, visitor id)."""
        return key in self._linked or self._tx.one(sql.link_known, key) is not None

    def _keep(self, profile: Profile, at: int) -> None:
        """Have the whole row of a profile written. `at`: the time of a fact about it (ms since epoch)."""
        profile.identified_at = at if profile.is_new else min(profile.identified_at, at)
        profile.is_new, profile.changed_names = False, None
        key = (profile.website_id, profile.profile_id)
        self._profiles[key] = self._changed[key] = profile

    def _keep_traits(self, person: Profile, names: set[str]) -> None:
        """Have a person's traits written. While nothing else changed, the trait index has less to do."""
        key = (person.website_id, person.profile_id)
        if key not in self._changed:
            person.changed_names = names
        elif person.changed_names is not None:
            person.changed_names |= names
        self._changed[key] = person

    def _note_newest(self, visitor: VisitorState, profile: Profile, fact: Fact) -> None:
        """Remember an accepted fact as the newest, if it is, of its visitor, profile and person."""
        if fact.fact_id > visitor.newest:
            visitor.newest = fact.fact_id
        if fact.fact_id > profile.newest:
            profile.newest = fact.fact_id
        if profile.member_count > 1:
            key = (profile.website_id, profile.person_id)
            self._newest_of_people[key] = max(self._newest_of_person(profile), fact.fact_id)

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

    def flush(self) -> None:
        """Write the changes so far."""
        self._tx.execute_many(sql.fact_add, self._facts)
        self._tx.execute_many(sql.link_add, self._links)
        tell(self._tx, ChangeKind.VISITOR, self._told)
        if self._changed:
            store.put_profiles(self._tx, self._changed.values())
        self._facts, self._links, self._told, self._changed = [], [], [], {}

    def finish(self) -> None:
        """Write the changes, and how many unsigned facts the visitors brought."""
        self.flush()
        self._tx.execute_many(sql.unsigned_put, [(*key, *taken) for key, taken in self._unsigned.items()])
