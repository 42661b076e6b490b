"""Whose a payment without a known visitor is: found out by the step that keeps the index of people, which sees all evidence.

A payment leaves clues (hashes of its e-mail address and customer id) and asks for a look. So does whoever brings such evidence later. A look
is taken once the index is up to date with everything that was written; so it makes no difference which of the two came first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from footfall.collect.checkouts import visitor_of_checkout
from footfall.db.protocol import Params, Transaction
from footfall.identity import rules as identity_rules
from footfall.identity import store as identity_store
from footfall.identity.erasing import links_of
from footfall.identity.model import TraitValues
from footfall.identity.reading import members_of
from footfall.identity.store import Profile
from footfall.outbox.store import tell_payments
from footfall.payments.model import Method, Owned, Payment
from footfall.payments.owners import know, owners_of
from footfall.payments.rules import CUSTOMER, EMAIL, alike, digest
from footfall.payments.store import get_payments, known_columns, sql

LOOKS = 20
"""Payments of which one step finds out whose they are: live calls wait for it."""
_OPEN = frozenset(
    (Method.WAITING, Method.NOBODY_KNOWN, Method.AMBIGUOUS, Method.NO_EVIDENCE, Method.UNSEEN_VISITOR)
)
_SETTLED = frozenset((Method.VISITOR, Method.CHECKOUT))
"""By a visitor, whoever that is."""

FindProfiles = Callable[[Transaction, bytes, Method, str], list[bytes]]
"""The people of a website, by the ids of their own profiles, who may have a value: more than do, if need be, but none too few."""


def clues_of_person(website_id: bytes, user_ids: Iterable[str], traits: TraitValues) -> list[bytes]:
    """The hashes of all by which payments may be a person's."""
    emails, customers = _evidence(user_ids, traits)
    return [digest(website_id, EMAIL, one) for one in emails] + [
        digest(website_id, CUSTOMER, one) for one in customers
    ]


def _evidence(user_ids: Iterable[str], traits: TraitValues) -> tuple[set[str], set[str]]:
    """The e-mail addresses, alike, and the customer ids that are a person's: user ids may be either."""
    users = list(user_ids)
    emails, customers = {alike(one) for one in users}, set(users)
    if isinstance(email := traits.get("email"), str):
        emails.add(alike(email))
    customer = traits.get("customer_id")
    if isinstance(customer, str | int) and not isinstance(customer, bool):
        customers.add(str(customer))
    return emails, customers


def has_clues(tx: Transaction, website_id: bytes) -> bool:
    """Whether any payment of a website waits for evidence."""
    return tx.one(sql.clue_any, (website_id,)) is not None


def look_again(tx: Transaction, clues: Sequence[Params]) -> None:
    """Ask for a look at all payments to which these clues (website id, hash) lead."""
    found = tx.all_together(*[(sql.clued, clue) for clue in clues])
    keys = {(clue[0], row.payment_id) for clue, rows in zip(clues, found, strict=True) for row in rows}
    tx.execute_many(sql.look_add, sorted(keys))


def take_looks(tx: Transaction, find_profiles: FindProfiles) -> bool:
    """Find out whose some payments are that ask for it; whether there may be more. The index is up to date with all that this transaction sees."""
    rows = tx.all(sql.looks, (LOOKS,))
    for website_id in dict.fromkeys(row.website_id for row in rows):
        # Whoever is erased meanwhile must not be found.
        tx.lock([], [(website_id, b"people")])
        ids = [row.payment_id for row in rows if row.website_id == website_id]
        owned = owners_of(tx, website_id, get_payments(tx, website_id, ids))
        _take(tx, website_id, owned, find_profiles)
        tx.execute_many(sql.look_remove, [(website_id, one) for one in ids])
    return len(rows) == LOOKS


def _take(tx: Transaction, website_id: bytes, owned: list[Owned], find_profiles: FindProfiles) -> None:
    for one in owned:
        payment = one.payment
        if one.person_id is None and payment.method not in _SETTLED:
            found = _match(tx, website_id, payment, find_profiles)
            if found.is_somebody or payment.method in _OPEN:
                _assign(tx, website_id, payment, found)
            if payment.method is Method.WAITING:
                _freeze(tx, website_id, payment, found)


def _assign(tx: Transaction, website_id: bytes, payment: Payment, found: _Found) -> None:
    whose = (payment.visitor_id, payment.profile_id)
    if found.is_somebody:
        whose = (found.visitor_id, found.profile_id)
    tx.execute(sql.payment_assign, (website_id, payment.payment_id, *whose, found.method.value))
    told = {(payment.visitor_id, payment.at), (whose[0], payment.at)}
    tell_payments(tx, website_id, told)


def _freeze(tx: Transaction, website_id: bytes, payment: Payment, found: _Found) -> None:
    """Keep who is known by now, so soon after the payment was recorded."""
    if not found.is_somebody:
        return
    profile_id = found.profile_id
    if found.visitor_id is not None:
        links = links_of(tx, website_id, [found.visitor_id])[found.visitor_id]
        profile_id = identity_rules.owner_at(links, payment.at)
    known = know(tx, website_id, [(found.visitor_id, profile_id, payment.at)])[0]
    tx.execute(sql.payment_freeze, (website_id, payment.payment_id, *known_columns(known)))


class _Found(msgspec.Struct, frozen=True):
    """The visitor or user whose a payment is, and by what that was found; neither, and why it was not."""

    method: Method
    visitor_id: bytes | None = None
    profile_id: bytes | None = None

    @property
    def is_somebody(self) -> bool:
        """Whether it was found."""
        return self.visitor_id is not None or self.profile_id is not None


def _match(tx: Transaction, website_id: bytes, payment: Payment, find_profiles: FindProfiles) -> _Found:
    """By the checkout that a page reported, else by the customer id, else by the e-mail address."""
    visitor_id = visitor_of_checkout(tx, website_id, payment.transaction_id)
    if visitor_id is not None:
        return _Found(Method.CHECKOUT, visitor_id=visitor_id)
    for method, value in ((Method.CUSTOMER_ID, payment.customer_id), (Method.EMAIL, payment.email)):
        if not value:
            continue
        keys: list[Params] = [(website_id, one) for one in find_profiles(tx, website_id, method, value)]
        profiles = identity_store.read_state(tx, [], keys).profiles
        people = _who_have(tx, list(profiles.values()), method, value)
        if len(people) > 1:
            return _Found(Method.AMBIGUOUS)
        if people:
            return _Found(method, profile_id=_member(tx, people[0], method, value))
    if payment.visitor_id is not None:
        return _Found(Method.UNSEEN_VISITOR)
    has_clue = payment.email or payment.customer_id
    return _Found(Method.NOBODY_KNOWN if has_clue else Method.NO_EVIDENCE)


def _who_have(tx: Transaction, profiles: list[Profile], method: Method, value: str) -> list[Profile]:
    """Those people who have the value; what only unsigned calls of pages said counts where nothing else does."""
    found = [one for one in profiles if one.person_id == one.profile_id and _has(tx, one, method, value)]
    trusted = [one for one in found if method.value not in one.traits.untrusted]
    return trusted or found


def _has(tx: Transaction, person: Profile, method: Method, value: str) -> bool:
    users = [one.user_id for one in members_of(tx, person.website_id, person.profile_id)]
    emails, customers = _evidence(users, person.traits.values)
    return alike(value) in emails if method is Method.EMAIL else value in customers


def _member(tx: Transaction, person: Profile, method: Method, value: str) -> bytes:
    """Of the users whom a person is, the one who has the value: a merge that is undone parts them again."""
    members = members_of(tx, person.website_id, person.profile_id)
    if len(members) > 1:
        for one in members:
            facts = identity_store.facts_of_profile(tx, person.website_id, one.profile_id)
            said: TraitValues = {}
            for fact in facts:
                said = {**fact.operations.set_once, **said, **fact.operations.set}
            emails, customers = _evidence([one.user_id], said)
            if (alike(value) in emails) if method is Method.EMAIL else (value in customers):
                return one.profile_id
    return person.profile_id
