"""The write-ahead log of the embedded database stays short, except while somebody reads who needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from footfall.db.sqlite.connection import FILE_NAME, connect
from footfall.db.sqlite.session import SqliteSession, open_session
from footfall.db.statements import make_statement

MIB = 2**20
MAKE = make_statement("make", "", "CREATE TABLE thing (content BLOB)")
PUT = make_statement("put", "content bytes", "INSERT INTO thing (content) VALUES (:content)")
SLICE = 8 * MIB


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SqliteSession]:
    with closing(open_session(tmp_path / FILE_NAME)) as session:
        session.transact(lambda tx: tx.execute(MAKE))
        yield session


def write(session: SqliteSession, megabytes: int) -> int:
    """Write so much, as a command does; how long the log is then, in bytes."""
    for _ in range(megabytes * MIB // SLICE):
        session.transact(lambda tx: tx.execute(PUT, (b"x" * SLICE,)))
    return log_size(session)


def log_size(session: SqliteSession) -> int:
    return Path(session.connection.filename + "-wal").stat().st_size


def test_a_command_that_writes_much_leaves_a_short_log(session: SqliteSession) -> None:
    assert write(session, 320) < 128 * MIB


def test_the_log_grows_while_somebody_reads_and_is_used_again_after(session: SqliteSession) -> None:
    with closing(connect(Path(session.connection.filename), 1024)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM thing").fetchone() == (0,)
        grown = write(session, 160)
        assert grown > 160 * MIB
        assert not session.truncate_log()
        assert reader.execute("SELECT count(*) FROM thing").fetchone() == (0,)
        reader.execute("COMMIT")
    assert write(session, 96) <= grown + 32 * MIB
    assert write(session, 96) <= grown + 32 * MIB
    assert session.truncate_log()
    assert log_size(session) == 0
