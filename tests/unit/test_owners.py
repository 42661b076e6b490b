"""Each table has one owner, whose statements alone write it; and whatever tells who somebody is has an eraser."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from footfall.app import ERASERS
from footfall.db import migrate
from footfall.privacy.erase import Erasing

SOURCES = Path(__file__).parents[2] / "src" / "footfall"

OWNERS = {
    "accounts": ("account", "account_session", "login_attempt", "setup_link"),
    "auth": ("access_token", "api_key"),
    "collect": (
        "checkout",
        "checkout_told",
        "daily_salt",
        "dropped_hit",
        "event",
        "goal_count",
        "refused_host",
        "session",
        "visitor",
    ),
    "goals": ("goal_key", "goal_look"),
    "crawls": ("ai_crawl", "bot_token"),
    "funnels": ("funnel",),
    "history": ("imported_day",),
    # Numbers by name; each domain has names of its own.
    "all": ("setting",),
    # profile_change is what identity leaves word in for whoever keeps something that follows from profiles.
    "identity": (
        "boundary",
        "erasing",
        "fact",
        "import_progress",
        "inactive",
        "link",
        "merge_fact",
        "profile",
        "profile_change",
        "refused_id",
        "settled_pair",
        "tombstone",
        "undo_fact",
        "unsigned_count",
    ),
    "outbox": ("column_change", "column_keeper", "column_taken"),
    "payments": (
        "delivery",
        "integration",
        "key_connection",
        "payment",
        "payment_claim",
        "payment_clue",
        "payment_hint",
        "payment_look",
        "payment_move",
        "payment_name",
        "payment_sweep",
        "provider_customer",
        "refused_delivery",
        "sale",
        "sale_name",
        "sale_part",
        "sale_told",
        "subscription_move",
    ),
    "people": ("listed_person", "online", "search_term", "trait"),
    "notes": ("note",),
    "privacy": ("erasure",),
    "segments": ("segment",),
    "shares": ("share",),
    "visitors": ("listed_visitor", "visitor_due", "visitor_total"),
    "websites": ("website",),
}
OWNER = {table: domain for domain, tables in OWNERS.items() for table in tables}

READS_OF_OTHERS: dict[tuple[str, str], str] = {
    ("analytics", "ai_crawl"): "the traffic of bots: which pages crawlers fetched",
    ("analytics", "dropped_hit"): "the traffic of bots: what was dropped as a bot's",
    ("analytics", "listed_visitor"): "who a visitor of the columns is, is found by when it was seen last",
    ("analytics", "payment"): "a map of visitors tells which are customers",
    ("analytics", "profile"): "who a person of the columns is, is found by a part of the id",
    ("analytics", "session"): "a map of visitors tells where each came from",
    ("columns", "event"): "the columns are made from what visitors did",
    ("columns", "link"): "the columns tell whose that was",
    ("columns", "payment"): "the columns are made from what visitors paid",
    ("columns", "profile"): "the columns tell whose that was",
    ("columns", "session"): "the columns tell where visitors came from",
    ("columns", "visitor"): "the columns leave out visitors whose first pageview has not come",
    ("columns", "website"): "the columns leave out websites that are gone",
    ("dashboard", "link"): "the page of a visitor tells whose it was",
    ("dashboard", "profile"): "a first visit of the dashboard asks whether anybody was identified yet",
    ("dashboard", "visitor"): "pages show visitors, and whether there is any",
    ("history", "erasing"): "an export leaves out who is about to be removed",
    ("history", "event"): "an export holds what visitors did",
    ("history", "fact"): "an export holds the identify calls",
    ("history", "inactive"): "an export leaves out what was undone",
    ("history", "link"): "an export tells which visitors a person was",
    ("history", "payment"): "an export holds what was paid",
    ("history", "profile"): "an export holds people",
    ("history", "session"): "an export tells where visits came from",
    ("history", "visitor"): "days are imported up to the first visitor",
    ("identity", "online"): "the clock is compared with the newest time that is stored anywhere",
    ("identity", "visitor"): "only visitors with a pageview are identified; one look-up with the other reads",
    ("people", "erasing"): "a journey hides what is about to be removed",
    ("people", "event"): "what a person did is read between their links, in one statement",
    ("people", "fact"): "identify calls are part of a journey; a person is found by a fact id",
    ("people", "inactive"): "facts that were undone are no part of a journey",
    ("people", "link"): "which visitors a person was, and when",
    ("people", "profile"): "the index is made from profiles, and lists are joined with them",
    ("people", "profile_change"): "the index reads what identity left word of",
    ("people", "session"): "what a person did is read between their links, in one statement",
    ("people", "visitor"): "what a person did is read between their links, in one statement",
    ("predictions", "event"): "the history of a website: which pages visitors saw before they paid",
    ("predictions", "link"): "a payment without a visitor counts for the one who was identified as the user",
    ("predictions", "visitor"): "the history of a website: where visitors came from, and with what",
    (
        "visitors",
        "event",
    ): "visitors are found by the pages they saw, the goals they reached and when they were there",
    ("visitors", "goal_count"): "visitors are found by the goals they reached",
    ("visitors", "payment"): "visitors are found by whether they paid",
    ("visitors", "link"): "visitors are found by whose they are",
    ("visitors", "profile"): "visitors are found by whose they are",
    ("visitors", "visitor"): "the list is made from visitors",
}
"""(domain, table of another) -> why a statement of the domain reads it."""

NOT_ERASED: dict[str, str] = {
    "boundary": "an erasure leaves it: a visitor was nobody from a time on, so that nobody else inherits the events",
    "erasure": "the receipt; its visitor says how far the erasure came",
    "goal_count": "how often a visitor reached goals: the events that it counts stay too, blanked",
    "online": "visitors of the last minutes, who stay visitors; nothing tells who they are",
    "unsigned_count": "how many unsigned calls a visitor made on a day, which limits them; nothing tells for whom",
}
"""Tables with ids of visitors or users to which no eraser sees -> why."""

_NAME = re.compile(r"^-- name: (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"--.*")
_WRITTEN = re.compile(r"\b(?:INSERT INTO|DELETE FROM|UPDATE)\s+(\w+)")
_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)")
_TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)
_TELLING = re.compile(r"^    (visitor_id|profile_id|user_id) ", re.MULTILINE)


def tables() -> dict[str, str]:
    """The columns of every table that migrations make, as they stand there."""
    texts = [*migrate.migrations().values(), *migrate.derived().values()]
    return dict(found for text in texts for found in _TABLE.findall(text))


def statements() -> Iterator[tuple[str, str, str]]:
    """(domain, where, text) of every statement in a `.sql` file, and of every text of a Python file that may be one or a part of one."""
    for path in sorted(SOURCES.rglob("*")):
        where = path.relative_to(SOURCES)
        if path.suffix == ".sql" and path.parent.name != "migrations":
            parts = _NAME.split(path.read_text("utf-8"))[1:]
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                yield where.parts[0], f"{where}: {name}", _COMMENT.sub("", text)
        elif path.suffix == ".py":
            nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
            told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
            for node in nodes:
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                    yield where.parts[0], f"{where}:{node.lineno}", node.value


def uses(pattern: re.Pattern[str]) -> dict[tuple[str, str], list[str]]:
    """(domain, table of another domain) -> where statements of the domain name it behind the words of a pattern."""
    found: dict[tuple[str, str], list[str]] = {}
    for domain, where, text in statements():
        for table in pattern.findall(text):
            if OWNER.get(table, domain) not in (domain, "all"):
                found.setdefault((domain, table), []).append(where)
    return found


def test_every_table_has_an_owner() -> None:
    assert sorted(tables()) == sorted(OWNER)


def test_no_statement_writes_a_table_of_another_domain() -> None:
    assert uses(_WRITTEN) == {}


def test_no_statement_reads_a_table_of_another_domain_without_a_reason() -> None:
    read = uses(_NAMED)
    assert {use: where for use, where in read.items() if use not in READS_OF_OTHERS} == {}
    assert sorted(READS_OF_OTHERS.keys() - read) == []


def test_what_tells_who_somebody_is_has_an_eraser_or_a_reason_to_stay() -> None:
    telling = {table for table, columns in tables().items() if _TELLING.search(columns)}
    erased = {table for eraser in ERASERS for table in eraser.tables}
    assert sorted(telling - erased - NOT_ERASED.keys()) == []
    assert sorted(NOT_ERASED.keys() & erased) == []
    assert sorted((erased | NOT_ERASED.keys()) - telling) == []


def test_a_domain_erases_from_its_own_tables() -> None:
    for eraser in ERASERS:
        assert len({OWNER[table] for table in eraser.tables}) <= 1


def test_erasures_write_derived_tables_as_steps() -> None:
    """Else a commit of these tables on another thread would meet them half-way."""
    assert Erasing(ERASERS).erase_handler.is_step
