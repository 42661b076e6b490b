"""What calls may say of payments: nothing is overlooked that narrows what is meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from footfall.errors import BadRequest
from footfall.payments.wire import Range, read_delete_query, read_payment, read_payment_query

DAY = {"startAt": "2026-05-05", "endAt": "2026-05-05"}


@pytest.mark.parametrize(
    "name", ["person", "profileId", "user_id", "customer_id", "email", "currency", "matched"]
)
def test_a_deletion_refuses_what_it_would_not_heed(name: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} does not narrow a deletion"):
        read_delete_query({**DAY, name: "x"}, "UTC")


@pytest.mark.parametrize("name", ["transaction_id", "tx_id", "datafast_visitor_id", "visitorId", "endAt"])
def test_a_deletion_does_not_take_an_empty_parameter_for_a_missing_one(name: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} is empty"):
        read_delete_query({"startAt": "2026-05-05", name: " "}, "UTC")


@pytest.mark.parametrize("read", [read_payment_query, read_delete_query])
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({**DAY, "timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is no IANA time zone"),
        ({**DAY, "timezone": "posix/Europe/Berlin"}, "timezone: 'posix/Europe/Berlin' is no IANA time zone"),
        ({**DAY, "timezone": "localtime"}, "timezone: 'localtime' is no IANA time zone"),
        ({**DAY, "timezone": "x" * 10_000}, "timezone: "),
        ({"startAt": "2026-05-06", "endAt": "2026-05-05"}, "endAt must not be before startAt"),
        ({"startAt": "2026-05-05", "start": "2026-05-06"}, "startAt and start differ"),
        ({"visitor_id": "a", "visitorId": "b"}, "visitor_id and visitorId differ"),
        ({"startAt": "2026-05-05T12:00:00"}, "startAt must be a day"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_by_name(
    read: Callable[[dict[str, str], str], object], query: dict[str, str], told: str
) -> None:
    with pytest.raises(BadRequest, match=told):
        read(query, "UTC")


def test_a_day_lasts_from_midnight_to_midnight_of_its_time_zone() -> None:
    range_ = read_delete_query({**DAY, "timezone": "Europe/Berlin"}, "UTC").range
    assert range_ == Range(1_777_932_000_000, 1_778_018_400_000)


def test_a_list_ignores_empty_parameters() -> None:
    empty = dict.fromkeys(("person", "visitor_id", "currency", "matched", "startAt", "timezone", "limit"), "")
    assert read_payment_query(empty, "UTC") == read_payment_query({}, "UTC")


@pytest.mark.parametrize("field", ["transaction_id", "customer_id"])
def test_an_id_of_digits_is_as_long_as_a_text_may_be(field: str) -> None:
    body = {"amount": 1, "currency": "USD", "transaction_id": 1}
    assert getattr(read_payment({**body, field: 10**253}, 0), field) == "1" + "0" * 253
    with pytest.raises(BadRequest, match=f"{field} must be a text of at most 255 characters"):
        read_payment({**body, field: 10**255}, 0)
