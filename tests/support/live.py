"""What goes on on a website, made up."""

from __future__ import annotations

import msgspec

from footfall.analytics.query import read_question
from footfall.analytics.realtime.model import EventNow, PaymentNow, VisitorNow, WebsiteNow
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import Place
from footfall.collect.model import CUSTOM, EXTERNAL_LINK, PAGEVIEW, PAYMENT, StoredDevice
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.pages.live import LiveState, LiveView, _draw
from footfall.identity.model import KnownPerson
from footfall.ids import at_prefix
from footfall.payments.model import Kind, Known, Method, Payment
from footfall.payments.money import Money
from footfall.visitors.model import Params, Visitor
from footfall.websites.model import Website
from tests.laws.world import NOW, VISITORS


def live_view(site: Website, outside: str, name: str | None, address: ViewAddress) -> LiveView:
    """Live on a website where all that can happens, to somebody and to nobody. `outside`, `name`: what strangers call themselves and pages."""
    traits = msgspec.json.encode({"name": name, "image": name}).decode()
    place, device = (
        Place("DE", outside, None, name),
        StoredDevice(Device(name, None, name, None, None, None, None)),
    )
    params = Params(utm_source=name)
    nobody = Visitor(VISITORS[0], 0, NOW, NOW, 1, 1, name, place, device, name, params, None, None)
    somebody = msgspec.structs.replace(nobody, person=KnownPerson(b"p" * 12, outside, NOW, traits))
    seen = [VisitorNow(one, name, params, name, None, None) for one in (nobody, somebody)]
    kinds = (
        (PAGEVIEW, None),
        (CUSTOM, None),
        (EXTERNAL_LINK, None),
        (EXTERNAL_LINK, '{"url": "\u202e"}'),
        (PAYMENT, None),
    )
    did = [
        EventNow(at_prefix(NOW) + bytes(4), kind, outside, name, data, one)
        for kind, data in kinds
        for one in seen
    ]
    paid = Payment(
        b"i" * 12,
        None,
        Kind.RENEWAL,
        Money(5, "KWD"),
        None,
        name,
        None,
        None,
        None,
        None,
        Method.WAITING,
        Known(),
    )
    paid_by = [
        PaymentNow(one, name, person)
        for one, person in (
            (paid, None),
            (paid, somebody.person),
            (msgspec.structs.replace(paid, visitor_id=VISITORS[0]), None),
        )
    ]
    question = read_question([], "UTC", NOW, NOW)
    return _draw(site, LiveState(NOW, WebsiteNow(seen, did, paid_by), 2, [0, 2]), address, question)
