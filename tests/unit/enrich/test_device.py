"""Device: what is read out of User-Agents and of what the app SDKs report."""

from __future__ import annotations

from typing import Any

import pytest
import ua_parser_rs
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich import device
from footfall.collect.enrich.device import Device, parse_device

from .user_agents import BROWSERS, CHROME_ON_MAC, REACT_NATIVE_IOS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(("user_agent", "expected"), BROWSERS.items())
def test_browser_system_and_type_are_named(
    user_agent: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    found = parse_device(user_agent, None)
    assert (found.browser, found.os, found.type) == expected


def test_all_fields_of_a_desktop_browser_are_filled() -> None:
    assert parse_device(CHROME_ON_MAC, None) == Device(
        "Chrome", "141.0.0.0", "Mac OS", "10.15.7", "desktop", "Apple", "Mac"
    )


def test_the_web_sdk_s_report_changes_nothing() -> None:
    reported = {"platform": "web", "osVersion": CHROME_ON_MAC, "model": "Browser"}
    assert parse_device(CHROME_ON_MAC, reported) == parse_device(CHROME_ON_MAC, None)


@pytest.mark.parametrize(
    ("user_agent", "reported", "expected"),
    [
        (
            REACT_NATIVE_IOS,
            {"platform": "ios", "osVersion": "18.4", "model": "iPhone 16 Pro"},
            Device(None, None, "iOS", "18.4", "mobile", "Apple", "iPhone 16 Pro"),
        ),
        (
            REACT_NATIVE_IOS,
            {"platform": "ios", "osVersion": "18.4", "model": "iPad Air"},
            Device(None, None, "iOS", "18.4", "tablet", "Apple", "iPad Air"),
        ),
        (
            "okhttp/4.12.0",
            {"platform": "android", "osVersion": "15", "model": "Pixel 9"},
            Device(None, None, "Android", "15", "mobile", None, "Pixel 9"),
        ),
        (
            REACT_NATIVE_IOS,
            {"platform": "ios"},
            Device(None, None, "iOS", "18.3.2", "mobile", "Apple", "iPhone"),
        ),
        (
            REACT_NATIVE_IOS,
            {"platform": "ios", "osVersion": 18, "model": ["x"]},
            Device(None, None, "iOS", "18.3.2", "mobile", "Apple", "iPhone"),
        ),
        (
            REACT_NATIVE_IOS,
            {"platform": "ios", "osVersion": "9" * 65, "model": "a\x00b"},
            Device(None, None, "iOS", "18.3.2", "mobile", "Apple", "iPhone"),
        ),
    ],
)
def test_what_an_app_reports_goes_before_its_user_agent(
    user_agent: str, reported: object, expected: Device
) -> None:
    assert parse_device(user_agent, reported) == expected


@given(user_agent=st.text() | st.sampled_from(sorted(BROWSERS)), reported=JSON)
def test_no_report_and_no_user_agent_raises(user_agent: str, reported: object) -> None:
    assert isinstance(parse_device(user_agent, reported), Device)


@given(
    report=st.fixed_dictionaries(
        {"platform": st.sampled_from(["ios", "android", "web"]), "osVersion": JSON, "model": JSON}
    )
)
def test_no_value_of_a_report_s_fields_raises(report: dict[str, Any]) -> None:
    assert isinstance(parse_device(REACT_NATIVE_IOS, report), Device)


def test_the_native_matcher_does_the_work() -> None:
    assert type(device._resolver().ua) is ua_parser_rs.UserAgentExtractor
