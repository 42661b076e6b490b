"""What is given out about a person: each domain adds its fields to one document."""

from __future__ import annotations

import msgspec

from footfall.app import EXPORTERS
from footfall.db.protocol import Transaction
from footfall.identity.exporting import Exporter, list_parts
from footfall.identity.identify.model import IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.model import SERVER, Operations
from footfall.privacy.export import Exporting
from footfall.web.json import encode
from tests.laws.world import KEY, VISITORS, WEBSITE, prepare
from tests.support.engines import Place
from tests.support.servers import run_json


def fill(tx: Transaction) -> None:
    """Ann, with one name."""
    prepare(tx)
    said = Identify("ann", VISITORS[0], Operations({"name": "Ann"}), None, [])
    identify(tx, [IdentifyCall(WEBSITE.website_id, WEBSITE.profile_secret, said, SERVER, True, KEY, 1000)])


def test_a_new_domain_adds_a_field_to_the_export_by_one_exporter(place: Place) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    paid = Exporter(
        "of a new domain", lambda tx, subject: list_parts([encode({"of": subject.person.user_id})])
    )
    found = place.snapshot(lambda tx: Exporting((*EXPORTERS, paid)).read(tx, (WEBSITE, "ann")))
    assert found is not None
    document = msgspec.json.decode(b"".join(found.parts))
    known = ["profile", "explain", "ledger", "sessions", "journey"]
    payments = ["payments", "paymentCustomers", "subscriptionMoves"]
    assert list(document) == [*known, *payments, "of a new domain"]
    assert document["of a new domain"] == [{"of": "ann"}]
    assert document["profile"]["explain"] == document["explain"]


def test_nothing_is_exported_about_somebody_of_whom_nothing_is_held(place: Place) -> None:
    run_json(place, "db", "migrate")
    place.transact(fill)
    assert place.snapshot(lambda tx: Exporting(EXPORTERS).read(tx, (WEBSITE, "bob"))) is None
