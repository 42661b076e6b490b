"""What is blanked of payments when people are erased: what was paid stays, whose it was goes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from footfall.collect.erasing import without_emails
from footfall.collect.model import Touch
from footfall.db.protocol import Params, Transaction
from footfall.identity import store as identity_store
from footfall.identity.erasing import Counts, Eraser, Leaving, Ranges
from footfall.ids import at_of
from footfall.outbox.store import tell_payments
from footfall.payments.claims import clues_of_person, forget_claims
from footfall.payments.hints import forget_hints
from footfall.payments.model import Method, Payment
from footfall.payments.owners import owners_of
from footfall.payments.store import END, EVERYTHING, forget_clues, get_payments, payment_from, sql, touch_text
from footfall.payments.webhooks.erasing import forget_customers, forget_sales


class _Payments:
    """The payments of some visitors in some ranges, at most so many of each range; see `identity.erasing.Held`."""

    def __init__(self, tx: Transaction, website_id: bytes, ranges: Ranges, most: int) -> None:
        self._tx = tx
        self._website_id = website_id
        asked = [
            (sql.of_visitor_up, (website_id, one, *span, most))
            for one, spans in ranges.items()
            for span in spans
        ]
        answers = iter(tx.all_together(*asked))
        self._payments = {
            one: [payment_from(row) for _ in spans for row in next(answers)] for one, spans in ranges.items()
        }

    def ids(self, visitor_id: bytes) -> list[bytes]:
        """The ids of a visitor's payments, rising."""
        return [one.payment_id for one in self._payments.get(visitor_id, ())]

    def blank(self, ranges: Ranges) -> Counts:
        """Blank the payments in these ranges."""
        found = [
            one
            for visitor_id, spans in ranges.items()
            for one in self._payments[visitor_id]
            if one.payment_id < spans[-1][1]
        ]
        _blank(self._tx, self._website_id, found)
        return {"payments": len(found)}


def _blank(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> None:
    forget_clues(tx, website_id, payments)
    forget_hints(tx, website_id, payments)
    forget_sales(tx, website_id, payments)
    rows: list[Params] = [
        (
            website_id,
            one.payment_id,
            touch_text(_bare(one.known.first_touch)),
            touch_text(_bare(one.known.last_touch)),
        )
        for one in payments
    ]
    tx.execute_many(sql.payment_blank, rows)
    tell_payments(tx, website_id, [(one.visitor_id, one.at) for one in payments])
    tx.execute_many(sql.moves_forget, [(website_id, one.payment_id) for one in payments])


def _bare(touch: Touch | None) -> Touch | None:
    """A touch without its parameters and e-mail addresses."""
    if touch is None:
        return None
    return replace(
        touch,
        source=without_emails(touch.source),
        referrer=without_emails(touch.referrer),
        params={},
        url=without_emails(touch.url),
    )


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    """Payments without a visitor that were matched to these users, or that tell of them and are nobody's; and who was known at any."""
    website_id = leaving.erasure.website_id
    asked = [(sql.of_profile_up, (website_id, one, b"", END, EVERYTHING)) for one in sorted(leaving.users)]
    found = [payment_from(row) for rows in tx.all_together(*asked) for row in rows]
    clues = _clues(tx, leaving)
    found += _nobodys(tx, website_id, clues)
    forget_customers(tx, website_id, clues)
    _blank(tx, website_id, found)
    gone = Method.ERASED.value
    tx.execute_many(
        sql.payment_assign,
        [(website_id, one.payment_id, one.visitor_id, None, gone, None, 0) for one in found],
    )
    users: list[Params] = [(website_id, one) for one in sorted(leaving.users)]
    known = [row for rows in tx.all_together(*[(sql.known_of_profile, one) for one in users]) for row in rows]
    tell_payments(tx, website_id, {(row.visitor_id, at_of(row.payment_id)) for row in known})
    tx.execute_many(sql.known_forget, users)
    forget_claims(tx, website_id, leaving.users)
    return {"payments": len(found)}


def _clues(tx: Transaction, leaving: Leaving) -> list[bytes]:
    """The hashes of all by which payments may be these users'."""
    website_id = leaving.erasure.website_id
    profiles = identity_store.read_state(
        tx, [], [(website_id, one) for one in sorted(leaving.users)]
    ).profiles
    return sorted(
        {
            clue
            for one in profiles.values()
            for clue in clues_of_person(website_id, leaving.users.values(), one.traits.values)
        }
    )


def _nobodys(tx: Transaction, website_id: bytes, clues: list[bytes]) -> list[Payment]:
    """Payments that are nobody's, to which what is known of these users leads."""
    rows = [
        row
        for found in tx.all_together(*[(sql.clued, (website_id, clue)) for clue in clues])
        for row in found
    ]
    payments = get_payments(tx, website_id, sorted({row.payment_id for row in rows}))
    return [
        one.payment
        for one in owners_of(tx, website_id, payments)
        if one.person_id is None and one.payment.profile_id is None
    ]


ERASER = Eraser(
    tables=frozenset(("payment", "payment_claim")),
    counts=("payments",),
    forget_users=_forget_users,
    find=_Payments,
)
