"""Places: the bundled country table, and a city database made here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.enrich.geo import NOWHERE, Geo, Place

NO_PLACE = (
    *(
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::1",
        "fe80::1",
    ),
    *(
        "fd00::1",
        "::",
        "fe80::1%eth0",
        "",
        " ",
        "nonsense",
        "8.8.8",
        "8.8.8.8:80",
        "8.8.8.8.8",
        "\x00",
        "é",
        "\ud800",
        "1" * 100,
    ),
)


@pytest.fixture(scope="module")
def countries() -> Geo:
    return Geo(None)


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Geo]:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City", languages=["en"])
    seoul = {
        "country": {"iso_code": "KR", "names": {"en": "Korea (as the file says)"}},
        "subdivisions": [{"iso_code": "11", "names": {"en": "Seoul"}}],
        "city": {"names": {"en": "Seoul", "de": "Seoul"}},
    }
    records: dict[str, dict[str, Any]] = {
        "1.208.0.0/12": seoul,
        "10.0.0.0/8": seoul,
        "2001:200::/32": {"country": {"iso_code": "JP", "names": {"en": "Japan"}}, "subdivisions": []},
        "9.9.9.0/24": {"country": "odd", "city": ["odd"]},
        "9.9.8.0/24": {
            "country": {"iso_code": "US"},
            "subdivisions": [{"names": {"en": "Ohio"}}],
            "city": {"names": {"en": "x" * 500}},
        },
    }
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    file = tmp_path_factory.mktemp("geo") / "city.mmdb"
    writer.to_db_file(str(file))
    geo = Geo(file)
    yield geo
    geo.close()


@pytest.mark.parametrize(
    ("address", "code", "country"),
    [
        *(
            ("8.8.8.8", "US", "United States"),
            ("168.126.63.1", "KR", "South Korea"),
            ("2001:4860:4860::8888", "US", "United States"),
        ),
        ("::ffff:168.126.63.1", "KR", "South Korea"),
    ],
)
def test_the_country_is_known_without_a_city_database(
    countries: Geo, address: str, code: str, country: str
) -> None:
    assert countries.place(address) == Place(code, country, None, None)


@pytest.mark.parametrize("address", NO_PLACE)
def test_what_is_no_public_address_has_no_place(countries: Geo, cities: Geo, address: str) -> None:
    assert countries.place(address) == NOWHERE
    assert cities.place(address) == NOWHERE


@pytest.mark.parametrize("address", ["1.209.1.1", "::ffff:1.209.1.1"])
def test_region_and_city_come_from_the_city_database(cities: Geo, address: str) -> None:
    assert cities.place(address) == Place("KR", "South Korea", "KR-11", "Seoul")


def test_missing_parts_of_a_record_are_none(cities: Geo) -> None:
    assert cities.place("2001:200::1") == Place("JP", "Japan", None, None)
    assert cities.place("9.9.8.1") == Place("US", "United States", None, "x" * 128)


@pytest.mark.parametrize("address", ["9.9.9.9", "168.126.63.1"])
def test_the_country_table_helps_out_where_the_city_database_knows_nothing(
    countries: Geo, cities: Geo, address: str
) -> None:
    assert cities.place(address) == countries.place(address) != NOWHERE


def test_a_missing_or_broken_city_database_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Geo(tmp_path / "none.mmdb")
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    with pytest.raises(maxminddb.InvalidDatabaseError):
        Geo(broken)


def test_the_table_of_names_is_complete_and_well_formed() -> None:
    assert len(COUNTRIES) == 250
    assert len(set(COUNTRIES.values())) == 250
    assert all(len(code) == 2 and code.isupper() and name == name.strip() for code, name in COUNTRIES.items())


@given(st.text() | st.ip_addresses().map(str))
def test_no_text_raises(address: str) -> None:
    place = Geo().place(address)
    assert (place.country_code is None) == (place.country is None)
