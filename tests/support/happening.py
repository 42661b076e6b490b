"""A story that happens to a website over HTTP, and the same as deeds that a reference counts."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from footfall.columns.model import number_of, number_of_visitor
from footfall.visitors.channels import channel
from tests.support.counting import Counting
from tests.support.sites import CHROME, FIREFOX, Site
from tests.support.stories import CUSTOM, GOAL, LINK, PAGEVIEW, PAID, REFUND, RENEWAL, Deed, Story

MINUTE = 60_000
VISITORS = 4
PATHS = ("/", "/pricing?gclid=x", "/Blog", "/blog/x?utm_source=news&utm_campaign=may")
REFERRERS = (None, "https://www.google.com/", "https://news.example/item")
AGENTS = {CHROME: ("Chrome", "Mac OS"), FIREFOX: ("Firefox", "Windows")}
BREAKS = (1, 4, 12, 29, 45, 300, 900)
"""Minutes between two deeds."""
SEED, STEPS = 7, 60


class Visitor(NamedTuple):
    """A browser."""

    id: str
    agent: str

    @property
    def number(self) -> int:
        return number_of_visitor(uuid.UUID(self.id).bytes)


class Happening:
    """Makes things happen, and takes note of them."""

    def __init__(self, numbers: Counting, site: Site) -> None:
        self.site = site
        self._clock = numbers.clock
        self._random = random.Random(SEED)
        self._visitors = [
            Visitor(str(uuid.UUID(int=self._random.getrandbits(128), version=4)), agent)
            for agent in [*AGENTS] * (VISITORS // 2)
        ]
        self._seen: dict[int, int] = {}
        """When a visitor was there last."""
        self._deeds: list[Deed] = []
        self._links: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._people: dict[str, int] = {}
        self._payments = 0

    def story(self) -> Story:
        """All that happened."""
        return Story(self._deeds, self._links)

    def people(self) -> dict[str, int]:
        """The number of each person, by their plan."""
        return self._people

    def happen(self) -> None:
        """Sixty deeds of four visitors."""
        for visitor in self._visitors:
            self._view(visitor)
        others = [self._custom, self._goal, self._follow, self._pay, self._pay, self._know]
        deeds: Sequence[Callable[[Visitor], None]] = [*[self._view] * 6, *others]
        for _ in range(STEPS):
            self._clock.move(self._random.choice(BREAKS) * MINUTE)
            self._random.choice(deeds)(self._random.choice(self._visitors))

    def _note(self, visitor: Visitor, type_: int, **said: object) -> None:
        self._deeds.append(Deed(visitor.number, self._clock.now, type_, **said))  # type: ignore[arg-type]

    def _view(self, visitor: Visitor) -> None:
        path, referrer = self._random.choice(PATHS), self._random.choice(REFERRERS)
        self._clock.move(1)
        self.site.pageview(visitor.id, path, referrer=referrer, user_agent=visitor.agent)
        self._note(
            visitor,
            PAGEVIEW,
            path=path.partition("?")[0],
            host=self.site.domain,
            origin=self._origin(visitor, path, referrer),
        )

    def _origin(self, visitor: Visitor, path: str, referrer: str | None) -> dict[str, str]:
        browser, os = AGENTS[visitor.agent]
        host = referrer.split("/")[2].removeprefix("www.") if referrer else None
        params = dict(part.split("=") for part in path.partition("?")[2].split("&") if part)
        is_ad = params.pop("gclid", None) is not None
        found = {
            "device": "desktop",
            "browser": browser,
            "os": os,
            "channel": channel(host, None, params.get("utm_source"), is_ad=is_ad),
            **params,
        }
        found |= {"ad_network": "Google Ads"} if is_ad else {}
        return found | ({"referrer": host} if host else {})

    def _custom(self, visitor: Visitor) -> None:
        self._clock.move(1)
        self.site.kept("custom", visitor.id, user_agent=visitor.agent, extraData={"eventName": "signup"})
        self._note(visitor, CUSTOM, name="signup", origin=self._origin(visitor, "/", None))

    def _follow(self, visitor: Visitor) -> None:
        self._clock.move(1)
        self.site.kept(
            "external_link", visitor.id, user_agent=visitor.agent, extraData={"url": "https://github.com/"}
        )
        self._note(visitor, LINK, name="https://github.com/", origin=self._origin(visitor, "/", None))

    def _goal(self, visitor: Visitor) -> None:
        self._clock.move(1)
        self._post("goals", {"name": "bought", "datafast_visitor_id": visitor.id})
        self._note(visitor, GOAL, name="bought")

    def _pay(self, visitor: Visitor) -> None:
        self._clock.move(1)
        self._payments += 1
        type_, currency = self._random.choice([PAID, RENEWAL, REFUND]), self._random.choice(["EUR", "USD"])
        minor = self._random.randint(100, 9999)
        said = {"renewal": type_ == RENEWAL, "refunded": type_ == REFUND, "datafast_visitor_id": visitor.id}
        self._post(
            "payments",
            {"amount": minor / 100, "currency": currency, "transaction_id": f"p{self._payments}", **said},
        )
        self._note(visitor, type_, amount=-minor if type_ == REFUND else minor, currency=currency)

    def _know(self, visitor: Visitor) -> None:
        self._clock.move(1)
        user = self._random.choice(["ann", "bob"])
        plan = "pro" if user == "ann" else "free"
        person = number_of(bytes.fromhex(self.site.identify(visitor.id, user, {"plan": plan})["profileId"]))
        self._people[plan] = person
        self._links[visitor.number].append((self._clock.now, person))

    def _post(self, path: str, body: object) -> None:
        response = self.site.call("POST", f"/api/v1/{path}", json=body)
        assert response.status_code == 200, response.text
