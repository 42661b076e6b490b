"""The cards of payment providers are drawn whatever a provider, or a stranger, delivered."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from footfall.dashboard.forms import Problem
from footfall.dashboard.pages.payment_settings import GUIDES, ProviderCard
from footfall.dashboard.rendering import render_template
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.model import ImportPeriod, ImportProgress, KeyConnection
from footfall.payments.providers import PROVIDERS
from footfall.payments.webhooks.model import Integration, LastDelivery, RefusedDelivery
from tests.laws.world import NOW
from tests.support.outside import ACCOUNT, OUTSIDE, SITE, check

LASTS = (None, LastDelivery(NOW, OUTSIDE, is_test=True), LastDelivery(NOW, OUTSIDE, is_test=False))
REFUSED = ((), (RefusedDelivery(NOW, OUTSIDE, OUTSIDE), RefusedDelivery(NOW, None, OUTSIDE)))


def enumerate_connections() -> list[tuple[bool, KeyConnection | None]]:
    """Whether the card is unfolded, and how far the import of a connection by key is."""
    ended = ImportProgress("done", 5, "", 1, 1, OUTSIDE, NOW)
    states = (ImportProgress(), ended, replace(ended, state="failed"), replace(ended, unreadable=0))
    made = [
        KeyConnection(
            SITE.website_id, "stripe", OUTSIDE, None, key, b"r" * 12, ImportPeriod(0, 1), state, until
        )
        for state, key, until in product(states, (None, b"k"), (0, NOW))
    ]
    return [(False, None), *[(True, one) for one in made]]


def test_every_provider_has_a_guide_that_asks_for_what_its_api_needs() -> None:
    assert GUIDES.keys() == PROVIDERS.keys()
    asking = {name for name, api in APIS.items() if api.account_field}
    assert {name for name, guide in GUIDES.items() if guide.account} == asking


@pytest.mark.parametrize("problem", [None, Problem("stripe", OUTSIDE)])
@pytest.mark.parametrize("done", [None, "connected", "another"])
def test_a_card_is_drawn_however_a_website_stands_with_its_provider(
    problem: Problem | None, done: str | None
) -> None:
    standings = [Integration("stripe")]
    for is_readable, last, refused in product((True, False), LASTS, REFUSED):
        standings.append(Integration("stripe", NOW, is_readable, last, refused))
    for one, (is_open, connection) in product(standings, enumerate_connections()):
        card = ProviderCard(
            PROVIDERS["stripe"], GUIDES["stripe"], one, connection, 5, "https://x.example/y", is_open
        )
        html = render_template(
            "payment_settings.html",
            request=SimpleNamespace(
                home="", origin="https://x.example", form={"account": OUTSIDE}, suspicions=None
            ),
            account=ACCOUNT,
            website=SITE,
            websites=[SITE],
            form_token="0" * 64,
            now=NOW,
            cards=[card],
            origin="https://x.example",
            is_local=is_open,
            problem=problem,
            chosen="stripe",
            done=done,
        )
        check(html)
