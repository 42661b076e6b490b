"""From one domain of a website to another: how the ids go over, and when they are believed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.conftest import QUEUE, PageServer, Tab, html, links, snippet, stay
from tests.support.sites import Site, new_visitor

ODD = "sig=a%20b&flag&x=~(1)*&e=caf%E9&&y=%2f"
"""A query that must stay as it is, to the byte: it may be signed."""


@pytest.fixture
def friend(page_server: PageServer, site: Site) -> str:
    """The host of the website's other domain; both have the same pages."""
    host = f"other-{site.domain}"
    site.change(allowed_hostnames=(host,))
    page_server.pages["/landing"] = html(snippet(site, allowed_hostnames=host))
    return host


def show(tab: Tab, page_server: PageServer, site: Site, friend: str, body: str) -> None:
    """Open a page of the first domain."""
    page_server.pages["/"] = html(snippet(site, allowed_hostnames=friend), body)
    tab.open(f"http://{site.domain}/")
    tab.marker()


def ids_at(tab: Tab, host: str) -> dict[str, Any]:
    """The cookies that a host keeps of its own."""
    found = tab.page.context.cookies(f"http://{host}/")
    return {cookie["name"]: cookie["value"] for cookie in found if cookie["domain"] == host}


def ids(tab: Tab, site: Site) -> dict[str, Any]:
    """The cookies of the first domain."""
    found = tab.page.context.cookies(f"http://{site.domain}/")
    return {cookie["name"]: cookie["value"] for cookie in found}


def arrive(tab: Tab, host: str) -> None:
    """Wait until the page there has adopted the ids, or not."""
    tab.page.wait_for_url(lambda url: f"//{host}/" in url and "_df_" not in url)
    tab.marker()


# What is handed over


def test_a_link_to_another_domain_hands_the_ids_over(tab: Tab, page_server: PageServer, site: Site) -> None:
    other = f"other-{site.domain}"
    site.change(allowed_hostnames=(other,))
    head = snippet(site, allowed_hostnames=other)
    page_server.pages["/"] = html(head, f'<a id="go" href="http://{other}/landing?a=1#top">Go</a>')
    page_server.pages["/landing"] = html(head)
    tab.open(f"http://{site.domain}/")
    tab.marker()
    tab.page.click("#go")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    tab.marker()
    assert tab.page.url == f"http://{other}/landing?a=1#top"
    assert "external_link" not in tab.kinds()
    assert (
        len({event["visitorId"] for event in tab.sent})
        == len({event["sessionId"] for event in tab.sent})
        == 1
    )
    assert site.visitor(tab.sent[0]["visitorId"])["activity"]["pageViewCount"] == 2


def test_a_link_back_to_the_first_domain_hands_the_ids_over_too(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    other = f"other-{site.domain}"
    site.change(allowed_hostnames=(other,))
    head = snippet(site, allowed_hostnames=other)
    page_server.pages["/"] = html(head)
    page_server.pages["/landing"] = html(head, f'<a id="go" href="http://www.{site.domain}/">Go</a>')
    tab.open(f"http://{other}/landing")
    tab.marker()
    tab.page.click("#go")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    tab.marker()
    assert tab.page.url == f"http://www.{site.domain}/"
    assert len({(event["visitorId"], event["sessionId"]) for event in tab.sent}) == 1


@pytest.mark.parametrize("host", ["{0}", "www.{0}", "deep.shop.{0}"])
def test_a_link_that_came_later_and_opens_a_tab_hands_the_ids_over(
    whole_tab: Tab, page_server: PageServer, site: Site, host: str
) -> None:
    other = f"other-{site.domain}"
    site.change(allowed_hostnames=(other, f"*.{other}"))
    head = snippet(site, allowed_hostnames=f" elsewhere.example , {other}")
    page_server.pages.update({"/": html(head), "/landing": html(head)})
    whole_tab.open(f"http://{site.domain}/")
    whole_tab.marker()
    address = f"http://{host.format(other)}/landing"
    whole_tab.page.evaluate(
        "address => { document.body.innerHTML = `<a href='${address}'><b>Go</b></a>`; }", address
    )
    with whole_tab.page.context.expect_page() as opened:
        whole_tab.page.click("b", button="middle")
    opened.value.wait_for_url(address)
    kept = {
        cookie["name"]: cookie["value"]
        for cookie in whole_tab.page.context.cookies(address)
        if cookie["domain"] == host.format(other)
    }
    mine = {name: cookie["value"] for name, cookie in whole_tab.cookies().items()}
    assert kept == mine
    assert len(kept) == 4
    assert whole_tab.kinds() == ["pageview", "marker"]


def test_a_link_to_a_domain_that_only_looks_alike_hands_nothing_over(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(
        snippet(site, allowed_hostnames="friend.example"),
        f"""<a id="a" href="http://notfriend.example/">a</a>
        <a id="b" href="http://friend.example.evil.example/">b</a>
        <a id="c" href="http://evil{site.domain}/">c</a>
        <a id="d" href="mailto:friend@friend.example">d</a>""",
    )
    tab.open(f"http://{site.domain}/")
    stay(tab)
    for name in "abcd":
        tab.page.click(f"#{name}")
    tab.marker()
    assert tab.kinds() == ["pageview", *["external_link"] * 3, "marker"]
    assert not any("_df_" in event["extraData"].get("url", "") for event in tab.sent[1:])


def test_a_link_hands_the_ids_over_though_it_tells_no_referrer(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    for attributes in ('rel="noopener noreferrer"', 'referrerpolicy="no-referrer"'):
        tab.page.context.clear_cookies()
        show(tab, page_server, site, friend, f'<a id="go" {attributes} href="http://{friend}/landing">Go</a>')
        tab.page.click("#go")
        arrive(tab, friend)
        assert ids_at(tab, friend) == ids(tab, site)


def test_a_query_is_handed_over_to_the_byte(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    address = f"http://{friend}/landing?{ODD}#part?a=b"
    show(tab, page_server, site, friend, f'<a id="go" href="{address.replace("&", "&amp;")}">Go</a>')
    with tab.page.expect_request(lambda request: "_df_vid" in request.url) as asked:
        tab.page.click("#go")
    assert asked.value.url.startswith(f"http://{friend}/landing?{ODD}&_df_vid=")
    arrive(tab, friend)
    assert tab.page.url == address
    assert ids_at(tab, friend) == ids(tab, site)


def test_an_address_that_ids_came_in_is_restored_to_the_byte(tab: Tab, shop: str) -> None:
    mine = f"_df_vid={new_visitor()}&_df_sid=s{new_visitor()}"
    for before, after in {
        f"/?{mine}": "/",
        f"/?{mine}#a": "/#a",
        f"/?&{mine}#a": "/?#a",
        f"/?{mine}&{ODD}": f"/?{ODD}",
        f"/?{ODD}&{mine}#a": f"/?{ODD}#a",
        f"/?flag&{mine}&{ODD}#a": f"/?flag&{ODD}#a",
        f"/?_df_at=1&a=1&{mine}&b&_df_known=1": "/?a=1&b",
    }.items():
        tab.open(shop + before)
        tab.marker()
        assert tab.page.url == shop + after
    assert not any("_df_" in event["href"] for event in tab.sent)


def test_an_address_without_ids_is_left_alone(tab: Tab, shop: str) -> None:
    tab.open(f"{shop}/?{ODD}&my_df_vid=1&_df_vids=2#?_x")
    tab.marker()
    assert tab.page.url == f"{shop}/?{ODD}&my_df_vid=1&_df_vids=2#?_x"


def test_a_link_that_is_copied_has_no_ids(
    whole_tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    show(
        whole_tab, page_server, site, friend, f'<a id="go" rel="noreferrer" href="//{friend}/landing">Go</a>'
    )
    before = whole_tab.page.inner_html("body")
    whole_tab.page.click("#go", button="right")
    assert whole_tab.page.inner_html("body") == before
    with whole_tab.page.context.expect_page() as opened:
        whole_tab.page.click("#go", button="middle")
    opened.value.wait_for_url(f"http://{friend}/landing")
    assert ids_at(whole_tab, friend) == ids(whole_tab, site)
    assert whole_tab.page.inner_html("body") == before  # once it was followed


def test_links_of_every_kind_hand_the_ids_over(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    address = f"http://{friend}/landing"
    for body in links(address):
        tab.page.context.clear_cookies()
        show(tab, page_server, site, friend, body)
        tab.page.mouse.click(9, 9)
        arrive(tab, friend)
        assert tab.page.url == address
        assert ids_at(tab, friend) == ids(tab, site)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_form_hands_the_ids_over(
    tab: Tab, page_server: PageServer, site: Site, friend: str, method: str
) -> None:
    address = f"http://{friend}/landing?kept=1"
    for form, button in (
        (f'action="{address}" method="{method}"', ""),
        ('action="/" method="dialog"', f'formaction="{address}" formmethod="{method}"'),
    ):
        tab.page.context.clear_cookies()
        body = f'<form {form}><input name="action" value="a b"><button {button}>Go</button></form>'
        show(tab, page_server, site, friend, body)
        tab.page.click("button")
        arrive(tab, friend)
        wanted = "?kept=1" if method == "post" else "?action=a+b"
        assert tab.page.url == f"http://{friend}/landing{wanted}"
        assert ids_at(tab, friend) == ids(tab, site)


def test_a_form_that_the_page_sends_by_itself_has_no_more_fields(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    body = f'<form action="http://{friend}/landing"><input name="q" value="1"><button>Go</button></form>'
    show(tab, page_server, site, friend, body)
    before = tab.page.inner_html("body")
    tab.page.evaluate("() => { document.forms[0].onsubmit = event => event.preventDefault(); }")
    tab.page.click("button")
    assert tab.page.evaluate("[...new FormData(document.forms[0])]") == [["q", "1"]]
    assert tab.page.inner_html("body") == before


def test_a_page_that_goes_there_by_itself_hands_the_ids_over(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    address = f"http://{friend}/landing?{ODD}"
    for script in (
        "location.href = url",
        "location.assign(url)",
        "location.replace(url)",
        "navigation.navigate(url)",
    ):
        tab.page.context.clear_cookies()
        show(tab, page_server, site, friend, "")
        steps = tab.page.evaluate("history.length")
        tab.page.evaluate(f"url => {{ {script}; }}", address)
        arrive(tab, friend)
        assert tab.page.url == address
        assert tab.page.evaluate("history.length") - steps == ("replace" not in script)
        assert ids_at(tab, friend) == ids(tab, site)


@pytest.mark.parametrize("host", ["www.{0}", "stranger.example"])
def test_a_page_that_goes_elsewhere_takes_no_ids_along(
    tab: Tab, page_server: PageServer, site: Site, friend: str, host: str
) -> None:
    address = f"http://{host.format(site.domain)}/landing"
    show(tab, page_server, site, friend, "")
    with tab.page.expect_request(lambda request: request.is_navigation_request()) as asked:
        tab.page.evaluate("url => { location.href = url }", address)
    assert asked.value.url == address


# When ids are believed


def handed(**more: object) -> tuple[str, str]:
    """A visitor, and a query that hands them over."""
    visitor = new_visitor()
    return visitor, "&".join(f"{key}={value}" for key, value in {"_df_vid": visitor, **more}.items())


@contextmanager
def unanswered(tab: Tab) -> Iterator[None]:
    """What is sent meanwhile gets no answer."""
    address = "**/api/events"
    tab.page.route(address, lambda route: route.abort())
    yield
    tab.page.unroute(address)


def now() -> int:
    """Milliseconds since epoch, as the browser has them."""
    return time.time_ns() // 1_000_000


def test_a_link_in_the_hands_of_strangers_decides_nothing(tab: Tab, shop: str, site: Site) -> None:
    strangers = ("", "http://stranger.example/", "http://evil-{0}/", "http://{0}.evil.example/")
    for referrer in strangers:
        visitor, query = handed(_df_at=now(), _df_sid=f"s{new_visitor()}")
        tab.page.context.clear_cookies()
        tab.sent.clear()
        tab.open(f"{shop}/?{query}", referrer.format(site.domain) or None)
        tab.marker()
        assert tab.page.url == f"{shop}/"
        assert {event["visitorId"] for event in tab.sent} == {tab.visitor}
        assert tab.visitor != visitor, referrer


def test_a_stranger_cannot_replace_whom_a_browser_is(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.marker()
    before = tab.cookies()["datafast_visitor_id"]["value"]
    tab.open(f"{shop}/second?{handed()[1]}", "http://stranger.example/")
    tab.marker()
    assert tab.visitor == before


def test_a_link_is_good_for_two_minutes(tab: Tab, shop: str, site: Site) -> None:
    ages: dict[object, bool] = {now() - 100_000: True, now() - 130_000: False, now() + 130_000: False}
    no_ages: dict[object, bool] = dict.fromkeys(("x", "NaN", "1e999", "-", "%00", "%20"), False)
    for at, is_good in {**ages, **no_ages}.items():
        visitor, query = handed(_df_at=at)
        tab.open(f"{shop}/?{query}", f"http://www.{site.domain}/")
        tab.marker()
        assert tab.page.url == f"{shop}/"
        assert (tab.visitor == visitor) == is_good, at


def test_a_link_never_replaces_a_visitor_who_was_identified(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.evaluate("datafast('identify', {user_id: 'ada'})")
    tab.marker()
    ada = tab.visitor
    visitor, query = handed(_df_at=now(), _df_sid=f"s{new_visitor()}")
    tab.open(f"{shop}/second?{query}", f"http://www.{site.domain}/")
    tab.marker()
    assert tab.page.url == f"{shop}/second"
    assert tab.visitor == ada
    tab.page.evaluate("datafast('reset')")
    tab.open(f"{shop}/?{query}", f"http://www.{site.domain}/")
    tab.marker()
    assert tab.visitor == visitor


def test_a_visitor_who_was_identified_is_so_on_the_other_domain(
    tab: Tab, page_server: PageServer, site: Site, friend: str
) -> None:
    show(tab, page_server, site, friend, f'<a id="go" href="http://{friend}/landing">Go</a>')
    tab.page.evaluate("datafast('identify', {user_id: 'ada'})")
    tab.marker()
    tab.page.click("#go")
    arrive(tab, friend)
    assert ids_at(tab, friend) == ids(tab, site)
    assert ids(tab, site)["footfall_identified"] == "1"
    tab.open(f"http://{friend}/landing?{handed()[1]}", f"http://{site.domain}/")
    tab.marker()
    assert ids_at(tab, friend) == ids(tab, site)


def test_a_link_replaces_a_visitor_who_was_not_identified(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    before = tab.visitor
    visitor, query = handed(_df_at=now())
    tab.open(f"{shop}/second?{query}", f"http://www.{site.domain}/")
    tab.marker()
    assert tab.visitor == visitor
    assert tab.sent[2]["replaces"] == before
    tab.marker("again")
    assert "replaces" not in tab.sent[-1]
    assert "footfall_replaced" not in tab.cookies()
    assert "footfall_identified" not in tab.cookies()


def test_a_link_never_replaces_a_visitor_whom_the_backend_identified(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    site.identify(tab.visitor, "ada")
    before = ids(tab, site)
    visitor, query = handed(_df_at=now(), _df_sid=f"s{new_visitor()}", _df_vsn=9)
    tab.open(f"{shop}/second?{query}", f"http://www.{site.domain}/")
    tab.marker()
    assert ids(tab, site) == {**before, "footfall_identified": "1"}
    assert [row[1] for row in site.events_of(before["datafast_visitor_id"])].count("pageview") == 2
    assert site.events_of(visitor) == []
    # From now on the page knows it by itself.
    tab.open(f"{shop}/?{handed()[1]}", f"http://www.{site.domain}/")
    tab.marker()
    assert ids(tab, site) == {**before, "footfall_identified": "1"}
    assert "replaces" not in tab.sent[-1]


def test_what_a_page_says_at_once_is_said_of_the_visitor_whom_the_backend_identified(
    tab: Tab, page_server: PageServer, shop: str, site: Site
) -> None:
    tab.open(shop)
    tab.marker()
    ada = tab.visitor
    site.identify(ada, "ada")
    calls = "<script>datafast('buy'); datafast('identify', {user_id: 'ada', plan: 'pro'})</script>"
    page_server.pages["/at-once"] = html(QUEUE + calls + snippet(site))
    visitor, query = handed(_df_at=now())
    tab.open(f"{shop}/at-once?{query}", f"http://www.{site.domain}/")
    tab.marker()
    at_once = [event["visitorId"] for event in tab.sent[2:] if event["href"].startswith(f"{shop}/at-once")]
    assert at_once[:3] == [visitor] * 3
    assert tab.visitor == ada
    assert site.events_of(visitor) == []
    assert site.profiles()["ada"][3] == 1
    assert site.traits(ada)["plan"] == "pro"


def test_a_page_that_is_left_before_the_answer_leaves_the_question_to_the_next(
    tab: Tab, shop: str, site: Site
) -> None:
    tab.open(shop)
    tab.marker()
    ada = tab.visitor
    site.identify(ada, "ada")
    with unanswered(tab):
        for number in (1, 2):
            tab.open(f"{shop}/?{number}&{handed(_df_at=now())[1]}", f"http://www.{site.domain}/")
            tab.until(lambda: tab.visitor != ada)
    tab.open(shop)
    tab.marker()
    others = [event for event in tab.sent[2:] if event["visitorId"] != ada]
    assert {event["replaces"] for event in others} == {ada}
    assert len({event["visitorId"] for event in others}) == 2
    assert tab.visitor == ada


def test_a_reset_is_not_undone_by_an_answer(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    ada = tab.visitor
    site.identify(ada, "ada")
    visitor, query = handed(_df_at=now())
    with unanswered(tab):
        tab.open(f"{shop}/second?{query}", f"http://www.{site.domain}/")
        tab.until(lambda: tab.visitor == visitor)
        tab.page.evaluate("datafast('reset')")
    tab.marker()
    assert tab.visitor not in (ada, visitor)
    assert "replaces" not in tab.sent[-1]


def test_ids_that_the_sdk_handed_over_are_adopted_whole(tab: Tab, shop: str, site: Site) -> None:
    """Its links tell no age."""
    visitor, session, seen = new_visitor(), f"s{new_visitor()}", "2026-01-02T03:04:05.678Z"
    handed_over = f"_df_vid={visitor}&keep=1&_df_sid={session}&_df_vfs={seen.replace(':', '%3A')}&_df_vsn=7"
    tab.open(f"{shop}/?{handed_over}", f"http://www.{site.domain}/")
    tab.marker()
    assert tab.page.url == f"{shop}/?keep=1"
    assert {event["href"] for event in tab.sent} == {f"{shop}/?keep=1"}
    assert {name: cookie["value"] for name, cookie in tab.cookies().items()} == {
        "datafast_visitor_id": visitor,
        "datafast_session_id": session,
        "datafast_visitor_first_seen_at": seen,
        "datafast_visitor_session_count": "7",
    }
    assert site.visitor(visitor)["activity"]["pageViewCount"] == 1


def test_ids_in_the_address_that_are_none_are_not_adopted(tab: Tab, shop: str) -> None:
    tab.open(f"{shop}/?_df_vid=evil&_df_sid=<b>&_df_vfs=;&_df_vsn=-1&keep=1", f"{shop}/")
    tab.marker()
    assert uuid.UUID(tab.sent[0]["visitorId"])
    assert tab.page.url == f"{shop}/?keep=1"
    assert tab.cookies()["datafast_visitor_session_count"]["value"] == "1"
