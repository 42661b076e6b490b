"""Starts the process that keeps the columns, and starts another when it ends or hangs. One server process of a machine does so for all."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from footfall.errors import Unavailable
from footfall.log import get_logger

START_SECONDS = 2.0
"""After the server's own start, which is not to wait for it."""
RESTART_SECONDS = 1.0
"""Between two starts, and two looks whether another server has left."""
STOP_SECONDS = 3.0
"""How long it has to end once it was told to; then it is killed."""
LOOK_SECONDS = 5.0
"""Between two questions whether it still answers."""
MOST_SILENT = 12
"""Questions in a row without an answer after which it is killed: a minute. They are counted, since a server that was itself asleep for long
has asked nothing meanwhile."""


@contextlib.contextmanager
def turn_at(folder: Path) -> Iterator[bool]:
    """Whether no other process keeps the columns in a folder, which is made when it is missing; none will, until this ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "columns.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


class ColumnSupervisor:
    """Runs a command that keeps the columns in a folder. It ends when its standard input does, so also when this process was killed.

    `ask`: asks it for a sign of life within LOOK_SECONDS. Raises Unavailable.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ask: Callable[[], Awaitable[object]],
    ) -> None:
        self._command = command
        self._environment = environment
        self._folder = folder
        self._ask = ask
        self._log = get_logger("columns")
        self.process: asyncio.subprocess.Process | None = None
        self.is_ours = False
        """Whether this server keeps the columns; else another on this machine does."""

    async def run(self) -> None:
        """Keep one running, until this is cancelled."""
        await asyncio.sleep(START_SECONDS)
        while True:
            with turn_at(self._folder) as self.is_ours:
                while self.is_ours:
                    await self._run_once()
                    await asyncio.sleep(RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)

    async def _run_once(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, env=dict(self._environment)
        )
        watching = asyncio.create_task(self._watch(self.process))
        try:
            code = await self.process.wait()
            self._log.warning("the process that keeps the columns ended; starting another", code=code)
        finally:
            watching.cancel()
            if self.process.returncode is None:
                await self._end(self.process)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill it once it is silent."""
        silent = 0
        while silent < MOST_SILENT:
            is_alive, _ = await asyncio.gather(self._answers(), asyncio.sleep(LOOK_SECONDS))
            silent = 0 if is_alive else silent + 1
        self._log.warning("the process that keeps the columns hangs; killing it", questions=silent)
        process.kill()

    async def _answers(self) -> bool:
        try:
            await self._ask()
        except Unavailable:
            return False
        return True

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
