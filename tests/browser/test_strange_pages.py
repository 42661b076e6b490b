"""Pages that are not as ours: junk cookies, other scripts beside ours, wrong calls, and what browsers forbid."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.conftest import QUEUE, PageServer, Tab, html, snippet
from tests.support.people import person
from tests.support.sites import Site, new_visitor

ASK = "call => new Promise(done => datafast(...call, done))"
"""Calls, and waits for the callback."""


def visitors(tab: Tab) -> set[str]:
    """Whom the page sent events for."""
    return {event["visitorId"] for event in tab.sent}


def put_cookie(tab: Tab, domain: str, name: str, value: str) -> None:
    """A cookie of a host alone, or, with a dot in front, of a domain."""
    tab.page.context.add_cookies(
        [{"name": f"datafast_{name}", "value": value, "domain": domain, "path": "/"}]
    )


def values(tab: Tab, name: str) -> dict[str, str]:
    """All cookies of one name, by domain."""
    return {
        cookie["domain"]: cookie["value"]
        for cookie in tab.page.context.cookies()
        if cookie["name"] == f"datafast_{name}"
    }


# Several cookies of one name


def test_junk_beside_a_valid_id_makes_no_new_visitor(tab: Tab, shop: str, site: Site) -> None:
    visitor = new_visitor()
    put_cookie(tab, f".{site.domain}", "visitor_id", visitor)
    for number, junk in enumerate(("junk", "", "%")):
        put_cookie(tab, site.domain, "visitor_id", junk)
        tab.open(f"{shop}/?{number}")
        tab.marker()
        assert values(tab, "visitor_id") == {f".{site.domain}": visitor}  # backends read it too
    assert visitors(tab) == {visitor}


def test_of_two_valid_ids_the_one_that_this_website_wrote_counts(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    """A website on a subdomain beside one on the domain, whichever began."""
    page_server.pages["/"] = html(snippet(site, domain=f"app.{site.domain}"))
    for order in ((f".{site.domain}", f".app.{site.domain}"), (f".app.{site.domain}", f".{site.domain}")):
        tab.page.context.clear_cookies()
        ids = {domain: new_visitor() for domain in order}
        for domain, visitor in ids.items():
            put_cookie(tab, domain, "visitor_id", visitor)
        tab.sent.clear()
        tab.open(f"http://app.{site.domain}/?{order[0]}")
        tab.marker()
        assert visitors(tab) == {ids[f".app.{site.domain}"]}
        assert values(tab, "visitor_id") == ids


@pytest.mark.parametrize("further", ["app.{0}", ".{0}"])
def test_a_reset_is_one_however_many_cookies_there_are(
    tab: Tab, page_server: PageServer, site: Site, further: str
) -> None:
    page_server.pages["/"] = html(snippet(site, domain=f"app.{site.domain}"))
    first, other = new_visitor(), new_visitor()
    put_cookie(tab, further.format(site.domain), "visitor_id", other)
    put_cookie(tab, f".app.{site.domain}", "visitor_id", first)
    tab.open(f"http://app.{site.domain}/")
    tab.marker()
    tab.page.evaluate("datafast('reset')")
    tab.sent.clear()
    tab.marker()
    tab.open(f"http://app.{site.domain}/?again")
    tab.marker()
    [after] = visitors(tab)
    assert after not in (first, other)
    assert values(tab, "visitor_id") == {f".app.{site.domain}": after}


# Domains


def test_a_domain_is_understood_however_it_is_written(tab: Tab, page_server: PageServer, site: Site) -> None:
    ascii_form = f"xn--shop--fsa.{site.domain}"
    given = {
        "SHOP-é.{0}": False,
        "www.shop-é.{0}": False,
        "*.xn--shop--fsa.{0}": True,
        "https://xn--shop--fsa.{0}/": True,
    }
    for text, is_told in given.items():
        tab.page.context.clear_cookies()
        tab.warnings.clear()
        page_server.pages["/"] = html(snippet(site, domain=text.format(site.domain)))
        tab.open(f"http://shop-é.{site.domain}/")
        tab.marker()
        assert list(values(tab, "visitor_id")) == [f".{ascii_form}"]
        assert tab.sent[-1]["domain"].removeprefix("www.") == ascii_form
        assert any("data-domain" in warning for warning in tab.warnings) == is_told, text


def test_a_friend_may_be_named_in_another_alphabet(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/"] = html(
        snippet(site, allowed_hostnames="münchen.example"), "<a href='http://MÜNCHEN.example/'>x</a>"
    )
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate(
        "addEventListener('click', event => { window.went = document.querySelector('a').href; event.preventDefault(); })"
    )
    tab.page.click("a")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    assert tab.page.evaluate("went").startswith("http://xn--mnchen-3ya.example/?_df_vid=")


def test_a_domain_that_is_not_the_pages_is_told(tab: Tab, page_server: PageServer, site: Site) -> None:
    for number, given in enumerate(("x", "other.example", "two words")):
        page_server.pages["/"] = html(snippet(site, domain=given))
        tab.open(f"http://{site.domain}/?{number}")
        tab.marker()
        assert any("data-domain" in warning and given in warning for warning in tab.warnings)
    assert site.stored()[0] == 6  # and nothing is lost


# Other scripts beside ours


def test_datafasts_own_script_and_ours_do_not_mute_each_other(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    theirs = """<script>
        sessionStorage.datafast_pageview_state = JSON.stringify({time: Date.now(), url: location.href});
        sessionStorage.datafast_polar_payment_sent_c1 = "1";
        window.before = JSON.stringify(sessionStorage);
    </script>"""
    page_server.pages["/"] = html(theirs + snippet(site))
    tab.open(f"http://{site.domain}/?checkout_id=c1")
    tab.marker()
    assert tab.kinds() == ["pageview", "payment", "marker"]
    names = tab.page.evaluate(
        "Object.keys(sessionStorage).filter(name => name in JSON.parse(before) !== name.startsWith('datafast'))"
    )
    assert names == []


@pytest.mark.parametrize(
    "before",
    [
        '<script defer src="/script.js" data-website-id="94db1cb1-74f4-4a40-ad6c-962362670409"></script>',
        '<script defer src="https://datafa.st/js/script.js" data-website-id="dfid_theirs" data-domain="theirs.example"></script>',
    ],
)
def test_our_tag_is_found_by_its_source_beside_tags_that_look_like_it(
    tab: Tab, page_server: PageServer, site: Site, before: str
) -> None:
    """A module has no current script."""
    tab.page.route("https://datafa.st/**", lambda route: route.fulfill(body=""))
    page_server.pages["/"] = html(before + snippet(site).replace("<script", "<script type=module"))
    tab.open(f"http://{site.domain}/")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    assert tab.sent[0]["websiteId"] == site.tracking_id


def test_a_tag_whose_file_has_another_name_is_found_too(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    source = tab.page.request.get(f"{site.url}/js/script.js").text()
    tag = (
        snippet(site, api_url=site.url)
        .replace(f"{site.url}/js/script.js", "/renamed")
        .replace("<script", "<script type=module")
    )
    page_server.pages.update({"/": html(tag), "/renamed": source})
    page_server.headers["/renamed"] = {"Content-Type": "text/javascript"}
    tab.open(f"http://{site.domain}/")
    tab.marker()
    assert tab.sent[0]["websiteId"] == site.tracking_id


# Who somebody is


NO_USER_IDS = (
    "Promise.resolve('ada')",
    "async () => 'ada'",
    "{}",
    "['ada']",
    "[7]",
    "true",
    "new Date(0)",
    "Symbol('ada')",
    "2 ** 53",
    "-(2 ** 53)",
    "9007199254740993",
    "Infinity",
    "NaN",
    "''",
    "{toString() { throw 1; }, valueOf() { throw 1; }}",
    "document.body",
)
USER_IDS = {
    "'ada'": "ada",
    "2 ** 53 - 1": "9007199254740991",
    "-7": "-7",
    "9007199254740993n": "9007199254740993",
}


def test_a_user_id_that_is_none_is_refused_in_the_page(tab: Tab, shop: str) -> None:
    tab.open(shop)
    for user_id in NO_USER_IDS:
        tab.warnings.clear()
        said = tab.page.evaluate(f"new Promise(done => datafast('identify', {{user_id: {user_id}}}, done))")
        assert said == {"status": 0}, user_id
        assert len(tab.warnings) == 1, user_id
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]


def test_a_user_id_that_is_one_is_sent(tab: Tab, shop: str) -> None:
    tab.open(shop)
    for user_id in USER_IDS:
        tab.page.evaluate(f"datafast('identify', {{user_id: {user_id}}})")
    tab.marker()
    assert [event["extraData"]["user_id"] for event in tab.sent[1:-1]] == list(USER_IDS.values())


def test_traits_that_are_no_values_erase_nothing(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.evaluate("datafast('identify', {user_id: 'ada', seats: 3, since: new Date(0), gone: 1})")
    tab.marker()
    tab.page.evaluate(
        """datafast('identify', {
            user_id: 'ada', seats: NaN, since: new Date('never'), age: -Infinity, gone: null,
            deep: {seats: 0 / 0, since: new Date(NaN), kept: 1, none: null},
        })"""
    )
    tab.marker()
    assert person(site, "ada")["metadata"] == {
        "seats": 3,
        "since": "1970-01-01T00:00:00.000Z",
        "deep": {"kept": 1, "none": None},
    }


# The callback


UNSENDABLE = (
    "10n",
    "(() => { const circle = {}; circle.circle = circle; return circle; })()",
    "window",
    "{toJSON() { throw new Error('no'); }, toString() { throw new Error('no'); }}",
    "{get bad() { throw new Error('no'); }}",
    "() => 1",
    "Symbol('x')",
    "Object.create(null)",
)


@pytest.mark.parametrize("call", ["identify", "payment", "goal"])
def test_what_cannot_be_sent_is_left_out_of_what_is(tab: Tab, shop: str, call: str) -> None:
    tab.open(shop)
    fields = [f"odd: {value}" for value in UNSENDABLE] + ["get odd() { throw new Error('no'); }"]
    for odd in fields:
        given = f"{{user_id: 'ada', email: 'a@b.c', plan: 'pro', {odd}}}"
        said = tab.page.evaluate(f"new Promise(done => datafast('{call}', {given}, done))")
        assert said == {"status": 200}, odd
        extra = tab.sent[-1]["extraData"]
        assert extra.items() >= {"user_id": "ada", "email": "a@b.c", "plan": "pro"}.items(), odd
        if call == "goal":
            continue  # whatever has a text is sent as that
        assert extra.get("odd", {}) == {}, odd


def test_a_callback_may_stand_in_the_place_of_the_parameters(tab: Tab, shop: str) -> None:
    tab.open(shop)
    assert tab.page.evaluate("new Promise(done => datafast('goal', done))") == {"status": 200}
    assert tab.page.evaluate("new Promise(done => datafast('reset', done))") == {"status": 0}
    assert tab.sent[1]["extraData"] == {"eventName": "goal"}


def test_a_callback_comes_also_when_the_call_is_wrong(tab: Tab, shop: str) -> None:
    tab.open(shop)
    for wrong in (
        "{get user_id() { throw 1; }}",
        "window",
        "'ada'",
        "Promise.resolve({user_id: 'ada'})",
        "null",
    ):
        said = tab.page.evaluate(f"new Promise(done => datafast('identify', {wrong}, done))")
        assert said == {"status": 0}, wrong
    assert tab.kinds() == ["pageview"]
    assert len(tab.warnings) == 5


def test_a_callback_comes_also_when_the_pages_fetch_is_broken(tab: Tab, shop: str) -> None:
    tab.open(shop)
    for result in ("{ throw 1; }", "undefined", "Promise.resolve({status: 200})", "Promise.reject()"):
        tab.page.evaluate(f"() => {{ window.fetch = () => {result}; }}")
        assert tab.page.evaluate(ASK, ["goal", {}]) == {"status": 0}, result


def test_a_callback_that_throws_comes_once(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.evaluate(
        "window.times = 0; datafast('bad name', {}, () => { times += 1; throw new Error('no'); })"
    )
    tab.page.evaluate("datafast('good', {}, () => { times += 1; throw new Error('no'); })")
    tab.marker()
    assert tab.page.evaluate("times") == 2


def test_a_wrong_call_never_breaks_the_page(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.evaluate(
        "datafast(); datafast(null, null, null); datafast({toString: null}); datafast('a', 'b', 'c')"
    )
    tab.marker()
    large = ["identify", {"user_id": "a", "bio": "x" * 70_000}]
    assert tab.page.evaluate(ASK, large)["status"] in (0, 413)
    assert tab.page.evaluate(ASK, ["fine", {}]) == {"status": 200}


def test_an_event_beside_large_requests_of_the_page_arrives(
    tab: Tab, page_server: PageServer, shop: str, site: Site
) -> None:
    """Browsers let a page have 64 KiB under way that outlive it."""
    tab.open(shop)
    tab.marker()
    page_server.unstuck.clear()
    tab.page.evaluate(
        "() => { fetch('/stuck', {method: 'POST', body: 'x'.repeat(65000), keepalive: true}); }"
    )
    assert tab.page.evaluate(ASK, ["signup", {"plan": "x" * 200, "more": "y" * 250}]) == {"status": 200}
    page_server.unstuck.set()
    assert [row[5] for row in site.events_of(tab.visitor)] == [None, "marker", "signup"]


def test_an_event_that_the_server_may_have_taken_is_not_sent_again(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.unstuck.clear()
    page_server.pages["/"] = html(snippet(site, api_url="/lost"))
    before = page_server.taken
    tab.open(f"http://{site.domain}/")
    # Timers end in order: once this one has, the script takes no failure for a refusal any more.
    tab.page.evaluate("new Promise(done => setTimeout(done, 50))")
    tab.until(lambda: page_server.taken == before + 1)
    page_server.unstuck.set()
    tab.until(lambda: tab.warnings == ["Footfall: pageview not sent"])
    assert page_server.taken == before + 1


def test_an_event_of_a_page_that_is_left_at_once_is_not_sent_again(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    """Browsers end what a page asked as a failure when it is left, though the event is under way."""
    page_server.unstuck.clear()
    page_server.pages["/"] = html(snippet(site, api_url="/lost"))
    before = page_server.taken
    for number in range(4):
        tab.open(f"http://{site.domain}/?{number}")
    tab.until(lambda: page_server.taken >= before + 4)
    tab.page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert page_server.taken == before + 4
    page_server.unstuck.set()


# What browsers forbid


def test_a_sandboxed_page_works_in_memory(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/sandboxed"] = html(QUEUE + snippet(site), '<button data-fast-goal="buy">Buy</button>')
    page_server.headers["/sandboxed"] = {"Content-Security-Policy": "sandbox allow-scripts"}
    tab.open(f"http://{site.domain}/sandboxed?_df_vid={new_visitor()}")
    tab.page.click("button")
    tab.page.evaluate("datafast('identify', {user_id: 'ada'})")
    tab.marker()
    assert tab.kinds() == ["pageview", "buy", "identify", "marker"]
    assert len({(event["visitorId"], event["sessionId"]) for event in tab.sent}) == 1
    assert uuid.UUID(tab.sent[0]["visitorId"]).version == 4
    assert person(site, "ada")["activity"]["goalCount"] == 2
    tab.page.evaluate("datafast('reset')")
    tab.marker()
    assert len(visitors(tab)) == 2
    assert tab.cookies() == {}


def test_a_page_whose_cookies_are_refused_works_in_memory(tab: Tab, shop: str) -> None:
    tab.page.add_init_script("Object.defineProperty(document, 'cookie', {get: () => '', set() {}})")
    tab.open(shop)
    tab.marker()
    assert len({(event["visitorId"], event["sessionId"]) for event in tab.sent}) == 1
