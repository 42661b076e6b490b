"""The file of the columns: used as long as it belongs to the database and can be read, and otherwise made anew."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest

from footfall.clock import system_clock
from footfall.collect import service
from footfall.collect.model import Hit
from footfall.collect.service import record
from footfall.columns import file as columns_file
from footfall.columns import keeper as keeping
from footfall.columns.feeder import Fed, Feeder
from footfall.columns.file import FileGivenUp, FileLimits, Settling, log_path, swap_in
from footfall.columns.keeper import ColumnKeeper
from footfall.columns.rebuild import fresh_path
from footfall.columns.wire import Ask, Reply, Rows
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.errors import ColumnsUnusable, DatabaseError
from footfall.ids import at_prefix
from footfall.outbox import store as outbox
from footfall.outbox.model import ChangeKind
from footfall.storage import command_session
from footfall.websites.removal import remove_rows, remove_website
from footfall.websites.store import put_website
from tests.laws.world import VISITORS, WEBSITE
from tests.support.columns import expected_rows, in_order
from tests.support.engines import Place
from tests.support.word import watched

ID = WEBSITE.website_id
LIMITS = FileLimits(memory=64 * 1024**2)
SECRET = "ann-" + "0123456789abcdef" * 8
DEVICE = '{"device":{"browser":null,"browser_version":null,"os":null,"os_version":null,"type":null,"vendor":null,"model":null}}'
ROWS = "SELECT * FROM event_row"

ERASE_EVENTS = make_statement(
    "erase_events",
    "website_id bytes",
    "UPDATE event SET url = 'law.example/' WHERE website_id = :website_id AND url LIKE '%ann-%'",
)
ERASE_SESSIONS = make_statement(
    "erase_sessions",
    "website_id bytes",
    "UPDATE session SET entry_url = NULL WHERE website_id = :website_id AND entry_url LIKE '%ann-%'",
)

_numbers = itertools.count(1)


def see(place: Place, visitor: int = 0, path: str = "") -> None:
    """A pageview, a second after the one before."""

    def work(tx: Transaction) -> None:
        number = next(_numbers)
        at = number * 1000
        record(
            tx,
            [
                Hit(
                    ID,
                    VISITORS[visitor],
                    at_prefix(at) + number.to_bytes(4, "big"),
                    at,
                    "pageview",
                    f"law.example/{path}",
                    query=None,
                    referrer=None,
                    name=None,
                    data=None,
                    place=None,
                    device=DEVICE,
                    params=None,
                    click_ids=None,
                )
            ],
        )

    place.transact(work)


@pytest.fixture
def database(place: Place) -> Place:
    """A database with a website and what it saw."""
    place.transact(lambda tx: put_website(tx, WEBSITE))
    for visitor in (0, 1, 0):
        see(place, visitor)
    return place


def forget(place: Place, settling: Settling) -> None:
    place.transact(lambda tx: outbox.settle(tx, settling.change_ids, settling.token))


def settle(keeper: ColumnKeeper, place: Place) -> None:
    """What a server does every moment."""
    if (settling := keeper.settling()) is not None:
        place.transact(lambda tx: outbox.settle(tx, settling.change_ids, settling.token, keeper.keeper_id))
        keeper.settled(settling.token)


@contextmanager
def kept(place: Place) -> Iterator[ColumnKeeper]:
    """Whoever keeps the columns of a database, until the end or until they are killed."""
    keeper = ColumnKeeper(place, place.folder / "columns", LIMITS)
    try:
        yield keeper
    finally:
        keeper.close()


def feed(keeper: ColumnKeeper) -> None:
    while keeper.step().has_more:
        pass


def is_right(keeper: ColumnKeeper, place: Place) -> bool:
    """Whether the columns say what the database does."""
    assert keeper.file is not None
    return in_order(keeper.file.rows(ROWS)) == place.snapshot(expected_rows) != []


@pytest.fixture
def keeper(database: Place) -> Iterator[ColumnKeeper]:
    """That of the database, with columns that were just made."""
    with pytest.MonkeyPatch.context() as patch, kept(database) as made:
        patch.setattr(keeping, "SETTLE_SECONDS", 0.0)
        assert not made.open()
        make(made, database)
        yield made


def make(keeper: ColumnKeeper, place: Place) -> None:
    """Make the columns anew."""
    assert not keeper.prepare()
    settle(keeper, place)
    assert keeper.prepare()
    keeper.rebuild()
    keeper.install()


def reopened(keeper: ColumnKeeper, place: Place) -> bool:
    """Whether the columns can be used when they are opened again; if so, they are right once they were fed."""
    keeper.close()
    if not keeper.open():
        return False
    feed(keeper)
    assert is_right(keeper, place)
    return True


def waiting(place: Place) -> int:
    return len(place.snapshot(outbox.change_ids))


def test_nothing_is_read_again_until_something_was_committed(database: Place, keeper: ColumnKeeper) -> None:
    assert keeper.file is not None
    with command_session(database.settings) as session:
        feeder = Feeder(session, keeper.file)
        while feeder.step().has_more:
            pass
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "snapshot", None)
            assert feeder.step() == Fed(0, 0, 0, False)
        see(database, 1)
        assert feeder.step().changes == 1
        session.transact(lambda tx: outbox.tell_visitors(tx, ID, VISITORS[:1]))
        assert feeder.step().changes == 1
    assert is_right(keeper, database)


def test_columns_that_are_missing_are_made(keeper: ColumnKeeper, database: Place) -> None:
    assert is_right(keeper, database)


def test_columns_go_on_where_they_were(keeper: ColumnKeeper, database: Place) -> None:
    see(database)
    feed(keeper)
    see(database, 1)
    assert reopened(keeper, database)
    settle(keeper, database)
    assert waiting(database) == 0
    see(database, 2)
    assert reopened(keeper, database)


def test_while_columns_are_made_the_old_ones_answer(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keeper.file.rows(ROWS) if keeper.file else []
    see(database)
    answers = []
    keeper.prepare()
    settle(keeper, database)
    keeper.rebuild(lambda visitors: answers.append(keeper.file.rows(ROWS) if keeper.file else []))
    keeper.install()
    assert answers[0] == before
    feed(keeper)
    assert is_right(keeper, database)


@pytest.mark.parametrize("is_told", [False, True])
def test_a_settling_that_was_cut_off_is_no_harm(
    keeper: ColumnKeeper, database: Place, *, is_told: bool
) -> None:
    see(database)
    feed(keeper)
    assert keeper.file is not None
    settling = keeper.file.begin_settling()
    if is_told:
        forget(database, settling)
    see(database, 1)
    feed(keeper)
    assert reopened(keeper, database)
    settle(keeper, database)
    assert waiting(database) == 0


def test_a_settling_that_the_file_refuses_is_tried_again(keeper: ColumnKeeper, database: Place) -> None:
    see(database)
    feed(keeper)
    assert keeper.file is not None
    with keeper.file.cursor() as other:
        other.execute("BEGIN")
        other.execute("UPDATE event_row SET span = 0")
        with pytest.raises(DatabaseError) as raised:
            keeper.settling()
        assert not isinstance(raised.value, ColumnsUnusable)
    settle(keeper, database)
    assert waiting(database) == 0
    assert is_right(keeper, database)


def test_what_the_file_lost_since_it_was_settled_is_fed_again(keeper: ColumnKeeper, database: Place) -> None:
    see(database)
    feed(keeper)
    assert keeper.file is not None
    forget(database, keeper.file.begin_settling())
    kept_file = shutil.copy(keeper.path, keeper.path.with_name("kept"))
    keeper.file.end_settling()
    see(database, 1)
    feed(keeper)
    keeper.close()
    log_path(keeper.path).unlink(missing_ok=True)
    Path(kept_file).replace(keeper.path)
    assert reopened(keeper, database)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
def test_a_torn_log_is_no_harm(keeper: ColumnKeeper, database: Place, share: float) -> None:
    for visitor in (0, 1, 2):
        see(database, visitor)
        feed(keeper)
    data, log = keeper.path.read_bytes(), log_path(keeper.path).read_bytes()
    keeper.close()
    keeper.path.write_bytes(data)
    log_path(keeper.path).write_bytes(log[: int(len(log) * share)])
    assert reopened(keeper, database)


def test_an_older_file_is_noticed(keeper: ColumnKeeper, database: Place) -> None:
    keeper.close()
    older = shutil.copy(keeper.path, keeper.path.with_name("older"))
    assert reopened(keeper, database)
    see(database)
    feed(keeper)
    settle(keeper, database)
    keeper.close()
    Path(older).replace(keeper.path)
    assert not reopened(keeper, database)


def test_an_older_database_is_noticed(keeper: ColumnKeeper, database: Place) -> None:
    see(database)
    feed(keeper)
    database.transact(
        lambda tx: tx.execute_many(
            outbox.sql.change_remove, [(one[:12], one[12:]) for one in outbox.change_ids(tx)[-1:]]
        )
    )
    assert not reopened(keeper, database)


def test_a_database_without_its_pair_is_noticed(keeper: ColumnKeeper, database: Place) -> None:
    database.transact(outbox.unpair)
    assert not reopened(keeper, database)


def test_the_file_of_another_database_is_noticed(keeper: ColumnKeeper, database: Place) -> None:
    keeper.close()
    database.transact(lambda tx: outbox.settle(tx, [], b"another"))
    assert not reopened(keeper, database)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[12_288:] = b"\xa5" * (len(data) - 12_288)
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.unlink()
    duckdb.connect(str(path)).close()


def of_another_form(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE state SET form = form + 1")


@pytest.mark.parametrize("harm", [Path.unlink, cut, spoil, empty, of_another_form])
def test_a_file_that_cannot_be_used_is_made_anew(
    keeper: ColumnKeeper, database: Place, harm: Callable[[Path], None]
) -> None:
    keeper.close()
    harm(keeper.path)
    assert not keeper.open()
    with pytest.raises(ColumnsUnusable):
        keeper.step()
    make(keeper, database)
    assert is_right(keeper, database)


def test_a_full_disk_leaves_the_columns_as_they_are(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    see(database)
    with monkeypatch.context() as patch:
        patch.setattr(columns_file, "append_rows", full)
        with pytest.raises(DatabaseError, match="disk is full") as raised:
            keeper.step()
        assert not isinstance(raised.value, ColumnsUnusable)
    feed(keeper)
    assert is_right(keeper, database)


def test_a_file_that_a_full_disk_made_unusable_answers_once_it_is_opened_again(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = property(lambda limits: {"debug_checkpoint_abort": "before_header"})
    monkeypatch.setattr(columns_file, "NO_SPACE", "checkpoint_abort")
    with monkeypatch.context() as patch:
        patch.setattr(FileLimits, "options", failing)
        assert reopened(keeper, database)
    see(database)
    feed(keeper)
    with pytest.raises(FileGivenUp):
        keeper.settling()
    assert is_right(keeper, database)
    settle(keeper, database)
    assert waiting(database) == 0


def test_a_wrong_statement_says_nothing_about_the_file(keeper: ColumnKeeper) -> None:
    assert keeper.file is not None
    with pytest.raises(duckdb.CatalogException):
        keeper.file.rows("SELECT * FROM nothing")


@pytest.mark.parametrize(
    "text", ["SELECT * FROM '/etc/passwd'", "COPY event_row TO '/tmp/rows.csv'", "SET threads = 2"]
)
def test_a_statement_reaches_nothing_outside_the_folder(keeper: ColumnKeeper, text: str) -> None:
    assert keeper.file is not None
    with pytest.raises(duckdb.Error):
        keeper.file.rows(text)


def test_what_was_erased_is_gone_from_the_file(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "REWRITE_SECONDS", 0.0)
    see(database, 2, SECRET)
    feed(keeper)
    assert keeper.file is not None
    keeper.file.begin_settling()
    assert keeper.file.rows("SELECT * FROM event_row WHERE path LIKE '/ann-%'") != []

    def erase(tx: Transaction) -> None:
        for statement in (ERASE_EVENTS, ERASE_SESSIONS):
            tx.execute(statement, (ID,))
        outbox.tell_visitors(tx, ID, [VISITORS[2]], ChangeKind.ERASED)

    database.transact(erase)
    feed(keeper)
    assert is_right(keeper, database)
    assert not keeper.file.holds_erased
    keeper.close()
    assert not fresh_path(keeper.path).exists()
    assert all(SECRET.encode() not in path.read_bytes() for path in keeper.path.parent.iterdir())
    assert reopened(keeper, database)


def test_a_question_that_comes_while_the_file_is_replaced_waits_for_the_next(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Future[Reply]] = []

    def swap(new: Path, old: Path) -> None:
        asked.append(pool.submit(keeper.query(Ask("SELECT 1", {}, 1.0)).run))
        wait(asked, 0.05)  # by then it would have said that there is no file
        swap_in(new, old)

    monkeypatch.setattr(keeping, "swap_in", swap)
    with ThreadPoolExecutor(1) as pool:
        make(keeper, database)
        assert [one.result() for one in asked] == [Rows([[1]])]


def test_rows_of_a_deleted_website_are_gone_from_the_file_too(keeper: ColumnKeeper, database: Place) -> None:
    see(database)
    feed(keeper)

    def remove(tx: Transaction) -> None:
        remove_website(tx, ID, 0)
        while remove_rows(tx, ID):
            pass

    database.transact(remove)
    assert keeper.open()
    keeper.step()
    assert keeper.file is not None
    assert not keeper.file.holds_erased
    assert keeper.file.rows(ROWS) == []


def test_word_is_kept_until_every_machine_took_it(keeper: ColumnKeeper, database: Place) -> None:
    other = ColumnKeeper(database, database.folder / "other", LIMITS, b"another machine!")
    with closing(other):
        make(other, database)
        see(database)
        for one, left in ((keeper, 4), (other, 0), (keeper, 0)):
            feed(one)
            assert is_right(one, database)
            settle(one, database)
            database.transact(lambda tx: outbox.forget_some(tx, 10))
            assert waiting(database) == left
        assert reopened(keeper, database)
        assert reopened(other, database)


def test_columns_for_which_no_word_was_kept_are_made_anew(keeper: ColumnKeeper, database: Place) -> None:
    now = system_clock()
    assert database.transact(lambda tx: outbox.unpair_absent(tx, now)) == 0
    assert database.transact(lambda tx: outbox.unpair_absent(tx, now + 2 * outbox.ABSENT_MS)) == 1
    see(database)
    assert database.transact(lambda tx: outbox.forget_some(tx, 10)) > 0
    assert waiting(database) == 0
    with pytest.raises(ColumnsUnusable):
        keeper.settling()
    assert not reopened(keeper, database)
    keeper.prepare()
    settle(keeper, database)
    keeper.rebuild()
    database.transact(outbox.unpair)
    with pytest.raises(ColumnsUnusable):
        keeper.install()
    make(keeper, database)
    assert is_right(keeper, database)


def test_too_much_word_is_noticed(database: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for most in (3, 2):
        monkeypatch.setattr(outbox, "MOST_WORD", most)
        found.append(database.snapshot(outbox.is_too_much))
    assert found == [False, True]


def test_what_is_written_without_word_is_noticed(database: Place) -> None:
    with watched() as untold:
        see(database)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(service, "tell", lambda *_: None)
            see(database)
    assert untold == ["event_add", "session_put"][: len(untold)] != []
