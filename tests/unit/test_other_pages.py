"""Pages that show little of what is stored are drawn with and without all that they may show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from footfall.analytics.model import NOTHING, CardPage, CardRow, Overview, Series, SeriesPart
from footfall.analytics.ranges import SeriesInterval, TimeRange, divide
from footfall.auth.model import AccessToken, ApiKey
from footfall.clock import to_iso
from footfall.dashboard.address import read_address
from footfall.dashboard.cards import TABS, shade, show_card
from footfall.dashboard.controls import view_controls
from footfall.dashboard.figures import show_series
from footfall.dashboard.filters import OPERATORS, filter_fields, show_chips
from footfall.dashboard.forms import Problem
from footfall.dashboard.pages import sites
from footfall.dashboard.pages.again import Kept
from footfall.dashboard.pages.find import FoundGroup, FoundRow
from footfall.dashboard.pages.home import SiteTile
from footfall.dashboard.pages.install import WHY, Install
from footfall.dashboard.pages.live import LiveView
from footfall.dashboard.pages.overview_numbers import ShownNumbers
from footfall.dashboard.rendering import (
    environment,
    render_template,
)
from footfall.reference.library import GuideHit, library
from footfall.shares.model import Share
from footfall.websites.model import Website
from tests.laws.world import NOW, START, VISITORS
from tests.support.live import live_view
from tests.support.outside import ACCOUNT, OUTSIDE, SITE, check

DAY = TimeRange(START, START + 3_600_000, "UTC")
SERIES = Series(
    divide(DAY, SeriesInterval.HOUR),
    Overview(NOTHING),
    [SeriesPart(START, NOTHING), SeriesPart(START + 1, NOTHING)],
)

texts = st.none() | st.just(OUTSIDE) | st.text(max_size=3)
forms = st.dictionaries(
    st.sampled_from(["domain", "name", "timezone", "allowed_hostnames"]), st.just(OUTSIDE)
)


def a_site(flag: bool) -> Website:
    """The website, with the settings that change pages."""
    return msgspec.structs.replace(SITE, is_suspended=flag, is_cookieless=flag)


def other_pages(
    name: str | None, form: dict[str, str], flag: bool, website: bool
) -> dict[str, dict[str, Any]]:
    """What the templates of the other pages take, by their names."""
    site = a_site(flag) if website else SITE
    used_at = NOW if flag else None
    key = ApiKey(b"k" * 12, SITE.website_id, name or "", "df_…", 0, None, used_at)
    scopes, ids = (("*",), (b"1", b"2", b"3", b"4")) if flag else (("a", "b"), ())
    token = AccessToken(b"t" * 12, name, "dft_…", scopes, ids, 0, None, used_at)
    kept = Kept("/x/settings", list(form.items()))
    at = read_address("/x", [("filter_page", OUTSIDE)] if flag else [])
    rows = [FoundRow(OUTSIDE, OUTSIDE if flag else "", "/x"), FoundRow("Log out", "", "/logout", "log-out")]
    found = [FoundGroup("People", rows)] if flag else []
    hit = GuideHit("People", "/docs/people", "Merge", "before", "found" if flag else "", "after")
    return {
        "error": {"code": 404 if flag else 500, "message": OUTSIDE, "request_id": "r"},
        "login": {"next": "/", "email": name or "", "kept": kept if flag else None, "has_accounts": flag},
        "note": {"website": SITE, "address": at, "problem": OUTSIDE, "note_id": "0a" if flag else "", "text": "Launch", "when": OUTSIDE},
        "again": {"account": ACCOUNT, "kept": kept, "back": "/"},
        "setup": {"email": name or ""},
        "account": {"account": ACCOUNT},
        "websites": {
            "tiles": [SiteTile(a_site(flag), int(flag), visitors="1", revenue="$1" if flag else "", is_quiet=website)] if name else [], "problem": OUTSIDE if flag else "", "total": 9,
            "address": (home := read_address("/", [("search", OUTSIDE)], ("search",))), "is_searched": flag, "orders": [], "offset": 0, "before": None, "after": home if flag else None,
        },
        "revenue": {"website": SITE, "is_empty": True},
        "overview_away": {"website": SITE, "problem": OUTSIDE},
        "overview_part": {
            "website": SITE, "shade": shade, "address": at,
            "card": show_card(*TABS["pages"], CardPage("pages", 2, [CardRow((None, OUTSIDE), NOTHING)] if website else []), at, "EUR"),
        },
        "shared": {
            "website": site, "account": None, "is_shared": True, "has_money": flag, "address": at, "controls": view_controls(at, None, NOW),
            "told": SimpleNamespace(has_visitors=flag, online=2), "problem": name or "", "is_away": website, "fields": filter_fields([], has_people=False),
            "operators": OPERATORS, "shade": shade, **ShownNumbers([], Markup(), show_series(SERIES, DAY, at, "EUR", NOW, {}, {}), [])._asdict(),
        },
        "shares": {"website": site, "shares": [Share(b"s" * 12, name or "", "dfs_…", flag, 0)] if flag else [], "shown_link": "http://x/share/dfs_x" if flag else ""},
        "website_new": {"form": form},
        "tokens": {"tokens": [token], "names": {b"1": OUTSIDE}, "scopes": {"a": "A"}, "typed": [], "shown_key": "dft_x" if flag else None},
        "find": {"groups": found, "count": 2, "search": OUTSIDE},
        "find_list": {"groups": found, "count": 2, "search": OUTSIDE, "is_bar": flag},
        "docs": {"library": library(), "shown": None, "search": OUTSIDE if flag else "", "hits": [hit]},
        "live": {
            "website": SITE, "address": at, "chips": show_chips(at), "left_out": [OUTSIDE] if flag else [], "problem": "" if flag else OUTSIDE,
            "view": live_view(SITE, OUTSIDE, name, at) if flag else LiveView(),
        },
        "online": {"website": SITE},
        "settings": {
            "website": site, "keys": [key] if flag else [], "fields": form, "exclusions": sites.EXCLUSIONS,
            "switches": sites.SWITCHES, "warnings": sites.ASKED, "asked": list(sites.ASKED) if flag else [],
            "shown_key": "df_x" if flag else None,
            "install": Install(
                VISITORS[0] if flag else None, flag, [(reason, 2, *WHY[reason]) for reason in WHY],
                [(OUTSIDE, 1, flag)], website, ["Stripe"] if flag else [],
            ),
        },
        "erased": {
            "website": SITE, "account": ACCOUNT, "note": "", "file": "{}",
            "columns_by": None if flag else NOW,
            "receipt": SimpleNamespace(erased_at=NOW, erasure_id=b"x", users=1, visitors=1, columns_at=NOW if flag and website else None, rows=dict.fromkeys(("facts", "profiles", "events", "sessions", "visitors"), 1)),
        },
    }  # fmt: skip


@settings(max_examples=30)
@given(
    problem=st.none()
    | st.builds(Problem, st.sampled_from(["", "email", "password", "name", "domain"]), st.just(OUTSIDE)),
    done=st.sampled_from([None, "saved", "another"]),
    name=texts,
    at=st.none() | st.just(to_iso(NOW)),
    form=forms,
    flag=st.booleans(),
    website=st.booleans(),
)
def test_every_other_page_is_drawn_with_and_without_what_it_may_show(
    problem: Problem | None,
    done: str | None,
    name: str | None,
    at: str | None,
    form: Any,
    flag: bool,
    website: bool,
) -> None:
    shown: dict[str, Any] = {
        "request": SimpleNamespace(
            home="", origin="http://x", form=form, query={}, suspicions=100 if flag else None
        ),
        "account": ACCOUNT if flag else None,
        "website": a_site(flag) if website else None,
        "websites": [SITE] if flag else [],
        "form_token": "0" * 64,
        "now": NOW,
        "problem": problem,
        "done": done,
    }
    others = other_pages(name, form, flag, website)
    for template, values in others.items():
        check(render_template(f"{template}.html", **{**shown, **values}))
    rendered_elsewhere = {
        "overview",
        "overview_list",
        "overview_macros",
        "numbers",
        "flow_macros",
        "goals",
        "goal",
        "funnels",
        "funnel",
        "funnel_form",
        "retention",
        "payment_settings",
        "bar",
        "base",
        "macros",
        "journey",
        "visitor",
        "person",
        "people",
        "people_list",
        "health",
        "merge",
        "payment",
        "payments",
    }
    assert {
        one.removesuffix(".html") for one in environment().list_templates()
    } == others.keys() | rendered_elsewhere
