"""The command bar and the keys of pages, and the queue of identity health, all by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.desk import Demo, Desk, serious, wait_for

CLOSED_AND_OPENED = """() => {
  const bar = document.getElementById("bar");
  bar.close();
  bar.querySelector("input").dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}));
}"""
"""As quick hands do on a slow machine: the key comes while the closed bar's field still has the focus."""


def test_keys_are_enough_to_go_anywhere(demo: Demo, desk: Desk) -> None:
    page, keyboard = desk.page, desk.page.keyboard
    demo.person_of_ones_own("bar-1", name="Barbara Finder")
    page.goto(f"{demo.root}/overview")
    for key, query in (
        ("w", "period=last7d"),
        ("x", "compare=none"),
        ("x", "compare=previous"),
        ("d", "period=today"),
    ):
        keyboard.press(key)
        page.wait_for_url(re.compile(query))
    keyboard.press("g")
    keyboard.press("p")
    page.wait_for_url(re.compile("/people"))
    # Keys are letters while one types, and mean nothing together with others.
    page.get_by_role("searchbox").fill("")
    page.get_by_role("searchbox").press_sequentially("gh/?d")
    expect(page.get_by_role("searchbox")).to_have_value("gh/?d")
    page.get_by_role("heading", level=1).click()
    for keys in ("Shift+D", "Alt+w", "g", "Control+h"):
        keyboard.press(keys)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "/people" in page.url
    keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Last 7 days")
    keyboard.press("Escape")
    # The bar: what is typed is found, arrows choose, Enter opens.
    wait_for(page, lambda: demo.people(search="Barbara Finder") != [])
    keyboard.press("Control+k")
    options = page.locator(".option")
    field = page.get_by_role("combobox", name="Search people")
    expect(field).to_be_focused()
    expect(options.and_(page.get_by_role("option", selected=True))).to_have_text("Go to Overview")
    keyboard.press("ArrowDown")
    expect(options.and_(page.get_by_role("option", selected=True))).to_have_text("Go to People")
    keyboard.press("ArrowUp")
    keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    chosen = options.and_(page.get_by_role("option", selected=True)).get_attribute("id") or ""
    expect(field).to_have_attribute("aria-activedescendant", chosen)
    expect(page.get_by_role("listbox").get_by_role("group", name="Dashboard")).to_be_visible()
    assert serious(page) == []
    keyboard.type("zzzzzz")
    expect(page.locator("#found")).to_contain_text("Nothing was found.")
    assert serious(page) == []
    page.evaluate(CLOSED_AND_OPENED)
    expect(page.get_by_role("dialog")).to_have_count(1)
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    keyboard.press("/")  # what was typed before is selected
    keyboard.type("barbara fi")
    keyboard.press("Enter")  # before anything is found
    page.wait_for_url(re.compile("/people/[0-9a-f]{24}"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Barbara Finder")
    page.get_by_role("link", name="Search").click()
    keyboard.type("log out")
    expect(options.last).to_have_attribute("aria-selected", "true")


def test_the_queue_is_worked_off_by_keyboard(demo: Demo, desk: Desk) -> None:
    page = desk.page
    for user in ("queue-1", "queue-2"):
        demo.person_of_ones_own(user, name=user.title(), email="aaa-queue@example.org")
    pair = page.get_by_role("region", name="Queue-1 and Queue-2")
    wait_for(page, lambda: page.goto(f"{demo.root}/health") and pair.count() == 1)
    pairs = page.locator(".pair")
    before = int(page.locator("#queue").inner_text().split()[0])
    expect(page.locator("nav .badge")).to_contain_text(str(before))
    expect(pairs.first).to_contain_text("aaa-queue@example.org")
    expect(pairs.first).to_contain_text("Last seen")
    pair.get_by_role("link", name="Skip").press("Enter")
    page.wait_for_url(re.compile("skip="))
    expect(pairs.first).not_to_contain_text("aaa-queue@example.org")
    page.goto(f"{demo.root}/health")
    pair.get_by_role("button", name="Not the same").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Settled")
    expect(pair).to_have_count(0)
    expect(page.locator("nav .badge")).to_contain_text(str(before - 1))
    page.get_by_role("button", name=re.compile("Undo for Queue-")).press("Enter")
    expect(pair).to_have_count(1)
    pair.get_by_role("button", name="Not the same").press("Enter")
    expect(pair).to_have_count(0)
