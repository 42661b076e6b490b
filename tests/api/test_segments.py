"""Filters are saved as segments, which every page with filters opens; those that name somebody go when that person is erased."""

from __future__ import annotations

import html
import re

import pytest

from tests.support.dashboard import Visit
from tests.support.people import erase
from tests.support.servers import until
from tests.support.sites import Site


def saved(inside: Visit, site: Site, page: str = "people", query: str = "") -> dict[str, str]:
    """The segments that a page shows: their addresses by name."""
    text = inside.get(f"/w/{site.website_id}/{page}?{query}").text
    (row,) = re.findall(r'<ul class="segments".*?</ul>', text, re.DOTALL) or [""]
    found = re.findall(r'<li><a href="([^"]+)"[^>]*><bdi>(.*?)</bdi>', row)
    return {html.unescape(name): html.unescape(href) for href, name in found}


def save(inside: Visit, site: Site, name: str, query: str, page: str = "people") -> int:
    path = f"/w/{site.website_id}"
    answer = inside.post(
        f"{path}/segments",
        form=f"{path}/people?filter_trait.x=1",
        name=name,
        back=f"{path}/{page}?{query}",
    )
    if answer.status_code == 303:
        assert answer.headers["location"].partition("?")[0] == f"{path}/{page}"
    return answer.status_code


def test_a_segment_is_saved_opened_renewed_and_deleted(inside: Visit, server: Site) -> None:
    server.pageview()
    path = f"/w/{server.website_id}"
    filters = "period=last7d&filter_country=is:DE&filter_trait.plan=is:pro"
    assert save(inside, server, " German  <b>pros ", f"{filters}&sort=revenue&offset=50") == 303
    for page in ("overview", "people"):
        assert saved(inside, server, page) == {"German <b>pros": f"{path}/{page}?{filters}"}
    assert save(inside, server, "german <B>pros", "filter_country=is:FR", "overview") == 303
    assert saved(inside, server) == {"german <B>pros": f"{path}/people?filter_country=is:FR"}
    shown = inside.get(f"{path}/people?filter_country=is:FR").text
    assert "Save as segment" not in shown
    (segment_id,) = re.findall(r'name="id" value="(\w+)"', shown)
    for one in ("x", segment_id, segment_id):
        answer = inside.post(
            f"{path}/segments/delete",
            form=f"{path}/people?filter_trait.x=1",
            id=one,
            back="https://evil.example/people?filter_os=iOS",
        )
        assert answer.headers["location"] == f"{path}/people?filter_os=iOS"
    assert saved(inside, server) == {}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("", "filter_os=iOS"),
        ("x" * 81, "filter_os=iOS"),
        ("x", "period=last7d"),
        ("x", f"filter_os={'x' * 4001}"),
    ],
)
def test_a_segment_without_a_name_or_filters_is_refused(
    inside: Visit, server: Site, name: str, query: str
) -> None:
    server.pageview()
    assert save(inside, server, name, query) == 400
    assert saved(inside, server) == {}


def test_segments_that_name_somebody_go_with_them(inside: Visit, server: Site) -> None:
    visitor = server.pageview()
    server.identify(
        visitor, "user_7", {"name": "Ada Lovelace", "email": "ada@x.example", "plan": "pro", "seat": "7F"}
    )
    server.identify(server.pageview(), "other", {"name": "Ada", "plan": "pro", "seat": "7G"})
    naming = {
        "by user": "filter_person=is:user_7",
        "by reference": "filter_person=is_not:user:user_7,other",
        "by visitor": f"filter_person={visitor}",
        "by name": "filter_trait.name=is:ADA%20Lovelace",
        "by a part": "filter_trait.email=contains:ada@",
        "by what is theirs alone": "filter_os=iOS&filter_trait.Seat=is_not:7f,7G",
        "Visits of Ada Lovelace": "filter_os=iOS",
        "Not user_7": "filter_os=iOS",
    }
    others = {
        "Ada day": "filter_trait.plan=is:pro",
        "another": "filter_person=is:other",
        "nobody": "filter_trait.name=is:Bob&filter_trait.seats=gte:x",
    }
    path = f"/w/{server.website_id}/people"
    until(
        lambda: inside.get(f"{path}?filter_trait.seat=exists").text.count('class="id"') == 2,
        "they are not in the index",
    )
    for name, query in (naming | others).items():
        assert save(inside, server, name, query) == 303
    assert saved(inside, server).keys() == (naming | others).keys()
    erase(server, "user_7")
    assert saved(inside, server).keys() == others.keys()
