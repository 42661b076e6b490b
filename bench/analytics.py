"""Analytics of ten million events: each route over HTTP, beside SQL that was written by hand, asked in the same process.

The events are made straight into the columns, by hashes, and belong to a database that has the websites alone. They stay in a folder, for the
next run.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import statistics
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from bench import servers
from bench.engines import SQLITE_LOG, Engine
from bench.servers import BenchmarkError
from footfall.analytics.compose import compose_cards
from footfall.analytics.dimensions import CARDS, Counted
from footfall.analytics.query import Question
from footfall.analytics.ranges import TimeRange
from footfall.analytics.scene import Composed, Scene, card_columns
from footfall.auth.store import create_key
from footfall.clock import system_clock
from footfall.columns.client import ColumnsClient, socket_path
from footfall.columns.file import (
    FILE_NAME,
    TABLES,
    TOKEN_BYTES,
    FileLimits,
    copy_sorted,
    forget_file,
    make_file,
)
from footfall.columns.model import number_of
from footfall.db.sqlite import connection as sqlite_connection
from footfall.db.sqlite.session import SqliteSession
from footfall.errors import accepted
from footfall.funnels.model import FunnelFields, FunnelStep
from footfall.funnels.store import add_funnel
from footfall.outbox.store import pair_with
from footfall.settings import Settings
from footfall.storage import migrate_database
from footfall.websites.store import create_website

END = 1_793_491_200_000
"""When the events end (ms since epoch): 1 November 2026, in UTC."""
DAY = 86_400_000
DAYS, SHOWN_DAYS = 90, 30
VISITORS = [1000, 200, 120, 80, 60, 50, 40, 30, 25, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1, 1]
"""Thousands of each website."""
MOST_RATIO, MOST_MORE = 1.3, 10.0
"""How many times as long as the SQL by hand a route may take, and how many ms more."""
STEPS = (
    FunnelStep("Home", "pageview", "/"),
    FunnelStep("Pricing", "pageview", "/pricing"),
    FunnelStep("Goal", "goal", "goal_0"),
)
PLACES = {name: card.columns for name, card in CARDS.items() if card.counted is Counted.VISITORS}
"""The cards of visitors, with their columns."""
READY_SECONDS = 60.0
FILES = Path(__file__).parent


class Data(msgspec.Struct, frozen=True):
    """What was made. `form`: of what it was made from; `website`: number of the main one; `key`: an API key of it; `funnel`: the id of one."""

    form: str
    website: int
    key: str
    funnel: str


class Asked(NamedTuple):
    """A route with its parameters, or what is asked of the columns themselves, and the SQL by hand. `most`: ms on two idle cores, for orientation.

    `days`: how many days are asked about, the last ones.
    """

    path: str | Composed
    by_hand: str
    most: int | None = None
    days: int = SHOWN_DAYS


# Data


def find_data(folder: Path) -> Data:
    """The data in a folder; made, if there are none or others."""
    form, said = _form(), folder / "made.json"
    if said.exists() and (found := msgspec.json.decode(said.read_bytes(), type=Data)).form == form:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    data = make_data(folder, form)
    said.write_bytes(msgspec.json.encode(data))
    return data


def _form() -> str:
    parts = (FILES / "analytics.sql").read_text(), repr(TABLES), repr(VISITORS)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def make_data(folder: Path, form: str) -> Data:
    """A database with the websites, and the columns that belong to it."""
    migrate_database(Settings(data=folder))
    token, now = os.urandom(TOKEN_BYTES), system_clock()
    with closing(SqliteSession(folder / sqlite_connection.FILE_NAME)) as session:
        sites = [
            session.transact(lambda tx, part=part: create_website(tx, f"site{part}.example", now))  # type: ignore[misc]
            for part in range(len(VISITORS))
        ]
        key = session.transact(lambda tx: create_key(tx, sites[0].website_id, "benchmark", now))
        said = FunnelFields("Signup", STEPS)
        funnel = session.transact(lambda tx: accepted(add_funnel(tx, sites[0].website_id, said, now)))
        session.transact(lambda tx: pair_with(tx, token, None))
    numbers = [number_of(site.website_id) for site in sites]
    make_columns(folder / "columns", numbers, token)
    return Data(form, numbers[0], key.secret, funnel.funnel_id.hex())


def make_columns(folder: Path, websites: list[int], token: bytes) -> None:
    """The columns of these websites."""
    folder.mkdir()
    unsorted = folder / "unsorted"
    text = re.sub(r"--[^\n]*", "", (FILES / "analytics.sql").read_text())
    statements = [one for one in text.split(";") if one.strip()]
    with closing(make_file(unsorted, token, [], FileLimits(os.cpu_count() or 1, 3 * 1024**3))) as connection:
        for part, website in enumerate(websites):
            visitors = VISITORS[part] * 1000
            values = {"part": part, "website": website, "visitors": visitors, "start": END - DAYS * DAY}
            for one in statements:
                connection.execute(one, {name: value for name, value in values.items() if f"${name}" in one})
            click.echo(f"website {part}: {visitors:,} visitors")
        copy_sorted(connection, folder / FILE_NAME)
    forget_file(unsorted)


# Questions


def questions(data: Data) -> dict[str, Asked]:
    """All that is asked, by name."""
    texts = re.split(r"^-- name: (.+)\n", (FILES / "by_hand.sql").read_text(), flags=re.MULTILINE)[1:]
    by_hand = dict(zip(texts[::2], texts[1::2], strict=True))
    series = "timeseries?interval=day&timezone=Europe/Berlin&fields="
    fixed = {
        "pageviews a day": Asked(f"{series}pageviews", by_hand["pageviews a day"], 40),
        "uniques a day": Asked(f"{series}visitors", by_hand["uniques a day"], 60),
        "people a day": Asked(f"{series}people", by_hand["people a day"], 120),
        "overview": Asked("overview?", by_hand["overview"]),
        "overview, one country": Asked("overview?filter_country=DE", by_hand["overview, one country"], 50),
        "overview, one goal": Asked("overview?filter_goal=goal_0", by_hand["overview, one goal"], 110),
        "pages": Asked("pages?", by_hand["pages"], 220),
        "exit-pages": Asked("exit-pages?", by_hand["exit pages"]),
        "goals": Asked("goals?", by_hand["goals"]),
    }
    flows = {
        "funnel, 7 days": Asked(f"funnels/{data.funnel}?", by_hand["funnel"], 40, 7),
        "retention": Asked("retention?timezone=UTC", by_hand["retention"], 200, 84),
    }
    cards = {
        name: Asked(f"{name}?", _card_by_hand(by_hand["card"], columns), 150)
        for name, columns in PLACES.items()
    }
    return fixed | flows | cards | {"all of these cards": _all_cards(data, by_hand["all cards"])}


def _all_cards(data: Data, text: str) -> Asked:
    asked = Question(range=TimeRange(END - SHOWN_DAYS * DAY, END, "UTC"))
    sets = ", ".join(f"({', '.join(columns)})" for columns in PLACES.values())
    listed = ", ".join(card_columns(PLACES))
    return Asked(
        compose_cards(Scene(data.website), asked, list(PLACES)), text.format(columns=listed, sets=sets), 400
    )


def _card_by_hand(text: str, columns: tuple[str, ...]) -> str:
    def same(other: str) -> str:
        return " AND ".join(f"here.{column} IS NOT DISTINCT FROM {other}.{column}" for column in columns)

    return text.format(columns=", ".join(columns), paying=same("paying"), paid=same("paid"))


# Measuring


class Measured(NamedTuple):
    """Medians in ms: over HTTP, and of the SQL by hand."""

    http: float
    by_hand: float

    @property
    def is_slow(self) -> bool:
        """Whether the route takes too long for what it does."""
        return self.http > MOST_RATIO * self.by_hand + MOST_MORE


def _url(address: str, path: str, days: int) -> str:
    since = datetime.fromtimestamp((END - days * DAY) / 1000, UTC)
    times = {"startAt": since.strftime("%Y-%m-%dT00:00:00Z"), "endAt": "2026-10-31T23:59:59.999Z"}
    return f"{address}/api/v1/analytics/{path}&{urllib.parse.urlencode(times)}".replace("?&", "?")


def _get(url: str, key: str) -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: bytes = response.read()
    return answer


def measure(address: str, asked: Asked, data: Data, columns: ColumnsClient, times: int) -> Measured:
    """Ask by turns, once for nothing."""
    values = {"website": data.website, "since": END - asked.days * DAY, "until": END}

    def query(text: str, bound: Mapping[str, Any]) -> object:
        return asyncio.run(columns.ask(text, bound, 60.0))

    def ours() -> object:
        if isinstance(asked.path, Composed):
            return query(*asked.path)
        return _get(_url(address, asked.path, asked.days), data.key)

    turns = [
        (milliseconds(ours), milliseconds(lambda: query(asked.by_hand, values))) for _ in range(times + 1)
    ]
    return Measured(*(statistics.median(column) for column in zip(*turns[1:], strict=True)))


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def bench_engine(folder: Path) -> Engine:
    """The database of the data in a folder."""
    sqlite = folder / sqlite_connection.FILE_NAME
    return Engine(lambda: SqliteSession(sqlite), ["--data", str(folder)], (folder, "*-wal"), SQLITE_LOG)


def wait_for_columns(address: str, key: str) -> None:
    """Return once analytics are answered. Raises BenchmarkError when they have no data."""
    patience = time.monotonic() + READY_SECONDS
    while True:
        try:
            answer = _get(_url(address, "overview?fields=visitors", DAYS), key)
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > patience:
                raise BenchmarkError(f"analytics: {error}") from error
            time.sleep(0.5)
        else:
            break
    if b'"visitors":1000000' not in answer:
        raise BenchmarkError(
            f"analytics answered {answer.decode()}; remove the data, so that they are made anew"
        )


@click.command()
@click.option(
    "--data", "folder", type=click.Path(path_type=Path), default=Path("data-bench"), show_default=True
)
@click.option("--times", type=click.IntRange(1), default=5, show_default=True, help="Requests of each kind.")
@click.option("--only", multiple=True, help="Names of questions; may be repeated.")
def main(folder: Path, times: int, only: tuple[str, ...]) -> None:
    """Ask the analytics of ten million events; exits with 1 when a route is too slow."""
    data = find_data(folder)
    engine = bench_engine(folder)
    slow = 0
    with servers.footfall(engine, sorted(os.sched_getaffinity(0)), folder / "server.log") as running:
        wait_for_columns(running.address, data.key)
        columns = ColumnsClient(socket_path(folder / "columns"))
        click.echo(
            f"{'route':<24}{'HTTP ms':>10}{'by hand':>10}{'ratio':>8}{'at most':>10}{'2 idle cores':>14}"
        )
        for name, asked in questions(data).items():
            if not only or name in only:
                found = measure(running.address, asked, data, columns, times)
                slow += found.is_slow
                most = MOST_RATIO * found.by_hand + MOST_MORE
                click.echo(
                    f"{name:<24}{found.http:>10.1f}{found.by_hand:>10.1f}{found.http / found.by_hand:>8.2f}"
                    f"{most:>10.1f}{asked.most or '':>14}{'  too slow' if found.is_slow else ''}"
                )
    if slow:
        raise click.ClickException(f"{slow} routes are too slow")


if __name__ == "__main__":
    main()
