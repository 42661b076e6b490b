"""Files of an import, found whatever they are called."""

from __future__ import annotations

import zipfile
from pathlib import Path

from footfall.history.sources import find_sources


def test_files_of_one_name_in_a_zip_are_all_read_and_none_is_written_outside(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../rows.csv", "/rows.csv", "2025/rows.csv"):
            archive.writestr(name, name)
    sources = find_sources(path)
    assert [one.name for one in sources] == ["rows.csv"] * 3
    assert [b"".join(one.lines()) for one in sources] == [b"../rows.csv", b"/rows.csv", b"2025/rows.csv"]
    assert list(tmp_path.iterdir()) == [path]
