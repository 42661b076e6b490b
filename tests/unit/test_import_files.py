"""The rows of files to import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from footfall.errors import ApiError
from footfall.identity.identify.importing import Record, records
from footfall.identity.identify.wire import MAX_BODY

HEADER = b"user_id,visitorId,plan\n"
A, B = {"user_id": "A", "visitorId": "1", "plan": "x"}, {"user_id": "B", "visitorId": "2", "plan": "y"}


def rows(folder: Path, content: bytes) -> list[Any]:
    """The rows of a CSV file; of those that are refused, the status."""
    path = folder / "calls.csv"
    path.write_bytes(content)
    return [_shown(one) for one in records(path)]


def _shown(one: Record) -> Any:
    return one.status if isinstance(one, ApiError) else one


@pytest.mark.parametrize(
    "header",
    [
        "user_id,visitorId,plan",
        "\ufeffuser_id,visitorId,plan",
        " User ID , VISITOR_ID ,plan ",
        "USER_ID,visitor id,plan",
        '"userId","visitorId","plan"',
        "user_id;visitorId;plan",
        "user_id\tvisitorId\tplan",
    ],
)
def test_a_header_is_recognised_however_it_is_written(tmp_path: Path, header: str) -> None:
    between = next(one for one in ",;\t" if one in header)
    cells = between.join(["A", "1", "x"])
    assert rows(tmp_path, f"{header}\r\n{cells}\r\n\r\n".encode()) == [A]


def test_a_header_that_comes_again_is_no_row(tmp_path: Path) -> None:
    assert rows(tmp_path, HEADER + b"A,1,x\n" + HEADER + b"B,2,y") == [A, B]


@pytest.mark.parametrize(
    ("bad", "statuses"),
    [
        (b'C,3,"open\n', [400]),
        (b"C,3,a \xe9\n", [400]),
        (b'C,3,"two\nlines \xe9"\n', [400]),
        (b"C,3," + b"x" * 200_000 + b"\n", [413]),
        (b'C,3,"' + b"x" * 200_000 + b'"\n', [413]),
        (b'C,3,"a" b\n', [400]),
        (b"C,3\n", [400]),
        (b"C,3,z,z\n", [400]),
        (b"C,3,\0\n", [400]),
    ],
)
@pytest.mark.parametrize("after", [b"B,2,y\n", b'"B","2","y"\n', b'B,2,"y"'])
def test_a_bad_row_is_refused_and_spoils_no_other(
    tmp_path: Path, bad: bytes, statuses: list[int], after: bytes
) -> None:
    assert rows(tmp_path, HEADER + b"A,1,x\n" + bad + after) == [A, *statuses, B]


def test_an_open_quote_takes_no_other_rows_with_it(tmp_path: Path) -> None:
    many = b"B,2,y\n" * (2 * MAX_BODY // 6)
    assert rows(tmp_path, HEADER + b'C,3,"open\n' + many) == [400] + [B] * (2 * MAX_BODY // 6)


def test_a_quoted_cell_may_hold_lines_quotes_and_commas(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, HEADER + b'A,1,"a ""b"",\n\nc, d\n"\n')
    assert row == {**A, "plan": 'a "b",\n\nc, d\n'}
    (row,) = rows(tmp_path, HEADER + b'A,1,5" disk\n')
    assert row == {**A, "plan": '5" disk'}
