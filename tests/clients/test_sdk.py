"""The official SDK `datafast` from npm, unchanged, with nothing but its address swapped."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.browser.conftest import PageServer, Tab, html
from tests.clients.conftest import CLIENTS
from tests.conftest import MakeServer, SitePool
from tests.support.people import journey, person
from tests.support.sites import Site, http_client, make_sites

# The web entry, in Chromium


def sdk_page(site: Site, bundle: str, **config: Any) -> str:
    """A page that starts the SDK and keeps the client in `window.client`."""
    given = {
        "websiteId": site.tracking_id,
        "domain": site.domain,
        "apiUrl": f"{site.url}/api/events",
        "autoCapturePageviews": True,
        "flushInterval": 100,
        **config,
    }
    return html(
        f"<script>{bundle}</script><script>window.ready = SDK.initDataFast({json.dumps(given)}).then(c => window.client = c)</script>"
    )


def run(tab: Tab, code: str) -> Any:
    """Run code with `client` in the page, then flush its queue."""
    tab.page.evaluate("() => window.ready")
    result = tab.page.evaluate(f"async () => {{ const client = window.client; {code} }}")
    tab.page.evaluate("() => client.flush()")
    tab.until(
        lambda: tab.page.evaluate("() => JSON.parse(localStorage.datafast_event_queue || '[]').length") == 0
    )
    return result


@pytest.fixture
def shop(page_server: PageServer, site: Site, bundle: str) -> str:
    page_server.pages.update({path: sdk_page(site, bundle) for path in ("/", "/second")})
    return f"http://{site.domain}"


def test_the_web_sdk_works_with_its_address_swapped(tab: Tab, shop: str, site: Site) -> None:
    tab.open(f"{shop}/?utm_source=news")
    run(tab, "")
    tab.until(lambda: tab.kinds() == ["pageview"])
    run(tab, "history.pushState(null, '', '/app'); await new Promise(done => setTimeout(done, 150))")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    run(
        tab,
        "await client.track('Signup', {plan: 'pro'}); await client.identify('ada', {name: 'Ada', plan: 'pro'})",
    )
    visitor = tab.visitor
    tab.until(lambda: len(site.events_of(visitor)) == 3 and len(site.facts()) == 1)

    shown = site.visitor(visitor)
    assert shown["identity"]["params"]["utm_source"] == "news"
    assert {page["url"] for page in shown["activity"]["visitedPages"]} == {
        f"{site.domain}/",
        f"{site.domain}/app",
    }
    assert [goal["name"] for goal in shown["activity"]["completedGoals"]] == ["signup"]
    assert (shown["profile"]["userId"], shown["profile"]["metadata"]) == (
        "ada",
        {"name": "Ada", "plan": "pro"},
    )


def test_reset_makes_another_visitor(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    run(tab, "await client.identify('ada')")
    first = tab.visitor
    run(tab, "await client.reset()")
    run(tab, "await client.trackPageview(); await client.identify('bob')")
    second = tab.visitor
    assert second != first
    tab.until(lambda: set(site.profiles()) == {"ada", "bob"})
    assert [one["visitorId"] for one in person(site, "bob")["visitors"]] == [second]
    assert person(site, "ada")["activity"]["pageViewCount"] == 1


def test_events_of_a_time_without_network_come_later(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    run(tab, "")
    tab.page.context.set_offline(True)
    tab.page.evaluate("async () => { await client.track('while-away'); await client.identify('ada') }")
    assert site.facts() == []
    tab.page.context.set_offline(False)
    run(tab, "")
    tab.until(lambda: "ada" in site.profiles())
    assert [entry["name"] for entry in journey(site, "ada", order="asc")["data"]] == [
        None,
        "while-away",
        "ada",
    ]


def test_ids_are_handed_over_to_another_domain(
    tab: Tab, page_server: PageServer, site: Site, bundle: str
) -> None:
    other = f"other-{site.domain}"
    site.change(allowed_hostnames=(other,))
    page_server.pages["/"] = sdk_page(site, bundle, allowedHostnames=[other])
    tab.open(f"http://{site.domain}/")
    address = run(tab, f"return client.buildCrossDomainUrl('http://{other}/landing')")
    page_server.pages["/landing"] = sdk_page(site, bundle, domain=other)
    tab.open(address)
    run(tab, "")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    assert tab.page.url == f"http://{other}/landing"
    assert len({event["visitorId"] for event in tab.sent}) == 1
    tab.until(lambda: site.visitor(tab.sent[0]["visitorId"])["activity"]["pageViewCount"] == 2)


def test_our_script_and_the_sdk_know_the_same_visitor(
    tab: Tab, page_server: PageServer, shop: str, site: Site
) -> None:
    page_server.pages["/ours"] = html(
        f'<script data-website-id="{site.tracking_id}" data-domain="{site.domain}" src="{site.url}/js/script.js"></script>'
    )
    tab.open(f"{shop}/ours")
    tab.marker()
    tab.open(shop)
    run(tab, "")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    assert len({event["visitorId"] for event in tab.sent}) == 1


def test_the_cookieless_sdk_is_told_its_visitor(
    tab: Tab, page_server: PageServer, sites: SitePool, bundle: str
) -> None:
    site = sites.take("cookieless")
    page_server.pages["/"] = sdk_page(site, bundle, cookieless=True)
    tab.open(f"http://{site.domain}/")
    run(tab, "await client.track('signup')")
    tab.until(lambda: site.stored()[0] == 2)
    visitor = tab.page.evaluate("() => window.datafast.visitorId")
    assert len(site.events_of(visitor)) == 2
    assert "datafast_visitor_id" not in tab.cookies()


# The React Native entry, in Node


def on_phone(site: Site, code: str, *, stored: dict[str, str] | None = None, **config: Any) -> dict[str, Any]:
    """Run code with `client` and `phone` in Node; what it returned (`result`), and what the telephone has stored."""
    given = {
        "websiteId": site.tracking_id,
        "domain": site.domain,
        "apiUrl": f"{site.url}/api/events",
        **config,
    }
    program = f"""
      const phone = require("./phone.cjs");
      const {{ initDataFast }} = require("datafast/react-native");
      (async () => {{
        const client = await initDataFast({json.dumps(given)});
        const result = await (async () => {{ {code} }})();
        await client.flush();
        console.log(JSON.stringify({{ result, visitor: client.getVisitorId(), stored: Object.fromEntries(phone.stored) }}));
        process.exit(0);
      }})();"""
    done = subprocess.run(
        ["node", "-e", program],
        cwd=CLIENTS,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PHONE_STORAGE": json.dumps(stored or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_app_sdk_works_with_its_address_swapped(server: Site) -> None:
    done = on_phone(
        server,
        "await client.trackScreen('Home'); await client.track('signup', {plan: 'pro'}); await client.identify('ada', {name: 'Ada'});",
    )
    shown = server.visitor(done["visitor"])
    assert shown["profile"]["userId"] == "ada"
    assert shown["profile"]["metadata"] == {"name": "Ada"}
    assert [goal["name"] for goal in shown["activity"]["completedGoals"]] == ["signup"]
    assert shown["identity"]["device"]["type"] == "mobile"
    assert "Home" in shown["activity"]["visitedPages"][0]["url"]


def test_an_app_may_be_named_by_its_bundle(sites: SitePool) -> None:
    site = sites.take("hosts")
    done = on_phone(site, "await client.trackScreen('Home');", domain="com.example.app")
    assert site.visitor(done["visitor"])["activity"]["pageViewCount"] == 1


def test_web_and_app_of_one_user_are_one_person(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    run(tab, "await client.identify('ada')")
    done = on_phone(
        site, "await client.trackScreen('Home'); await client.identify('ada', {platform: 'app'});"
    )
    tab.until(lambda: len(site.facts()) == 2)
    shown = person(site, "ada")
    assert {one["visitorId"] for one in shown["visitors"]} == {tab.visitor, done["visitor"]}
    assert shown["activity"]["pageViewCount"] == 2


def test_a_queue_survives_the_end_of_the_app(server: Site) -> None:
    away = on_phone(
        server, "phone.setOnline(false); await client.trackScreen('Home'); await client.identify('ada');"
    )
    assert server.stored() == (0, 0, 0, 0)
    assert len(json.loads(away["stored"]["datafast_event_queue"])) == 2
    back = on_phone(server, "", stored=away["stored"])
    assert json.loads(back["stored"]["datafast_event_queue"]) == []
    assert person(server, "ada")["activity"]["pageViewCount"] == 1


def test_a_queue_that_is_delivered_twice_makes_no_second_person_and_no_second_payment(server: Site) -> None:
    away = on_phone(
        server,
        """phone.setOnline(false); await client.trackScreen('Home'); await client.identify('ada', {plan: 'pro'});
           await client.trackPayment({stripe_session_id: 'cs_1'});""",
    )
    for _ in range(2):  # as after a crash between sending and forgetting
        on_phone(server, "", stored=away["stored"])
    shown = person(server, "ada")
    assert shown["metadata"] == {"plan": "pro"}
    assert [one["visitorId"] for one in shown["visitors"]] == [away["visitor"]]
    kinds = [event[1] for event in server.events_of(away["visitor"])]
    assert kinds.count("payment") == 1


def test_reset_in_an_app_makes_another_visitor(server: Site) -> None:
    done = on_phone(
        server,
        """await client.trackScreen('Home'); await client.flush(); const first = client.getVisitorId();
           await client.reset(); await client.trackScreen('Home'); return first;""",
    )
    assert done["visitor"] != done["result"]
    assert server.stored()[1] == 2


def test_the_app_goes_on_after_a_restart_of_the_server(start: MakeServer) -> None:
    first = start({"FOOTFALL_RATE_LIMIT": "0"})
    with http_client(first.url) as client:
        (site,) = make_sites(first.url, client, first.place)
    first.stop()
    away = on_phone(site, "await client.trackScreen('Home');")  # the server is gone; the SDK keeps it
    assert len(json.loads(away["stored"]["datafast_event_queue"])) == 1
    second = start({"FOOTFALL_RATE_LIMIT": "0"}, first.place)
    on_phone(site, "", stored=away["stored"], apiUrl=f"{second.url}/api/events")
    assert site.stored()[0] == 1
