"""Files of an import, found whatever they are called."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall import rowfiles
from footfall.errors import UsageError
from footfall.history.sources import MAX_LINE, find_sources
from footfall.identity.identify.importing import records


def test_files_of_one_name_in_a_zip_are_all_read_and_none_is_written_outside(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../rows.csv", "/rows.csv", "2025/rows.csv"):
            archive.writestr(name, name)
    sources = find_sources(path)
    assert [one.name for one in sources] == ["rows.csv"] * 3
    assert [b"".join(one.lines()) for one in sources] == [b"../rows.csv", b"/rows.csv", b"2025/rows.csv"]
    assert list(tmp_path.iterdir()) == [path]


def lines(path: Path) -> Iterator[bytes]:
    for source in find_sources(path):
        yield from source.lines()


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        list(lines(path))
    return str(refused.value)


def test_what_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe.ndjson"
    os.mkfifo(pipe)
    for path in (Path("/dev/zero"), pipe):
        assert "a device or a pipe" in refusal(path)
    with pytest.raises(UsageError, match="a device or a pipe"):
        records(pipe)
    monkeypatch.setattr(rowfiles, "MOST_TOO_MANY", 2 * MAX_LINE)
    rows = tmp_path / "rows.ndjson"
    rows.write_bytes(b"{}\n" + bytes(2 * MAX_LINE - 2) + b"\n{}\n")
    assert [len(line) for line in lines(rows)] == [3, MAX_LINE + 1, 3]
    for zipped in (rows, tmp_path / "rows.ndjson.gz"):
        content = b"{}\n" + bytes(3 * MAX_LINE)
        zipped.write_bytes(content if zipped is rows else gzip.compress(content))
        assert (
            refusal(zipped)
            == "rows.ndjson: behind line 1, a line is longer than 0 MB: this is no file of rows"
        )
    with pytest.raises(UsageError, match="no file of rows"):
        list(records(rows))


def test_links_out_of_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("secret")
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "rows.csv").write_text("rows")
    (folder / "same.csv").symlink_to("rows.csv")
    assert [one.name for one in find_sources(folder)] == ["rows.csv", "same.csv"]
    (folder / "more.csv").symlink_to("../secret.csv")
    assert refusal(folder).startswith("more.csv: is a link that leads out of the folder")
    link = tmp_path / "link"
    link.symlink_to(folder)
    (folder / "more.csv").unlink()
    assert len(find_sources(link)) == 2
