"""Pages of the dashboard over ten million events: each as a browser asks for it, beside SQL by hand for what it shows, in the same run."""

from __future__ import annotations

import asyncio
import os
import statistics
import urllib.request
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
from msgspec import json

from bench import people, servers
from bench.analytics import (
    DAY,
    END,
    SHOWN_DAYS,
    Data,
    bench_engine,
    find_data,
    milliseconds,
    questions,
    wait_for_columns,
)
from bench.engines import Engine
from bench.servers import BenchmarkError
from bench.store import BROWSER
from footfall.columns.client import ColumnsClient, socket_path
from footfall.columns.model import number_of
from footfall.dashboard.session import SESSION_COOKIE
from footfall.websites.model import Website
from footfall.websites.store import read_websites


def day_before(days: int) -> str:
    """A day, so many before the end of the events."""
    return datetime.fromtimestamp((END - days * DAY) / 1000, UTC).date().isoformat()


class PageAsked(NamedTuple):
    """A page, or a part of it. `by_hand`: what it shows, whose SQL is asked one after the other; `proof`: what it contains; `most`: ms on two
    idle cores, for orientation."""

    path: str
    by_hand: tuple[str, ...]
    proof: str
    most: int


PAGES = {
    "overview": PageAsked("", ("overview", "uniques a day", "all of these cards", "goals"), "Visitors", 400),
    "card: countries": PageAsked("&part=places&places=countries", ("countries",), "Country", 120),
    "card: referrers": PageAsked("&part=sources&sources=referrers", ("referrers",), "Referrer", 120),
    "card: browsers": PageAsked("&part=systems&systems=browsers", ("browsers",), "Browser", 120),
    "card: entry pages": PageAsked("&part=pages&pages=entry-pages", ("entry-pages",), "Entry", 120),
}
RANGE = f"startAt={day_before(SHOWN_DAYS)}&endAt={day_before(1)}"


class PageTimes(NamedTuple):
    """Medians in ms: of the page, and of its SQL by hand."""

    page: float
    by_hand: float


class Visit(NamedTuple):
    """Somebody who is logged in. `home`: the address of the website's pages."""

    home: str
    session: str

    def get(self, asked: PageAsked) -> None:
        """Load a page. Raises BenchmarkError when it does not hold its proof."""
        url = f"{self.home}/overview?{RANGE}{asked.path}"
        request = urllib.request.Request(url, headers={"Cookie": f"{SESSION_COOKIE}={self.session}"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = response.read().decode()
        if asked.proof not in answer:
            raise BenchmarkError(f"{url} answered {answer[:500]}")


def measure(
    visit: Visit, asked: PageAsked, data: Data, columns: ColumnsClient, texts: dict[str, str], times: int
) -> PageTimes:
    """By turns, after one of each for nothing."""
    values = {"website": data.website, "since": END - SHOWN_DAYS * DAY, "until": END}

    def query() -> None:
        for name in asked.by_hand:
            asyncio.run(columns.ask(texts[name], values, 60.0))

    turns = [(milliseconds(lambda: visit.get(asked)), milliseconds(query)) for _ in range(times + 1)]
    return PageTimes(*(statistics.median(column) for column in zip(*turns[1:], strict=True)))


def log_in(engine: Engine, data: Data, address: str) -> Visit:
    """As a new account each time."""
    with closing(engine.open_session()) as session:
        found = session.snapshot(read_websites).values()
    website = next(one for one in found if number_of(one.website_id) == data.website)
    _be_seen(address, website)
    return Visit(f"{address}/w/{website.website_id.hex()}", people.log_in(engine))


def _be_seen(address: str, website: Website) -> None:
    """Now, outside of the range: pages of a website that nobody ever visited only tell how to install the script."""
    event = {
        "websiteId": website.tracking_id,
        "domain": website.domain,
        "href": f"https://{website.domain}/",
        "type": "pageview",
        "visitorId": str(uuid.uuid4()),
    }
    request = urllib.request.Request(f"{address}/api/events", json.encode(event), {"User-Agent": BROWSER})
    urllib.request.urlopen(request, timeout=60).close()


@click.command()
@click.option(
    "--data", "folder", type=click.Path(path_type=Path), default=Path("data-bench"), show_default=True
)
@click.option("--times", type=click.IntRange(1), default=5, show_default=True, help="Requests of each kind.")
def main(folder: Path, times: int) -> None:
    """Load pages over ten million events."""
    data = find_data(folder)
    engine, texts = bench_engine(folder), {name: one.by_hand for name, one in questions(data).items()}
    with servers.footfall(engine, sorted(os.sched_getaffinity(0)), folder / "server.log") as running:
        wait_for_columns(running.address, data.key)
        columns = ColumnsClient(socket_path(folder / "columns"))
        visit = log_in(engine, data, running.address)
        click.echo(f"{'page':<24}{'HTTP ms':>10}{'by hand':>10}{'ratio':>8}{'2 idle cores':>14}")
        for name, asked in PAGES.items():
            found = measure(visit, asked, data, columns, texts, times)
            ratio = found.page / found.by_hand
            click.echo(f"{name:<24}{found.page:>10.1f}{found.by_hand:>10.1f}{ratio:>8.2f}{asked.most:>14}")


if __name__ == "__main__":
    main()
