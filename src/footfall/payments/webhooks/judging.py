"""Whether a delivery is the provider's, what it says, and whether that is of this website. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from footfall.collect.enrich.hosts import host_matches
from footfall.payments.providers import Provider
from footfall.payments.providers.model import BadDelivery, Delivery, Occurrence, Paid, Seen, SubscriptionMoved
from footfall.payments.providers.reading import open_body
from footfall.websites.model import Website

_EVENT = re.compile(r"[A-Za-z0-9._-]{1,60}", re.ASCII)


class Doubt(msgspec.Struct, frozen=True):
    """Why a delivery is not believed. `event`: as it calls itself; None where that cannot be read."""

    event: str | None
    reason: str


def judge(
    provider: Provider, secret: str, headers: Mapping[str, str], body: bytes, now: int
) -> Delivery | Doubt:
    """The delivery, if the provider signed it just now and it is in the provider's shape. `now`: ms since epoch."""
    problem = provider.verify(secret, headers, body, now)
    if problem is not None:
        return Doubt(_event_of(body), str(problem))
    try:
        return provider.read(body)
    except BadDelivery as error:
        return Doubt(_event_of(body), error.message)


def _event_of(body: bytes) -> str | None:
    """The name of the event; from a stranger's body it is taken only in the form of a name."""
    try:
        node = open_body(body)
        name = node.loose("type") or node.loose("event_type") or node.get("meta").loose("event_name")
    except BadDelivery:
        return None
    return name if name and _EVENT.fullmatch(name) else None


def is_elsewhere(delivery: Delivery, website: Website, websites: Iterable[Website]) -> bool:
    """Whether a delivery tells of another website: by the metadata, or by the page to which the checkout returned."""
    return any(_is_of_another(one, website, websites) for one in delivery.occurrences)


def _is_of_another(one: Occurrence, website: Website, websites: Iterable[Website]) -> bool:
    if isinstance(one, Paid | SubscriptionMoved | Seen) and one.payer.website_ref is not None:
        return one.payer.website_ref not in (website.tracking_id, website.website_id.hex())
    host = one.host if isinstance(one, Paid) else None
    if host is None or _is_host_of(website, host):
        return False
    return any(_is_host_of(other, host) for other in websites)


def _is_host_of(website: Website, host: str) -> bool:
    return host_matches(host, website.domain, website.allowed_hostnames, allow_localhost=False)
