"""Rebuild everything that is folded from the ledger, with the pure rules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.identity import store
from footfall.identity.audit.verify import Operated, fold_people, fold_visitors, read_operations
from footfall.identity.store import Profile
from footfall.identity.store import sql as identity_sql
from footfall.outbox.store import unpair
from footfall.websites.store import read_websites

sql = load(__file__, "rebuild.sql")

T = TypeVar("T")

CHUNK = 1000
CLEAR = (sql.links_clear, sql.profiles_clear, sql.inactive_clear, sql.merges_clear, sql.undos_clear)


def rebuild_identity(tx: Transaction, progress: Callable[[int], None] = lambda rows: None) -> dict[str, int]:
    """Delete and rewrite profiles, links, and the results of merges and undos. Returns the number of rows of each.

    `progress` gets the number of rows written since its last call. Nobody is identified, merged or erased until `tx` ends.
    """
    # Other commands may write at the same time: create a website, or identify people of one.
    tx.lock([("websites",)])
    tx.lock([(website_id, b"people") for website_id in read_websites(tx)])
    operated = read_operations(tx)
    for statement in CLEAR:
        tx.execute(statement)
    merges, undos = _put_operations(tx, operated)
    profiles = _put_chunks(_profiles(tx, operated), functools.partial(store.put_profiles, tx), progress)
    links = _put_chunks(
        _links(tx, operated), functools.partial(tx.execute_many, identity_sql.link_add), progress
    )
    unpair(tx)  # they tell of people
    return {"profiles": profiles, "links": links, "merges": merges, "undos": undos}


def _put_operations(tx: Transaction, operated: Operated) -> tuple[int, int]:
    """Write the effect of merges and undos. Returns how many there are of each."""
    merges = [(w, m.profile_id, m.fact_id, m.other_id) for w, many in operated.merges.items() for m in many]
    turned = [(w, other, fact_id, profile) for w, profile, fact_id, other in merges]
    undos = [(w, undo.target_id, undo.fact_id) for w, many in operated.undos.items() for undo in many]
    tx.execute_many(identity_sql.merge_add, merges + turned)
    tx.execute_many(identity_sql.undo_add, undos)
    tx.execute_many(identity_sql.inactive_add, sorted(operated.inactive))
    return len(merges), len(undos)


def _profiles(tx: Transaction, operated: Operated) -> Iterator[Profile]:
    for (website_id, profile_id), person in fold_people(tx, operated):
        yield Profile(
            website_id,
            profile_id,
            person.person_id,
            person.member_count,
            person.user_id,
            person.identified_at,
            person.visitor_count,
            person.traits,
        )


def _links(tx: Transaction, operated: Operated) -> Iterator[Params]:
    for key, folded in fold_visitors(tx, operated):
        for link in folded:
            yield (*key, link.fact_id, link.profile_id)


def _put_chunks(items: Iterable[T], put: Callable[[list[T]], None], progress: Callable[[int], None]) -> int:
    """Write `items` chunk by chunk; how many there were."""
    count = 0
    for chunk in _chunks(items):
        put(chunk)
        count += len(chunk)
        progress(len(chunk))
    return count


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk
