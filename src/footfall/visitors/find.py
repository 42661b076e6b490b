"""Finds visitors: composes conditions on the list into statements."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import Statement
from footfall.ids import MAX_AT, at_of, at_prefix
from footfall.payments.rules import kinds_reaching
from footfall.people.find.query import Builder, conditions_of
from footfall.visitors.listing import sql
from footfall.visitors.query import PARAMS, AnyOf, VisitorQuery

_PATH = re.compile(r"path_of\(([\w.]+)\)")
_PARAM = re.compile(r"param_of\((\w+)\)")
_DONE = (
    "(SELECT substr(e.event_id, 1, 6) FROM goal_count g JOIN event e ON e.website_id = g.website_id AND e.visitor_id = g.visitor_id "
    "AND e.name = g.name WHERE g.website_id = :w AND g.name = {goal} AND g.visitor_id = v.visitor_id "
    "AND e.event_id >= {low} AND e.event_id < {high} ORDER BY e.event_id DESC LIMIT 1)"
)
"""When a visitor last reached a goal in a period, as the first bytes of its id; NULL for never. For those who never did, a point look-up."""
_PAID = (
    "(SELECT substr(p.payment_id, 1, 6) FROM payment p WHERE p.website_id = :w AND p.visitor_id = v.visitor_id "
    "AND p.kind IN ({kinds}) AND p.payment_id >= {low} AND p.payment_id < {high} ORDER BY p.payment_id DESC LIMIT 1)"
)
"""The same of a goal that payments reach."""
_CUSTOMER = "EXISTS (SELECT 1 FROM payment paid WHERE paid.website_id = :w AND paid.visitor_id = v.visitor_id AND paid.minor > 0)"
"""Whether a visitor has paid."""
_NEWEST_PROFILE = "(SELECT l.profile_id FROM link l WHERE l.website_id = :w AND l.visitor_id = v.visitor_id ORDER BY l.fact_id DESC LIMIT 1)"


FEW = 30_000
"""Up to this many visitors are found and then sorted; if there are more, the list is walked in order."""


class FoundVisitors(msgspec.Struct, frozen=True):
    """`visitors`: (ms since epoch, visitor id) of those on the page, most recent first. `total`: of all, exactly."""

    visitors: list[tuple[int, bytes]]
    total: int
    has_more: bool


class _Builder(Builder):
    def for_engines(self, statement: Statement) -> Statement:
        common = super().for_engines(statement)
        sqlite = _PATH.sub(r"substr(\1, instr(\1, '/'))", common.sqlite)
        sqlite = _PARAM.sub(r"json_extract(v.params, '$.\1')", sqlite)
        postgres = _PATH.sub(r"substr(\1, strpos(\1, '/'))", common.postgres)
        postgres = _PARAM.sub(r"(v.params::json ->> '\1')", postgres).replace("instr(", "strpos(")
        return msgspec.structs.replace(common, sqlite=sqlite, postgres=postgres)

    def one_of(self, values: Iterable[str]) -> str:
        """The placeholders for some texts."""
        return ", ".join(self.add(value, "text") for value in values)


def find_visitors(tx: Transaction, website_id: bytes, query: VisitorQuery) -> FoundVisitors:
    """The visitors on the page that a query asks for. May take long unless the query is plain."""
    builder = _Builder(website_id)
    source, by = "listed_visitor v WHERE v.website_id = :w", "seen_at"
    conditions = _conditions(tx, builder, website_id, query)
    matching = "".join(f" AND {one}" for one in conditions)
    if query.goal is not None:
        inner = f"SELECT v.visitor_id, {_done(builder, query)} AS done_at FROM {source}{matching}"
        source, by, matching = f"({inner}) v WHERE v.done_at IS NOT NULL", "done_at", ""
    total = _total(tx, builder, query, f"{source}{matching}")
    rows = _page(tx, builder, query, f"{source}{matching}", by, are_few=total <= FEW) if total else []
    shown = [(_at(row.place), row.visitor_id) for row in rows[: query.limit]]
    return FoundVisitors(shown, total, has_more=len(rows) > query.limit)


def _at(place: int | bytes) -> int:
    """The time that determines a visitor's place."""
    return place if isinstance(place, int) else at_of(place)


def _total(tx: Transaction, builder: _Builder, query: VisitorQuery, matching: str) -> int:
    """How many there are in all: counted as they were listed, or counted now."""
    if query.is_plain:
        row = tx.one(sql.total_get, (builder.values[0],))
        return row.total if row else 0
    return int(builder.run(tx, f"SELECT count(*) AS many FROM {matching}", "many int")[0].many)


def _page(
    tx: Transaction, builder: _Builder, query: VisitorQuery, matching: str, by: str, *, are_few: bool
) -> list[Row]:
    """The visitors on the page, and one more if there is one."""
    behind = ""
    if query.after is not None:
        at, visitor_id = query.after
        place = builder.add(at, "int") if by == "seen_at" else builder.add(at_prefix(at), "bytes")
        behind = f" AND (v.{by}, v.visitor_id) < ({place}, {builder.add(visitor_id, 'bytes')})"
    limit, offset = builder.add(query.limit + 1, "int"), builder.add(query.offset, "int")
    # If they are few, find and sort them: walking the index in list order would pass all others on the way.
    order = "v.seen_at + 0" if are_few and by == "seen_at" and not query.is_plain else f"v.{by}"
    text = (
        f"SELECT v.{by} AS place, v.visitor_id FROM {matching}{behind} "
        f"ORDER BY {order} DESC, v.visitor_id DESC LIMIT {limit} OFFSET {offset}"
    )
    return builder.run(tx, text, f"place {'int' if by == 'seen_at' else 'bytes'}, visitor_id bytes")


def _conditions(tx: Transaction, builder: _Builder, website_id: bytes, query: VisitorQuery) -> list[str]:
    """What is true for a matching visitor `v` of the list; quick conditions come first."""
    found = [_any_of(builder, one) for one in query.any_of]
    if query.since is not None and query.until is not None and query.goal is None:
        found.append(_seen_in(builder, query.since, query.until))
    if query.is_customer is not None:
        found.append(_CUSTOMER if query.is_customer else f"NOT ({_CUSTOMER})")
    people = conditions_of(tx, builder, website_id, query.people, query.search)
    if people or query.is_identified:
        found.append(_is_person([one.text for one in people]))
    if query.is_identified is False:
        found.append(f"NOT {_is_person([])}")
    return found


def _any_of(builder: _Builder, one: AnyOf) -> str:
    if one.name in PARAMS:
        return f"param_of({one.name}) IN ({builder.one_of(one.values)})"
    if one.name == "region":
        values = builder.one_of(one.values)
        return f"(v.region IN ({values}) OR substr(v.region, 4) IN ({values}))"
    if one.name == "referrer":
        return _either(_below(builder, "v.referrer", value) for value in one.values)
    if one.name == "visitedPage":
        return _saw(f"path_of(e.url) IN ({builder.one_of(one.values)})")
    if one.name == "visitedPageContains":
        return _saw(
            _either(f"instr(path_of(e.url), {builder.add(value, 'text')}) > 0" for value in one.values)
        )
    if one.name == "hostname":
        return _saw(_either(_below(builder, "e.url", value) for value in one.values))
    return f"v.{one.name} IN ({builder.one_of(one.values)})"


def _either(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions)})"


def _below(builder: _Builder, column: str, value: str) -> str:
    """Whether a column equals a host or page, or lies below it: `0` follows `/`."""
    own, low, high = (builder.add(text, "text") for text in (value, value + "/", value + "0"))
    return f"({column} = {own} OR ({column} >= {low} AND {column} < {high}))"


def _saw(test: str) -> str:
    """Whether a visitor saw a page that meets a condition."""
    return (
        "EXISTS (SELECT 1 FROM event e WHERE e.website_id = :w AND e.visitor_id = v.visitor_id "
        f"AND e.type = 'pageview' AND {test})"
    )


def _seen_in(builder: _Builder, since: int, until: int) -> str:
    """Whether a visitor did anything in a period. For most of them, their first and last event tell."""
    first, end = builder.add(since, "int"), builder.add(until, "int")
    low, high = builder.add(at_prefix(since), "bytes"), builder.add(at_prefix(until), "bytes")
    did = (
        "EXISTS (SELECT 1 FROM event e WHERE e.website_id = :w AND e.visitor_id = v.visitor_id "
        f"AND e.event_id >= {low} AND e.event_id < {high})"
    )
    return f"(v.seen_at >= {first} AND v.first_seen_at < {end} AND (v.seen_at < {end} OR v.first_seen_at >= {first} OR {did}))"


def _done(builder: _Builder, query: VisitorQuery) -> str:
    since, until = query.since or 0, MAX_AT if query.until is None else query.until
    low, high = (builder.add(at_prefix(at), "bytes") for at in (since, until))
    if kinds := kinds_reaching(query.goal or ""):
        return _PAID.format(kinds=builder.one_of(kinds), low=low, high=high)
    return _DONE.format(goal=builder.add(query.goal, "text"), low=low, high=high)


def _is_person(tests: list[str]) -> str:
    """Whether a visitor is a person `p` who meets all these conditions."""
    true = "".join(f" AND {test}" for test in tests)
    return (
        "EXISTS (SELECT 1 FROM profile m JOIN profile p ON p.website_id = :w AND p.profile_id = m.person_id "
        f"WHERE m.website_id = :w AND m.profile_id = {_NEWEST_PROFILE}{true})"
    )
