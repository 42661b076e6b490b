"""Real servers and commands, as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from footfall.cli.main import main
from footfall.column_parts import column_folder
from footfall.columns.supervisor import turn_at
from tests.support.engines import Place
from tests.support.logs import check_lines

FOOTFALL = Path(sys.executable).with_name("footfall")
PATIENCE = 60.0
"""Seconds after which a process that shows no life is killed; never waited for when all is well."""


class RunningServer:
    """A `footfall serve` process. `url` is known once it accepts connections."""

    def __init__(
        self,
        place: Place,
        environment: Mapping[str, str] | None = None,
        *arguments: str,
        program: Sequence[str | Path] = (FOOTFALL,),
        has_columns: bool = False,
    ) -> None:
        """`program`: what is started in place of the installed command. `has_columns`: whether it may keep columns, by a process of its own
        that takes a second to start; else this process seems to keep them.
        """
        self.place = place
        self._kept = ExitStack()
        if not has_columns:
            folder = column_folder(place.settings)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._kept.enter_context(turn_at(folder))
        self._log = place.folder / "server.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "serve", "--port", "0", *arguments],
                env=clean_environment(place, environment or {}),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        try:
            assert self.process.stdout is not None
            self.url = self.process.stdout.readline().strip()
        finally:
            watchdog.cancel()
        assert self.url.startswith("http://"), f"no address, but {self.url!r}; the log: {self.log}"

    @property
    def log(self) -> str:
        """What servers of this place wrote to stderr."""
        return self._log.read_text("utf-8")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rsplit(":", 1)[1])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and wait for its end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self._kept.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def check_log(self) -> None:
        """No request ended in an unexpected error, and no line tells of a person."""
        check_lines(self.log)
        for alarm in ("unexpected error", "Traceback", "call failed"):
            assert alarm not in self.log, self.log


@contextmanager
def serving(
    place: Place, environment: Mapping[str, str] | None = None, *, has_columns: bool = False
) -> Iterator[RunningServer]:
    """A server on `place` with further environment, stopped at the end; its log is looked at."""
    server = RunningServer(place, environment, has_columns=has_columns)
    try:
        yield server
    finally:
        server.stop()
    server.check_log()


def clean_environment(place: Place, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process: none of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    return {**kept, **place.environment, **extra}


class Ran(msgspec.Struct, frozen=True):
    """A command that ended."""

    code: int
    output: str
    errors: str


def run_command(
    place: Place, *arguments: str, environment: Mapping[str, str] | None = None, typed: str | None = None
) -> Ran:
    """Run `footfall` on `place`: `serve` as a process, all else in this one, since a process takes most of a second to start."""
    wanted = clean_environment(place, environment or {})
    if arguments[0] == "serve":
        return run_process(wanted, *arguments)
    gone = {name: None for name in os.environ if name not in wanted}
    result = CliRunner().invoke(main, arguments, env={**gone, **wanted}, input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(environment: Mapping[str, str], *arguments: str) -> Ran:
    """Run the installed `footfall` command."""
    done = subprocess.run(
        [FOOTFALL, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def run_json(place: Place, *arguments: str) -> Any:
    """What `footfall ... --json` prints; it must succeed and print nothing else."""
    ran = run_command(place, *arguments, "--json")
    assert (ran.code, ran.errors) == (0, ""), ran
    return msgspec.json.decode(ran.output)


def usage_error(place: Place, *arguments: str) -> str:
    """What a command says on stderr that fails without a traceback and prints nothing."""
    ran = run_command(place, *arguments)
    assert ran.code in (1, 2)
    assert ran.output == ""
    assert "Traceback" not in ran.errors
    return ran.errors


def until(condition: Callable[[], bool], what: str = "it never came to be") -> None:
    """Return once `condition()` holds; `what` says that it never did."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)  # between two looks, not in place of one
