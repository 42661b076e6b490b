"""Goals, links and payments that the script of a page tells of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import PageServer, Tab, html, links, snippet, stay
from tests.support.sites import Site

# Goals and links


def test_clicks_on_marked_elements_are_goals(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.click("button")
    tab.page.click("#card")
    tab.marker()
    assert tab.kinds() == ["pageview", "buy", "card", "marker"]
    assert tab.sent[1]["extraData"] == {"eventName": "buy", "plan_name": "Pro b"}
    assert {goal["name"] for goal in site.visitor(tab.visitor)["activity"]["completedGoals"]} == {
        "buy",
        "card",
        "marker",
    }


@pytest.mark.parametrize("key", ["Enter", " "])
@pytest.mark.parametrize(("selector", "name"), [("#card", "card"), ("button", "buy")])
def test_keys_do_what_clicks_do_and_no_more(tab: Tab, shop: str, key: str, selector: str, name: str) -> None:
    tab.open(shop)
    tab.page.focus(selector)
    tab.page.keyboard.press(key)
    tab.marker()
    assert tab.kinds() == ["pageview", name, "marker"]


def test_an_element_that_is_marked_with_a_name_of_ours_sends_nothing(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), '<button data-fast-goal="Identify">Join</button>')
    tab.open(f"http://{site.domain}/")
    tab.page.click("button")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]


def test_only_the_buttons_that_follow_a_link_tell_of_it(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.click("#out", button="right")
    tab.marker()
    tab.page.click("#out", button="middle")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker", "external_link", "marker"]


def test_goals_and_links_of_every_kind_are_told(tab: Tab, page_server: PageServer, site: Site) -> None:
    address = "https://elsewhere.example/page"
    for number, body in enumerate(links(address)):
        page_server.pages["/"] = html(snippet(site), body)
        tab.open(f"http://{site.domain}/?{number}")
        stay(tab)
        tab.page.mouse.click(9, 9)
        tab.marker()
        assert tab.kinds() == ["pageview", "external_link", "marker"], body
        assert tab.sent[1]["extraData"]["url"] == address
        tab.sent.clear()


def test_an_element_within_an_open_shadow_root_is_a_goal(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    inside = '<button data-fast-goal="buy" data-fast-goal-plan="pro"><b>Buy</b></button><p data-fast-goal="card" tabindex=0>Card</p>'
    page_server.pages["/"] = html(
        snippet(site), f'<div><template shadowrootmode="open">{inside}</template></div>'
    )
    tab.open(f"http://{site.domain}/")
    tab.page.click("b")
    for selector in ("button", "p"):
        tab.page.focus(selector)
        tab.page.keyboard.press("Enter")
    tab.marker()
    assert tab.kinds() == ["pageview", "buy", "buy", "card", "marker"]
    assert tab.sent[1]["extraData"] == {"eventName": "buy", "plan": "pro"}


def test_links_to_elsewhere_are_told(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    stay(tab)
    tab.page.click("#out")
    tab.page.click("#in")
    tab.marker()
    assert tab.kinds() == ["pageview", "external_link", "marker"]
    assert tab.sent[1]["extraData"] == {"url": "https://elsewhere.example/page?x=1", "text": "Elsewhere"}


def test_a_goal_that_breaks_the_rules_is_not_sent(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.evaluate(
        """() => {
            datafast('bad name!', {});
            datafast('many', Object.fromEntries([...Array(11).keys()].map(n => ['k' + n, n])));
            datafast('odd', {'a b': 1});
            datafast('identify', {name: 'nobody'});
            datafast('payment', {amount: 1});
            datafast('good', {Long: 'x'.repeat(300), evil: '<script>javascript:alert(1)', n: 5});
        }"""
    )
    tab.marker()
    assert tab.kinds() == ["pageview", "good", "marker"]
    assert tab.sent[1]["extraData"] == {
        "eventName": "good",
        "long": "x" * 255,
        "evil": "scriptalert(1)",
        "n": "5",
    }
    assert len(tab.warnings) == 5


def test_scrolling_to_an_element_is_a_goal_once(tab: Tab, page_server: PageServer, site: Site) -> None:
    body = """<div style="height:3000px"></div>
      <p data-fast-scroll="deep" data-fast-scroll-threshold="0.9" data-fast-scroll-delay="10" style="height:100px">Deep</p>"""
    page_server.pages["/"] = html(snippet(site), body)
    tab.open(f"http://{site.domain}/")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    tab.page.evaluate("scrollTo(0, 99999)")
    tab.until(lambda: "deep" in tab.kinds())
    tab.page.evaluate("scrollTo(0, 0)")
    tab.page.evaluate("scrollTo(0, 99999)")
    tab.marker()
    extra = tab.sent[2]["extraData"]
    assert tab.kinds() == ["pageview", "marker", "deep", "marker"]
    assert (extra["threshold"], extra["delay"]) == ("0.9", "10")
    assert 90 <= int(extra["scroll_percentage"]) <= 100


def test_an_element_that_comes_later_is_watched_also_on_a_page_that_never_rests(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), '<div style="height:3000px"></div>')
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate(
        """() => {
            setInterval(() => { document.title = Math.random(); }, 50);
            document.body.insertAdjacentHTML('beforeend', '<p data-fast-scroll="late">Late</p>');
            scrollTo(0, 99999);
        }"""
    )
    tab.until(lambda: "late" in tab.kinds())
    assert tab.sent[-1]["extraData"]["threshold"] == "0.5"


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        ("session_id=cs_test_1", {"stripe_session_id": "cs_test_1"}),
        ("checkout_id=c1", {"polar_checkout_id": "c1"}),
        ("order_id=o1", {"lemonsqueezy_order_id": "o1"}),
        ("session_id=foreign", None),
    ],
)
def test_a_payment_in_the_address_is_told_once(tab: Tab, shop: str, query: str, extra: Any) -> None:
    tab.open(f"{shop}/?{query}")
    tab.open(f"{shop}/second?{query}")
    tab.marker()
    found = [event["extraData"] for event in tab.sent if event["type"] == "payment"]
    assert found == ([extra] if extra else [])


def test_payments_in_the_address_can_be_left_alone(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/"] = html(snippet(site, disable_payments="true"))
    tab.open(f"http://{site.domain}/?order_id=1")
    tab.page.evaluate("datafast('payment', {email: 'ada@example.com', amount: 5})")
    tab.marker()
    assert [event["extraData"] for event in tab.sent if event["type"] == "payment"] == [
        {"email": "ada@example.com", "amount": 5}
    ]
