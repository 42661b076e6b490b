"""Whenever the server or the process that keeps the columns is killed, the columns come to say what the database does."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import threading

import httpx
import msgspec
import pytest

from footfall.column_parts import column_folder, column_keeper
from footfall.columns.supervisor import turn_at
from footfall.storage import command_session
from tests.support.columns import expected_rows, in_order
from tests.support.engines import Place
from tests.support.servers import RunningServer, run_json, until
from tests.support.sites import http_client, make_sites, new_visitor

KILLS = int(os.environ.get("FOOTFALL_KILLS", "1"))
"""Of each of the two; `make kills` brings more."""


class Clients:
    """A page that sends events until it is told to stop, whether a server is there or not."""

    def __init__(self, url: str, tracking_id: str, domain: str) -> None:
        self.url = url
        self.taken = 0
        """How many events were acknowledged."""
        self._stopping = threading.Event()
        self._body = {
            "websiteId": tracking_id,
            "domain": domain,
            "type": "pageview",
            "href": f"https://{domain}/",
        }
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        visitors = [new_visitor() for _ in range(10)]
        with httpx.Client() as client:
            while not self._stopping.wait(0.03):
                body = msgspec.json.encode({**self._body, "visitorId": random.choice(visitors)})
                try:
                    answer = client.post(
                        f"{self.url}/api/events",
                        content=body,
                        headers={"user-agent": "Mozilla/5.0 Firefox/144.0"},
                    )
                    self.taken += answer.is_success
                except httpx.HTTPError:
                    continue

    def send_some(self) -> None:
        """Wait for a random number of events."""
        until_then = self.taken + random.randrange(20)
        until(lambda: self.taken >= until_then, "events are not taken")

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


def keeps(server: RunningServer) -> int:
    """The id of the process that keeps the columns, or 0."""
    found = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False
    )
    return int((found.stdout.split() or ["0"])[0])


def wait_for_keeper(server: RunningServer) -> None:
    until(lambda: keeps(server) != 0, "nobody keeps the columns")


def answers(place: Place) -> bool:
    try:
        return bool(run_json(place, "status")["isThere"])
    except AssertionError:
        return False


def goes_after_calls(server: RunningServer) -> bool:
    return os.getpriority(os.PRIO_PROCESS, keeps(server)) > 0


def are_free(place: Place) -> bool:
    """Whether nobody keeps the columns. A process that had to be killed leaves its socket."""
    with turn_at(column_folder(place.settings)) as is_free:
        return is_free


@pytest.mark.slow
@pytest.mark.process
def test_no_kill_makes_the_columns_wrong(place: Place) -> None:
    server = RunningServer(place, has_columns=True)
    with http_client(server.url) as client:
        site = make_sites(server.url, client, place)[0]
    sender = Clients(server.url, site.tracking_id, site.domain)
    try:
        until(lambda: answers(place), "nobody answers")
        for _ in range(KILLS):
            wait_for_keeper(server)
            until(functools.partial(goes_after_calls, server), "calls do not go first")
            sender.send_some()
            os.kill(keeps(server), signal.SIGKILL)
            sender.send_some()
            server.stop(signal.SIGKILL)
            server = RunningServer(place, has_columns=True)
            sender.url = server.url
        until(lambda: answers(place), "nobody answers after the kills")
    finally:
        sender.stop()
        server.stop()
    until(functools.partial(are_free, place), "the columns are still kept")
    with command_session(place.settings) as session:
        keeper = column_keeper(place.settings, session)
        assert keeper.open()
        while keeper.step().has_more:
            pass
        assert keeper.file is not None
        assert in_order(keeper.file.rows("SELECT * FROM event_row")) == session.snapshot(expected_rows) != []
        keeper.close()
