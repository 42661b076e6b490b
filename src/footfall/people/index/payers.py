"""What the index does for payments: it finds people by the e-mail address or customer id of a payment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from footfall.collect.checkouts import take_told
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import Statement, load
from footfall.payments.claims import Clue, ask_about, by_website, clues_claimed_by, clues_of_person
from footfall.payments.matching import Looked, has_clues, take_looks
from footfall.payments.model import Method
from footfall.people.find.terms import MAX_TERM, folded, values_meant

sql = load(__file__, "index.sql")

EVIDENCE = frozenset(("email", "customer_id"))
"""The traits by which payments are found to be somebody's."""
MOST_ALIKE = 20
"""People who are looked at for one value: several who have it are too many anyhow."""

_decode = msgspec.json.Decoder().decode


def find_payers(tx: Transaction, changed: Iterable[Params], waiting: Sequence[Params], most: int) -> Looked:
    """After a step: it is asked whose payments are that may be a changed profile's (website id, profile id), and found out of some.

    `waiting`: the payments that had asked for a look before the step. `most`: how many are looked at; 0 while the index is not up to date.
    """
    for website_id, keys in by_website(changed):
        if has_clues(tx, website_id):
            _ask_about(tx, website_id, keys)
    ask_about(tx, take_told(tx))
    return take_looks(tx, waiting, most, profiles_with) if most > 0 else Looked(0, has_more=False)


def _ask_about(tx: Transaction, website_id: bytes, keys: list[Params]) -> None:
    """What these people say that they have by now, and what they were said to have until now."""
    own = [row for row in tx.get_many(sql.profile_now, keys) if row is not None]
    persons: list[Params] = sorted({(website_id, row.person_id) for row in own})
    rows = tx.get_many(sql.profile_now, persons)
    users = tx.all_together(*[(sql.users_of_person, person) for person in persons])
    profiles: set[bytes] = {key[1] for key in keys}  # type: ignore[misc]
    clues: set[bytes] = set()
    for row, members in zip(rows, users, strict=True):
        if row is not None:
            clues.update(clues_of_person(website_id, [one.user_id for one in members], _decode(row.metadata)))
            profiles.update(one.profile_id for one in members)
    clues |= clues_claimed_by(tx, website_id, profiles)
    ask_about(tx, [(website_id, one) for one in clues])


def profiles_with(tx: Transaction, website_id: bytes, clues: Sequence[Clue]) -> list[list[bytes]]:
    """The profiles of people who may have each of these values as user id, or as the trait of the method's name."""
    asked = [_lookups(website_id, clue) for clue in clues]
    answers = iter(tx.derived.all_together(*[one for own in asked for one in own]))
    return [sorted({row.profile_id for _ in own for row in next(answers)}) for own in asked]


def _lookups(website_id: bytes, clue: Clue) -> list[tuple[Statement, Params]]:
    term = folded(clue.value)[:MAX_TERM]
    found: list[tuple[Statement, Params]] = [(sql.profiles_by_term, (website_id, term, MOST_ALIKE))]
    if clue.method is Method.CUSTOMER_ID:
        found += [
            (sql.profiles_by_value, (website_id, clue.method.value, one, MOST_ALIKE))
            for one in values_meant(clue.value)
        ]
    return found
