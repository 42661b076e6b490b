"""Take the pictures of the README, `docs/images`, from a demo of its own.

    make pictures

They show what a window of 1440 by 900 px shows, in light and in dark colours.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browsers import launch
from tests.support.dashboard import PASSWORD, make_account
from tests.support.desk import EMAIL, SIZES, Demo, new_page, open_overview
from tests.support.engines import SqliteEngine
from tests.support.servers import run_json, serving

FOLDER = Path(__file__).parents[1] / "docs" / "images"
MOST_BYTES = 250_000
ONLINE = 9
"""How many visitors are there."""


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    """Make the demo, serve it, and look at it."""
    with closing(SqliteEngine()) as engine, sync_playwright() as playwright:
        place = engine.new_place()
        made = run_json(place, "demo")
        make_account(place, EMAIL)
        with serving(place, has_columns=True) as running, closing(launch(playwright)) as browser:
            width, height = SIZES["desktop"]
            page = browser.new_page(viewport={"width": width, "height": height})
            _look_around(page, Demo(running, made))


def _look_around(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/login")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    for _ in range(ONLINE):
        new_page(demo)
    open_overview(page, demo)
    _take(page, "overview")
    page.goto(f"{demo.root}/people/{_best_customer(demo)}")
    expect(page.locator("#journey")).to_contain_text("Paid")
    _take(page, "person")


def _best_customer(demo: Demo) -> str:
    """The profile id of somebody who came by a link and has paid often."""
    paid: list[dict[str, Any]] = [one for one in demo.ask("/payments", limit=250) if one["profileId"]]
    times = Counter(one["profileId"] for one in paid)
    linked = [one["profileId"] for one in paid if one["atPayment"]["firstTouch"]["source"]]
    best: str = max(linked, key=lambda one: times[one])
    return best


def _take(page: Page, name: str) -> None:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        path = FOLDER / f"{name}-{scheme}.png"
        page.screenshot(path=path)
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SystemExit(f"{path.name} has {size:,} bytes: show less.")


if __name__ == "__main__":
    main()
