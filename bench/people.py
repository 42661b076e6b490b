"""People in great number: how long lists, one person whole, and `db verify` take."""

from __future__ import annotations

import http.client
import random
import subprocess
import time
from contextlib import closing
from typing import NamedTuple

from bench.engines import Engine
from bench.servers import BenchmarkError, footfall_command
from bench.store import World, fill
from footfall.accounts.accounts import create_account
from footfall.accounts.sessions import start_session
from footfall.clock import system_clock
from footfall.dashboard.session import SESSION_COOKIE
from footfall.errors import accepted

WARM_UP, REQUESTS, SECONDS = 2.0, 300, 20.0
"""Seconds that are not counted, then requests of each kind, one after the other; fewer when they take longer than that."""


class Question(NamedTuple):
    """A GET whose `path` holds placeholders, see `store.fill`. `proof`: what a right answer contains; `most`: ms that its p99 may take."""

    path: str
    proof: str
    most: int


_LIST = "/api/v1/profiles?limit=100&"
_PAGE = "/w/<website>/people"
QUESTIONS = {
    "profile by id": Question("/api/v1/profiles/<profile>", '"userId":"user_<person>"', 10),
    "profile by user": Question("/api/v1/profiles/user:user_<person>", '"profileId":"<profile>"', 10),
    "journey": Question("/api/v1/profiles/<profile>/journey", '"type":"pageview"', 10),
    "newest": Question(_LIST, '"user_', 200),
    "plan=enterprise": Question(_LIST + "trait.plan=enterprise", '"enterprise"', 200),
    "plan=enterprise, last seen": Question(
        _LIST + "trait.plan=enterprise&sort=lastSeenAt", '"enterprise"', 200
    ),
    "plan=is_not:free": Question(_LIST + "trait.plan=is_not:free", '"pro"', 200),
    "company=contains": Question(_LIST + "trait.company=contains:any+<company>", '"Company <company>', 200),
    "seats=gte (1%)": Question(_LIST + "trait.seats=gte:198", '"seats":19', 200),
    "signed_up=lt (1/12)": Question(_LIST + "trait.signed_up=lt:2026-02-01", '"2026-01-', 200),
    "plan=pro, seats=lt (0.5%)": Question(_LIST + "trait.plan=pro&trait.seats=lt:5", '"pro"', 200),
    "search: a name": Question(_LIST + "search=<last>", '<last>"', 200),
    "search: a user id": Question(_LIST + "search=user_<person>", '"user_<person>', 200),
    "search: a letter": Question(_LIST + "search=u", '"user_', 200),
    "search and plan": Question(_LIST + "search=<first>&trait.plan=enterprise", '"<first> ', 200),
    "page: people": Question(_PAGE, "user_", 200),
    "page: people, filtered": Question(_PAGE + "?trait.plan=enterprise", "enterprise", 200),
    "page: search": Question(_PAGE + "?search=<first>&part=list", "<first> ", 200),
    "page: a person": Question(_PAGE + "/<profile>", "user_<person>", 80),
}


def log_in(engine: Engine) -> str:
    """The secret of a session of a new account."""
    with closing(engine.open_session()) as session:
        now = system_clock()
        account = session.transact(
            lambda tx: accepted(create_account(tx, f"bench{now}@example.com", "no password", now))
        )
        return session.transact(lambda tx: start_session(tx, account.account_id, now))


def ask(address: str, question: Question, world: World, session: str) -> list[float]:
    """Milliseconds of each request, sorted. Raises BenchmarkError when an answer does not hold its proof."""
    host, _, port = address.removeprefix("http://").partition(":")
    headers = {"Authorization": f"Bearer {world.key}", "Cookie": f"{SESSION_COOKIE}={session}"}
    times: list[float] = []
    with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        since = time.perf_counter() + WARM_UP
        while len(times) < REQUESTS and time.perf_counter() < since + SECONDS:
            i = random.randrange(world.visitors)
            path, proof = fill(question.path, i, world), fill(question.proof, i, world)
            started = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse().read()
            if started >= since:
                times.append(1000 * (time.perf_counter() - started))
            if proof.encode() not in answer:
                raise BenchmarkError(f"{path} answered {answer[:500].decode(errors='replace')}")
    return sorted(times)


def show(name: str, question: Question, times: list[float]) -> str:
    """A line of the table."""
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    verdict = "" if p99 <= question.most else "  too slow"
    return f"{name:<28}{len(times):>8}{p50:>10.1f}{p99:>10.1f}{question.most:>10}{verdict}"


def verify(engine: Engine, core: int) -> float:
    """Seconds that `footfall db verify` takes. Raises BenchmarkError when it finds a difference."""
    started = time.perf_counter()
    command = footfall_command([core], ["db", "verify", *engine.arguments])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"db verify: {done.stdout}{done.stderr}")
    return time.perf_counter() - started
