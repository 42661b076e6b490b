"""The composition root: settings -> database -> services -> what answers. The only importer of everything."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import maxminddb
import msgspec

from footfall.accounts.accounts import new_setup_link
from footfall.admin.endpoints import Websites
from footfall.analytics.bots.endpoints import BotEndpoints
from footfall.analytics.endpoints import AnalyticsEndpoints
from footfall.analytics.flows.endpoints import FlowEndpoints
from footfall.analytics.realtime.endpoints import RealtimeEndpoints
from footfall.analytics.realtime.service import Realtime
from footfall.analytics.service import Analytics
from footfall.auth.access import Access
from footfall.auth.store import USED_HANDLER, create_key, list_keys
from footfall.backups.schedule import LOOK_SECONDS as BACKUP_SECONDS
from footfall.backups.schedule import BackupSchedule
from footfall.clock import Clock, system_clock
from footfall.collect import erasing as collect_erasing
from footfall.collect import retention
from footfall.collect.endpoints import Collector
from footfall.collect.enrich.geo import Geo
from footfall.collect.pipeline import warm
from footfall.column_parts import column_dialect, columns_client
from footfall.columns import erasing as columns_erasing
from footfall.columns.client import SETTLE_SECONDS, ColumnsClient
from footfall.columns.supervisor import RESTART_SECONDS, ColumnSupervisor
from footfall.crawls.endpoints import Crawls
from footfall.dashboard import rendering
from footfall.dashboard.page import PageServices, render_error
from footfall.dashboard.routes import not_found, pages
from footfall.db.protocol import Database, Transaction
from footfall.demo import DOMAIN as DEMO
from footfall.directory import POLL_SECONDS, Directory
from footfall.errors import ApiError, DatabaseError, UsageError
from footfall.funnels.endpoints import Funnels
from footfall.goals.endpoints import Goals
from footfall.identity import erasing as identity_erasing
from footfall.identity import exporting as identity_exporting
from footfall.identity.audit import suspicions
from footfall.identity.audit.counting import LOOK_SECONDS as SUSPICION_SECONDS
from footfall.identity.audit.counting import SuspicionCounts
from footfall.identity.audit.dating import ClockWatch
from footfall.identity.audit.health import REFUSED_HANDLER
from footfall.identity.identify.endpoints import Identifying
from footfall.identity.ledger.endpoints import Ledger
from footfall.jobs import Job, Vitals, run_forever
from footfall.log import EQUAL_SECONDS, get_logger, tell_rest
from footfall.notes import erasing as notes_erasing
from footfall.notes.endpoints import Notes
from footfall.outbox import word
from footfall.payments import erasing as payments_erasing
from footfall.payments.connecting import importing
from footfall.payments.connecting.endpoints import Connecting, ServerShelf
from footfall.payments.connecting.service import KeyConnections
from footfall.payments.endpoints import Payments
from footfall.payments.exporting import PAYMENTS
from footfall.payments.ratebook import RateBook
from footfall.payments.webhooks.endpoints import Webhooks
from footfall.payments.webhooks.exporting import CUSTOMERS, SUBSCRIPTIONS
from footfall.payments.webhooks.sealing import SealingKey, sealing_key
from footfall.people import erasing as people_erasing
from footfall.people import exporting as people_exporting
from footfall.people.endpoints import People
from footfall.people.find import terms
from footfall.people.index.indexer import IDLE_SECONDS, TraitIndexer
from footfall.people.presence import SEEN_SECONDS, SeenFlusher
from footfall.predictions import book as predictions_book
from footfall.predictions.book import Predictions
from footfall.privacy.endpoints import Privacy
from footfall.privacy.erase import LOOK_SECONDS, Erasing, ErasureWatch
from footfall.privacy.export import Exporting
from footfall.reference.pages import Reference
from footfall.routes import Services, routes
from footfall.segments import erasing as segments_erasing
from footfall.settings import Settings
from footfall.storage import open_database
from footfall.visitors import listing as visitors_listing
from footfall.watching import LoopWatch, Metrics, Watched
from footfall.web.address import ClientAddress
from footfall.web.counting import CallCounts
from footfall.web.dispatch import Dispatch
from footfall.web.health import Health
from footfall.web.http.server import listening
from footfall.web.ratelimit import RateLimit
from footfall.websites.counts import Counts
from footfall.websites.model import Website
from footfall.websites.removal import IDLE_SECONDS as REMOVAL_SECONDS
from footfall.websites.removal import WebsiteRemover
from footfall.websites.store import configuration_changed, create_website, read_websites

R = TypeVar("R")

ERASERS = (
    collect_erasing.ERASER,
    segments_erasing.ERASER,  # before identity forgets what people are called
    notes_erasing.ERASER,  # likewise
    payments_erasing.ERASER,  # before identity forgets by what payments are found
    suspicions.ERASER,
    identity_erasing.ERASER,
    people_erasing.ERASER,
    visitors_listing.ERASER,
    columns_erasing.ERASER,
)
"""What each domain does when people are erased. The receipt lists their counts in this order."""

EXPORTERS = (
    people_exporting.PROFILE,
    identity_exporting.EXPLAIN,
    identity_exporting.LEDGER,
    people_exporting.SESSIONS,
    people_exporting.JOURNEY,
    PAYMENTS,
    CUSTOMERS,
    SUBSCRIPTIONS,
)
"""What each domain exports about a person: the fields of the document, in order."""

CREDENTIAL_SECONDS = 20.0
"""Between two looks at which keys and tokens were used."""
CLOCK_SECONDS = 60.0
"""Between two comparisons of the clock with what is stored."""
LAST_SECONDS = 1.0
"""What is held in memory is written within, at the end."""
FLUSH_SECONDS = 5.0
"""Between two writes of what is counted, and two looks whether a day is over."""


class Welcome(msgspec.Struct, frozen=True):
    """What a start prints: what it created to try, and the secret of the link to create the first account."""

    created: FirstRun | None
    setup_secret: str | None


FIRST_KEY = "First key"


class FirstRun(msgspec.Struct, frozen=True):
    """What the first start created to try: a key, and a website unless the demo's is there."""

    domain: str
    website_id: str
    tracking_id: str
    key: str


def welcome(tx: Transaction, now: int) -> Welcome:
    """What a start creates and prints."""
    return Welcome(first_run(tx, now), new_setup_link(tx, now))


def first_run(tx: Transaction, now: int) -> FirstRun | None:
    """Create a key to try the API with, if the database has no website or only the demo's; else None."""
    tx.lock([("first run",)])
    websites = list(read_websites(tx).values())
    if any(_is_tried(tx, website) for website in websites):
        return None
    website = websites[-1] if websites else create_website(tx, "example.com", now, name="Example")
    key = create_key(tx, website.website_id, FIRST_KEY, now)
    configuration_changed(tx)
    return FirstRun(website.domain, website.website_id.hex(), website.tracking_id, key.secret)


def _is_tried(tx: Transaction, website: Website) -> bool:
    """Whether somebody made the website for themselves, or the demo's has got its key to try."""
    return website.domain != DEMO or any(key.name == FIRST_KEY for key in list_keys(tx, website.website_id))


async def flush_credentials(database: Database, access: Access) -> None:
    """Store when keys and tokens were last used. Raises ApiError and DatabaseError."""
    if not (used := access.take_used()):
        return
    try:
        await database.write(USED_HANDLER, used, bulk=0)
    except (ApiError, DatabaseError):
        access.keep_used(used)
        raise


async def tell_rest_of_log() -> None:
    """See `log.tell_rest`."""
    tell_rest()


async def keep_columns(supervisor: ColumnSupervisor) -> None:
    """Until this is cancelled. Raises DatabaseError while the system lets nobody: its disk is full or read-only, or it has no process left."""
    try:
        await supervisor.run()
    except OSError as error:
        raise DatabaseError(f"nobody can keep the columns: {error}") from error


async def _flush_last(jobs: dict[str, Job]) -> None:
    """Write what is still held in memory. The database may be away, or its disk full."""
    try:
        async with asyncio.timeout(LAST_SECONDS):
            for name, job in jobs.items():
                if job.is_flush:
                    await _try_once(name, job)
    except TimeoutError:
        get_logger("app").warning("not all was written at the end", reason="the database does not answer")


async def _try_once(name: str, job: Job) -> None:
    try:
        await job.work()
    except (ApiError, DatabaseError) as error:
        get_logger(name).warning("not written at the end", reason=str(error))


def _open_geo(city_database: Path | None) -> Geo:
    try:
        return Geo(city_database)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no database in MaxMind's format"
        raise UsageError(f"FOOTFALL_CITY_DATABASE: {city_database} cannot be read: {reason}") from error


class _Parts(NamedTuple):
    """What routes, pages and background jobs share."""

    database: Database
    directory: Directory
    refused: Counts
    address: ClientAddress
    collector: Collector
    watch: ClockWatch
    rate_limit: RateLimit
    access: Access
    erasing: Erasing
    exporting: Exporting
    rates: RateBook
    predictions: Predictions
    key: SealingKey
    connections: KeyConnections
    analytics: Analytics
    suspicions: SuspicionCounts
    columns: ColumnsClient
    indexer: TraitIndexer
    counts: CallCounts
    loop: LoopWatch


class App:
    """The assembled application. Once it runs, `welcome` is what to print.

    Set `stopping` to end long-lived responses. `vitals`: the tasks that must not end.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock = system_clock,
        welcome: Callable[[Transaction, int], Welcome] | None = None,
        columns: ColumnSupervisor | None = None,
        metrics: socket.socket | None = None,
    ) -> None:
        """`columns`: runs the process that keeps the columns; None: nobody does. `metrics`: a socket for them alone."""
        self._settings = settings
        self._columns = columns
        self._metrics_listener = metrics
        self._clock = clock
        self._make_welcome = welcome
        self.stopping = asyncio.Event()
        self.vitals = Vitals()
        self.welcome: Welcome | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Dispatch]:
        """Open the database and yield the application; on exit, finish what was queued. Raises DatabaseError and UsageError."""
        geo = _open_geo(self._settings.city_database)
        rates = RateBook(self._settings.rates)
        await rates.check()
        database = open_database(self._settings)
        warming = map(asyncio.to_thread, (warm, terms.warm, rendering.warm))
        await asyncio.gather(database.open(), *warming)
        for name, vital in database.vitals().items():
            self.vitals.watch(name, vital)
        tasks: list[asyncio.Task[Any]] = []
        parts = self._parts(database, geo, rates)
        try:
            await self._prepare(parts)
            dispatch = self._dispatch(parts)
            jobs = self._jobs(parts)
            tasks += self._start(jobs)
            if self._columns is not None:
                keeping = run_forever(
                    "columns", RESTART_SECONDS, functools.partial(keep_columns, self._columns)
                )
                tasks.append(asyncio.create_task(keeping, name="columns"))
            if self._is_watched:
                tasks.append(asyncio.create_task(parts.loop.run(), name="loop watch"))
            async with self._metrics_apart(parts):
                yield dispatch
            await _flush_last(jobs)
        finally:
            self.vitals.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await parts.connections.importing.close()
            await database.close()
            tell_rest()

    def _parts(self, database: Database, geo: Geo, rates: RateBook) -> _Parts:
        directory = Directory(database)
        refused = Counts(database, REFUSED_HANDLER)
        address = ClientAddress(self._settings.trusted_proxies)
        rate_limit = RateLimit(self._settings.rate_limit)
        key = sealing_key(self._settings)
        columns = columns_client(self._settings)
        return _Parts(
            database,
            directory,
            refused,
            address,
            Collector(database, directory, geo, address, refused),
            ClockWatch(database, lambda: directory.websites.keys(), self._clock),
            rate_limit,
            Access(directory, rate_limit),
            Erasing(ERASERS),
            Exporting(EXPORTERS),
            rates,
            Predictions(database, lambda: directory.websites, rates, self._clock),
            key,
            KeyConnections(ServerShelf(database, directory), key, self._clock),
            Analytics(database, columns, rates, column_dialect(self._settings)),
            SuspicionCounts(database, lambda: directory.websites),
            columns,
            TraitIndexer(database),
            CallCounts(),
            LoopWatch(),
        )

    @property
    def _is_watched(self) -> bool:
        """Whether anybody may ask for metrics."""
        return self._metrics_listener is not None or bool(self._settings.metrics_token)

    @contextlib.asynccontextmanager
    async def _metrics_apart(self, parts: _Parts) -> AsyncIterator[None]:
        """Answer with metrics on the socket for them, if there is one."""
        if (listener := self._metrics_listener) is None:
            yield
            return
        application = Dispatch([self._metrics(parts).route()], parts.access, self._clock)
        async with listening(application, listener, self._settings.body_timeout):
            yield

    def _metrics(self, parts: _Parts) -> Metrics:
        watched = Watched(
            parts.database.engine,
            parts.counts,
            parts.database,
            parts.collector.dropped.since_start,
            parts.columns,
            lambda: parts.indexer.lag,
            parts.loop,
        )
        return Metrics(watched, self._settings.metrics_token)

    async def _prepare(self, parts: _Parts) -> None:
        """What has to be done before the first request. Raises DatabaseError."""
        if (make := self._make_welcome) is not None:
            self.welcome = await parts.database.change(lambda tx: make(tx, self._clock()))
        await parts.directory.refresh()
        with contextlib.suppress(ApiError, DatabaseError):
            await parts.watch.look()

    def _dispatch(self, parts: _Parts) -> Dispatch:
        """The routes of the API and the pages of the dashboard."""
        table = routes(
            Services(
                parts.database,
                parts.collector,
                Websites(parts.database, parts.directory),
                Identifying(parts.database, parts.refused, parts.rate_limit.take_more),
                Goals(parts.database, parts.collector.new_event_id, parts.rate_limit.take_more),
                Funnels(parts.database),
                Notes(parts.database),
                Crawls(parts.database, parts.directory),
                People(parts.database, parts.rates),
                Ledger(parts.database, parts.refused),
                Privacy(parts.database, parts.erasing, parts.exporting),
                Payments(parts.database, parts.directory),
                Webhooks(parts.database, parts.directory, parts.key),
                Connecting(
                    parts.database, parts.connections, parts.key, parts.address, self._settings.public_url
                ),
                parts.rates,
                parts.predictions,
                AnalyticsEndpoints(parts.analytics),
                RealtimeEndpoints(
                    Realtime(parts.database, parts.analytics, parts.collector.online), parts.predictions
                ),
                FlowEndpoints(parts.database, parts.analytics),
                BotEndpoints(parts.database),
                Health(parts.database, self.vitals),
                Reference(),
            )
        )
        dashboard = PageServices(
            parts.database,
            parts.analytics,
            parts.erasing,
            parts.exporting,
            parts.directory,
            parts.collector.online,
            parts.refused,
            parts.collector.dropped,
            parts.address,
            self.stopping,
            frozenset(route.scope for route in table if route.scope),
            parts.rates,
            parts.predictions,
            parts.key,
            parts.connections,
            self._settings.public_url,
            parts.suspicions,
        )
        all_routes = [*table, *pages(dashboard)]
        if self._settings.metrics_token and self._metrics_listener is None:
            all_routes.append(self._metrics(parts).route())
        return Dispatch(
            all_routes,
            parts.access,
            self._clock,
            not_found(dashboard),
            render_error,
            parts.address.believes,
            parts.counts,
        )

    def _jobs(self, parts: _Parts) -> dict[str, Job]:
        """The background jobs by name."""
        database, collector = parts.database, parts.collector
        lister = visitors_listing.Lister(database, collector.online.take_unlisted)
        seen = SeenFlusher(database, collector.online.take_fresh)
        credentials = functools.partial(flush_credentials, database, parts.access)
        return {
            "directory": Job(POLL_SECONDS, parts.directory.refresh),
            "refused ids": Job(FLUSH_SECONDS, parts.refused.flush, is_flush=True),
            "dropped hits": Job(FLUSH_SECONDS, collector.dropped.flush, is_flush=True),
            "daily salt": Job(FLUSH_SECONDS, lambda: collector.salt.turn(self._clock())),
            "trait index": Job(IDLE_SECONDS, parts.indexer.advance),
            "clock": Job(CLOCK_SECONDS, parts.watch.look),
            "visitor list": Job(visitors_listing.LOOK_SECONDS, lister.advance),
            "who was seen": Job(SEEN_SECONDS, seen.flush, is_flush=True),
            "credentials": Job(CREDENTIAL_SECONDS, credentials, is_flush=True),
            "deleted websites": Job(REMOVAL_SECONDS, WebsiteRemover(database, self._clock).advance),
            "imports": Job(importing.IDLE_SECONDS, parts.connections.importing.advance),
            "erasures": Job(LOOK_SECONDS, ErasureWatch(database, parts.erasing).advance),
            "columns": Job(SETTLE_SECONDS, lambda: self._settle(parts)),
            "word of changes": Job(word.LOOK_SECONDS, word.WordWatch(database, self._clock).advance),
            **self._retention(parts),
            **self._backups(),
            "predictions": Job(predictions_book.LOOK_SECONDS, parts.predictions.advance),
            "suspicions": Job(SUSPICION_SECONDS, parts.suspicions.advance),
            "log": Job(EQUAL_SECONDS, tell_rest_of_log),
        }

    def _retention(self, parts: _Parts) -> dict[str, Job]:
        if not (days := self._settings.retention_days):
            return {}
        job = retention.Retention(parts.database, lambda: parts.directory.websites.keys(), days, self._clock)
        return {"retention": Job(retention.LOOK_SECONDS, job.advance)}

    def _backups(self) -> dict[str, Job]:
        if not self._settings.backup_hours or self._settings.database_url:
            return {}
        return {"backups": Job(BACKUP_SECONDS, BackupSchedule(self._settings, self._clock).advance)}

    async def _settle(self, parts: _Parts) -> float:
        """See `ColumnsClient.settle`: the one server does so that keeps the columns. Raises ApiError and DatabaseError."""
        if self._columns is None or not self._columns.is_ours:
            return SETTLE_SECONDS
        return await parts.columns.settle(parts.database)

    def _start(self, jobs: dict[str, Job]) -> Iterator[asyncio.Task[Any]]:
        for name, job in jobs.items():
            task = asyncio.create_task(run_forever(name, job.pause, job.work), name=name)
            self.vitals.watch(name, task)
            yield task
