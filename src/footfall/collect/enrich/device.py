"""Browser, operating system and device of a visitor, from the User-Agent and what the app SDKs report."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import msgspec
import ua_parser
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

_MAX_USER_AGENT = 512
_MAX_REPORTED = 64

_BROWSERS = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chromium": "Chrome",
    "HeadlessChrome": "Chrome Headless",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Opera Mobile": "Opera",
    "Mobile Safari UI/WKWebView": "Mobile Safari",
    "Android": "Android Browser",
    "WeChat Browser": "WeChat",
    "Yandex Browser": "Yandex",
}
"""ua-parser's names where DataFast, by its documentation, shows another ("Chrome", "Mobile Safari") or one
browser has several.
"""
_SYSTEMS = {"Mac OS X": "Mac OS", "ATV OS X": "tvOS", "Web0S": "webOS"}
_APP_SYSTEMS = {"ios": "iOS", "android": "Android"}
_HARMONY = re.compile(r"\b(openharmony|harmonyos)\b(?:[/ ](\d[\d.]{0,15}))?", re.I)
_HUAWEI = re.compile(r"; ([\w-]{3,20}); HMSCore", re.ASCII)
"""Where Huawei's phones name their model; ua-parser calls each `Browser` that has Huawei's."""
_SAFARI_VERSION = re.compile(r" Version/(\d[\d.]{0,15}) ", re.ASCII)
_FROZEN_IOS = "18."
"""Since iOS 26 Safari says that it runs on one of these."""
_NO_VENDOR = frozenset({"Generic", "Generic_Android", "Generic_Android_Tablet", "Generic_Inettv", "Spider"})

_TYPES = (
    ("console", re.compile(r"playstation|xbox|nintendo|steam deck", re.I)),
    (
        "smarttv",
        re.compile(
            r"smart-?tv|hbbtv|\btv\b|googletv|appletv|web0s|netcast|bravia|\baft[a-z]{1,4}\b|roku|crkey",
            re.I,
        ),
    ),
    ("xr", re.compile(r"oculus|\bquest\b|vision ?pro|\bvr\b", re.I)),
    ("wearable", re.compile(r"\bwatch|wear os|sm-r\d{3}", re.I)),
    (
        "tablet",
        re.compile(r"ipad|tablet|playbook|kindle|\bkf[a-z]{3,5}\b|^(?!.*mobi).*(?:android|silk/)", re.I),
    ),
    ("mobile", re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|kaios|opera mini", re.I)),
    ("desktop", re.compile(r"windows|macintosh|x11|linux|cros|\(pc;", re.I)),
)
"""Types of device in the order in which they are tried; the first whose words the User-Agent has."""


class Device(msgspec.Struct, frozen=True, gc=False):
    """What a visitor uses; None where it is not known.

    `type`: desktop, mobile, tablet, console, smarttv, wearable or xr.
    """

    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    type: str | None
    vendor: str | None
    model: str | None


def parse_device(user_agent: str, reported: object, touch_points: object = None) -> Device:
    """The device of an event. `reported` is its `device` field, `touch_points` its `maxTouchPoints`, of any JSON type.

    The React Native SDK reports `{platform: "ios" | "android", osVersion, model}`, which is better than its
    User-Agent. In the browser the SDK reports `{platform: "web", osVersion: <User-Agent>, model: "Browser"}`,
    which says nothing. How many fingers a screen feels tells an iPad, which calls itself a Mac, from one.
    """
    agent = user_agent[:_MAX_USER_AGENT]
    if type(reported) is dict:
        system = reported.get("platform")
        if type(system) is str and system in _APP_SYSTEMS:
            return _app_device(
                agent, system, _reported(reported.get("osVersion")), _reported(reported.get("model"))
            )
    is_touched = type(touch_points) in (int, float) and touch_points > 1  # type: ignore[operator]
    return _ipad(agent) if is_touched and "(Macintosh;" in agent else _browser_device(agent)


def _reported(value: object) -> str | None:
    if type(value) is not str or len(value) > _MAX_REPORTED or not value.isprintable():
        return None
    return value.strip() or None


@lru_cache(4096)
def _app_device(agent: str, platform: str, os_version: str | None, model: str | None) -> Device:
    """The device of an app: it has no browser."""
    parsed = _browser_device(agent)
    is_apple = platform == "ios"
    system = _APP_SYSTEMS[platform]
    return Device(
        browser=None,
        browser_version=None,
        os=system,
        os_version=os_version or (parsed.os_version if parsed.os == system else None),
        type=_app_type(parsed.type, model or ""),
        vendor="Apple" if is_apple else parsed.vendor,
        model=model or parsed.model,
    )


def _app_type(parsed: str | None, model: str) -> str:
    if model.startswith("iPad"):
        return "tablet"
    if model.startswith("iPhone") or parsed not in ("tablet", "smarttv", "wearable", "xr"):
        return "mobile"
    return parsed


@cache
def _resolver() -> Resolver:
    # The native resolver by name: without its package this fails at once instead of being slow in silence.
    return Resolver(load_lazy_builtins())


@lru_cache(4096)
def _ipad(agent: str) -> Device:
    """The iPad that calls itself a Mac; the Mac after all for browsers that no iPad has."""
    mac = _browser_device(agent)
    if "Chrome/" in agent or "Firefox/" in agent:
        return mac
    return msgspec.structs.replace(
        mac,
        browser="Mobile Safari" if mac.browser == "Safari" else mac.browser,
        os="iOS",
        os_version=mac.browser_version if mac.browser == "Safari" else None,
        type="tablet",
        model="iPad",
    )


@lru_cache(4096)
def _browser_device(agent: str) -> Device:
    if not agent.isascii():
        agent = agent.encode("ascii", "replace").decode("ascii")
    found = _resolver()(agent, ua_parser.Domain.ALL)
    # Apps that call with their HTTP library (`okhttp/4.12`, `Name/1 CFNetwork/...`) are no browsers.
    browser = found.user_agent if agent.startswith(("Mozilla/", "Opera/")) else None
    os, os_version = _system(agent, found.os)
    vendor, model = _maker(agent, found.device)
    return Device(
        browser=_BROWSERS.get(browser.family, browser.family) if browser else None,
        browser_version=_version(browser.major, browser.minor, browser.patch, browser.patch_minor)
        if browser
        else None,
        os=os,
        os_version=os_version,
        type=next((name for name, words in _TYPES if words.search(agent)), None),
        vendor=vendor,
        model=model,
    )


def _system(agent: str, found: ua_parser.OS | None) -> tuple[str | None, str | None]:
    """Name and version of the operating system."""
    if harmony := _HARMONY.search(agent):
        return ("OpenHarmony" if harmony[1].lower() == "openharmony" else "HarmonyOS"), harmony[2]
    if found is None:
        return None, None
    version = _version(found.major, found.minor, found.patch, found.patch_minor)
    if found.family == "iOS" and version is not None and version.startswith(_FROZEN_IOS):
        safari = _SAFARI_VERSION.search(agent)
        version = safari[1] if safari and not safari[1].startswith(_FROZEN_IOS) else version
    return _SYSTEMS.get(found.family, found.family), version


def _maker(agent: str, found: ua_parser.Device | None) -> tuple[str | None, str | None]:
    """Vendor and model of the device."""
    if "HMSCore" in agent or "HuaweiBrowser" in agent:
        named = _HUAWEI.search(agent)
        return "Huawei", named[1] if named else None
    return (None, None) if found is None or found.brand in _NO_VENDOR else (found.brand, found.model)


def _version(*parts: str | None) -> str | None:
    return ".".join(part for part in parts if part) or None
