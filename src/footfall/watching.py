"""Metrics in the form that Prometheus reads. Whoever counts does so in plain numbers; here they are put together when somebody asks."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from footfall import __version__
from footfall.columns.client import ColumnsClient
from footfall.columns.wire import ColumnsHealth
from footfall.db.protocol import Database, DatabaseFigures
from footfall.errors import Unauthorized, Unavailable
from footfall.memory import Memory, read_memory
from footfall.tally import Spread
from footfall.web.context import OPEN, Context, Route
from footfall.web.counting import CallCounts, CallKey
from footfall.web.envelope import Response
from footfall.web.refusals import NO_STORE

PATH = "/metrics"
LOOK_SECONDS = 0.1
"""How long the loop is left alone between two looks whether it was late."""
COLUMNS_SECONDS = 1.0
"""How long the process that keeps the columns has to say how it is."""
LOG_IN, DELIVERY = "/login", "/api/webhooks/{provider}/{websiteId}"
"""Routes whose refusals are worth a metric of their own."""


class LoopWatch:
    """Notes how late the event loop is."""

    def __init__(self) -> None:
        self.pauses = Spread()

    async def run(self) -> None:
        """Look, until this is cancelled."""
        while True:
            due = perf_counter() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.pauses.add(max(0.0, perf_counter() - due))


class Watched(msgspec.Struct, frozen=True):
    """What metrics are about. `drops`: dropped events by reason; `index_lag`: in ms."""

    engine: str
    counts: CallCounts
    database: Database
    drops: Mapping[str, int]
    columns: ColumnsClient
    index_lag: Callable[[], int]
    loop: LoopWatch


class Figures(msgspec.Struct, frozen=True):
    """What they tell at one moment. `health`: None when nobody keeps the columns; `index_lag`: in ms."""

    engine: str
    calls: Sequence[tuple[CallKey, Spread]]
    database: DatabaseFigures
    drops: Mapping[str, int]
    health: ColumnsHealth | None
    answered: Spread
    unanswered: Mapping[str, int]
    index_lag: int
    pauses: Spread
    memory: Memory | None


class Metrics:
    """`GET /metrics`. `token`: what has to be sent as `Authorization: Bearer`; empty: nothing."""

    def __init__(self, watched: Watched, token: str) -> None:
        self._watched = watched
        self._token = token.encode()

    def route(self) -> Route[None]:
        """The only route, for the table of all or for a port of its own."""
        return Route("GET", PATH, self.answer, OPEN)

    async def answer(self, context: Context[None]) -> Response:
        """All metrics. Raises Unauthorized."""
        given = context.headers.get(b"authorization", b"")
        if self._token and not hmac.compare_digest(given, b"Bearer " + self._token):
            raise Unauthorized("Metrics need Authorization: Bearer with the token of FOOTFALL_METRICS_TOKEN.")
        body = await asyncio.to_thread(render, await self._figures())
        return Response(body, headers=[(b"content-type", CONTENT_TYPE_LATEST.encode()), *NO_STORE])

    async def _figures(self) -> Figures:
        watched, health = self._watched, await self._health()
        return Figures(
            watched.engine,
            watched.counts.read(),
            watched.database.figures(),
            dict(watched.drops),
            health,
            watched.columns.answered,
            dict(watched.columns.refused),
            watched.index_lag(),
            watched.loop.pauses,
            read_memory(),
        )

    async def _health(self) -> ColumnsHealth | None:
        try:
            async with asyncio.timeout(COLUMNS_SECONDS):
                return await self._watched.columns.health()
        except (Unavailable, TimeoutError):
            return None


class _Families(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        info = GaugeMetricFamily("footfall_info", "What runs here.", labels=["version", "engine"])
        info.add_metric([__version__, figures.engine], 1)
        yield info
        yield from _of_requests(figures.calls)
        yield from _of_writes(figures.database)
        yield _counter("footfall_events_dropped", "Events that were not kept.", "reason", figures.drops)
        yield _gauge(
            "footfall_index_lag_seconds", "How far the index of people is behind.", figures.index_lag / 1000
        )
        yield from _of_columns(figures)
        yield _histogram("footfall_loop_pause_seconds", "How late the event loop was.", figures.pauses)
        if figures.memory is not None:
            held = {"own": figures.memory.own, "mapped": figures.memory.mapped}
            yield _gauges("footfall_memory_bytes", "Memory: its own, and that of mapped files.", "kind", held)


def render(figures: Figures) -> bytes:
    """The text of all metrics, with those of the process."""
    registry = CollectorRegistry()
    registry.register(_Families(figures))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_requests(calls: Sequence[tuple[CallKey, Spread]]) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "footfall_request_seconds",
        "Seconds from a request's turn to its answer.",
        labels=["method", "route", "status"],
    )
    for key, spread in calls:
        family.add_metric([key.method, key.route, f"{key.hundreds}xx"], _buckets(spread), spread.total)
    yield family
    yield CounterMetricFamily(
        "footfall_log_ins_refused", "Log-ins to the dashboard that were refused.", _refused(calls, LOG_IN)
    )
    yield CounterMetricFamily(
        "footfall_webhooks_refused", "Deliveries of webhooks that were refused.", _refused(calls, DELIVERY)
    )


def _refused(calls: Sequence[tuple[CallKey, Spread]], route: str) -> int:
    """Requests to a route that were answered with 4xx."""
    return sum(spread.many for key, spread in calls if key[:2] == ("POST", route) and key.hundreds == 4)


def _of_writes(found: DatabaseFigures) -> Iterator[Metric]:
    yield _gauges("footfall_queue_calls", "Writes that wait.", "queue", found.waiting)
    yield _counter("footfall_writes_refused", "Writes that were not even tried.", "reason", found.refused)
    yield _histogram("footfall_batch_calls", "Writes in each transaction.", found.batches)
    yield _histogram("footfall_commit_seconds", "Seconds of each commit.", found.commits)
    if found.size is not None and found.log is not None:
        yield _gauge("footfall_database_bytes", "Bytes of the database file.", found.size)
        yield _gauge("footfall_log_bytes", "Bytes in use of its write-ahead log.", found.log)


def _of_columns(figures: Figures) -> Iterator[Metric]:
    health = figures.health
    is_up = health is not None and health.is_there and not health.waits_for
    yield _gauge("footfall_columns_up", "Whether analytics can be answered, and are fed.", is_up)
    if health is not None:
        yield _gauge("footfall_columns_lag_seconds", "How far analytics are behind.", health.lag / 1000)
        yield _gauge("footfall_columns_bytes", "Bytes of the columns.", health.bytes)
        yield _gauge("footfall_columns_memory_bytes", "Memory of the process that keeps them.", health.memory)
    yield _histogram("footfall_analytics_seconds", "Seconds of each query of analytics.", figures.answered)
    yield _counter(
        "footfall_analytics_refused", "Queries of analytics without an answer.", "reason", figures.unanswered
    )


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    """As Prometheus has it: how many were at most so large."""
    counts, found, sofar = list(spread.counts), [], 0
    for bound, many in zip((*map(str, spread.bounds), "+Inf"), counts, strict=True):
        sofar += many
        found.append((bound, float(sofar)))
    return found


def _histogram(name: str, told: str, spread: Spread) -> Metric:
    return HistogramMetricFamily(name, told, _buckets(spread), spread.total)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value)


def _gauges(name: str, told: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counter(name: str, told: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, told, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
