"""What the command bar finds, each with where it leads; without JavaScript, a page has the same."""

from __future__ import annotations

import html
import re

from footfall.dashboard.names import friendly_name
from footfall.ids import parse_uuid
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.people import wait_for_index
from tests.support.servers import until
from tests.support.sites import Site


def found(inside: Visit, path: str, search: str, part: str = "&part=list") -> dict[str, dict[str, str]]:
    """By group: where each row leads, by its title."""
    answer = inside.get(f"{path}/find", params=f"q={search}{part}")
    assert answer.status_code == 200, answer.text
    groups = re.split(r'class="kind"', answer.text)[1:]
    return {
        re.findall(r">([^<]+)<", group)[0]: {
            html.unescape(title): html.unescape(href)
            for href, title in re.findall(r'href="([^"]+)"[^>]*><span><bdi>(.*?)</bdi>', group)
        }
        for group in groups
    }


def test_people_and_visitors_are_found_as_they_are_called(inside: Visit, server: Site) -> None:
    root = f"/w/{server.website_id}"
    visitor = server.pageview()
    person = server.identify(visitor, "user_1", {"name": "Zoë <b>", "email": "z@example.com"})["profileId"]
    wait_for_index(server)
    here = {"Zoë <b>": f"{root}/people/{person}"}
    for search in ("zoe", "z@exam", "user_1", person):
        assert found(inside, root, search)["People"] == here, search
    name = friendly_name(parse_uuid(visitor) or b"")
    expected = {name: f"{root}/visitors/{visitor}"}
    assert found(inside, root, visitor)["Visitors"] == expected
    until(lambda: "Visitors" in found(inside, root, name.lower()), "the list of visitors stays behind")
    how, who = name.split()
    for search in (f"{who[:3]} {how}", how, name.upper()):
        assert found(inside, root, search)["Visitors"] == expected, search
    assert "Visitors" not in found(inside, root, "zzzz")
    assert found(inside, root, "zoe", part="") == found(inside, root, "zoe")


def test_places_and_websites_are_found_by_their_words(inside: Visit, server: Site) -> None:
    root = f"/w/{server.website_id}"
    assert found(inside, root, "create key")["Dashboard"]["Create key"] == f"{root}/settings#keys"
    assert found(inside, root, "health")["Dashboard"] == {"Go to Health": f"{root}/health"}
    assert "Go to Revenue" in found(inside, root, "revenue")["Dashboard"]
    page = inside.get(f"{root}/find?q=log+out&part=list").text
    assert 'form="log-out">Log out</button>' in page
    assert list(found(inside, root, "stripe")) == ["Dashboard"]
    everywhere = found(inside, "", server.domain)
    assert list(everywhere["Websites"].values()) == [f"{root}/overview"]
    assert "Go to Overview" not in found(inside, "", "")["Dashboard"]
    nothing = inside.get(f"{root}/find?q=zzzzz&part=list").text
    assert "Nothing was found." in nothing
    assert inside.get(f"{root}/find?q={'x' * 5000}").status_code == 200


def test_pages_of_the_website_are_found_by_their_path(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    root = f"/w/{site.website_id}"
    for path in ("/pricing", "/docs/price,list", "/"):
        site.pageview(path=path)
    numbers.columns.catch_up()
    here = f"{root}/overview?filter_page="
    pages = found(browser, root, "/pri")["Pages"]
    assert pages["/pricing"] == f"{here}is:/pricing"
    assert found(browser, root, "LIST")["Pages"] == {"/docs/price,list": f"{here}is:/docs/price%5C,list"}
    assert found(browser, root, "/p")["Pages"]["All pages with /p"] == f"{here}contains:/p"
    assert next(iter(found(browser, root, "/pri"))) == "Pages"
