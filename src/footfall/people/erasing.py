"""Whom the trait index has to forget: who is erased, at once; and who is no person but was left in it."""

from __future__ import annotations

from itertools import islice

from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.identity.audit.verify import Report
from footfall.identity.erasing import Eraser

sql = load(__file__, "erasing.sql")

CHUNK = 1000
"""Profiles that are forgotten at once."""


def forget_profiles(tx: Transaction, keys: list[Params]) -> None:
    """Remove these profiles (website id, profile id) from the trait index. The next step of the index would see to it too."""
    for statement in (sql.traits_forget, sql.terms_forget, sql.listed_forget):
        tx.execute_many(statement, keys)


def verify_index(tx: Transaction, report: Report) -> None:
    """See that the index holds none but people."""
    for row in tx.stream(sql.leftovers):
        report.add_profile((row.website_id, row.profile_id), "is in the trait index but is no person")


def remove_leftovers(tx: Transaction) -> None:
    """Forget whoever the index holds but who is no person; background steps see to the rest."""
    rows = tx.stream(sql.leftovers)
    while gone := list(islice(rows, CHUNK)):
        forget_profiles(tx, [(row.website_id, row.profile_id) for row in gone])


ERASER = Eraser(
    tables=frozenset(("trait", "search_term", "listed_person")),
    forget_derived=lambda tx, keys: forget_profiles(tx.derived, keys),
)
