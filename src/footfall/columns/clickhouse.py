"""Columns in ClickHouse: all that is said to it. One of the servers feeds it; each of them asks.

A step is one insert: new rows, and for each row that is to go one that says so, all written with a number that no earlier step had. An insert that
arrives late, from a server that has been replaced, therefore loses against what was written since; rows of it that nobody wrote again are strays.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.exceptions import DatabaseError as Refused

from footfall.columns.binding import bound
from footfall.columns.file import FORM, ColumnStep, Settling
from footfall.columns.layout import ASKED, COLUMNS, FRESH, KEEPING, KEY, NOBODY_OWNS, TYPES, Layout
from footfall.columns.model import Bindings, Columns, Derived
from footfall.columns.verify import VerifyTexts
from footfall.errors import ColumnsUnusable, DatabaseError, UsageError
from footfall.ids import MAX_AT

# What they warn of is raised, too.
for _name in ("clickhouse_connect", "urllib3"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

PORT = 8123
LONGEST_SECONDS = 60
"""For an answer to what is not a question of somebody who waits."""
NO_WEBSITE = -1
"""The website of rows that say whose columns these are: n = 0 the token, n = 1 the one before it; in `path`, as hex."""
WHOLE = (*COLUMNS, *KEEPING)
TOO_LONG, TOO_MUCH, MISSING = (159, 160, 394), (241, 307, 396), (60,)
"""Codes of ClickHouse. Missing: a table."""
_REFUSALS = {
    81: "has no database of this name; make it: CREATE DATABASE",
    497: "does not let this user do what is needed; see docs/scaling.md",
    516: "knows no such user, or the password is another",
}
"""By code, those that the operator can do something about."""
_KEY = [WHOLE.index(name) for name in KEY]
_WEBSITE, _TS, _VISITOR, _TYPE = (WHOLE.index(name) for name in ("website", "ts", "visitor", "type"))
_NOTHING = {name: None if "Nullable" in TYPES[name] else 0 for name in WHOLE}
_ASKING = {
    "final": 1,
    "join_use_nulls": 1,
    "group_by_use_nulls": 1,
    "cast_keep_nullable": 1,
    "prefer_column_name_to_alias": 1,
    "joined_subquery_requires_alias": 0,
}
"""How questions are meant."""
_ASKING_CLUSTER = {"optimize_skip_unused_shards": 1, "distributed_product_mode": "local"}
"""On a cluster: all of a website is on one shard, and joins and subqueries need no other."""
_FEEDING = {"async_insert": 0}
"""An insert is one part, and not put together with others."""
_FEEDING_CLUSTER = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "distributed_foreground_insert": 1,
}
"""On a cluster: what was written is on most replicas, and seen by whatever is read before the next insert."""


_ALL = f"SELECT {', '.join(COLUMNS)} FROM {ASKED} WHERE website = $website"
VERIFY_TEXTS = VerifyTexts(
    f"""
    SELECT intDiv(ts, 86400000), type, ifNull(currency, ''), count(), ifNull(sum(amount), 0)
    FROM {ASKED} WHERE website = $website AND ts < $until GROUP BY ALL
    """,
    f"{_ALL} AND owner IN $visitors",
    f"{_ALL} AND owner = {NOBODY_OWNS} AND ts IN $times",
    f"SELECT DISTINCT website FROM {ASKED} WHERE website <> {NO_WEBSITE} AND website NOT IN $websites",
    "SELECT '' WHERE FALSE",  # it is told to the database within seconds
)


_OURS = "database = currentDatabase() AND table = $table"


class ClickHousePlace(NamedTuple):
    """Where ClickHouse is. `cluster`: the name of a cluster; empty: it is one server."""

    host: str
    port: int
    user: str
    password: str
    database: str
    cluster: str
    is_secure: bool

    def connect(self) -> Client:
        """A client, for any number of threads. Raises DatabaseError."""
        with translated():
            return clickhouse_connect.get_client(
                host=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                database=self.database,
                secure=self.is_secure,
                compress=False,
                autogenerate_session_id=False,
                form_encode_query_params=True,
                show_clickhouse_errors="scrub",
                send_receive_timeout=LONGEST_SECONDS,
            )


def read_place(url: str) -> ClickHousePlace:
    """What `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE?cluster=NAME&secure=true` says. Raises UsageError."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        cluster, secure = options.pop("cluster", ""), options.pop("secure", "false")
        database = unquote(parts.path.removeprefix("/"))
        if parts.scheme != "clickhouse" or not parts.hostname or not database or options:
            raise ValueError
        if secure not in ("true", "false") or not re.fullmatch(r"[\w.-]*", cluster):
            raise ValueError
        return ClickHousePlace(
            parts.hostname,
            parts.port or PORT,
            unquote(parts.username or "default"),
            unquote(parts.password or ""),
            database,
            cluster,
            secure == "true",
        )
    except ValueError:
        raise UsageError(
            "FOOTFALL_COLUMNS_URL: use clickhouse://USER:PASSWORD@HOST:PORT/DATABASE, "
            "and behind it ?cluster=NAME for a cluster, &secure=true for HTTPS"
        ) from None


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """ClickHouse's errors as ours: what is missing is made anew, and all else may pass. What it says of values stays out."""
    try:
        yield
    except Refused as error:
        if error.code in MISSING:
            raise ColumnsUnusable("there are no columns yet") from error
        told = (
            "does not answer"
            if error.code is None
            else _REFUSALS.get(error.code, f"refuses with code {error.code}")
        )
        raise DatabaseError(f"ClickHouse {told}") from error
    except ClickHouseError as error:
        raise DatabaseError("ClickHouse does not answer") from error


def token_at(number: int) -> bytes:
    """A new token, that says after which number it was made."""
    return number.to_bytes(8, "big") + secrets.token_bytes(8)


def number_in(token: bytes) -> int:
    """The number that `token_at` was given."""
    return int.from_bytes(token[:8], "big")


class ClickHouseColumns:
    """Columns in a database of ClickHouse. Its methods raise DatabaseError; ColumnsUnusable when they have to be made anew.

    `next_number`: gives a number above all others so far; None to whom another feeds in place of. It says what `file.ColumnFile` says, too.
    """

    def __init__(self, place: ClickHousePlace, next_number: Callable[[], int | None]) -> None:
        self._client = place.connect()
        self._layout = Layout(place.cluster)
        self._asking = _ASKING | (_ASKING_CLUSTER if place.cluster else {})
        self._feeding = _FEEDING | (_FEEDING_CLUSTER if place.cluster else {})
        self._next_number = next_number
        self._leaving: set[bytes] = set()
        self._inherited: set[bytes] = set()
        self._strays = (0, 0)
        self._is_tidy = False
        self._made = 0
        self.token = b""
        self.taken: set[bytes] = set()
        """The changes that this process took, and of which there is still word in the database."""
        self.websites: set[int] = set()
        """The websites, as numbers, of which there are rows."""

    # Asking

    def ask(
        self, text: str, values: Bindings | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Sequence[Any]]:
        """The rows of a question. Raises what clickhouse_connect does."""
        asked = bound(text, values or {})
        found = self._client.query(
            asked.text, parameters=asked.values, settings={**self._asking, **(settings or {})}
        )
        return list(found.result_rows)

    def cut_off(self, query_id: str) -> None:
        """End a question soon."""
        with contextlib.suppress(ClickHouseError):
            self._client.query(
                "KILL QUERY WHERE query_id = {query_id:String} ASYNC", parameters={"query_id": query_id}
            )

    def rows(self, text: str, values: Bindings | None = None) -> list[tuple[Any, ...]]:
        """The same for this process itself."""
        with translated():
            return [tuple(row) for row in self.ask(text, values, self._feeding)]

    def size(self) -> int:
        """Bytes on the disks of all servers."""
        table = {"table": self._layout.stored}
        text = f"SELECT sum(bytes_on_disk) FROM {self._layout.known('parts')} WHERE active AND {_OURS}"
        return int(self.rows(text, table)[0][0])

    def _versions(self, text: str, values: Bindings) -> list[Sequence[Any]]:
        """The rows of a question to all versions of rows that there are, also replaced ones and those that say that one is gone."""
        with translated():
            return self.ask(text, values, {**self._feeding, "final": 0})

    def _is_any(self, condition: str, values: Bindings) -> bool:
        """Whether there is any version of a row for which a condition holds."""
        return bool(self._versions(f"SELECT count() FROM {ASKED} WHERE {condition}", values)[0][0])

    # Whose columns these are

    def tokens(self) -> list[bytes]:
        """The token, and the one before it; none when there are no columns of this form."""
        text = f"SELECT span, path FROM {ASKED} WHERE website = {NO_WEBSITE} ORDER BY n"
        found = self.rows(text)
        return [bytes.fromhex(path) for form, path in found] if found and found[0][0] == FORM else []

    def _mark(self, tokens: Sequence[bytes], number: int, suffix: str = "") -> None:
        rows = [(NO_WEBSITE, n, number, FORM, token.hex()) for n, token in enumerate(tokens)]
        self._insert(rows, ("website", "n", "written", "span", "path"), suffix)

    def pair(self, token: bytes | None, change_ids: Iterable[bytes], websites: set[bytes]) -> None:
        """Compare with the token that the database has, and be ready to be fed. Raises ColumnsUnusable when they do not belong together."""
        self.require(token)
        number = self._number()
        if self._is_any("written >= $number", {"number": number}):
            raise ColumnsUnusable("the database is older than the columns")
        self.taken, self._leaving, self._inherited = set(), set(), set(change_ids)
        self._strays, self._is_tidy = (number_in(self.token), number), False
        found = self.rows(f"SELECT DISTINCT website FROM {ASKED} WHERE website <> {NO_WEBSITE}")
        self.websites = {number for (number,) in found}

    def require(self, token: bytes | None) -> None:
        """Compare with the token that the database has. Raises ColumnsUnusable when they do not belong together."""
        if token is None or token not in self.tokens():
            raise ColumnsUnusable("the columns are another database's, or older or newer than it")
        self.token = token

    def _number(self) -> int:
        number = self._next_number()
        if number is None:
            raise DatabaseError("another server feeds the columns now")
        return number

    # Feeding

    def apply(self, step: ColumnStep) -> None:
        """Put what a step brings in place of what there is: all of a visitor at once."""
        number = self._number()
        rows = list(_numbered(step.rows, number))
        there = self._keys_there(step)
        gone = there - {_key(row) for row in rows}
        # In one insert, so that whoever asks sees either all of it or nothing.
        self._insert([*rows, *(_removal(key, number) for key in gone)])
        if step.gone:
            self._remove("website IN $websites", {"websites": list(step.gone)})
        self._remove_older(step, number, there, gone)
        self._is_tidy = self._is_tidy and not gone
        self.taken.update(step.change_ids)
        self.websites.update(one.website for one in step.visitors)
        self.websites.update(one.website for one in step.payments)
        self.websites.difference_update(step.gone)

    def _keys_there(self, step: ColumnStep) -> set[_Key]:
        """The keys of all versions of rows that there are of what a step brings."""
        found: set[_Key] = set()
        known = [one for one in step.visitors if not one.is_new]
        for website in {one.website for one in known}:
            spans = {one.visitor: _span(one) for one in known if one.website == website}
            text = f"SELECT {', '.join(KEY)} FROM {ASKED} WHERE website = $website AND owner IN $owners AND ts >= $earliest"
            earliest = min(since for since, _ in spans.values())
            values: Bindings = {"website": website, "owners": list(spans), "earliest": earliest}
            keys = [tuple(key) for key in self._versions(text, values)]
            found.update(key for key in keys if _is_within(key[1], spans[key[2]]))
        for website in {one.website for one in step.payments}:
            times = [one.ts for one in step.payments if one.website == website]
            text = f"SELECT {', '.join(KEY)} FROM {ASKED} WHERE website = $website AND owner = $owner AND ts IN $times"
            loose: Bindings = {"website": website, "owner": NOBODY_OWNS, "times": times}
            found.update(tuple(key) for key in self._versions(text, loose))
        return found

    def _remove_older(
        self, step: ColumnStep, number: int, there: Collection[_Key], gone: Collection[_Key]
    ) -> None:
        """Let older versions be gone from the disks, where they may have been erased, or where only a row says that they are gone."""
        with_gone = {(key[0], key[2]) for key in gone}
        older = [one for one in step.visitors if step.is_erasing or (one.website, one.visitor) in with_gone]
        for website in {one.website for one in older}:
            spans = {one.visitor: _span(one) for one in older if one.website == website}
            since, until = zip(*spans.values(), strict=True)
            values: Bindings = {"owners": list(spans), "since": list(since), "until": list(until)}
            at = "transform(owner, $owners, ${}, toInt64(0))"
            condition = f"owner IN $owners AND ts >= {at.format('since')} AND ts < {at.format('until')}"
            self._remove_written(website, condition, values, number)
        loose = [key for key in there if key[2] == NOBODY_OWNS]
        for website in {key[0] for key in loose}:
            times = sorted({key[1] for key in loose if key[0] == website})
            paid: Bindings = {"owner": NOBODY_OWNS, "times": times}
            self._remove_written(website, "owner = $owner AND ts IN $times", paid, number)

    def _remove_written(self, website: int, condition: str, values: Bindings, number: int) -> None:
        text = f"website = $website AND {condition} AND written < $number"
        self._remove(text, {**values, "website": website, "number": number})

    def _remove(self, condition: str, values: Bindings) -> None:
        asked = bound(self._layout.remove(condition), values)
        with translated():
            self._client.command(asked.text, parameters=asked.values, settings=self._feeding)

    def tidy(self) -> bool:
        """Whether nothing is on the disks any more that was to be removed. Rows that say that others are gone go once these have, which takes
        a few calls. Not to be called while there are changes to take."""
        table = {"table": self._layout.stored}
        text = f"SELECT count() FROM {self._layout.known('mutations')} WHERE NOT is_done AND {_OURS}"
        if self.rows(text, table)[0][0]:
            return False
        if self._is_tidy:
            return True
        condition, values = "is_deleted = 1 AND written < $number", {"number": self._number()}
        is_left = self._is_any(condition, values)
        if is_left:
            self._remove(condition, values)
        self._is_tidy = True
        return not is_left

    # Settling

    @property
    def has_news(self) -> bool:
        """Whether it has changes of which the database was not told."""
        return self.taken > self._leaving

    def begin_settling(self) -> Settling:
        """What the database may forget, if it takes the token at the same time. Whatever was inserted is there for good."""
        number = self._number()
        self._remove_strays()
        token = token_at(number)
        self._mark((token, self.token), number)
        told = self.taken - self._leaving
        self._leaving = set(self.taken)
        return Settling(sorted(told), token, self.token)

    def end_settling(self, waiting: Iterable[bytes] = ()) -> None:
        """The database has been told, and has the newest token. `waiting`: the changes of which it still has word."""
        self.token = self.tokens()[0]
        gone = self._leaving.difference(waiting)
        self.taken -= gone
        self._leaving -= gone
        self._inherited -= gone

    def _remove_strays(self) -> None:
        """Remove what the server before this one wrote without telling the database, once all that is written anew."""
        if not self._inherited <= self.taken:
            return
        since, until = self._strays
        values = {"since": since, "until": until}
        condition = "written > $since AND written < $until"
        if self._is_any(condition, values):
            self._remove(condition, values)

    # Making anew

    def begin_fresh(self) -> None:
        """Make empty tables beside those there are, to be filled by `append_fresh`."""
        self._number()
        self._made = 0
        self._run([*self._layout.drop_fresh(), *self._layout.create(FRESH)])

    def append_fresh(self, rows: Iterable[Columns], token: bytes) -> None:
        """Add all rows of some visitors, or of some moments, read after the token was made."""
        made = list(_numbered(rows, number_in(token)))
        self._insert(made, suffix=FRESH)
        self._made += len(made)

    def install_fresh(self, token: bytes) -> None:
        """Let what was made anew take the place of what there was, as the columns of this token. Raises ColumnsUnusable when a server that
        was replaced made some at the same time."""
        self._number()
        text = f"SELECT countIf(written = $number), count() FROM {ASKED}{FRESH}"
        mine, all_ = self._versions(text, {"number": number_in(token)})[0]
        if mine < self._made or mine < all_:
            raise ColumnsUnusable("another server made columns at the same time")
        self._mark((token,), number_in(token), FRESH)
        self._run(self._layout.swap())
        self.token = token

    def _run(self, statements: Iterable[str]) -> None:
        with translated():
            for one in statements:
                self._client.command(one, settings=self._feeding)

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _insert(self, rows: Sequence[Sequence[Any]], names: Sequence[str] = WHOLE, suffix: str = "") -> None:
        if rows:
            types = [TYPES[name] for name in names]
            with translated():
                self._client.insert(
                    ASKED + suffix,
                    rows,
                    column_names=names,
                    column_type_names=types,
                    settings=self._feeding,
                )


_Key = tuple[int, ...]
"""Values of KEY."""


def _span(one: Derived) -> tuple[int, int]:
    """From when on, and until before when, the rows of a visitor are replaced (ms since epoch)."""
    return one.since, MAX_AT + 1 if one.until is None else one.until


def _is_within(at: int, span: tuple[int, int]) -> bool:
    return span[0] <= at < span[1]


def _numbered(rows: Iterable[Columns], number: int) -> Iterator[tuple[object, ...]]:
    """Whole rows. Those that agree in all else of the key are numbered in their order."""
    seen: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        owner = NOBODY_OWNS if row[_VISITOR] is None else row[_VISITOR]
        key = (row[_WEBSITE], row[_TS], owner, row[_TYPE])
        yield (*row, owner, seen[key], number, 0)
        seen[key] += 1


def _key(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(row[index] for index in _KEY)


def _removal(key: Sequence[int], number: int) -> tuple[object, ...]:
    """The row that says of another that it is gone."""
    said = dict(zip(KEY, key, strict=True)) | {"written": number, "is_deleted": 1}
    return tuple(said.get(name, _NOTHING[name]) for name in WHOLE)
