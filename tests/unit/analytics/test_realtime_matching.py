"""Which of those who are there now filters keep."""

from __future__ import annotations

import msgspec
import pytest

from footfall.analytics.query import read_question
from footfall.analytics.realtime.matching import keep, not_known
from footfall.analytics.realtime.model import EventNow, VisitorNow, WebsiteNow
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import Place
from footfall.collect.model import CUSTOM, PAGEVIEW, StoredDevice
from footfall.identity.model import KnownPerson
from footfall.ids import format_uuid
from footfall.visitors.model import Params, Visitor
from tests.laws.world import NOW, VISITORS

ADA, NOBODY = VISITORS[:2]


def visitor_now() -> list[VisitorNow]:
    """Ada, of whom much is known, and somebody of whom nothing is."""
    chrome = StoredDevice(Device("Chrome", "141", "Windows", None, "desktop", None, None))
    bare = StoredDevice(Device(None, None, None, None, None, None, None))
    place = Place("DE", "Germany", "DE-BE", "Berlin")
    ada = KnownPerson(b"a" * 12, "user_1", 0, "{}")
    nothing = Visitor(NOBODY, 0, NOW, NOW, 1, 1, None, Place(), bare, None, Params(), None, None)
    known = msgspec.structs.replace(nothing, visitor_id=ADA, place=place, stored_device=chrome, person=ada)
    return [
        VisitorNow(known, "www.news.example/today", Params(utm_source="Mail"), None, None, None, is_ad=True),
        VisitorNow(nothing, None, Params(), None, None, None),
    ]


def kept(name: str, text: str) -> set[bytes]:
    """Whom a filter keeps of these two, of whom Ada opened a page and reached a goal."""
    ada, nobody = visitor_now()
    events = [
        EventNow(b"2" * 10, CUSTOM, "law.example/", "Signup", None, ada),
        EventNow(b"1" * 10, PAGEVIEW, "law.example/Pricing/%C3%BC", None, None, ada),
        EventNow(b"1" * 10, PAGEVIEW, "law.example/", None, None, nobody),
    ]
    question = read_question([(f"filter_{name}", text)], "UTC", NOW, NOW)
    found = keep(WebsiteNow([ada, nobody], events, []), question.conditions)
    ids = {one.visitor.visitor_id for one in found.visitors}
    assert {one.by.visitor.visitor_id for one in found.events} == ids
    return ids


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("country", "is:de"),
        ("country", "contains:german"),
        ("region", "is:DE-BE"),
        ("region", "is:be"),
        ("city", "is:BERLIN"),
        ("device", "is:desktop,mobile"),
        ("browser", "contains:hrom"),
        ("os", "windows"),
        ("referrer", "is:https://news.example/today"),
        ("channel", "is:paid"),
        ("utm_source", "is:mail"),
        ("page", "is:/Pricing/ü"),
        ("page", "contains:Pricing"),
        ("goal", "is:signup"),
        ("person", "is:user_1"),
        ("person", "is:user:user_1"),
        ("person", f"is:{format_uuid(ADA)}"),
        ("country", "is_not:unknown"),
        ("referrer", "is_not:direct"),
        ("page", "is_not:/"),
        ("person", f"is_not:{format_uuid(NOBODY)}"),
    ],
)
def test_a_filter_keeps_whom_it_describes(name: str, text: str) -> None:
    assert kept(name, text) == {ADA}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("country", "is_not:DE"),
        ("country", "is:unknown"),
        ("referrer", "is:direct"),
        ("channel", "is:direct"),
        ("utm_source", "is_not:mail"),
        ("goal", "is_not:signup"),
        ("page", "is_not:/Pricing/ü"),
        ("page", "does_not_contain:Pricing"),
        ("person", "is_not:user_1"),
    ],
)
def test_its_opposite_keeps_everybody_else(name: str, text: str) -> None:
    assert kept(name, text) == {NOBODY}


@pytest.mark.parametrize(
    ("name", "text"), [("page", "is:/pricing/ü"), ("goal", "is:x"), ("person", "is:USER_1")]
)
def test_what_nobody_has_keeps_nobody(name: str, text: str) -> None:
    assert kept(name, text) == set()


def test_filters_that_say_nothing_of_now_are_named_and_left_out() -> None:
    pairs = [
        ("filter_new", "true"),
        ("filter_trait.plan", "pro"),
        ("filter_country", "DE"),
        ("filter_new", "false"),
    ]
    question = read_question(pairs, "UTC", NOW, NOW)
    assert not_known(question) == ["new", "trait.plan"]
    assert kept("visit_count", "gte:9") == {ADA, NOBODY}
