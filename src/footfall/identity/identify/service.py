"""Identify: from a list of calls to facts, profiles and links, in one transaction.

`IdentifyState` reads what the calls touch together and writes it together. In between, call by call, it says what is known, `decide`
says what changes, and the state takes the changes in. So the results equal those of one call after the other, and each row is written
once however many calls named it.
"""

from __future__ import annotations

import functools

from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.errors import BadRequest, NotFound, Unavailable
from footfall.identity import rules
from footfall.identity.identify.model import BeforeErasure, Identified, IdentifyCall, Outcome, TooMany
from footfall.identity.identify.rules import Decision, decide, warnings_alone
from footfall.identity.identify.store import IdentifyState
from footfall.identity.ledger.merge import in_preview
from footfall.identity.model import BROWSER, IDENTIFY, Fact, Warn
from footfall.identity.store import Profile, VisitorState
from footfall.ids import at_prefix

MAX_AHEAD = 60_000
"""Milliseconds by which `$at` may lie ahead of the clock."""
LATE = 60_000
"""Milliseconds by which `$at` may lie behind the clock in a call that is written on the event loop."""
_UNDONE = Warn("fact_undone", "$at", "$at: this call was stored before and undone since; it does not count.")


def identify(tx: Transaction, calls: list[IdentifyCall]) -> list[Outcome]:
    """Write handler: the outcome of each call, in order."""
    state = IdentifyState(tx, calls)
    outcomes = [_identify(state, call) for call in calls]
    state.finish()
    return outcomes


def preview(tx: Transaction, batches: list[list[IdentifyCall]]) -> list[list[Outcome]]:
    """Write handler: what the outcomes of each list of calls would be, one call after the other. Nothing is kept."""
    return [in_preview(tx, functools.partial(identify, tx, calls)) for calls in batches]


def _identify(state: IdentifyState, call: IdentifyCall) -> Outcome:
    visitor = state.visitor_of(call)
    if not (visitor.has_pageview or call.source == BROWSER or call.is_unseen_taken):
        return NotFound(
            "datafast_visitor_id: no pageview of this visitor has come for this website. "
            "Send the id from the cookie of a page that carries the tracking script."
        )
    profile = state.profile_of(call)
    if call.said.at is None:
        at = _live_at(state, call, visitor, profile)
    elif call.said.at > call.now + MAX_AHEAD:
        return BadRequest("$at lies more than 60 s ahead of the clock.")
    elif call.said.at <= state.erased_at(call):
        return BeforeErasure()
    else:
        at = call.said.at
    operations = rules.canonical_operations(call.said.operations)
    fact = _fact(call, profile, at, operations)
    if call.said.at is not None:  # a live call is later than all that it could be compared with
        if state.is_known(call, fact):
            return _known(state, call, profile, fact)
        if state.is_being_erased(call, fact):
            return Unavailable("Somebody who had this visitor is being erased. Try again in a second.")
    if not call.is_trusted and not state.take_unsigned(call):
        return TooMany()
    return _decided(state, call, visitor, profile, fact, operations)


def _live_at(state: IdentifyState, call: IdentifyCall, visitor: VisitorState, profile: Profile) -> int:
    """The time of a call that names none: see `rules.live_at`. Facts on the visitor after its last link are that profile's."""
    newest, last = max(profile.newest, visitor.newest), visitor.last
    if last is not None and last.profile_id != profile.profile_id:
        newest = max(newest, last.fact_id, state.newest_after(call, last, at_prefix(call.now)))
    return max(rules.live_at(call.now, newest), state.erased_at(call) + 1)


def _fact(call: IdentifyCall, profile: Profile, at: int, operations: bytes) -> Fact:
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


def _known(state: IdentifyState, call: IdentifyCall, profile: Profile, fact: Fact) -> Identified:
    """The outcome of a fact that is stored already."""
    warnings = call.said.warnings
    if state.is_undone(call, fact):
        warnings = [*warnings, _UNDONE]
    return _identified(state, "unchanged", profile, fact, state.owner_before(call, fact), warnings)


def _decided(
    state: IdentifyState,
    call: IdentifyCall,
    visitor: VisitorState,
    profile: Profile,
    fact: Fact,
    operations: bytes,
) -> Outcome:
    """The outcome of a new fact."""
    known = state.situation(call, visitor, profile, fact, operations)
    decision = decide(known)
    if isinstance(decision, BadRequest):
        state.refuse(profile)
        return decision
    told = _told(state, call, visitor, fact, decision)
    profile = state.accept(call, visitor, profile, known, decision)
    warnings = [*call.said.warnings, *told] if told else call.said.warnings
    return _identified(state, decision.action, profile, fact, decision.previous, warnings)


def _told(
    state: IdentifyState, call: IdentifyCall, visitor: VisitorState, fact: Fact, decision: Decision
) -> list[Warn]:
    """The warnings that a caller gets.

    What became of an unsigned call tells what is known of its user. So only a visitor whom a trusted call gave to the user learns it;
    anybody else gets the warnings that a user gets of whom nothing is known.
    """
    if call.is_trusted:
        return decision.warnings
    alone = warnings_alone(fact)
    if alone == decision.warnings or state.is_vouched(call, visitor, fact):
        return decision.warnings
    return alone


def _identified(
    state: IdentifyState,
    action: str,
    profile: Profile,
    fact: Fact,
    previous: bytes | None,
    warnings: list[Warn],
) -> Identified:
    """An outcome. `previous`: the profile that the visitor belonged to before the fact; told of when it is another person's."""
    user = None
    if previous is not None and previous != profile.profile_id and previous not in state.members_of(profile):
        user = state.user_id_of(profile.website_id, previous)
    visitors = state.count_visitors(profile)
    return Identified(action, profile.person_id, fact.fact_id, visitors, user, warnings)


def _locks(calls: list[IdentifyCall]) -> list[Params]:
    visitors: list[Params] = [call.visitor for call in calls]
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
