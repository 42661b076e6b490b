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
        re.compile(
            r"ipad|tablet|playbook|kindle|\bkf[a-z]{3,5}\b|silk/(?!.*mobile)|^(?!.*mobi).*android", re.I
        ),
    ),
    ("mobile", re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|kaios|opera mini", re.I)),
    ("desktop", re.compile(r"windows|macintosh|x11|linux|cros", re.I)),
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


def parse_device(user_agent: str, reported: object) -> Device:
    """The device of an event. `reported` is its `device` field, of any JSON type.

    The React Native SDK reports `{platform: "ios" | "android", osVersion, model}`, which is better than its
    User-Agent. In the browser the SDK reports `{platform: "web", osVersion: <User-Agent>, model: "Browser"}`,
    which says nothing.
    """
    agent = user_agent[:_MAX_USER_AGENT]
    if type(reported) is dict:
        system = reported.get("platform")
        if type(system) is str and system in _APP_SYSTEMS:
            return _app_device(
                agent, system, _reported(reported.get("osVersion")), _reported(reported.get("model"))
            )
    return _browser_device(agent)


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
def _browser_device(agent: str) -> Device:
    if not agent.isascii():
        agent = agent.encode("ascii", "replace").decode("ascii")
    found = _resolver()(agent, ua_parser.Domain.ALL)
    # Apps that call with their HTTP library (`okhttp/4.12`, `Name/1 CFNetwork/...`) are no browsers.
    browser = found.user_agent if agent.startswith(("Mozilla/", "Opera/")) else None
    system, device = found.os, found.device
    vendor, model = (
        (None, None) if device is None or device.brand in _NO_VENDOR else (device.brand, device.model)
    )
    return Device(
        browser=_BROWSERS.get(browser.family, browser.family) if browser else None,
        browser_version=_version(browser.major, browser.minor, browser.patch, browser.patch_minor)
        if browser
        else None,
        os=_SYSTEMS.get(system.family, system.family) if system else None,
        os_version=_version(system.major, system.minor, system.patch, system.patch_minor) if system else None,
        type=next((name for name, words in _TYPES if words.search(agent)), None),
        vendor=vendor,
        model=model,
    )


def _version(*parts: str | None) -> str | None:
    return ".".join(part for part in parts if part) or None
