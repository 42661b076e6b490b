"""Who has the e-mail address or customer id that a payment names: what the ledger says, found anew whenever it may have changed.

A clue is such a value; a claim is a user of whom it was said. Claims are kept, so that whoever loses one is found too, and so that nothing has
to be looked at again where none changed, however many payments a clue leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from footfall.db.protocol import Params, Transaction
from footfall.identity import store as identity_store
from footfall.identity import trait_rules
from footfall.identity.model import Fact, TraitValues
from footfall.identity.reading import Member, persons_of
from footfall.identity.store import Profile
from footfall.payments.hints import Hint, hints_of_payments
from footfall.payments.model import Method, Payment
from footfall.payments.owners import members_of_people
from footfall.payments.rules import CUSTOMER, EMAIL, alike, digest, tells
from footfall.payments.store import sql

MOST_FACTS = 1000
"""Facts about a user among which the one is looked for that says a value, the newest."""
MOST_MEMBERS = 50
"""Users of a person who are looked at, those identified first."""


class Clue(NamedTuple):
    """What a payment names, and by which method that tells whose it is; `hash`: as it is stored."""

    hash: bytes
    method: Method
    value: str


class Claim(NamedTuple):
    """A user of whom it was said that they have a value, and the fact that said so. `standing`: the smallest one counts."""

    profile_id: bytes
    fact_id: bytes | None
    standing: int


FindProfiles = Callable[[Transaction, bytes, Sequence[Clue]], list[list[bytes]]]
"""The people of a website, by the ids of their own profiles, who may have each of these values: more than do, if need be, but none too few."""


def clues_of_payments(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> list[list[Clue]]:
    """What may tell which user each payment is of, what counts more first."""
    hints = hints_of_payments(tx, website_id, payments)
    return [clues_of_payment(website_id, one, own) for one, own in zip(payments, hints, strict=True)]


def clues_of_payment(website_id: bytes, payment: Payment, hints: Sequence[Hint]) -> list[Clue]:
    """The same of one payment with its hints: the customer id, the e-mail address, the merchant's own ids."""
    found = []
    if tells(payment.customer_id):
        clue_hash = digest(website_id, CUSTOMER, payment.customer_id)
        found.append(Clue(clue_hash, Method.CUSTOMER_ID, payment.customer_id))
    if tells(payment.email):
        found.append(Clue(digest(website_id, EMAIL, alike(payment.email)), Method.EMAIL, payment.email))
    own = [one.value for one in hints if one.method is Method.CUSTOMER_ID and tells(one.value)]
    return found + [Clue(digest(website_id, CUSTOMER, one), Method.CUSTOMER_ID, one) for one in own]


def clues_of_person(website_id: bytes, user_ids: Iterable[str], traits: TraitValues) -> list[bytes]:
    """The hashes of all by which payments may be a person's."""
    emails, customers = _values(user_ids, traits)
    return [digest(website_id, EMAIL, one) for one in emails] + [
        digest(website_id, CUSTOMER, one) for one in customers
    ]


def _values(user_ids: Iterable[str], traits: TraitValues) -> tuple[set[str], set[str]]:
    """The e-mail addresses, alike, and the customer ids that are a person's: user ids may be either."""
    users = list(user_ids)
    emails, customers = {alike(one) for one in users}, set(users)
    if isinstance(email := traits.get("email"), str):
        emails.add(alike(email))
    customer = traits.get("customer_id")
    if isinstance(customer, str | int) and not isinstance(customer, bool):
        customers.add(str(customer))
    return emails, customers


def _holds(clue: Clue, user_ids: Iterable[str], traits: TraitValues) -> bool:
    emails, customers = _values(user_ids, traits)
    return alike(clue.value) in emails if clue.method is Method.EMAIL else clue.value in customers


def claims_of(tx: Transaction, website_id: bytes, hashes: Iterable[bytes]) -> dict[bytes, list[Claim]]:
    """The claims to what each of these clues names, whom to believe first."""
    asked = list(dict.fromkeys(hashes))
    found = tx.all_together(*[(sql.claims, (website_id, one)) for one in asked])
    return {
        one: [Claim(row.profile_id, row.fact_id, row.standing) for row in rows]
        for one, rows in zip(asked, found, strict=True)
    }


def believed(claims: Sequence[Claim]) -> list[Claim]:
    """Those that count: several are several people."""
    return [one for one in claims if one.standing == claims[0].standing]


def clues_claimed_by(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> set[bytes]:
    """The clues to what these users are said to have."""
    rows = tx.all_together(*[(sql.claimed_by, (website_id, one)) for one in sorted(profile_ids)])
    return {row.clue_hash for found in rows for row in found}


def refresh_claims(
    tx: Transaction, website_id: bytes, clues: Iterable[Clue], find_profiles: FindProfiles
) -> set[bytes]:
    """Find anew who has what these clues name; the hashes of those for whose payments that changes something."""
    asked = list({one.hash: one for one in clues}.values())
    held = claims_of(tx, website_id, [one.hash for one in asked])
    persons = _persons_of_claims(tx, website_id, held)
    candidates = {
        clue.hash: {
            *found,
            *(persons[claim.profile_id] for claim in held[clue.hash] if claim.profile_id in persons),
        }
        for clue, found in zip(asked, find_profiles(tx, website_id, asked), strict=True)
    }
    people = _read_people(tx, website_id, {one for ids in candidates.values() for one in ids})
    changed: set[bytes] = set()
    for clue in asked:
        claims = [people[one].claim(clue) for one in sorted(candidates[clue.hash]) if one in people]
        if _put(tx, website_id, clue.hash, set(held[clue.hash]), {one for one in claims if one is not None}):
            changed.add(clue.hash)
    return changed


def _persons_of_claims(
    tx: Transaction, website_id: bytes, held: dict[bytes, list[Claim]]
) -> dict[bytes, bytes]:
    """Who those users are by now who have claims, by profile id."""
    found = persons_of(tx, website_id, {claim.profile_id for claims in held.values() for claim in claims})
    return {profile_id: person.profile_id for profile_id, person in found.items()}


def _put(tx: Transaction, website_id: bytes, clue_hash: bytes, held: set[Claim], claims: set[Claim]) -> bool:
    """Keep the claims to a clue in place of those that are held; whether that changes whose payments are."""
    gone = {one.profile_id for one in held} - {one.profile_id for one in claims}
    tx.execute_many(sql.claim_remove, [(website_id, clue_hash, one) for one in sorted(gone)])
    tx.execute_many(
        sql.claim_put, [(website_id, clue_hash, *one) for one in sorted(claims - held, key=_order)]
    )
    return _outcome(held) != _outcome(claims)


def _outcome(claims: set[Claim]) -> tuple[int, bytes, bytes | None] | int:
    """What they come to for payments: one that counts, or how little that says."""
    counting = believed(sorted(claims, key=_order))
    if len(counting) != 1:
        return min(len(counting), 2)
    return (1, counting[0].profile_id, counting[0].fact_id)


def _order(claim: Claim) -> tuple[int, bytes]:
    return (claim.standing, claim.profile_id)


class _Claimant(NamedTuple):
    """A person who may have something: their users, and the newest facts about each of them, oldest first."""

    profile: Profile
    members: list[Member]
    facts: dict[bytes, list[Fact]]

    def claim(self, clue: Clue) -> Claim | None:
        """The best claim of the person's users to what a clue names; a merge that is undone parts them again. None: they have none."""
        claims = [one for member in self.members if (one := self._claim_of(member, clue))]
        if not claims and _holds(clue, (), self.profile.traits.values):
            is_said_by_page = clue.method.value in self.profile.traits.untrusted
            claims = [Claim(self.profile.profile_id, None, 2 * is_said_by_page)]
        return min(claims, key=_order, default=None)

    def _claim_of(self, member: Member, clue: Clue) -> Claim | None:
        facts = self.facts[member.profile_id]
        saying = [one for one in facts if _holds(clue, (one.user_id,), _said(one))]
        if not saying:
            return None
        first = min(saying, key=lambda one: (not one.is_trusted, one.fact_id))
        is_former = not _holds(clue, (member.user_id,), trait_rules.fold_traits(facts).values)
        return Claim(member.profile_id, first.fact_id, 2 * (not first.is_trusted) + is_former)


def _said(fact: Fact) -> TraitValues:
    return {**fact.operations.set_once, **fact.operations.set}


def _read_people(tx: Transaction, website_id: bytes, ids: Collection[bytes]) -> dict[bytes, _Claimant]:
    """Those of these people who are there, by the ids of their own profiles."""
    keys: list[Params] = [(website_id, one) for one in sorted(ids)]
    found = identity_store.read_state(tx, [], keys).profiles.values()
    persons = [one for one in found if one.person_id == one.profile_id]
    members = members_of_people(tx, website_id, [one.profile_id for one in persons])
    users = [one.profile_id for own in members.values() for one in own[:MOST_MEMBERS]]
    facts = identity_store.newest_facts(tx, website_id, users, MOST_FACTS)
    return {one.profile_id: _Claimant(one, members[one.profile_id][:MOST_MEMBERS], facts) for one in persons}


def ask_about(tx: Transaction, clues: Iterable[Params]) -> None:
    """Something new is known of these clues (website id, hash): who has what they name is found out by the next steps."""
    keys = sorted(set(clues))
    leads = tx.get_many(sql.clue_leads, keys)
    tx.execute_many(sql.sweep_ask, [key for key, row in zip(keys, leads, strict=True) if row is not None])


def forget_claims(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> None:
    """Nothing is said of these users any more, of whom others may have been told apart until now."""
    users = sorted(profile_ids)
    ask_about(tx, [(website_id, one) for one in clues_claimed_by(tx, website_id, users)])
    tx.execute_many(sql.claims_forget, [(website_id, one) for one in users])


def by_website(keys: Iterable[Params]) -> list[tuple[bytes, list[Params]]]:
    """Keys that begin with a website id, by website."""
    ordered = sorted(keys, key=lambda key: key[0])  # type: ignore[arg-type,return-value]
    return [(website_id, list(own)) for website_id, own in groupby(ordered, key=lambda key: key[0])]
