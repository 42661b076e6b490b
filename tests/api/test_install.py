"""What a website's owner is told about events that were dropped today, and the buttons that mend it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from footfall.collect.drops import MOST_HOSTS, Drops, add_hosts, dropped_on
from footfall.collect.model import Dropped, Reason
from footfall.dashboard.pages.install import WHY
from footfall.db.protocol import Database
from footfall.websites.model import MOST_LISTED
from tests.support.dashboard import Visit, enter, make_account
from tests.support.inside import Inside
from tests.support.sites import Site, new_visitor

DAY = 86_400_000


@pytest.fixture
def inside(shared_server: Inside) -> Iterator[Visit]:
    with closing(Visit(shared_server.url)) as visit:
        enter(visit, shared_server.place, make_account(shared_server.place))
        yield visit


def settings_of(site: Site) -> str:
    return f"/w/{site.website_id}/settings"


def install_card(visit: Visit, site: Site) -> str:
    """The card as HTML."""
    found = re.search(
        r'<section class="card" id="install">.*?</section>', visit.get(settings_of(site)).text, re.S
    )
    assert found
    return found[0]


def test_every_reason_is_told_in_words() -> None:
    assert set(WHY) == set(Reason) - {Reason.UNKNOWN_WEBSITE}


def test_what_was_dropped_today_is_told_at_once(inside: Visit, server: Site) -> None:
    assert "Dropped today" not in install_card(inside, server)
    for _ in range(2):
        assert server.dropped("pageview", new_visitor(), href="https://other.example/") == "wrong_host"
    assert server.dropped("pageview", new_visitor(), user_agent="Googlebot/2.1") == "bot"
    shown = install_card(inside, server)
    assert "<b>2 events</b> from another host name" in shown
    assert "<b>1 event</b> from bots" in shown
    assert "<code><bdi>other.example</bdi></code>" in shown


def test_a_refused_host_is_allowed_by_a_button(inside: Visit, server: Site) -> None:
    page = {"href": "https://Shop.Other.example:8443/"}
    assert server.dropped("pageview", new_visitor(), **page) == "wrong_host"
    shown = install_card(inside, server)
    assert 'name="host" value="shop.other.example"' in shown
    path = settings_of(server)
    answer = inside.post(f"/w/{server.website_id}/allow", form=path, host="shop.other.example")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=host#install")
    server.kept("pageview", new_visitor(), **page)
    assert "now allowed" in install_card(inside, server)


def test_localhost_is_allowed_by_a_button_and_stands_in_the_snippet(inside: Visit, server: Site) -> None:
    page = {"href": "http://localhost:3000/"}
    assert server.dropped("pageview", new_visitor(), **page) == "localhost"
    assert "data-allow-localhost src=" not in install_card(inside, server)
    answer = inside.post(f"/w/{server.website_id}/allow", form=settings_of(server))
    assert answer.headers["location"].endswith("?done=localhost#install")
    server.kept("pageview", new_visitor(), **page)
    shown = install_card(inside, server)
    assert " data-allow-localhost src=" in shown.replace("&#34;", '"')
    assert "Allow localhost" not in shown


def test_a_host_that_is_none_is_not_allowed(inside: Visit, server: Site) -> None:
    answer = inside.post(f"/w/{server.website_id}/allow", form=settings_of(server), host="<b>")
    assert answer.status_code == 400
    assert "is no domain" in answer.text
    answer = inside.post(f"/w/{server.website_id}/allow", form=settings_of(server), host="*.co.example")
    assert answer.status_code == 400
    for host in ("*.co.example", "<b>x</b>.example", "a b.example", "x" * 300 + ".example"):
        server.event("pageview", new_visitor(), href="about:blank", domain=host)
    assert 'name="host"' not in install_card(inside, server)


def test_a_full_list_of_hosts_says_so(inside: Visit, server: Site) -> None:
    server.change(allowed_hostnames=[f"h{n}.example" for n in range(MOST_LISTED)])
    answer = inside.post(f"/w/{server.website_id}/allow", form=settings_of(server), host="one.more.example")
    assert answer.status_code == 400
    assert f"At most {MOST_LISTED} are kept" in answer.text


def test_the_address_of_this_machine_is_warned_of(inside: Visit, server: Site) -> None:
    inside.http.headers["host"] = "127.0.0.1:8000"
    assert "works on this machine only" in install_card(inside, server)
    inside.http.headers["host"] = "stats.example.com"
    assert "works on this machine only" not in install_card(inside, server)


def test_the_first_identify_is_waited_for_apart(inside: Visit, server: Site) -> None:
    path = f"/w/{server.website_id}/seen"
    visitor = server.pageview()
    assert inside.get(path).json() == {"seen": True}
    server.identify(visitor, "A", {})
    assert inside.get(f"{path}?what=person").json() == {"seen": True}
    assert "People are being identified" in inside.get(settings_of(server)).text


# However many are sent


def wrong(host: str) -> Dropped:
    return Dropped(Reason.WRONG_HOST, host=host)


def test_strangers_fill_no_memory_with_host_names() -> None:
    drops = Drops(cast(Database, None))
    for number in range(1000):
        drops.add(b"w", DAY, wrong(f"h{number}.example"))
        drops.add(b"w", DAY, wrong("true.example"))
    assert len(drops.hosts[b"w", 1]) == MOST_HOSTS
    assert drops.hosts[b"w", 1]["true.example"] == 1000


def test_the_most_frequent_hosts_of_the_newest_day_are_kept(server: Site) -> None:
    website_id = bytes.fromhex(server.website_id)

    def counted(day: int, hosts: dict[str, int]) -> list[tuple[str, int]]:
        server.place.transact(lambda tx: add_hosts(tx, [{(website_id, day): Counter(hosts)}]))
        return server.place.transact(lambda tx: dropped_on(tx, website_id, day * DAY).hosts)

    counted(1, {f"h{n}.example": 1 for n in range(MOST_HOSTS)})
    found = counted(1, {"often.example": 5, "h3.example": 2})
    assert found[:2] == [("often.example", 5), ("h3.example", 3)]
    assert len(found) == MOST_HOSTS
    assert counted(2, {"often.example": 1}) == [("often.example", 1)]
    assert server.place.transact(lambda tx: dropped_on(tx, website_id, DAY).hosts) == []
