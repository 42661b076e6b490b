"""Identity in the database: what one batch reads before it decides, and writes after."""

from __future__ import annotations

import msgspec

from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity.model import Fact, Link, Operations, Traits

sql = load(__file__, "identity.sql")

_encode = msgspec.json.encode
_decode = msgspec.json.decode
_decode_operations = msgspec.json.Decoder(Operations).decode

Key = tuple[bytes, bytes]
"""(website_id, visitor_id) or (website_id, profile_id)."""


class Profile(msgspec.Struct):
    """A profile as it stands in this transaction. `newest`: its newest fact id, empty when it has none."""

    website_id: bytes
    profile_id: bytes
    person_id: bytes
    user_id: str
    identified_at: int
    visitor_count: int
    traits: Traits
    newest: bytes
    is_new: bool = False


class Visitor(msgspec.Struct):
    """A visitor as identity sees it. `last`: the newest link, None when nobody was identified; `newest`: a fact id on it in this batch."""

    has_pageview: bool
    last: Link | None
    newest: bytes = b""


def fact_from(row: Row) -> Fact:
    """A fact from the columns of `facts_of_profile`."""
    fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations = row
    return Fact(
        fact_id,
        kind,
        profile_id,
        user_id,
        visitor_id,
        received_at,
        source,
        bool(is_trusted),
        key_id,
        _decode_operations(operations),
    )


def traits_from(metadata: str, untrusted: str | None, gone: str | None) -> Traits:
    """Traits from the columns of a profile row."""
    return Traits(
        _decode(metadata),
        set(_decode(untrusted)) if untrusted else set(),
        set(_decode(gone)) if gone else set(),
    )


def read_visitors(tx: Transaction, keys: list[Params]) -> dict[Params, Visitor]:
    """The visitors of `keys` and their newest links."""
    seen = tx.lookup(sql.visitor_pageviews, keys)
    links = tx.lookup(sql.link_newest, keys)
    return {
        key: Visitor(row is not None and row[0] > 0, Link(link[0], link[1]) if link else None)
        for key, row, link in zip(keys, seen, links, strict=True)
    }


def read_profiles(tx: Transaction, keys: list[Params]) -> dict[Params, Profile]:
    """The profiles of `keys` that exist."""
    rows = tx.lookup(sql.profile_get, keys)
    newest = tx.lookup(sql.fact_newest_of_profile, keys)
    return {
        key: Profile(
            key[0],  # type: ignore[arg-type]
            key[1],  # type: ignore[arg-type]
            row[0],
            row[1],
            row[2],
            row[3],
            traits_from(row[4], row[5], row[6]),
            fact[0] if fact else b"",
        )
        for key, row, fact in zip(keys, rows, newest, strict=True)
        if row is not None
    }


def fact_row(website_id: bytes, fact: Fact, operations: bytes) -> Params:
    """The columns of `fact_add`; `operations` is the fact's as canonical JSON."""
    return (
        website_id,
        fact.fact_id,
        fact.kind,
        fact.profile_id,
        fact.user_id,
        fact.visitor_id,
        fact.received_at,
        fact.source,
        int(fact.is_trusted),
        fact.key_id,
        operations.decode(),
    )


def profile_row(profile: Profile) -> Params:
    """The columns of `profile_put`."""
    traits = profile.traits
    return (
        profile.website_id,
        profile.profile_id,
        profile.person_id,
        profile.user_id,
        profile.identified_at,
        profile.visitor_count,
        _encode(traits.values).decode(),
        _encode(sorted(traits.untrusted)).decode() if traits.untrusted else None,
        _encode(sorted(traits.gone)).decode() if traits.gone else None,
    )


def facts_of_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> list[Fact]:
    """All facts about one user, oldest first."""
    return [fact_from(row) for row in tx.all(sql.facts_of_profile, (website_id, profile_id))]


def links_of_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> list[Link]:
    """The links of a visitor, oldest first."""
    return [Link(*row) for row in tx.all(sql.links_of_visitor, (website_id, visitor_id))]


def facts_on_visitor(
    tx: Transaction, website_id: bytes, visitor_id: bytes
) -> list[tuple[bytes, bytes | None]]:
    """(fact id, profile id) of all facts on a visitor, in no order; profile id None where a user was erased.

    Who was ever linked to it stands in its stored links, since each run of a user's facts begins with one.
    """
    key = (website_id, visitor_id)
    facts: list[tuple[bytes, bytes | None]] = [
        (row[0], None) for row in tx.all(sql.boundaries_of_visitor, key)
    ]
    for profile_id in {link.profile_id for link in links_of_visitor(tx, website_id, visitor_id)} - {None}:
        rows = tx.all(sql.fact_ids_of_profile_on, (website_id, profile_id, visitor_id))
        facts += [(row[0], profile_id) for row in rows]
    return facts


def replace_links(tx: Transaction, website_id: bytes, visitor_id: bytes, links: list[Link]) -> None:
    """Store `links` in place of the visitor's."""
    tx.run(sql.links_remove, (website_id, visitor_id))
    tx.run_many(sql.link_add, [(website_id, visitor_id, link.fact_id, link.profile_id) for link in links])
