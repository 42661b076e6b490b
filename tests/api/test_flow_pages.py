"""The pages of goals, funnels and retention tell the numbers of the API, and each number that opens people opens exactly as many."""

from __future__ import annotations

import csv
import html
import io
import re
from itertools import pairwise
from typing import Any

import pytest

from footfall.clock import DAY_MS
from footfall.columns.client import ColumnsClient
from footfall.dashboard.pages.retention import retention_cell
from footfall.errors import Unavailable
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.money import pay
from tests.support.overview import shown, texts
from tests.support.sites import Site, new_visitor
from tests.support.told import Told

MINUTE = 60_000
STEPS = (("pageview", "/*"), ("goal", "signup"), ("goal", "payment"))
FILTERS = [
    "period=all",
    "startAt=2026-05-05&endAt=2026-05-09&filter_browser=is:Chrome",
    "period=all&filter_trait.plan=is_not:pro&revenue=at_payment",
    "period=all&filter_page=is:/pricing&filter_new=true",
]


def funnel_of(site: Site, name: str = "All the way", steps: Any = STEPS) -> dict[str, Any]:
    body = {"name": name, "steps": [{"type": kind, named(kind): value} for kind, value in steps]}
    answer = site.call("POST", f"/api/v1/admin/websites/{site.website_id}/funnels", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["data"][0]
    return made


def named(kind: str) -> str:
    return "goalName" if kind == "goal" else "url"


def links(page: str, marker: str) -> list[str]:
    """Where links with a class, or in an element with one, lead."""
    return [
        html.unescape(one) for one in re.findall(rf'class="{marker}"[^>]*?(?:>\s*<a )?href="([^"]+)"', page)
    ]


def people(browser: Visit, href: str) -> int:
    """How many people a link opens, one by one."""
    answer = browser.get(f"{href}&format=csv")
    assert answer.status_code == 200, answer.text
    return len(list(csv.DictReader(io.StringIO(answer.text))))


# Goals


@pytest.mark.parametrize("text", FILTERS)
def test_goals_are_those_of_the_api(told: Told, browser: Visit, text: str) -> None:
    found = texts(shown(browser, told.site, text, "goals"))[1:]
    rows = told.ask("goals", text)["data"]
    (overview,) = told.ask("overview", text)["data"]
    assert [[one[0], one[2], one[4], one[5], one[6]] for one in found] == [
        [
            row["goal"],
            f"{row['completions']:,}",
            f"{row['people']:,}",
            f"{row['visitors']:,}",
            f"{100 * row['visitors'] / overview['visitors']:.1f}%",
        ]
        for row in rows
    ]
    for row in rows:
        page = shown(browser, told.site, f"{text}&goal={row['goal']}&interval=day", "goals")
        figures = re.findall(r"<dt>(\w+)</dt><dd><b>([^<]+)</b>", page)
        assert dict(figures)["Completions"] == f"{row['completions']:,}"
        assert dict(figures)["People"] == f"{row['people']:,}"
        parts = texts(page.split('class="hidden"><table')[1].split("</table>")[0])[1:]
        assert sum(int(one[1].replace(",", "")) for one in parts) == row["completions"]


def test_a_goal_opens_its_people_among_those_of_another_goal(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    ada, bob = site.pageview(), site.pageview()
    for visitor, name in ((ada, "signup"), (ada, "video"), (bob, "video")):
        numbers.clock.move(MINUTE)
        site.custom(visitor, name)
    numbers.columns.catch_up()
    text = "period=today&filter_goal=is:signup"
    for query in (text, f"{text}&goal=video"):
        page = shown(browser, site, query, "goals")
        (href,) = re.findall(r'href="([^"]*/people\?[^"]*is:video[^"]*)"', page)
        assert people(browser, html.unescape(href)) == 1


def test_a_goal_tells_its_properties_and_how_much_it_changed(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    ada, bob = site.pageview(), site.pageview()
    site.custom(ada, "signup", plan="pro")
    numbers.clock.move(24 * 60 * MINUTE)
    for visitor, plan in ((ada, "pro"), (bob, "free, or less"), (bob, "free, or less")):
        numbers.clock.move(MINUTE)
        site.custom(visitor, "signup", plan=plan, size="1")
    numbers.columns.catch_up()
    page = shown(browser, site, "period=today&goal=signup&property=plan", "goals")
    table = page.split('id="properties"')[1].split("</section>")[0]
    told = numbers.ask(site, "goals/properties", period="today", eventName="signup", propertyName="plan")
    assert texts(table)[1:] == [
        [one["propertyValue"], str(one["completions"]), str(one["visitors"])] for one in told["data"]
    ]
    assert re.findall(r'aria-current="true"><bdi>(\w+)', table) == ["plan"]
    assert "+200%" in page
    (listed,) = texts(shown(browser, site, "period=today", "goals"))[1:]
    assert listed[2:4] == ["3", "+200%"]


@pytest.mark.parametrize("name", ["a:b-c_1", "%2F", "../x?y&z=<b>", "'\"", "ü", "x" * 255])
def test_the_page_of_a_goal_takes_any_name(told: Told, browser: Visit, name: str) -> None:
    page = browser.http.get(f"/w/{told.site.website_id}/goals", params={"goal": name, "period": "all"})
    assert page.status_code == 200
    assert html.escape(name, quote=False).replace("'", "&#39;") in page.text.replace("&#34;", '"')


def test_a_goal_gets_a_name_and_a_colour(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.custom(site.pageview(), "signup")
    numbers.columns.catch_up()
    path = f"/w/{site.website_id}/goals"
    where = f"{path}?goal=signup&period=today"
    fields = {"goal": "signup", "back": "?goal=x&period=today", "title": "Signed <b>up", "color": "#22c55e"}
    answer = browser.post(f"{path}/look", form=where, **fields)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{path}?period=today&goal=signup&done=saved#look"
    looks = site.call("GET", f"/api/v1/admin/websites/{site.website_id}/goals/customizations").json()["data"]
    assert [(one["displayName"], one["color"]) for one in looks] == [("Signed up", "#22c55e")]
    page = shown(browser, site, "period=today", "goals")
    assert texts(page)[1][0] == "Signed up"
    assert 'fill="#22c55e"' in page
    refused = browser.post(f"{path}/look", form=where, **(fields | {"title": "x" * 81}))
    assert refused.status_code == 400
    assert "The display name has at most 80 characters" in refused.text
    assert "x" * 81 in refused.text


# Funnels


@pytest.mark.parametrize("text", FILTERS)
def test_funnels_are_those_of_the_api_and_open_as_many_people(told: Told, browser: Visit, text: str) -> None:
    found = told.site.call("GET", f"/api/v1/admin/websites/{told.site.website_id}/funnels").json()["data"]
    made = found[0] if found else funnel_of(told.site)
    rows = told.ask(f"funnels/{made['id']}", text)["data"]
    (line,) = texts(shown(browser, told.site, text, "funnels"))[1:]
    assert line[2:4] == [f"{rows[0]['people']:,}", f"{rows[-1]['people']:,}"]
    for by in ("people", "visitors"):
        page = shown(browser, told.site, f"{text}&by={by}", f"funnels/{made['id']}")
        counts = re.findall(r"<span><b>([\d,]+)</b> (?:people|person|visitors?) ?", page)
        assert counts == [f"{row[by]:,}" for row in rows]
        passed = links(page, "passed")
        assert [people(browser, href) for href in passed] == [row["people"] for row in rows]
        lost = [one["people"] - other["people"] for one, other in pairwise(rows)]
        stopped = [people(browser, href) for href in links(page, "drop")]
        assert stopped == [number for number in lost if number]
    for number, row in enumerate(rows, 1):
        for outcome in ("passed", "stopped")[: 1 + (number < len(rows))]:
            asked = f"{text}&filter_funnel=is:{made['slug']}:{number}:{outcome}"
            (overview,) = told.ask("overview", asked)["data"]
            following = rows[number]["people"] if outcome == "stopped" else 0
            assert overview["people"] == row["people"] - following


def test_whoever_went_on_with_another_device_did_not_stop(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    numbers.clock.move(DAY_MS)
    phone, laptop, other = (site.pageview() for _ in range(3))
    for visitor in (phone, laptop):
        site.identify(visitor, "ada")
    numbers.clock.move(MINUTE)
    site.custom(laptop, "signup")
    numbers.columns.catch_up()
    made = funnel_of(site, steps=STEPS[:2])
    path = f"funnels/{made['id']}"
    by_person, by_visitor = (shown(browser, site, f"period=today&by={by}", path) for by in ("", "visitors"))
    change = '<span class="change good" title="Before: 1">+100%</span>'
    assert f"<span><b>2</b> people {change}</span>" in by_person, "it is theirs, not the amount's"
    assert ">1 (50.0%) stopped here" in by_person
    assert "2 (66.7%) stopped here: 1 person" in by_visitor
    (href,) = links(by_person, "drop")
    assert f"/visitors/{other}" in browser.get(href).text
    assert people(browser, href) == 1
    everybody = numbers.ask(site, "overview", period="today", fields="people")["data"][0]["people"]
    rest = numbers.ask(site, "overview", period="today", filter_funnel=f"is_not:{made['id']}:1:stopped")
    assert rest["data"][0]["people"] == everybody - 1


def test_a_funnel_that_is_not_there_cannot_be_filtered_by(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    made = funnel_of(site)
    for value, said in (
        ("nothing:1:passed", "this website has no funnel nothing"),
        (f"{made['slug']}:4:passed", "there are 3 steps"),
        (f"{made['id']}:3:stopped", "nobody stops at the last of 3 steps"),
    ):
        assert said in numbers.refused(site, "overview", filter_funnel=f"is:{value}")
        page = browser.get(f"/w/{site.website_id}/people?period=today&filter_funnel=is:{value}")
        assert said in page.text


def test_one_funnel_is_suggested_and_a_click_makes_it(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    visitor = site.pageview(path="/pricing")
    numbers.clock.move(MINUTE)
    site.custom(visitor, "signup")
    numbers.clock.move(MINUTE)
    pay(site, 12, "EUR", datafast_visitor_id=visitor)
    numbers.columns.catch_up()
    path = f"/w/{site.website_id}/funnels"
    form = shown(browser, site, "", "funnels").split(f'action="{path}/make"')[1].split("</form>")[0]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    answer = browser.http.post(f"{path}/make", data=fields)
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert re.findall(r"<b>\d\. <bdi>(.*?)</bdi></b>", page)[:2] == ["Pricing page", "signup"]
    assert re.findall(r"<b>(\d+)</b> person", page)[:2] == ["1", "1"]
    assert "All the way" not in page
    assert browser.http.post(f"{path}/make", data=fields).status_code == 409


def test_a_funnel_is_changed_and_deleted_and_nothing_typed_is_lost(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    path = f"/w/{site.website_id}/funnels"
    rows = {"kind2": "pageview", "value2": "/a", "kind5": "goal", "value5": "Sign Up!", "label5": "Joined"}
    for fields, field, said in (
        ({"name": "", **rows}, "name", "Say what to call the funnel."),
        ({"name": "Way", "value3": "/a"}, "value1", "A funnel has 2 to 8 steps: add one here."),
        ({"name": "Way", **rows, "kind2": "goal"}, "value2", "Step 2: must be a goal"),
        ({"name": "Way", **rows}, "value5", "Step 5: must be a goal"),
        ({"name": "x" * 101, **rows, "value5": "a"}, "name", "Use 1 to 100 characters."),
    ):
        answer = browser.post(f"{path}/make", form=f"{path}/new", **fields)
        assert answer.status_code == 400, said
        assert said in html.unescape(answer.text)
        for name, value in fields.items():
            shown_as = html.escape(value) if not name.startswith("kind") else f'name="{name}"'
            assert shown_as in answer.text, name
        (wrong,) = re.findall(r'<input name="(\w+)"[^>]*aria-invalid="true"', answer.text)
        assert wrong == field
    made = browser.post(f"{path}/make", form=f"{path}/new", name="Way", **(rows | {"value5": "joined"}))
    here = made.headers["location"].partition("?")[0]
    form = browser.get(f"{here}/edit").text
    assert re.findall(r'name="(?:value|label)\d" value="([^"]+)"', form) == ["/a", "joined", "Joined"]
    browser.post(f"{here}/edit", form=f"{here}/edit", name="Other", **(rows | {"value5": "left"}))
    listed = site.call("GET", f"/api/v1/admin/websites/{site.website_id}/funnels").json()["data"]
    assert [(one["name"], one["steps"][1]["goalName"]) for one in listed] == [("Other", "left")]
    funnel_of(site, "Taken")
    taken = browser.post(f"{here}/edit", form=f"{here}/edit", name="taken", **(rows | {"value5": "left"}))
    assert taken.status_code == 409
    assert "Another funnel of this website has this name" in taken.text
    for _ in range(2):
        gone = browser.post(f"{here}/remove", form=f"{path}/new")
        assert gone.headers["location"] == f"{path}?done=unfunneled"
    assert [browser.get(f"{here}{rest}").status_code for rest in ("", "/edit")] == [404, 404]
    assert (
        browser.post(f"{here}/edit", form=f"{path}/new", name="x", **rows | {"value5": "a"}).status_code
        == 404
    )


# Retention


@pytest.mark.parametrize(
    "text", ["", "period=all&filter_browser=is:Chrome", "startAt=2026-05-05&endAt=2026-05-20"]
)
def test_retention_is_that_of_the_api(told: Told, browser: Visit, text: str) -> None:
    cohorts = told.ask("retention", text or "period=last12w")["data"]
    while cohorts and not cohorts[0]["people"]:
        cohorts.pop(0)
    assert cohorts
    for show in ("", "counts"):
        page = shown(browser, told.site, f"{text}&show={show}", "retention")
        cells = re.findall(r'title="Week (\d+): ([\d,]+) of ([\d,]+) people', page)
        assert [(int(week), int(came), int(first)) for week, came, first in cells] == [
            (week["week"], week["people"], cohort["people"]) for cohort in cohorts for week in cohort["weeks"]
        ]
        rows = texts(page)[1:]
        assert [row[1] for row in rows] == [str(cohort["people"]) for cohort in cohorts]
        if show:
            first = cohorts[0]
            assert rows[0][2:] == [str(week["people"]) for week in first["weeks"]]
    hrefs = re.findall(r'<td class="num"><a href="([^"]+)"', page)
    assert [people(browser, html.unescape(href)) for href in hrefs] == [
        cohort["people"] for cohort in cohorts if cohort["people"]
    ]


@pytest.mark.parametrize(("count", "text"), [(0, "0%"), (1, "<1%"), (9, "<1%"), (10, "1%"), (1000, "100%")])
def test_a_share_of_somebody_is_never_shown_as_none(count: int, text: str) -> None:
    cell = retention_cell(3, count, 1000, is_counts=False)
    assert (cell.text, cell.shade > 0) == (text, count > 0)


def test_a_range_that_is_too_long_for_retention_is_refused(told: Told, browser: Visit) -> None:
    answer = browser.get(f"/w/{told.site.website_id}/retention?startAt=2020-01-01&endAt=2026-05-20")
    assert answer.status_code == 400
    assert "at most 104 weeks" in answer.text


# All of them


def test_range_and_filters_go_along_and_a_form_adds_one(told: Told, browser: Visit) -> None:
    text = "period=last7d&filter_browser=is:Chrome"
    carried = html.escape(f"?{text}")
    root = f"/w/{told.site.website_id}"
    for name in ("overview", "people", "goals", "funnels", "retention"):
        page = shown(browser, told.site, text, name)
        for other in ("overview", "people", "goals"):
            assert f'href="{root}/{other}{carried}"' in page, (name, other)
        if name in ("goals", "funnels", "retention"):
            for other in ("funnels", "retention"):
                assert f'href="{root}/{other}{carried}"' in page, (name, other)
            answer = browser.get(f"{root}/{name}?{text}&field=country&operator=is&text=DE")
            assert answer.headers["location"] == f"{root}/{name}?{text}&filter_country=is:DE"
        assert "Save as segment" in page, name


def test_pages_say_what_is_missing_or_wrong(
    numbers: Counting, told: Told, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = funnel_of(told.site, new_visitor())
    names = {
        "goals": "Goals of",
        "goals?goal=signup": "signup, a goal of",
        "funnels": "Funnels of",
        f"funnels/{made['id']}": "a funnel of",
        "retention": "Retention of",
    }
    empty = numbers.site()
    for name in ("goals", "funnels", "retention"):
        assert "No visitors yet" in shown(browser, empty, "", name)
    for name in names:
        wrong = browser.get(f"/w/{told.site.website_id}/{name}{'&' if '?' in name else '?'}startAt=x")
        assert wrong.status_code == 400
        assert "This cannot be shown" in wrong.text

    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment. Try again in a second.")

    monkeypatch.setattr(ColumnsClient, "ask", away)
    for name, title in names.items():
        answer = browser.get(f"/w/{told.site.website_id}/{name}")
        assert (answer.status_code, answer.headers["refresh"]) == (200, "2"), name
        assert "The numbers are not there yet" in answer.text
        (found,) = re.findall(r"<title>(.*?)</title>", answer.text)
        assert title in found
    told.site.call("DELETE", f"/api/v1/admin/websites/{told.site.website_id}/funnels/{made['id']}")
