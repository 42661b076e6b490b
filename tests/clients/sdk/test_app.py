"""The official SDK in an app and in programs without a page."""

from __future__ import annotations

from collections.abc import Callable

from tests.clients.sdk.clients import App, Browser, Gateway, Script, eventually
from tests.clients.sdk.readers import eventually_viewed, goals, journey, person, visited
from tests.conftest import SitePool
from tests.support.sites import Site

NewApp = Callable[[], App]

HOOKS = """
const React = require("react");
const { act, create } = require("react-test-renderer");
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const config = CONFIG;

function Home() {
  sdk.useDataFastScreen("Home");
  globalThis.client = sdk.useDataFast();
  globalThis.track = sdk.useDataFastTrack();
  globalThis.navigate = sdk.useDataFastNavigation();
  return null;
}

await act(async () => create(React.createElement(sdk.DataFastProvider, { config }, React.createElement(Home))));
"""


def route(*names: str) -> str:
    """The state of React Navigation with a screen in a stack in a stack, as JavaScript."""
    inner = ""
    for name in reversed(names):
        inner = f'{{index: 0, routes: [{{name: "{name}"{inner and f", state: {inner}"}}}]}}'
    return inner


def test_the_provider_and_its_hooks(new_app: NewApp, site: Site) -> None:
    app = new_app()
    config = f'{{websiteId: "{site.tracking_id}", domain: "{site.domain}", apiUrl: "{site.url}/api/events"}}'
    app.run(HOOKS.replace("CONFIG", config))
    eventually(lambda: app.queued, bool)
    app.run('track("signup", { plan: "pro" })')
    app.run(f"navigate({route('Tabs', 'Settings')})")
    app.run(f"navigate({route('Tabs', 'Settings')})")
    eventually(lambda: app.queued, lambda waiting: waiting == 3)
    app.deliver()

    assert visited(site, app.visitor) == [app.url(site, "Home"), app.url(site, "Settings")]
    assert goals(site, app.visitor) == [("signup", {"plan": "pro"})]


def test_navigation_is_screens(new_app: NewApp, site: Site) -> None:
    app = new_app()
    visitor = app.start(site)
    app.run("globalThis.onStateChange = sdk.createNavigationTracker(client)")
    for names in (("Home",), ("Tabs", "Settings"), ("Tabs", "Settings"), ("Home",)):
        app.run(f"onStateChange({route(*names)})")
    eventually(lambda: app.queued, lambda waiting: waiting == 3)
    app.deliver()
    assert visited(site, visitor) == [app.url(site, name) for name in ("Home", "Settings", "Home")]


def test_the_device_is_the_phone(new_app: NewApp, site: Site) -> None:
    app = new_app()
    visitor = app.start(site)
    app.do("trackScreen", "Home")
    app.deliver()
    identity = site.visitor(visitor)["identity"]
    assert identity["device"] == {"type": "mobile", "vendor": "Apple", "model": "iPhone 16 Pro"}
    assert identity["os"] == {"name": "iOS", "version": "18.3.2"}
    assert identity["viewport"] == {"width": 402, "height": 874}
    assert identity["language"] == "de"


def test_an_app_may_state_its_bundle_id_as_domain(new_app: NewApp, socket_sites: SitePool) -> None:
    site = socket_sites.take("hosts")
    app = new_app()
    visitor = app.start(site, domain="com.example.app", origin=f"https://{site.domain}")
    app.do("trackScreen", "Home")
    app.deliver()
    assert visited(site, visitor) == ["com.example.app/__app/ios/Home"]


def test_a_phone_that_comes_online_sends_its_queue(new_app: NewApp, site: Site) -> None:
    app = new_app()
    visitor = app.start(site)
    app.run("phone.connect(false)")
    app.do("trackScreen", "Home")
    app.do("track", "signup")
    app.do("flush")
    assert app.queued == 2
    app.run("phone.connect(true)")  # the app is told, and nobody has to flush
    eventually_viewed(site, visitor, 1)
    eventually(lambda: goals(site, visitor), bool)


def test_a_queue_outlives_the_app(new_app: NewApp, site: Site, gateway: Gateway) -> None:
    app = new_app()
    visitor = app.start(site, gateway.api_url)
    gateway.is_down = True
    app.do("trackScreen", "Home")
    app.do("identify", "user_1", {"plan": "pro"})
    app.do("flush")
    app.kill()
    gateway.is_down = False

    app = new_app()
    assert app.start(site, gateway.api_url) == visitor
    assert app.queued == 2
    app.deliver()
    assert [entry[0] for entry in journey(site, "user_1")] == ["pageview", "identify"]


def test_a_queue_that_was_sent_when_the_app_died_is_sent_again(
    new_app: NewApp, site: Site, gateway: Gateway
) -> None:
    app = new_app()
    visitor = app.start(site, gateway.api_url)
    app.do("trackScreen", "Home")
    app.deliver()
    app.do("identify", "user_1", {"plan": "pro"})
    app.do("trackPayment", {"paddle_transaction_id": "txn_1"})
    gateway.is_deaf = True
    app.do("flush")
    app.kill()
    gateway.is_deaf = False

    app = new_app()
    app.start(site, gateway.api_url)
    app.deliver()
    assert [row[1] for row in site.events_of(visitor)] == ["pageview", "payment"]
    assert person(site, "user_1")["metadata"] == {"plan": "pro"}


def test_the_same_user_on_the_web_and_in_the_app_is_one_person(
    browser: Browser, new_app: NewApp, site: Site
) -> None:
    on_web = browser.visit(f"http://{site.domain}/?utm_source=news", site)
    eventually_viewed(site, on_web, 1)
    browser.do("identify", "user_1", {"name": "Ada"})
    browser.deliver()
    app = new_app()
    in_app = app.start(site)
    app.do("trackScreen", "Home")
    app.do("identify", "user_1", {"plan": "pro"})
    app.deliver()

    shown = person(site, "user_1")
    assert {visitor["visitorId"] for visitor in shown["visitors"]} == {on_web, in_app}
    assert shown["metadata"] == {"name": "Ada", "plan": "pro"}
    assert shown["firstTouch"]["source"] == "news"
    assert journey(site, "user_1") == [
        ("pageview", f"{site.domain}/", None),
        ("identify", None, "user_1"),
        ("pageview", app.url(site, "Home"), None),
        ("identify", None, "user_1"),
    ]
    assert site.profile(on_web) == site.profile(in_app)


def test_an_android_phone(script: Script, site: Site) -> None:
    visitor = script.start(site, platform="android", osVersion="14")
    script.do("trackScreen", "Home")
    script.deliver()
    assert visited(site, visitor) == [f"{site.domain}/__app/android/Home"]
    assert site.visitor(visitor)["identity"]["os"]["name"] == "Android"


def test_the_web_client_does_nothing_where_there_is_no_page(script: Script, site: Site) -> None:
    script.run(f'globalThis.client = await sdk.initDataFast({{websiteId: "{site.tracking_id}"}})')
    script.do("track", "signup")
    assert script.do("isInitialized") is False
    assert site.stored() == (0, 0, 0, 0)
