"""Settings: what is taken from the environment, and what is refused with a sentence. Time zones that are not there."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import pytest

from footfall.clock import find_zone
from footfall.dashboard.rendering import clock_text, knows_zone
from footfall.errors import UsageError
from footfall.settings import Settings, read_place, read_settings

WRONG = {
    "FOOTFALL_BODY_TIMEOUT": ["nan", "-1", "inf", "0", "1e9", "1e-9", "ten", "3601", "٣"],
    "FOOTFALL_QUEUE_SIZE": ["0", "-3", "1.5", "10000000", "²"],
    "FOOTFALL_RATE_LIMIT": ["1e9", "-1", "9" * 5000],
    "FOOTFALL_PORT": ["70000", "-1", "8000/tcp", "x"],
    "FOOTFALL_WORKERS": ["0", "257", "two"],
    "FOOTFALL_TRUSTED_PROXIES": ["10.0.0.0/99", "10.0.0.1/8", "proxy"],
    "FOOTFALL_LOG_LEVEL": ["loud"],
    "FOOTFALL_RETENTION_DAYS": ["-1", "1.5", "36501", "forever"],
    "FOOTFALL_BACKUP_HOURS": ["-1", "0.5", "8761", "daily"],
    "FOOTFALL_BACKUP_KEEP": ["0", "all"],
    "FOOTFALL_COLUMNS_MEMORY": ["127", "512MB", "0"],
    "FOOTFALL_COLUMNS_THREADS": ["-1", "257"],
    "FOOTFALL_METRICS_PORT": ["65536", "-1"],
    "FOOTFALL_METRICS_TOKEN": ["short", "ä" * 20, "x" * 15],
    "FOOTFALL_MMAP": ["-1", "1GB", "1000001"],
    "FOOTFALL_COLUMNS_TIMEOUT": ["0", "3601", "soon"],
    "FOOTFALL_PUBLIC_URL": ["stats.example.com", "ftp://stats.example.com"],
    "FOOTFALL_DATABASE_URL": ["mysql://host/name"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name) as refused:
        read_settings({name: value})
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_values_within_their_bounds_are_taken() -> None:
    given = {
        "FOOTFALL_BODY_TIMEOUT": " 2.5 ",
        "FOOTFALL_QUEUE_SIZE": "1",
        "FOOTFALL_RATE_LIMIT": "0",
        "FOOTFALL_PORT": "65535",
        "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,",
    }
    found = read_settings(given)
    assert (found.body_timeout, found.queue_size, found.rate_limit, found.port) == (2.5, 1, 0, 65_535)
    assert len(found.trusted_proxies) == 2


@pytest.mark.parametrize(
    ("name", "field", "option"), [("PORT", "port", 0), ("DATA", "data", "x"), ("WORKERS", "workers", 2)]
)
def test_a_variable_that_an_option_overrides_is_not_read(name: str, field: str, option: object) -> None:
    options: dict[str, Any] = {field: option}
    assert getattr(read_settings({f"FOOTFALL_{name}": "no\0thing"}, **options), field) == option


def test_an_empty_variable_is_none() -> None:
    empty = {"FOOTFALL_" + name.upper(): "" for name in Settings.__struct_fields__}
    assert read_settings(empty) == Settings()


def test_what_kubernetes_sets_for_a_service_of_that_name_is_left_out_with_a_warning() -> None:
    told: list[str] = []
    environment = {
        "FOOTFALL_PORT": "tcp://10.0.0.1:8000",
        "FOOTFALL_SERVICE_HOST": "10.0.0.1",
        "FOOTFALL_SERVICE_PORT": "8000",
        "FOOTFALL_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "FOOTFALL_PORT_8000_TCP_PORT": "8000",
    }
    assert read_settings(environment, told.append) == Settings()
    (warning,) = told
    assert "FOOTFALL_PORT=tcp://10.0.0.1:8000" in warning
    told.clear()
    assert read_settings(environment, told.append, port=9000).port == 9000
    assert told == []


def test_a_command_reads_only_where_the_data_is() -> None:
    assert read_place({"FOOTFALL_PORT": "x", "FOOTFALL_WORKERS": "0"}) == Settings()
    with pytest.raises(UsageError, match="FOOTFALL_DATABASE_URL"):
        read_place({"FOOTFALL_DATABASE_URL": "mysql://host/name"})


# Time zones


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "a" * 5000, "\0"])
def test_a_zone_that_is_not_there_is_utc(name: str) -> None:
    assert find_zone(name) is None
    assert not knows_zone(name)
    assert clock_text(0, name) == "1 Jan 1970, 00:00 UTC"


def test_utc_needs_no_time_zone_data() -> None:
    assert find_zone("UTC") is dt.UTC
    program = (
        "import sys, zoneinfo; sys.modules['tzdata'] = None; zoneinfo.reset_tzpath(to=())\n"
        "from footfall.websites.fields import check_timezone\n"
        "check_timezone('UTC')\n"
        "from footfall.dashboard.rendering import clock_text\n"
        "print(clock_text(0, 'UTC'), clock_text(0, 'Europe/Berlin'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 Jan 1970, 00:00 UTC 1 Jan 1970, 00:00 UTC"
