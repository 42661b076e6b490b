"""The dashboard as a browser without JavaScript sees it."""

from __future__ import annotations

import re
from typing import Any, cast

import httpx

from footfall.accounts.accounts import create_account, hash_password
from footfall.accounts.model import Account
from footfall.accounts.sessions import start_session
from footfall.clock import system_clock
from footfall.dashboard.routes import pages
from footfall.errors import accepted
from tests.support.engines import Place
from tests.support.inside import transport
from tests.support.sites import Site, new_visitor

PASSWORD = "correct horse battery"

TABLE = pages(cast(Any, None))
OPEN = {
    "/login",
    "/setup/{secret}",
    "/share/{secret}",
    "/static/{file}",
    "/docs",
    "/docs/{guide}",
    "/docs/{folder}/{guide}",
}
CLOSED = [(route.method, route.path) for route in TABLE if route.path not in OPEN]
"""(method, path) of all that needs a session."""
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{128})"')


class Visit:
    """One browser: its cookies, and the page it shows."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.http = httpx.Client(
            base_url=url, transport=transport(url), verify=False, headers=headers, timeout=30
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask for a page; redirects are not followed."""
        return self.http.get(path, **options)

    def token(self, path: str = "/login") -> str:
        """The form token of a page."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def post(self, path: str, *, form: str = "/login", **fields: str) -> httpx.Response:
        """Send a form that stands on the page `form`."""
        return self.http.post(path, data={"form_token": self.token(form), **fields})

    def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Fill in the log-in form."""
        return self.post("/login", email=email, password=password)

    def is_inside(self) -> bool:
        """Whether pages answer."""
        answer = self.get("/account")
        assert answer.status_code in (200, 303)
        return answer.status_code == 200

    def close(self) -> None:
        self.http.close()


def make_account(place: Place, email: str = "", at: int | None = None) -> Account:
    """An account with PASSWORD."""
    hashed = hash_password(PASSWORD)
    name = email or f"{new_visitor()}@example.com"
    return place.transact(lambda tx: accepted(create_account(tx, name, hashed, at or system_clock())))


def enter(visit: Visit, place: Place, account: Account, at: int | None = None) -> str:
    """Give a browser a session that began at `at` (ms since epoch; now), without the cost of a password; the cookie's value."""
    secret = place.transact(lambda tx: start_session(tx, account.account_id, at or system_clock()))
    visit.http.cookies.set("footfall_session", secret)
    return secret


def filled(path: str, site: Site) -> str:
    """A path of the table with ids of this website."""
    values = {
        "websiteId": site.website_id,
        "ref": "user:A",
        "visitorId": new_visitor(),
        "paymentId": "00" * 12,
        "secret": "x",
        "provider": "stripe",
        "file": "style.css",
        "card": "pages",
        "funnelId": "00" * 12,
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)
