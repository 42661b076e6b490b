"""From a page to the checkout of a payment provider and back: the visitor goes along, and the payment is theirs."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Route

from footfall.payments.providers.model import Paid
from tests.browser.conftest import AGENT, PageServer, Tab, html, snippet
from tests.conftest import SitePool
from tests.support.money import pay, payments
from tests.support.people import person
from tests.support.sites import Site
from tests.unit.payments.providers import other_events, stripe_events
from tests.unit.payments.providers.telling import only, told

OWN = "client_reference_id=account_7"

CHECKOUTS = {
    "https://buy.stripe.com/test_8wM8zHe8Qaz2": "stripe",
    "https://book.stripe.com/test_8wM8zHe8Qaz2?prefilled_email=a%40b.example&x=~(1)#top": "stripe",
    "https://donate.stripe.com/8wM8zHe8Qaz2?": "stripe",
    "https://my-shop.lemonsqueezy.com/checkout/buy/d1f120fd-5adc-4fff-8915-cce713d29427?checkout[email]=a@b.example": "lemonsqueezy",
    "https://my-shop.lemonsqueezy.com/buy/d1f120fd-5adc-4fff-8915-cce713d29427?checkout[custom][plan]=7": "lemonsqueezy",
    "https://buy.polar.sh/polar_cl_PyS5jRrYO7Qg?utm_source=letter": "polar",
    "https://sandbox-api.polar.sh/v1/checkout-links/polar_cl_PyS5jRrYO7Qg/redirect": "polar",
    "https://checkout.dodopayments.com/buy/pdt_561m2wwjPAeq?quantity=1": "dodo",
    "https://test.checkout.dodopayments.com/buy/pdt_561m2wwjPAeq": "dodo",
}
"""Checkout links in the forms that providers give out, and whose they are."""

OTHERS = [
    f"https://buy.stripe.com/test_8wM8zHe8Qaz2?{OWN}",
    "https://my-shop.lemonsqueezy.com/buy/d1f120fd?checkout%5Bcustom%5D%5Bdatafast_visitor_id%5D=own",
    "https://buy.polar.sh/polar_cl_PyS5jRrYO7Qg?reference_id",
    "https://checkout.dodopayments.com/buy/pdt_561m2wwjPAeq?metadata_datafast_visitor_id=",
    # A signed address, which bears no further field.
    "https://my-shop.lemonsqueezy.com/checkout/custom/d1f120fd?expires=1&signature=2",
    "https://checkout.stripe.com/c/pay/cs_test_a1",
    "https://docs.stripe.com/payment-links",
    "https://polar.sh/docs",
    "https://api.polar.sh/v1/orders",
    "https://buy.stripe.com.stranger.example/test_1",
    "https://stranger.example/buy.stripe.com/test_1",
    "https://stranger.example/my-shop.lemonsqueezy.com/buy/1",
    "mailto:buy.stripe.com/test_1",
]
"""Links that stay as they are: with a value of their own, to what is no checkout link, to strangers."""


def links(addresses: list[str]) -> str:
    """A link to each."""
    return "".join(f'<a href="{address.replace("&", "&amp;")}">Go</a>' for address in addresses)


def followed(tab: Tab) -> list[str]:
    """The addresses to which the links of a page would lead."""
    found: list[str] = tab.page.evaluate(
        """() => {
          const found = [];
          addEventListener("click", event => { event.preventDefault(); found.push(event.target.href); });
          document.querySelectorAll("a").forEach(link => link.click());
          return found;
        }"""
    )
    return found


def told_visitor(provider: str, address: str) -> str | None:
    """Whom the provider's webhook names once a checkout that was opened by `address` is paid."""
    return only(
        Paid, told(provider, webhook(provider, dict(parse_qsl(urlsplit(address).query))))
    ).payer.visitor_id


def webhook(provider: str, query: dict[str, str]) -> Any:
    """What the provider delivers of a paid checkout, by its documentation."""
    if provider == "stripe":
        reference = query.get("client_reference_id")
        return stripe_events.event(
            "checkout.session.completed", stripe_events.session(client_reference_id=reference)
        )
    if provider == "lemonsqueezy":
        order = other_events.lemon_order()
        order["meta"]["custom_data"] = fields_of(query, r"checkout\[custom\]\[(\w+)\]")
        return order
    if provider == "polar":
        return other_events.polar(
            "order.paid", other_events.polar_order(metadata=fields_of(query, "(reference_id)"))
        )
    return other_events.dodo(
        "payment.succeeded", other_events.dodo_payment(metadata=fields_of(query, r"metadata_(\w+)"))
    )


def fields_of(query: dict[str, str], pattern: str) -> dict[str, str]:
    """The fields whose names have this form, by what stands in the group."""
    return {found[1]: value for name, value in query.items() if (found := re.fullmatch(pattern, name))}


def test_a_link_to_a_checkout_carries_the_visitor_to_the_webhook(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), links([*CHECKOUTS, *OTHERS]))
    tab.open(f"http://{site.domain}/")
    tab.marker()
    before = tab.page.inner_html("body")
    addresses = followed(tab)
    for (plain, provider), address in zip(CHECKOUTS.items(), addresses, strict=False):
        start, mark, end = plain.partition("#")
        assert address.startswith(start)
        assert address.endswith(mark + end)
        assert told_visitor(provider, address) == tab.visitor, address
    assert addresses[len(CHECKOUTS) :] == OTHERS
    assert tab.page.inner_html("body") == before  # an address that is copied later names nobody
    tab.marker()
    assert {event["extraData"]["url"] for event in tab.sent if event["type"] == "external_link"} == {
        address for address in (*CHECKOUTS, *OTHERS) if address.startswith("https:")
    }


def test_a_checkout_is_told_of_nobody_where_that_is_not_wanted(
    tab: Tab, page_server: PageServer, site: Site, socket_sites: SitePool
) -> None:
    cookieless = socket_sites.take("cookieless")
    cookieless.change(is_headless_allowed=True)
    for one, head in (
        (site, snippet(site, disable_payments="")),
        (cookieless, snippet(cookieless, "script.cookieless.js")),
    ):
        page_server.pages["/"] = html(head, links([*CHECKOUTS]))
        tab.open(f"http://{one.domain}/")
        tab.marker()
        assert followed(tab) == [*CHECKOUTS]


def test_a_form_and_a_page_that_lead_to_a_checkout_carry_the_visitor_too(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    opened = stand_in(tab)
    form = '<form action="https://buy.stripe.com/1"><input name="{0}" value="1"><button>Buy</button></form>'
    page_server.pages.update(
        {
            "/": html(snippet(site), form.format("prefilled_email")),
            "/own": html(snippet(site), form.format("client_reference_id")),
        }
    )
    for path, script in {
        "/": "document.querySelector('button').click()",
        "/own": "document.querySelector('button').click()",
        "/?assign": "location.assign('https://buy.stripe.com/1?prefilled_email=1')",
    }.items():
        tab.open(f"http://{site.domain}{path}")
        tab.marker()
        tab.page.evaluate(f"() => {{ {script} }}")
        tab.page.wait_for_selector("#pay")
    carried = f"https://buy.stripe.com/1?prefilled_email=1&client_reference_id={tab.visitor}"
    assert opened == [carried, "https://buy.stripe.com/1?client_reference_id=1", carried]


def stand_in(tab: Tab, back: str = "/") -> list[str]:
    """A checkout of Stripe that leads `back` once it is paid; the list holds the addresses by which it was opened."""
    opened: list[str] = []

    def answer(route: Route) -> None:
        opened.append(route.request.url)
        body = html("<meta name=referrer content=unsafe-url>", f'<a id="pay" href="{back}">Pay</a>')
        route.fulfill(content_type="text/html", body=body)

    tab.page.route("https://buy.stripe.com/**", answer)
    return opened


def test_an_address_that_the_page_changes_while_it_is_followed_stays_changed(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), links(["https://buy.stripe.com/1"]))
    tab.open(f"http://{site.domain}/")
    tab.marker()
    seen = tab.page.evaluate(
        """() => new Promise(done => {
          const link = document.querySelector("a");
          link.onclick = () => { link.href = "https://buy.stripe.com/2"; return false; };
          link.click();
          setTimeout(() => done(link.href));
        })"""
    )
    assert seen == "https://buy.stripe.com/2"


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_purchase_is_one_payment_of_one_person_from_where_the_visit_came(
    tab: Tab, page_server: PageServer, site: Site, browser: Browser, is_told_first: bool
) -> None:
    checkout = f"cs_test_{secrets.token_hex(16)}"
    page_server.pages.update(
        {
            "/": html(snippet(site), '<a id="buy" href="https://buy.stripe.com/test_1">Buy</a>'),
            "/thanks": html(snippet(site)),
        }
    )
    opened = stand_in(tab, f"http://{site.domain}/thanks?session_id={checkout}")

    tab.open(f"http://{site.domain}/?utm_source=letter&utm_medium=email")
    tab.marker()
    tab.page.click("#buy")
    tab.page.wait_for_selector("#pay")
    carried = dict(parse_qsl(urlsplit(opened[0]).query))["client_reference_id"]
    if is_told_first:
        tell(site, checkout, carried)
    tab.page.click("#pay")
    tab.until(lambda: "payment" in tab.kinds())
    tab.marker()
    tell(
        site, checkout, carried if is_told_first else None
    )  # again, or when only the page can say whose it is
    sign_in(tab)
    second = Tab(browser.new_context(user_agent=AGENT))
    second.open(f"http://{site.domain}/?utm_source=search")
    sign_in(second)

    (payment,) = payments(site)
    assert (payment["userId"], payment["visitorId"]) == ("ada", tab.visitor)
    assert payment["match"]["method"] == ("visitor" if is_told_first else "checkout")
    for touch in ("firstTouch", "lastTouch"):
        assert payment["atPayment"][touch]["params"]["utm_source"] == "letter"
    ada = person(site, "ada")
    assert {one["visitorId"] for one in ada["visitors"]} == {tab.visitor, second.visitor}
    assert (ada["paymentCount"], ada["revenue"]["total"]) == (1, 19.99)
    second.page.context.close()


def tell(site: Site, checkout: str, visitor: str | None) -> None:
    """The backend hears of the payment, and posts it."""
    pay(site, 19.99, transaction_id=checkout, datafast_visitor_id=visitor)


def sign_in(tab: Tab) -> None:
    """The page says that its visitor is Ada."""
    tab.page.evaluate("datafast('identify', {user_id: 'ada', email: 'ada@example.com'})")
    tab.marker("signed_in")
