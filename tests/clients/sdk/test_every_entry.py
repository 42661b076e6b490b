"""The official SDK against a real server, with only the address changed: what every entry of it does, in a page, an app and a script."""

from __future__ import annotations

import json
import uuid

from tests.clients.sdk.clients import Client, Gateway, eventually
from tests.clients.sdk.readers import eventually_viewed, goals, journey, person, visited
from tests.conftest import MakeServer
from tests.support.engines import Place
from tests.support.sites import Site, http_client, make_sites


def test_init_makes_a_visitor_and_sends_nothing(client: Client, site: Site) -> None:
    visitor = client.start(site)
    assert uuid.UUID(visitor).version == 4
    assert client.do("isInitialized") is True
    client.do("flush")
    assert site.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404
    assert site.stored() == (0, 0, 0, 0)


def test_pageviews_are_stored_in_their_order(client: Client, site: Site) -> None:
    visitor = client.start(site)
    for name in ("pricing", "docs", "pricing", "pricing"):
        client.do("trackScreen", name)
    client.deliver()

    pages = ["pricing", "docs", "pricing"]  # the SDK itself leaves out the same page again
    assert visited(site, visitor) == [client.url(site, name) for name in pages]
    activity = site.visitor(visitor)["activity"]
    assert (activity["pageViewCount"], activity["visitCount"]) == (3, 1)
    assert activity["currentUrl"] == client.url(site, "pricing")
    assert site.visitor(visitor)["identity"]["referrer"] is None


def test_track_is_a_goal_also_before_the_first_pageview(client: Client, site: Site) -> None:
    visitor = client.start(site)
    client.do("track", "Early")
    client.deliver()
    assert site.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404
    client.do("trackScreen", "pricing")
    client.do("track", "signup", {"Plan": "pro", "seats": 4, "beta": True, "note": "<b>'x' & y</b>"})
    client.deliver()

    assert goals(site, visitor) == [
        ("early", {}),
        ("signup", {"plan": "pro", "seats": "4", "beta": "true", "note": "bx  y/b"}),
    ]
    assert site.visitor(visitor)["activity"]["pageViewCount"] == 1


def test_identify_makes_a_person(client: Client, site: Site) -> None:
    visitor = client.start(site)
    client.do("trackScreen", "pricing")
    client.do("identify", "user_1", {"email": "ada@example.org", "seats": 4, "team": {"id": 7}})
    client.do("track", "signup")
    client.do("identify", "user_1", {"name": "Ada", "image": "https://cdn.example/a.png"})
    client.deliver()

    assert site.profile(visitor)["userId"] == "user_1"
    assert person(site, "user_1")["metadata"] == {
        "email": "ada@example.org",
        "seats": 4,
        "team": {"id": 7},
        "name": "Ada",
        "image": "https://cdn.example/a.png",
    }
    assert journey(site, "user_1") == [
        ("pageview", client.url(site, "pricing"), None),
        ("identify", None, "user_1"),
        ("custom", client.url(site, "pricing"), "signup"),
        ("identify", None, "user_1"),
    ]


def test_reset_begins_a_new_visitor(client: Client, site: Site) -> None:
    first = client.start(site)
    client.do("trackScreen", "account")
    client.do("identify", "user_1", {"plan": "pro"})
    client.deliver()
    client.do("reset")
    second = client.visitor
    client.do("trackScreen", "account")
    client.do("track", "signup")
    client.deliver()

    assert second != first
    assert site.profile(first)["userId"] == "user_1"
    assert site.profile(second) is None
    assert goals(site, second) == [("signup", {})]
    assert [entry[0] for entry in journey(site, "user_1")] == ["pageview", "identify"]


def test_another_user_after_a_reset_is_another_person(client: Client, site: Site) -> None:
    client.start(site)
    for user in ("user_1", "user_2"):
        client.do("trackScreen", "account")
        client.do("identify", user, {"plan": user})
        client.deliver()
        client.do("reset")
    assert [person(site, user)["metadata"] for user in ("user_1", "user_2")] == [
        {"plan": "user_1"},
        {"plan": "user_2"},
    ]
    assert [len(person(site, user)["visitors"]) for user in ("user_1", "user_2")] == [1, 1]


def test_payments_and_outbound_links_are_in_the_journey(client: Client, site: Site) -> None:
    visitor = client.start(site)
    client.do("trackScreen", "checkout")
    client.do("identify", "user_1")
    client.do("trackPayment", {"email": "ada@example.org", "amount": 9.5, "currency": "EUR"})
    client.do("trackExternalLink", "https://other.example/x?y=1", "Other")
    client.deliver()

    assert [entry[0] for entry in journey(site, "user_1")] == [
        "pageview",
        "identify",
        "payment",
        "external_link",
    ]
    data = {row[1]: json.loads(row[6]) for row in site.events_of(visitor) if row[6]}
    assert data == {
        "payment": {"email": "ada@example.org", "amount": 9.5, "currency": "EUR"},
        "external_link": {"url": "https://other.example/x?y=1", "text": "Other"},
    }


def test_a_full_queue_is_sent_by_itself(client: Client, site: Site) -> None:
    visitor = client.start(site, maxQueueSize=2)
    client.do("trackScreen", "pricing")
    assert client.queued == 1
    client.do("track", "signup")
    eventually_viewed(site, visitor, 1)
    eventually(lambda: goals(site, visitor), bool)


def test_a_queue_is_sent_after_a_while(client: Client, site: Site) -> None:
    visitor = client.start(site, flushInterval=50)
    client.do("trackScreen", "pricing")
    eventually_viewed(site, visitor, 1)


def test_opting_out_ends_it(client: Client, site: Site) -> None:
    visitor = client.start(site)
    client.do("trackScreen", "pricing")
    client.deliver()
    client.do("track", "signup")
    client.do("optOut")
    client.do("track", "signup")
    client.deliver()
    assert goals(site, visitor) == []


# When the server cannot be reached


def test_what_is_queued_offline_is_sent_later(client: Client, site: Site, gateway: Gateway) -> None:
    visitor = client.start(site, gateway.api_url)
    gateway.is_down = True
    client.do("trackScreen", "pricing")
    client.do("identify", "user_1", {"plan": "pro"})
    client.do("track", "signup")
    client.do("flush")
    assert (client.queued, site.stored()) == (3, (0, 0, 0, 0))

    gateway.is_down = False
    client.deliver()
    assert [entry[0] for entry in journey(site, "user_1")] == ["pageview", "identify", "custom"]
    assert visited(site, visitor) == [client.url(site, "pricing")]
    assert len(gateway.passed) == 3


def test_a_restart_of_the_server_loses_nothing(client: Client, start: MakeServer, place: Place) -> None:
    server = start(place=place)
    gateway = Gateway(server.port)
    with http_client(server.url) as http:
        (site,) = make_sites(server.url, http, place)
        visitor = client.start(site, gateway.api_url)
        client.do("trackScreen", "pricing")
        client.deliver()
    server.stop()
    client.do("track", "signup")
    client.do("flush")
    assert client.queued == 1

    server = start(place=place)
    gateway.target = server.port
    client.deliver()
    with http_client(server.url) as http:
        site.url, site.http = server.url, http
        assert goals(site, visitor) == [("signup", {})]
        assert visited(site, visitor) == [client.url(site, "pricing")]
    gateway.close()


def deliver_twice(client: Client, gateway: Gateway) -> None:
    """The server takes all that is queued, but its answers are lost, so the SDK sends everything again."""
    waiting = client.queued
    gateway.passed.clear()
    gateway.is_deaf = True
    client.do("flush")
    gateway.is_deaf = False
    assert client.queued == waiting
    client.deliver()
    assert len(gateway.passed) == 2 * waiting


def test_a_second_delivery_of_identify_and_payment_counts_once(
    client: Client, site: Site, gateway: Gateway
) -> None:
    visitor = client.start(site, gateway.api_url)
    client.do("trackScreen", "account")
    client.deliver()
    client.do("identify", "user_1", {"plan": "pro"})
    client.do("trackPayment", {"stripe_session_id": "cs_test_1", "amount": 9.5, "currency": "EUR"})
    deliver_twice(client, gateway)

    assert [row[1] for row in site.events_of(visitor)] == ["pageview", "payment"]
    assert [entry[0] for entry in journey(site, "user_1")].count("payment") == 1
    shown = person(site, "user_1")
    assert shown["metadata"] == {"plan": "pro"}
    assert [(one["visitorId"], len(one["spans"])) for one in shown["visitors"]] == [(visitor, 1)]


def test_a_second_delivery_of_other_events_cannot_be_told(
    client: Client, site: Site, gateway: Gateway
) -> None:
    """The SDK gives its events neither an id nor a time, so they are what the same goal reached twice would be, byte for byte."""
    visitor = client.start(site, gateway.api_url)
    client.do("trackScreen", "pricing")
    client.deliver()
    client.do("track", "signup")
    deliver_twice(client, gateway)
    first, second = gateway.passed
    assert first == second
    assert goals(site, visitor) == [("signup", {})] * 2

    client.do("track", "signup")
    client.deliver()
    assert gateway.passed[2] == first
    assert goals(site, visitor) == [("signup", {})] * 3
