"""A website of a running server as a test uses it: what its pages send, what its backend calls, and what was stored."""

from __future__ import annotations

import itertools
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import msgspec

from footfall.auth.store import create_key, create_token
from footfall.clock import system_clock, to_iso
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement, load
from footfall.errors import accepted
from footfall.identity import rules
from footfall.identity.model import Link
from footfall.ids import at_of, new_object_id, new_tracking_id
from footfall.websites.fields import clean_changes
from footfall.websites.model import Changes, Website
from footfall.websites.store import (
    configuration_changed,
    create_website,
    put_website,
    read_websites,
    update_website,
)
from tests.support.engines import Place
from tests.support.inside import transport
from tests.support.openapi import description
from tests.support.servers import PATIENCE, until

sql = load(__file__, "rows.sql")

CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"
JSON_TYPE = {"content-type": "application/json"}
NOW_SET = 1_700_000_000_000
"""A time long ago (ms since epoch), for calls that say when they were true."""

_numbers = itertools.count(1)


def new_visitor() -> str:
    """A visitor id as a page makes one."""
    return str(uuid.uuid4())


def identify_body(visitor: str, user_id: Any = "A", **traits: Any) -> dict[str, Any]:
    """The body of an identify call."""
    return {"user_id": user_id, "datafast_visitor_id": visitor, **traits}


def moment(number: int) -> str:
    """The `number`th of some rising times, long ago, for `$at`."""
    return to_iso(NOW_SET + number * 60_000)


def next_millisecond() -> None:
    """Return once the clock shows a later millisecond, so that what comes after has a later time."""
    now = system_clock()
    while system_clock() <= now:
        pass


def http_client(url: str) -> httpx.Client:
    """A client whose every answer is compared with openapi.yaml."""
    return httpx.Client(
        base_url=url,
        transport=transport(url),
        timeout=30.0,
        verify=False,
        event_hooks={"response": [_check]},
    )


def _check(response: httpx.Response) -> None:
    response.read()
    description().check(response)


class Site(msgspec.Struct):
    """A website, its API key, and a client of its server."""

    url: str
    http: httpx.Client
    place: Place
    website_id: str
    tracking_id: str
    domain: str
    key: str
    key_id: str
    is_suspended: bool = False
    """Whether it was so from the beginning."""

    # What pages send

    def event(
        self, kind: str, visitor: str | None, *, user_agent: str = CHROME, headers: Any = None, **fields: Any
    ) -> httpx.Response:
        """Send one event, as the tracking script does."""
        body = {
            "websiteId": self.tracking_id,
            "domain": self.domain,
            "type": kind,
            "href": f"https://{self.domain}/",
            "referrer": None,
            "viewport": {"width": 1280, "height": 720},
            "visitorId": visitor,
            "sessionId": f"s{visitor}",
            **fields,
        }
        next_millisecond()
        return self.http.post(
            "/api/events",
            content=msgspec.json.encode(body),
            headers={"user-agent": user_agent, **(headers or {})},
        )

    def kept(self, kind: str, visitor: str | None, **fields: Any) -> dict[str, Any]:
        """The same, for an event that is kept."""
        response = self.event(kind, visitor, **fields)
        assert response.status_code == 200, response.text
        assert "x-footfall-dropped" not in response.headers, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def dropped(self, kind: str, visitor: str | None, **fields: Any) -> str:
        """Why an event is dropped."""
        response = self.event(kind, visitor, **fields)
        assert response.status_code == 200, response.text
        reason: str = response.headers.get("x-footfall-dropped", "")
        assert response.json().get("dropped", "") == reason
        return reason

    def pageview(self, visitor: str | None = None, path: str = "/", **fields: Any) -> str:
        """A pageview; the visitor's id, a new one when none is given."""
        visitor = visitor or new_visitor()
        self.kept("pageview", visitor, **{"href": f"https://{self.domain}{path}", **fields})
        return visitor

    def custom(self, visitor: str, name: str = "signup", **parameters: Any) -> None:
        """A goal."""
        self.kept("custom", visitor, extraData={"eventName": name, **parameters})

    def page_identify(self, visitor: str, user_id: Any, **traits: Any) -> dict[str, Any]:
        """The page says who its visitor is."""
        return self.kept(
            "identify", visitor, extraData={"user_id": user_id, "name": "", "image": "", **traits}
        )

    # What the backend calls

    def post(self, body: Any, *, key: str | None = None, query: str = "") -> httpx.Response:
        """Identify with any body: bytes as they are, all else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        next_millisecond()
        return self.http.post(
            f"/api/v1/identify{query}",
            content=content,
            headers={"authorization": f"Bearer {key or self.key}", **JSON_TYPE},
        )

    def identify(
        self, visitor: str, user_id: str, traits: dict[str, Any] | None = None, *, at: int | None = None
    ) -> Any:
        """Identify successfully; `data`. `at`: the number of a `moment`."""
        when = {} if at is None else {"$at": moment(at)}
        response = self.post({"user_id": user_id, "datafast_visitor_id": visitor, **(traits or {}), **when})
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def refused(self, body: Any, *, status: int = 400, **options: Any) -> str:
        """The message with which identify refuses a body."""
        response = self.post(body, **options)
        assert response.status_code == status, response.text
        message: str = response.json()["error"]["message"]
        return message

    def call(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Any call with the website's key, or another."""
        return self.http.request(
            method, path, headers={"authorization": f"Bearer {key or self.key}"}, **options
        )

    def visitor(self, visitor: str) -> Any:
        """`GET visitor`: `data`."""
        response = self.call("GET", f"/api/v1/visitors/{visitor}")
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def profile(self, visitor: str) -> Any:
        """The visitor's profile; None when anonymous."""
        return self.visitor(visitor).get("profile")

    def traits(self, visitor: str) -> Any:
        """The metadata of the visitor's profile."""
        return self.profile(visitor)["metadata"]

    # What is stored

    def rows(self, statement: Statement, *params: bytes) -> list[Row]:
        """The rows of one of this module's statements, for this website, as tuples."""
        key: Params = (bytes.fromhex(self.website_id), *params)
        return [
            msgspec.structs.astuple(row) for row in self.place.snapshot(lambda tx: tx.all(statement, key))
        ]

    def events_of(self, visitor: str) -> list[Row]:
        """(event id, type, url, query, referrer, name, data, session_started_at), oldest first."""
        return self.rows(sql.events_of_visitor, uuid.UUID(visitor).bytes)

    def sessions_of(self, visitor: str) -> list[Row]:
        """(started_at, entry url, referrer, params, click ids, place, device), oldest first."""
        return self.rows(sql.sessions_of_visitor, uuid.UUID(visitor).bytes)

    def facts(self) -> list[Row]:
        """(fact id, user id, visitor id, source, is_trusted, key id, operations, received_at), oldest first."""
        return self.rows(sql.facts_of_website)

    def profiles(self) -> dict[str, Row]:
        """(profile id, user id, metadata, visitor count) by user id."""
        return {row[1]: row for row in self.rows(sql.profiles_of_website)}

    def stored(self) -> tuple[int, int, int, int]:
        """Numbers of events, visitors, facts and profiles."""
        return (
            len(self.rows(sql.events_of_website)),
            len(self.rows(sql.visitors_of_website)),
            len(self.facts()),
            len(self.profiles()),
        )

    def drops(self) -> Counter[str]:
        """The counted drops that are written by now, by reason."""
        found: Counter[str] = Counter()
        for reason, hits in self.rows(sql.dropped_of_website):
            found[reason] += hits
        return found

    def links(self, visitor: str) -> list[Link]:
        """The visitor's links, oldest first."""
        return [Link(*row) for row in self.rows(sql.links_of_visitor, uuid.UUID(visitor).bytes)]

    def owners(self, *visitors: str) -> list[str | None]:
        """Whose the events of these visitors are, visitor by visitor, oldest first; None for nobody's."""
        users = {row[0]: user for user, row in self.profiles().items()}
        return [
            users.get(rules.owner_at(links, at_of(row[0])) or b"")
            for visitor in visitors
            for links in [self.links(visitor)]
            for row in self.events_of(visitor)
        ]

    def change(self, **changes: Any) -> None:
        """Change the website, and return once the server noticed."""
        self.place.transact(lambda tx: _change(tx, self, changes))
        wait_for_changes(self.place, self.http)

    def token(self, permissions: list[str], websites: list[str] | None = None) -> str:
        """A new access token, in use; of all websites unless some are named."""
        return self.tokens([(permissions, websites or [])])[0]

    def tokens(self, wanted: Sequence[tuple[list[str], list[str]]]) -> list[str]:
        """New access tokens, in use, one for each (permissions, website ids)."""

        def work(tx: Transaction) -> list[str]:
            made = [_make_token(tx, *one) for one in wanted]
            configuration_changed(tx)
            return made

        made = self.place.transact(work)
        wait_until_known(self.http, made[-1])
        return made


def _make_token(tx: Transaction, permissions: list[str], websites: list[str]) -> str:
    ids = [bytes.fromhex(website) for website in websites]
    return create_token(tx, "test", permissions, ids, system_clock()).secret


def make_sites(
    url: str, http: httpx.Client, place: Place, changes: Sequence[dict[str, Any]] = ({},)
) -> list[Site]:
    """A new website with a key for each of `changes`, in one transaction, so that the server has to notice only once."""

    def work(tx: Transaction) -> list[Site]:
        model = create_website(tx, _new_domain(), system_clock())
        made = [_make_site(tx, url, http, place, _new_website(model, change)) for change in changes]
        configuration_changed(tx)
        return made

    sites = place.transact(work)
    wait_until_known(http, next(site.key for site in sites if not site.is_suspended))
    return sites


def _new_domain() -> str:
    return f"site{next(_numbers)}.example"


def _new_website(model: Website, changes: dict[str, Any]) -> Website:
    """A website like `model`: making each anew would read all time zones from disk each time."""
    return msgspec.structs.replace(
        model,
        website_id=new_object_id(),
        tracking_id=new_tracking_id(),
        domain=_new_domain(),
        profile_secret=secrets.token_bytes(32),
        signing_secrets=(secrets.token_hex(20),),
        **changes,
    )


def _make_site(tx: Transaction, url: str, http: httpx.Client, place: Place, website: Website) -> Site:
    put_website(tx, website)
    key = create_key(tx, website.website_id, "test", system_clock())
    return Site(
        url,
        http,
        place,
        website.website_id.hex(),
        website.tracking_id,
        website.domain,
        key.secret,
        key.key.api_key_id.hex(),
        website.is_suspended,
    )


def _change(tx: Transaction, site: Site, changes: dict[str, Any]) -> None:
    website = read_websites(tx)[bytes.fromhex(site.website_id)]
    accepted(update_website(tx, website.website_id, clean_changes(Changes(**changes), website)))
    configuration_changed(tx)


def wait_for_changes(place: Place, http: httpx.Client) -> None:
    """Return once the server noticed all changes of websites, keys and tokens so far."""

    def work(tx: Transaction) -> str:
        made = create_token(tx, "probe", ["analytics:read"], [], system_clock()).secret
        configuration_changed(tx)
        return made

    wait_until_known(http, place.transact(work))


def wait_for_analytics(site: Site) -> None:
    """Return once a server that keeps columns has made them."""
    path = "/api/v1/analytics/overview?fields=visitors"
    until(lambda: site.call("GET", path).status_code == 200, "there are no columns")


def wait_until_known(http: httpx.Client, key: str) -> None:
    """Return once the server knows a key or token; it has to within a second, and gets more on a busy machine."""
    assert any(status != 401 for status in _statuses(http, key)), "the server did not notice a new key"


def wait_until_refused(http: httpx.Client, key: str) -> None:
    """Return once the server refuses a key or token."""
    assert any(status == 401 for status in _statuses(http, key)), "the server did not notice a revoked key"


def _statuses(http: httpx.Client, key: str) -> Iterator[int]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield http.get(
            f"/api/v1/visitors/{new_visitor()}", headers={"authorization": f"Bearer {key}"}
        ).status_code
        time.sleep(0.02)  # between two looks, not in place of one
