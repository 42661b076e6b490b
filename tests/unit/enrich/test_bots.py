"""Bots: programs are found, people are let through."""

from __future__ import annotations

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich.bots import HEADLESS_PATTERNS, NOT_BOTS, bot_kind

from .user_agents import BROWSERS, CHROME_ON_MAC

TOOLS = [
    "curl/8.5.0",
    "libcurl/8.5",
    "Wget/1.21.4",
    "python-requests/2.31.0",
    "Python/3.11",
    "Go-http-client/2.0",
    "node",
    "undici",
    "axios/1.7.2",
    "Java/17.0.2",
    "Bun/1.1",
    "Deno/1.40",
    "PostmanRuntime/7.39",
    "k6/0.50",
    "Ruby",
    "HTTPie/3.2",
    "GuzzleHttp/7",
    "python-httpx/0.27",
]
HEADLESS = (
    "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0 Safari/537.36",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Puppeteer",
    "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/20.0.3",
)


DISGUISED = [
    "Mozilla/5.0 Node/20.11.0",
    "Mozilla/5.0 (Linux x86_64) NodeJS/20",
    "Mozilla/5.0 Deno/1.40",
    "BarracudaCentral",
    "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))",
    "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
    "Hello from Palo Alto Networks, find out more about our scans",
    *(
        f"{CHROME_ON_MAC} {name}"
        for name in (
            "Agent-NovaAct/0.9",
            "Rendertron",
            "BarracudaLinkProtect/1.0",
            "Amzn-User/0.1",
            "Amazon-Q",
            "browser-use",
            "Browserbase",
            "Mimecast",
            "Proofpoint",
            "OWASP ZAP",
            "Trustwave",
        )
    ),
]


@pytest.mark.parametrize("user_agent", DISGUISED)
def test_assistants_and_scanners_in_the_guise_of_browsers_are_bots(user_agent: str) -> None:
    assert bot_kind(user_agent) == "bot"


def test_a_scanner_of_codes_on_a_phone_is_no_bot() -> None:
    assert bot_kind(f"{CHROME_ON_MAC} QRScanner/2.1") is None


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_people_are_no_bots(user_agent: str) -> None:
    assert bot_kind(user_agent) is None


@pytest.mark.parametrize(
    "user_agent",
    [*TOOLS, "", "  ", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"],
)
def test_tools_crawlers_and_silence_are_bots(user_agent: str) -> None:
    assert bot_kind(user_agent) == "bot"


@pytest.mark.parametrize("user_agent", HEADLESS)
def test_automated_browsers_are_a_kind_of_their_own(user_agent: str) -> None:
    assert bot_kind(user_agent) == "headless"
    assert bot_kind(user_agent)


def test_a_crawler_that_drives_an_automated_browser_is_a_crawler() -> None:
    assert bot_kind(HEADLESS[0] + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)") == "bot"


def test_every_agent_that_the_package_knows_is_found() -> None:
    known = [
        agent
        for entry in CRAWLER_USER_AGENTS_DATA
        if entry["pattern"] not in NOT_BOTS
        for agent in entry["instances"]
    ]
    assert len(known) > 1000
    assert [agent for agent in known if not bot_kind(agent)] == []


def test_our_exceptions_still_stand_in_the_package() -> None:
    patterns = {entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA}
    assert patterns.issuperset(NOT_BOTS | HEADLESS_PATTERNS)


@given(st.text())
def test_no_text_raises(user_agent: str) -> None:
    assert bot_kind(user_agent) in (None, "bot", "headless")


def test_a_very_long_agent_is_judged_by_its_beginning() -> None:
    assert not bot_kind(CHROME_ON_MAC + " " * 2000 + "Googlebot/2.1")
