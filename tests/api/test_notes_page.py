"""Notes on the overview: on the chart, in its table and in a list, with forms that need no JavaScript."""

from __future__ import annotations

import html
import re

from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.overview import shown, texts
from tests.support.sites import Site


def listed(page: str) -> list[tuple[str, str]]:
    """The notes of the list: their days and texts."""
    found = re.findall(r"<time datetime=[^>]*>([^<]+)</time><p><bdi>(.*?)</bdi>", page, re.DOTALL)
    return [(day, html.unescape(text)) for day, text in found]


def told(page: str) -> list[str]:
    """What the table below the chart says of notes."""
    head, *rows = texts(page.split('class="hidden"><table')[1].split("</table>")[0])
    return [row[head.index("Notes")] for row in rows if row[head.index("Notes")]] if "Notes" in head else []


def send(browser: Visit, site: Site, what: str = "", **fields: str) -> str:
    """Send a form about notes; where it leads."""
    path = f"/w/{site.website_id}"
    answer = browser.post(
        f"{path}/notes{what}", form="/account", back=f"{path}/overview?period=all", **fields
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_notes_are_written_shown_changed_and_deleted(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    numbers.columns.catch_up()
    assert send(browser, site, text=" <b>Launch</b>\r\nat noon ", at="2026-05-05T00:30").endswith(
        "/overview?period=all&done=noted#notes"
    )
    page = shown(browser, site, "period=today&done=noted")
    assert "The note is saved." in page
    assert listed(page) == [("5 May 2026", "<b>Launch</b>\nat noon")]
    assert told(page) == ["✎ <b>Launch</b> at noon"]  # as the day begins in Berlin
    assert page.count('class="noted"') == 3  # in the drawings for all sizes
    assert "\n✎ &lt;b&gt;Launch&lt;/b&gt; at noon</title>" in page
    (note,) = site.call("GET", f"/api/v1/admin/websites/{site.website_id}/notes").json()["data"]
    assert (note["timestamp"], note["author"]["name"].count("@")) == ("2026-05-04T22:30:00.000Z", 1)
    edited = shown(browser, site, f"period=all&note={note['id']}")
    assert f'name="id" value="{note["id"]}"' in edited
    assert 'name="at" value="2026-05-05T00:30"' in edited
    send(browser, site, id=note["id"], text="x" * 200, at="2026-05-04T12:00")
    assert listed(shown(browser, site, "startAt=2026-05-05&endAt=2026-05-06")) == []
    page = shown(browser, site, "startAt=2026-05-04&endAt=2026-05-06&filter_os=is:Nothing")
    assert listed(page) == [("4 May 2026", "x" * 200)]
    assert told(page) == [f"✎ {'x' * 140}…"]
    for _ in range(2):
        assert send(browser, site, "/delete", id=note["id"]).endswith("&done=unnoted#notes")
    assert site.call("GET", f"/api/v1/admin/websites/{site.website_id}/notes").json()["data"] == []


def test_a_long_list_of_notes_is_folded_and_ends(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    numbers.columns.catch_up()
    for number in range(52):
        note = {"text": f"Note {number}", "timestamp": f"2026-05-05T06:{number:02d}:00Z"}
        assert (
            site.call("POST", f"/api/v1/admin/websites/{site.website_id}/notes", json=note).status_code == 200
        )
    page = shown(browser, site, "period=today")
    assert '<details class="fold"><summary>52 notes</summary>' in page
    assert "2 older notes in a shorter range." in page
    assert len(listed(page)) == 50


def test_what_is_wrong_with_a_note_is_said(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.pageview()
    path = f"/w/{site.website_id}"
    for fields, said in (
        ({"text": "", "at": "2026-05-05T12:00"}, "text must have 1 to 1000 characters."),
        ({"text": "x", "at": "yesterday"}, "at: use a date and time from 1970 on"),
        ({"text": "x", "at": "1900-01-01T00:00"}, "at: use a date and time from 1970 on"),
        ({"text": "x", "at": "9999-12-31T23:59"}, "at: use a date and time from 1970 on"),
        ({"text": "x", "at": "9999-12-31T23:59-23:59"}, "at: use a date and time from 1970 on"),
        ({"text": "x", "at": "2026-05-05T12:00", "id": "00" * 12}, "There is no such note"),
    ):
        answer = browser.post(
            f"{path}/notes", form="/account", back="//[evil.example?filter_os=is:x", **fields
        )
        assert (answer.status_code, said in answer.text) in ((400, True), (404, True)), fields
        # What was typed stands there again, to be saved as a new note if the old one is gone.
        assert f"\n{fields['text']}</textarea>" in answer.text
        assert f'name="at" value="{fields["at"]}"' in answer.text
        assert f'name="back" value="{path}/overview?filter_os=is:x"' in answer.text
        assert 'name="id"' not in answer.text
