"""Times as they are read and written."""

from __future__ import annotations

import pytest

from footfall.clock import from_iso, to_iso


def test_whatever_time_is_read_can_be_written() -> None:
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59+23:59"):
        assert to_iso(from_iso(text)).endswith("Z")
    for text in ("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"):
        with pytest.raises(ValueError, match="years 1 to 9999"):
            from_iso(text)
