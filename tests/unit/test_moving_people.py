"""What rows of people of other products mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footfall.errors import BadRequest, UsageError
from footfall.history.formats.values import visitor_id
from footfall.history.model import LeftOut
from footfall.history.sources import find_sources
from footfall.ids import format_uuid
from footfall.moving.people import ANONYMOUS, OTHER_CALL, PeopleMapping, Product, read_person
from footfall.moving.peoplefile import read_people_file

WEBSITE = b"w" * 12
WRITTEN = 1_777_982_400_000
AT = "2026-05-05T12:00:00.000Z"


def read(product: Product, row: Mapping[str, Any], **mapping: Any) -> list[dict[str, Any]]:
    found = read_person(PeopleMapping(product, **mapping), WEBSITE, row, WRITTEN)
    assert not isinstance(found, LeftOut)
    return [{name: one for name, one in call.items() if name != "datafast_visitor_id"} for call in found]


def left_out(product: Product, row: Mapping[str, Any], **mapping: Any) -> str:
    found = read_person(PeopleMapping(product, **mapping), WEBSITE, row, WRITTEN)
    assert isinstance(found, LeftOut)
    return found.reason


POSTHOG = {
    "id": 1,
    "name": "ada@example.com",
    "distinct_ids": ["0190a4d2-7c3e-7abc-8def-0123456789ab", "user_1"],
    "properties": {
        "email": "ada@example.com",
        "plan": "pro",
        "$browser": "Chrome",
        "$geoip_city_name": "Paris",
    },
    "created_at": "2025-01-02T03:04:05.000000+00:00",
    "uuid": "095be615-a8ad-4c33-8e9c-c7612fbf6c9f",
}


def test_posthog_people_are_known_by_their_own_id_and_keep_their_own_properties() -> None:
    assert read(Product.POSTHOG, POSTHOG) == [
        {"user_id": "user_1", "$at": "2025-01-02T03:04:05.000Z"},
        {"user_id": "user_1", "$at": AT, "email": "ada@example.com", "plan": "pro"},
    ]
    flat = {"distinct_ids.0": "user_1", "properties.email": "ada@example.com", "properties.$os": "Linux"}
    assert read(Product.POSTHOG, flat) == [{"user_id": "user_1", "$at": AT, "email": "ada@example.com"}]
    whole = read(Product.POSTHOG, POSTHOG, traits={"$geoip_city_name": "city", "plan": "tariff"})[-1]
    assert (whole["city"], whole["tariff"], "plan" in whole) == ("Paris", "pro", False)
    assert read(Product.POSTHOG, POSTHOG, user_id="email")[0]["user_id"] == "ada@example.com"
    assert left_out(Product.POSTHOG, {**POSTHOG, "distinct_ids": POSTHOG["distinct_ids"][:1]}) == ANONYMOUS  # type: ignore[index]


def test_mixpanel_profiles_get_the_usual_names() -> None:
    row = {
        "$distinct_id": 4,
        "$properties": {
            "$created": "2008-12-12T11:20:47",
            "$email": "e@example.com",
            "$last_seen": "2009-06-09T23:08:40",
            "mp_country": "x",
            "plan": "pro",
        },
    }
    assert read(Product.MIXPANEL, row) == [
        {"user_id": "4", "$at": "2008-12-12T11:20:47.000Z"},
        {"user_id": "4", "$at": AT, "email": "e@example.com", "plan": "pro"},
    ]
    assert left_out(Product.MIXPANEL, {"$distinct_id": "$device:abc", "$properties": {}}) == ANONYMOUS


def test_segment_calls_tell_of_their_own_time() -> None:
    call = {"type": "identify", "userId": "97980", "traits": {"name": "Peter", "logins": 5}, "timestamp": AT}
    assert read(Product.SEGMENT, call) == [{"user_id": "97980", "$at": AT, "name": "Peter", "logins": 5}]
    assert left_out(Product.SEGMENT, {**call, "type": "track"}) == OTHER_CALL
    assert left_out(Product.SEGMENT, {**call, "userId": None}) == ANONYMOUS


def test_any_table_has_columns_that_can_be_mapped() -> None:
    row = {"ID": "7", "E-Mail": "a@example.com", "Joined": "2024-02-03", "Plan": ""}
    mapping = {"E-Mail": "email", "Joined": "$at"}
    assert read(Product.CSV, row, user_id="ID", traits=mapping) == [
        {"user_id": "7", "$at": "2024-02-03T00:00:00.000Z", "email": "a@example.com"}
    ]
    assert left_out(Product.CSV, row) == ANONYMOUS
    with pytest.raises(BadRequest, match="'soon' is no time"):
        read(Product.CSV, {**row, "Joined": "soon"}, user_id="ID", traits=mapping)


def test_a_person_always_gets_the_same_visitor() -> None:
    found = read_person(PeopleMapping(Product.CSV), WEBSITE, {"user_id": "7"}, WRITTEN)
    assert not isinstance(found, LeftOut)
    assert found[0]["datafast_visitor_id"] == format_uuid(visitor_id(WEBSITE, "person", "7"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}\n\n{"a": 2}\n',
        b'{"next": null, "results": [{"a": 1}, {"a": 2}]}',
        b'[\n  {"a": 1},\n  {"a": 2}\n]\n',
        b"\xef\xbb\xbf" + msgspec.json.encode([{"a": 1}, {"a": 2}]),
    ],
)
def test_people_stand_one_a_line_or_in_a_document(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "people.json").write_bytes(text)
    rows = read_people_file(find_sources(tmp_path / "people.json")[0], Product.POSTHOG)
    assert list(rows) == [(1, {"a": 1}), (2, {"a": 2})]


@pytest.mark.parametrize("text", [b"[1, 2", b'{"results": ', b"a,a\n1,2\n"])
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "people.json").write_bytes(text)
    with pytest.raises(UsageError, match=r"people\.json: "):
        list(read_people_file(find_sources(tmp_path / "people.json")[0], Product.MIXPANEL))


def test_rows_of_a_table_that_are_none_spoil_no_others(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("user_id;plan\n1;pro\n2\n3;\n", "utf-8")
    rows = dict(read_people_file(find_sources(tmp_path / "people.csv")[0], Product.CSV))
    assert (rows[1], rows[3]) == ({"user_id": "1", "plan": "pro"}, {"user_id": "3"})
    assert isinstance(rows[2], BadRequest)
