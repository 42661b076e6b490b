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


_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("system", "rest", "version"),
    [
        ("18_6", "Version/26.0 Mobile/15E148 Safari/604.1", "26.0"),
        ("18_7", "Version/26.1.2 Mobile/15E148 Safari/604.1", "26.1.2"),
        ("18_6_2", "Version/18.6 Mobile/15E148 Safari/604.1", "18.6.2"),
        ("18_6", "CriOS/141.0.0.0 Mobile/15E148 Safari/604.1", "18.6"),
        ("17_5", "Version/18.0 Mobile/15E148 Safari/604.1", "17.5"),
    ],
)
def test_safari_tells_the_version_of_ios_where_the_agent_is_frozen(
    system: str, rest: str, version: str
) -> None:
    assert parse_device(f"{_IPHONE.format(system)} {rest}", None).os_version == version


def test_an_ipad_that_calls_itself_a_mac_is_one_by_its_screen() -> None:
    safari = f"{_MAC} {_SAFARI.format('26.0')}"
    ipad = Device("Mobile Safari", "26.0", "iOS", "26.0", "tablet", "Apple", "iPad")
    assert parse_device(safari, None, 5) == ipad
    assert (
        parse_device(f"{_MAC} {_SAFARI.format('18.3').replace('Version', 'CriOS/141 Version')}", None, 5).type
        == "tablet"
    )


@pytest.mark.parametrize("touch_points", [None, 0, 1, True, "5", [5], float("nan"), -1])
def test_a_mac_stays_one_without_several_fingers(touch_points: object) -> None:
    safari = f"{_MAC} {_SAFARI.format('26.0')}"
    assert parse_device(safari, None, touch_points) == parse_device(safari, None)


@pytest.mark.parametrize("user_agent", [CHROME_ON_MAC, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) x"])
def test_a_screen_that_feels_makes_no_ipad_of_others(user_agent: str) -> None:
    assert parse_device(user_agent, None, 10) == parse_device(user_agent, None)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (
            "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 "
            "ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.300",
            ("Huawei Browser", "OpenHarmony", "5.0", "mobile", "Huawei", None),
        ),
        (
            "Mozilla/5.0 (PC; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1",
            ("Chrome", "OpenHarmony", "5.0", "desktop", None, None),
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; HarmonyOS; NOH-AN00; HMSCore 6.13.0.321) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/99.0.4844.88 HuaweiBrowser/14.0.2.310 Mobile Safari/537.36",
            ("Huawei Browser", "HarmonyOS", None, "mobile", "Huawei", "NOH-AN00"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; ELS-NX9; HMSCore 6.13.0.321; GMSCore 21.15.15) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/99.0.4844.88 HuaweiBrowser/14.0.2.310 Mobile Safari/537.36",
            ("Huawei Browser", "Android", "10", "mobile", "Huawei", "ELS-NX9"),
        ),
    ],
)
def test_huaweis_devices_are_named(user_agent: str, expected: tuple[str | None, ...]) -> None:
    found = parse_device(user_agent, None)
    assert (found.browser, found.os, found.os_version, found.type, found.vendor, found.model) == expected


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


@given(user_agent=st.text() | st.sampled_from(sorted(BROWSERS)), reported=JSON, touch_points=JSON)
def test_no_report_and_no_user_agent_raises(user_agent: str, reported: object, touch_points: object) -> None:
    assert isinstance(parse_device(user_agent, reported, touch_points), Device)


@given(
    report=st.fixed_dictionaries(
        {"platform": st.sampled_from(["ios", "android", "web"]), "osVersion": JSON, "model": JSON}
    )
)
def test_no_value_of_a_report_s_fields_raises(report: dict[str, Any]) -> None:
    assert isinstance(parse_device(REACT_NATIVE_IOS, report), Device)


def test_the_native_matcher_does_the_work() -> None:
    assert type(device._resolver().ua) is ua_parser_rs.UserAgentExtractor
