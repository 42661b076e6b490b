"""Installing the script: whether pageviews and people have arrived, what was dropped today, and why."""

from __future__ import annotations

from typing import NamedTuple

from footfall.collect.drops import DroppedToday, dropped_on
from footfall.collect.enrich.hosts import host_matches, is_localhost
from footfall.collect.enrich.page import bare_host
from footfall.collect.model import Reason
from footfall.dashboard.page import PageRequest, send_json
from footfall.dashboard.pages.people import some_visitor
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.web.envelope import Response
from footfall.websites.model import Website

sql = load(__file__, "install.sql")

MOST_HOSTS = 5
"""How many refused host names are shown."""
WHY = {
    Reason.SUSPENDED: ("while the website was suspended", "Untick “Suspended” below."),
    Reason.BOT: (
        "from bots",
        "Programs such as curl count as bots too. To test, send the User-Agent of a browser.",
    ),
    Reason.HEADLESS: (
        "from headless browsers",
        "For your own tests, tick “Count headless browsers” below.",
    ),
    Reason.WRONG_SCRIPT: ("from another flavour of the script", "Copy the snippet above again."),
    Reason.UNKNOWN_TYPE: ("of an unknown type", ""),
    Reason.INVALID_VISITOR: ("without a valid visitor id", "Send the cookie's value as it is."),
    Reason.INVALID_PAGE: ("without a valid page address", ""),
    Reason.WRONG_HOST: (
        "from another host name",
        "If it is yours, allow it. If not, somebody else's pages contain your snippet.",
    ),
    Reason.LOCALHOST: ("from localhost, or from a file", ""),
    Reason.EXCLUDED: ("from what you excluded", "See the lists below."),
    Reason.INVALID_EVENT: ("without a required field", "The response to the event names it."),
    Reason.INVALID_IDENTIFY: (
        "without a real user id",
        "Often a placeholder was sent instead of the user id. The response says what is wrong.",
    ),
    Reason.COOKIELESS: ("identifying somebody on a cookieless page", ""),
    Reason.UNSIGNED: (
        "identifying somebody without a signature",
        "Sign the user id, or untick “Signed identify only” below.",
    ),
    Reason.TOO_MANY: ("identifying one visitor too often", ""),
}
"""For each reason: which events, and what to do about it."""


class Install(NamedTuple):
    """How far the installation of a website is. `visitor_id`: one of its visitors; `is_local`: the snippet would work only on this machine."""

    visitor_id: bytes | None
    has_person: bool
    dropped: list[tuple[str, int, str, str]]
    """(reason, hits, which events, what to do)."""
    hosts: list[tuple[str, int, bool]]
    """(host name, hits, whether it is now allowed)."""
    is_local: bool


async def read_install(request: PageRequest) -> Install:
    """How far the installation of the website in the address is."""
    await request.services.dropped.flush()
    visitor_id, has_person, today = await request.services.database.read(_read, (request.site, request.now))
    dropped = [(reason, hits, *WHY[Reason(reason)]) for reason, hits in today.reasons]
    hosts = [(host, hits, _is_taken(host, request.site)) for host, hits in today.hosts[:MOST_HOSTS]]
    return Install(
        visitor_id, has_person, dropped, hosts, is_localhost(bare_host(request.origin.partition("://")[2]))
    )


def _read(tx: Transaction, asked: tuple[Website, int]) -> tuple[bytes | None, bool, DroppedToday]:
    website, now = asked
    return (
        some_visitor(tx, website.website_id),
        some_person(tx, website.website_id),
        dropped_on(tx, website.website_id, now),
    )


def _is_taken(host: str, website: Website) -> bool:
    return host_matches(host, website.domain, website.allowed_hostnames, allow_localhost=False)


def some_person(tx: Transaction, website_id: bytes) -> bool:
    """Whether anybody was identified."""
    return tx.one(sql.any_person, (website_id,)) is not None


async def seen(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/seen`: whether a pageview, or with `?what=person` an identify, has arrived; waits a while for the first."""
    look = some_person if request.query.get("what") == "person" else some_visitor
    for _ in range(20):
        if await request.services.database.read(look, request.site.website_id):
            return send_json({"seen": True})
        if not await request.wait(0.5):
            break
    return send_json({"seen": False})
