"""A page of a provider's list, as the deliveries that webhooks would have made of it. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from footfall.payments.connecting.model import Event, ImportPeriod, Listing, ListPage
from footfall.payments.providers import Provider
from footfall.payments.providers.model import BadDelivery, Delivery
from footfall.payments.providers.reading import Node, hash_body, open_body


def read_page(
    provider: Provider, listing: Listing, body: bytes, cursor: str, period: ImportPeriod
) -> ListPage:
    """The page at `cursor`. An object that cannot be read costs no other. Raises BadDelivery for what is no page."""
    page = open_body(body)
    objects = listing.objects(page)
    following = listing.cursor(page, objects, cursor, period)
    deliveries: list[Delivery] = []
    unreadable: list[str] = []
    for thing in objects:
        try:
            deliveries += _deliveries(provider, listing.events(thing, period))
        except BadDelivery as error:
            unreadable.append(_reason(thing, error))
    return ListPage(tuple(deliveries), len(objects), tuple(unreadable), following)


def _deliveries(provider: Provider, events: list[Event]) -> list[Delivery]:
    return [_delivery(provider, msgspec.json.encode(event)) for event in events]


def _delivery(provider: Provider, body: bytes) -> Delivery:
    """The same object is the same delivery, however often it is read in one import."""
    read = provider.read(body)
    return replace(read, delivery_id=f"import/{hash_body(body)}", event=f"{read.event} (import)")


def _reason(thing: Node, error: BadDelivery) -> str:
    """With the object's id, which says nothing of a person."""
    name = thing.loose("id") or thing.loose("payment_id") or thing.loose("subscription_id")
    return f"{name}: {error.message}" if name else error.message
