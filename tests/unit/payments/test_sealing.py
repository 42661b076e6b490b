"""The key with which secrets of webhooks are encrypted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footfall.errors import UsageError
from footfall.payments.webhooks.sealing import KeyLostError, SealingKey


def test_a_secret_comes_back_where_it_was_put_and_nowhere_else(tmp_path: Path) -> None:
    key = SealingKey("k" * 32, tmp_path / "unused")
    sealed = key.seal("whsec_1", b"here")
    assert key.open(sealed, b"here") == "whsec_1"
    assert key.seal("whsec_1", b"here") != sealed
    assert not (tmp_path / "unused").exists()
    for other, about, data in ((key, b"there", sealed), (key, b"here", sealed[:-1]), (key, b"here", b"")):
        with pytest.raises(KeyLostError):
            other.open(data, about)
    with pytest.raises(KeyLostError, match="another key"):
        SealingKey("x" * 32, tmp_path / "unused").open(sealed, b"here")


def test_a_key_is_made_once_for_its_owner_alone_whoever_comes_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "config" / "footfall" / "secret.key"

    def seal(number: int) -> bytes:
        return SealingKey("", file).seal(str(number), b"")

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(seal, range(16)))
    assert [SealingKey("", file).open(one, b"") for one in sealed] == [str(one) for one in range(16)]
    assert [one.name for one in file.parent.iterdir()] == ["secret.key"]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_reading_makes_no_key(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    with pytest.raises(KeyLostError, match="missing"):
        SealingKey("", file).open(b"x" * 40, b"")
    assert not file.exists()


def test_a_key_that_cannot_be_made_or_read_is_told_by_its_setting(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="FOOTFALL_KEY_FILE"):
        SealingKey("", blocked / "secret.key").seal("s", b"")
    with pytest.raises(KeyLostError, match="cannot be read"):
        SealingKey("", blocked).open(b"x" * 40, b"")
