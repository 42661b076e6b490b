"""Metrics: who gets them, what they tell, and what they never tell."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from footfall.cli.main import main
from footfall.columns.wire import ColumnsHealth
from footfall.db.protocol import DatabaseFigures
from footfall.memory import Memory
from footfall.tally import CALLS, Spread
from footfall.watching import Figures, render
from footfall.web.context import Request
from footfall.web.counting import CallCounts
from tests.conftest import MakeInside
from tests.support.engines import Engine
from tests.support.inside import Inside, transport
from tests.support.servers import serving

TOKEN = "0123456789abcdef"
DOCS = Path(__file__).parents[2] / "docs"
HEALTH = ColumnsHealth(True, 1, 2, 3, None)


def asked(server: Inside, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(base_url=server.url, transport=transport(server.url)) as client:
        return client.get(path, headers=headers)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each value, by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def everything() -> str:
    """All metrics that there may be, with one value each."""
    spread = Spread()
    spread.add(0.2)
    database = DatabaseFigures({"live": 1}, Spread(CALLS), spread, {"full": 1}, 4096, 4096)
    counts = CallCounts()
    counts.add(Request("GET"), 404, 0.2)
    figures = Figures(
        "sqlite", counts.read(), database, {"bot": 1}, HEALTH, spread, {"busy": 1}, 0, spread, Memory(1, 2)
    )
    return render(figures).decode()


def names() -> set[str]:
    """The names by which Prometheus knows what Footfall tells."""
    return {name for name in re.findall(r"^# TYPE (\w+)", everything(), re.MULTILINE) if "footfall" in name}


def test_metrics_are_off_until_a_token_or_a_port_is_set(shared_server: Inside) -> None:
    assert asked(shared_server, "/metrics").status_code == 404


def test_metrics_need_the_token_and_tell_of_routes_never_of_what_was_asked(start_inside: MakeInside) -> None:
    server = start_inside({"FOOTFALL_METRICS_TOKEN": TOKEN})
    for headers in ({}, {"Authorization": "Bearer wrong-0123456789"}, {"Authorization": TOKEN}):
        assert asked(server, "/metrics", **headers).status_code == 401
    for path in ("/api/v1/visitors/ada", "/api/v1/visitors/zoe", "/nowhere/ada", "/healthz", "/readyz"):
        asked(server, path)
    answer = asked(server, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search("ada|zoe|127.0.0.1", answer.text)
    found = samples(answer.text)
    count = "footfall_request_seconds_count"
    (visitor_route,) = [key for key in found if key[0] == count and "/api/v1/visitors/{" in str(key)]
    assert found[visitor_route] == 2
    assert found[count, (("method", ""), ("route", "(none)"), ("status", "4xx"))] == 1
    assert found[count, (("method", "GET"), ("route", "/metrics"), ("status", "4xx"))] == 3
    assert found["footfall_batch_calls_count", ()] > 0
    assert found["footfall_commit_seconds_count", ()] > 0
    is_file = server.place.engine == "sqlite"
    for name in ("footfall_log_bytes", "footfall_database_bytes"):
        assert (found.get((name, ()), 0) > 0) == is_file
    assert found["footfall_columns_up", ()] == 0
    assert found["footfall_queue_calls", (("queue", "live"),)] == 0


def free_ports() -> int:
    """The first of two ports in a row that nobody uses."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first, contextlib.suppress(OSError, OverflowError):
            port: int = first.getsockname()[1]
            with socket.create_server(("127.0.0.1", port + 1)):
                return port


def test_metrics_have_a_port_of_their_own_if_one_is_set_and_each_worker_the_next(engine: Engine) -> None:
    place, port = engine.new_place(), free_ports()
    workers = 2 if place.database_url else 1
    wanted = {"FOOTFALL_METRICS_PORT": str(port), "FOOTFALL_WORKERS": str(workers)}
    none = (("method", ""), ("route", "(none)"), ("status", "4xx"))
    with serving(place, wanted) as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 404
        found = [httpx.get(f"http://127.0.0.1:{port + number}/metrics") for number in range(workers)]
        other = httpx.get(f"http://127.0.0.1:{port}/healthz")
        assert (other.status_code, "/docs" in other.text) == (404, False)
    told = [samples(one.text) for one in found]
    assert sum(one.get(("footfall_request_seconds_count", none), 0) for one in told) == 1
    assert all(("process_open_fds", ()) in one for one in told)


@pytest.mark.parametrize(
    ("setting", "value"), [("FOOTFALL_METRICS_TOKEN", TOKEN), ("FOOTFALL_METRICS_PORT", "65535")]
)
def test_workers_need_a_port_for_metrics_each(engine: Engine, setting: str, value: str) -> None:
    wanted = {"FOOTFALL_DATABASE_URL": "postgresql://nowhere/x", "FOOTFALL_WORKERS": "2", setting: value}
    ran = CliRunner().invoke(main, ["serve"], env={**engine.new_place().environment, **wanted})
    assert ran.exit_code == 1
    assert setting in ran.stderr


def test_a_spread_counts_a_bound_with_what_is_at_most_so_large() -> None:
    spread = Spread((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        spread.add(value)
    assert (spread.counts, spread.total, spread.many) == ([2, 2, 1], 14.0, 5)


def test_the_guide_lists_each_metric_once() -> None:
    guide = (DOCS / "watching.md").read_text("utf-8")
    listed = re.findall(r"^\| `(footfall_\w+)", guide, re.MULTILINE)
    assert sorted(listed) == sorted(names())
