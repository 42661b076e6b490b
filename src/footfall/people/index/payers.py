"""What the index does for payments: it finds people by the e-mail address or customer id of a payment."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from footfall.collect.checkouts import take_told
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import Statement, load
from footfall.payments.matching import clues_of_person, has_clues, look_again, take_looks
from footfall.payments.model import Method
from footfall.people.find.terms import MAX_TERM, folded, values_meant

sql = load(__file__, "index.sql")

EVIDENCE = frozenset(("email", "customer_id"))
"""The traits by which payments are found to be somebody's."""
MOST_ALIKE = 20
"""People who are looked at for one value: several who have it are too many anyhow."""

_decode = msgspec.json.Decoder().decode


def find_payers(tx: Transaction, changed: Iterable[Params], *, is_up_to_date: bool) -> bool:
    """After a step: payments that may be a changed profile's (website id, profile id) ask for a look, and what asks for one gets it.

    Whether more wait for theirs.
    """
    by_website: dict[bytes, list[Params]] = {}
    for key in changed:
        by_website.setdefault(key[0], []).append(key)  # type: ignore[arg-type]
    for website_id, keys in by_website.items():
        if has_clues(tx, website_id):
            _look_again(tx, website_id, keys)
    look_again(tx, take_told(tx))
    return is_up_to_date and take_looks(tx, profiles_with)


def _look_again(tx: Transaction, website_id: bytes, keys: list[Params]) -> None:
    own = [row for row in tx.get_many(sql.profile_now, keys) if row is not None]
    persons: list[Params] = sorted({(website_id, row.person_id) for row in own})
    rows = tx.get_many(sql.profile_now, persons)
    users = tx.all_together(*[(sql.users_of_person, person) for person in persons])
    clues: dict[Params, None] = {}
    for row, members in zip(rows, users, strict=True):
        if row is not None:
            found = clues_of_person(website_id, [one.user_id for one in members], _decode(row.metadata))
            clues |= {(website_id, clue): None for clue in found}
    look_again(tx, list(clues))


def profiles_with(tx: Transaction, website_id: bytes, method: Method, value: str) -> list[bytes]:
    """The profiles of people who may have a value as user id, or as the trait of the method's name."""
    term = folded(value)[:MAX_TERM]
    asked: list[tuple[Statement, Params]] = [(sql.profiles_by_term, (website_id, term, MOST_ALIKE))]
    if method is Method.CUSTOMER_ID:
        asked += [
            (sql.profiles_by_value, (website_id, method.value, one, MOST_ALIKE))
            for one in values_meant(value)
        ]
    return sorted({row.profile_id for rows in tx.derived.all_together(*asked) for row in rows})
