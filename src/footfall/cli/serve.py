"""`footfall serve`."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import click

from footfall import log
from footfall.app import App, FirstRun, Welcome
from footfall.app import welcome as make_welcome
from footfall.cli.common import Whole, collect_rarely, place_options, take_short_turns
from footfall.cli.waiting import wait_for
from footfall.cli.workers import run_workers
from footfall.clock import system_clock
from footfall.column_parts import check_columns, column_supervisor
from footfall.demo import DOMAIN as DEMO
from footfall.errors import UsageError
from footfall.settings import Settings, read_settings
from footfall.storage import command_session, prepare_folder
from footfall.web.http.server import Server

END_SECONDS = 0.5
"""How long a server continues after a part of it has stopped unexpectedly."""


@click.command()
@click.option("--host", help="Address to listen on [FOOTFALL_HOST, 127.0.0.1].")
@click.option(
    "--port", type=Whole(0, 65535), metavar="NUMBER", help="Port; 0 picks one [FOOTFALL_PORT, 8000]."
)
@click.option(
    "--workers",
    type=Whole(1, 256),
    metavar="NUMBER",
    help="Server processes; PostgreSQL only [FOOTFALL_WORKERS, 1].",
)
@place_options
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON, for scripts.")
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Serve the API and the dashboard. Prints the address once it accepts connections.

    If PostgreSQL cannot be reached, calls get 503 until it can.
    """
    settings = read_settings(
        os.environ, _warn, host=host, port=port, workers=workers, data=data, database_url=database
    )
    _check(settings)
    log.configure(settings.log_level)
    open_many_files()
    listener = listen(settings.host, settings.port)
    check_metrics(settings, listener.getsockname()[1])
    greeting = _Greeting(f"http://{_host(settings.host)}:{listener.getsockname()[1]}", as_json=as_json)
    made = None
    if settings.database_url:
        made = wait_for(lambda: _welcome(settings), listener, settings.body_timeout, greeting.tell_address)
    if settings.workers == 1:
        _serve(settings, listener, lambda application: greeting.tell(made or application.welcome))
    elif code := run_workers(
        settings.workers,
        lambda started, number: _serve(settings, listener, lambda application: started(), number),
        lambda: greeting.tell(made),
    ):
        raise SystemExit(code)


def _check(settings: Settings) -> None:
    """Make sure that a server can start with these settings. Raises UsageError."""
    if settings.workers > 1 and not settings.database_url:
        raise UsageError(
            "--workers: the embedded database has one server process, which writes for all. "
            "For more, move to PostgreSQL: footfall db copy, then serve --database."
        )
    if settings.workers > 1 and settings.metrics_token and not settings.metrics_port:
        raise UsageError(
            "FOOTFALL_METRICS_TOKEN: each worker has metrics of its own, so they need a port each: "
            "set FOOTFALL_METRICS_PORT too, to the first of them"
        )
    if settings.metrics_port + settings.workers > 65_536:
        raise UsageError("FOOTFALL_METRICS_PORT: each worker needs a port, and the last one is above 65535")
    if settings.backup_hours and settings.database_url:
        raise UsageError(
            "FOOTFALL_BACKUP_HOURS: the server makes backups of the embedded database only. "
            "For PostgreSQL use pg_dump or pg_basebackup."
        )
    check_columns(settings)
    if not settings.host:
        raise UsageError("--host: name an address; 0.0.0.0 stands for all")
    if (warning := prepare_folder(settings)) is not None:
        _warn(warning)


def check_metrics(settings: Settings, port: int) -> None:
    """Raises UsageError unless metrics have ports apart from the server's own, which the system may have picked."""
    first = settings.metrics_port
    if first <= port < first + settings.workers:
        raise UsageError(
            f"FOOTFALL_METRICS_PORT: the server itself has port {port}. Choose another one for metrics"
            + (", as each worker takes the next one after it." if settings.workers > 1 else ".")
        )


class _Greeting:
    """What a server prints once it accepts connections: its address, and at the first start what a newcomer needs."""

    def __init__(self, address: str, *, as_json: bool) -> None:
        self._address = address
        self._as_json = as_json
        self._is_told = False

    def tell_address(self) -> None:
        """Print the address, once."""
        if not self._is_told:
            self._is_told = True
            log.tell(f'{{"address":"{self._address}"}}' if self._as_json else self._address)

    def tell(self, made: Welcome | None) -> None:
        """Print the address, and what the start made, unless a script reads it."""
        self.tell_address()
        if made is None or self._as_json:
            return
        if made.created is not None:
            log.tell(welcome(self._address, made.created))
        if made.setup_secret is not None:
            log.tell(
                f"Dashboard: create your account at {self._address}/setup/{made.setup_secret}   (works once)"
            )


def _welcome(settings: Settings) -> Welcome:
    """What a start on PostgreSQL has to report, once for all workers. Raises DatabaseError."""
    with command_session(settings) as session:
        return session.transact(lambda tx: make_welcome(tx, system_clock()))


def open_many_files() -> None:
    """Let this process open as many files as it may. Each connection is one, and most systems begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS has a bound of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _serve(
    settings: Settings, listener: socket.socket, on_started: Callable[[App], None], number: int = 0
) -> None:
    """Run one server until it is told to stop. `number`: of this worker. Raises whatever keeps it from starting."""
    metrics = None
    if settings.metrics_port:
        metrics = listen(settings.host, settings.metrics_port + number, METRICS_ADVICE)
    application = App(
        settings,
        metrics=metrics,
        welcome=None if settings.database_url else make_welcome,
        columns=column_supervisor(settings),
    )
    application.vitals.on_end = _end_soon
    collect_rarely()
    take_short_turns()
    server = Server(
        application,
        settings.body_timeout,
        lambda: on_started(application),
        application.stopping.set,
        is_https=settings.public_url.startswith("https:"),
    )
    server.run(listener)


def _end_soon() -> None:
    """End this process even if parts of it hang, after giving running calls a moment. Everything acknowledged is on disk."""
    try:
        threading.Timer(END_SECONDS, os._exit, (1,)).start()
    except RuntimeError:  # there is no room for a thread, which may be the very problem
        os._exit(1)


METRICS_ADVICE = "Choose another port for metrics: FOOTFALL_METRICS_PORT."


def listen(host: str, port: int, advice: str | None = None) -> socket.socket:
    """A socket that a server can listen on. Raises UsageError, with `advice` where another port would do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        is_host = not isinstance(error, OSError) or error.errno not in _PORT_PROBLEMS
        other = advice or f"Choose another port: --port {_next(port)}, or FOOTFALL_PORT={_next(port)}."
        raise UsageError(
            f"cannot listen on {host[:255]}:{port}: {_reason(error)}. {HOST_ADVICE if is_host else other}"
        ) from error
    return listener


_PORT_PROBLEMS = (errno.EADDRINUSE, errno.EACCES)
HOST_ADVICE = "Name an address of this machine with --host or FOOTFALL_HOST; 0.0.0.0 stands for all."


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError | socket.gaierror):
        return "there is no such host"
    return "no address of this machine" if error.errno == errno.EADDRNOTAVAIL else str(error.strerror)


def _next(port: int) -> int:
    return port + 1 if 1023 < port < 65_535 else 8001


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound


def welcome(address: str, created: FirstRun) -> str:
    """What a newcomer reads at the first start: commands that work as they are."""
    visitor = "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b"
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
    made = "Try the API with the demo" if created.domain == DEMO else "A website is ready for you to try"
    return f"""
{made}: {created.domain}
  website id   {created.website_id}
  tracking id  {created.tracking_id}
  API key      {created.key}   (shown only now)

A visitor opens a page:
  curl -s {address}/api/events -A '{agent}' -d '{{"websiteId":"{created.tracking_id}","domain":"{created.domain}","type":"pageview","href":"https://{created.domain}/pricing?utm_source=newsletter","visitorId":"{visitor}"}}'
Your backend says who it is:
  curl -s {address}/api/v1/identify -H 'Authorization: Bearer {created.key}' -H 'Content-Type: application/json' -d '{{"user_id":"user_1","datafast_visitor_id":"{visitor}","name":"Ada","email":"ada@example.com","plan":"pro"}}'
And you see the person:
  curl -s {address}/api/v1/visitors/{visitor} -H 'Authorization: Bearer {created.key}'

API reference: {address}/docs
"""
