"""Several server processes on one listening socket."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from footfall.log import get_logger

RESTART_SECONDS = 1.0
"""A worker that exits by itself is restarted, at most this often."""
STOP_SECONDS = 4.5
_STOP = (signal.SIGTERM, signal.SIGINT)


def run_workers(
    count: int, serve: Callable[[Callable[[], None], int], None], on_ready: Callable[[], None]
) -> int:
    """Fork `count` processes that each run `serve(started, number)`, and supervise them until SIGTERM or SIGINT; the exit code.

    `number`: from 0; whoever takes the place of one that ended gets its number. `on_ready` is called once all have called `started`. Exits with 1 if a worker cannot start the first time.
    """
    supervisor = _Supervisor(count, serve)
    signal.signal(signal.SIGTERM, supervisor.on_signal)
    signal.signal(signal.SIGINT, supervisor.on_signal)
    return supervisor.run(on_ready)


class _Supervisor:
    def __init__(self, count: int, serve: Callable[[Callable[[], None], int], None]) -> None:
        self._count = count
        self._serve = serve
        self._workers: dict[int, int] = {}
        """The number of each, by its process id."""
        self._is_stopping = False
        self._log = get_logger("workers")
        self._reader, self._writer = os.pipe()
        self._alive, self._held = os.pipe()
        """Nothing is ever written to it: it ends when this process does."""

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Ask every worker to finish."""
        self._is_stopping = True
        for worker in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGTERM)

    def run(self, on_ready: Callable[[], None]) -> int:
        for number in range(self._count):
            self._start(number)
        for _ in range(self._count):
            if not self._one_started():
                was_told_to = self._is_stopping
                self.on_signal(signal.SIGTERM, None)
                self._wait_for_all()
                return 0 if was_told_to else 1
        on_ready()
        while not self._is_stopping:
            self._replace_ended()
        self._wait_for_all()
        return 0

    def _start(self, worker_number: int) -> None:
        """Fork a worker, unless it is time to stop. No signal arrives in between, so each signal reaches each worker once."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        if not self._is_stopping:
            worker = os.fork()
            if not worker:
                self._work(worker_number)
            self._workers[worker] = worker_number
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def _work(self, worker_number: int) -> NoReturn:
        """Be a worker."""
        for number in _STOP:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        os.close(self._held)
        threading.Thread(target=self._stop_when_alone, daemon=True).start()
        code = 1
        try:
            self._serve(self._say_started, worker_number)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except Exception as error:
            self._log.error("a worker cannot go on", reason=str(error))
        os._exit(code)

    def _stop_when_alone(self) -> None:
        """A worker whose supervisor was killed would keep the port."""
        os.read(self._alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _say_started(self) -> None:
        os.write(self._writer, b".")

    def _one_started(self) -> bool:
        """Wait until a worker reports that it has started; False if one exited instead."""
        os.set_blocking(self._reader, False)
        while not self._is_stopping:
            with contextlib.suppress(BlockingIOError):
                return bool(os.read(self._reader, 1))
            ended, _ = os.waitpid(-1, os.WNOHANG)
            if ended:
                self._workers.pop(ended, None)
                return False
            time.sleep(0.01)
        return False

    def _replace_ended(self) -> None:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if not ended:
            time.sleep(0.1)
            return
        number = self._workers.pop(ended, 0)
        if not self._is_stopping:
            self._log.warning("a worker ended; starting another", code=os.waitstatus_to_exitcode(status))
            until = time.monotonic() + RESTART_SECONDS
            while not self._is_stopping and time.monotonic() < until:
                time.sleep(0.05)
            self._start(number)

    def _wait_for_all(self) -> None:
        until = time.monotonic() + STOP_SECONDS
        while self._workers:
            ended, _ = os.waitpid(-1, os.WNOHANG)
            self._workers.pop(ended, None)
            if not ended:
                time.sleep(0.02)
            if self._workers and time.monotonic() > until:
                self._log.warning("workers that did not end in time are killed")
                for worker in self._workers:
                    os.kill(worker, signal.SIGKILL)
                until += STOP_SECONDS
