"""How who is on a website now is told."""

from __future__ import annotations

from footfall.analytics.realtime.model import Likelihood, VisitorNow, WebsiteNow
from footfall.analytics.realtime.wire import now_json
from footfall.collect.enrich.centres import CENTRES
from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import Place
from footfall.collect.model import StoredDevice
from footfall.payments.money import Money
from footfall.predictions.model import Model, Prediction, Weight
from footfall.visitors.model import Params, Visitor

NOTHING_KNOWN = Weight(-3.0, 0.5)
MODEL = Model(100, 2, 0.02, Money(4000, "EUR"), NOTHING_KNOWN, {})
PREDICTION = Prediction(0.05, 0.02, Money(200, "EUR"), 0.613, 71)


def visitor_now(place: Place, *best: Weight | None) -> VisitorNow:
    device = StoredDevice(Device(None, None, None, None, None, None, None))
    visitor = Visitor(bytes(16), 0, 0, 0, 1, 1, None, place, device, None, Params(), None, None)
    return VisitorNow(visitor, None, Params(), None, None, Likelihood(PREDICTION, best))


def test_every_country_has_a_centre_on_earth() -> None:
    assert CENTRES.keys() == COUNTRIES.keys()
    assert all(-90 <= one.latitude <= 90 and -180 <= one.longitude <= 180 for one in CENTRES.values())


def test_a_visitor_is_in_the_centre_of_the_country() -> None:
    shown = now_json(WebsiteNow([visitor_now(Place("DE", "Germany"))], [], []), 0, MODEL, "EUR")
    (visitor,) = shown["visitors"]
    assert (visitor["latitude"], visitor["longitude"], shown["count"]) == (51, 9, 1)


def test_a_likelihood_says_what_it_rests_on() -> None:
    known = now_json(
        WebsiteNow([visitor_now(Place(), NOTHING_KNOWN, None, None, None)], [], []), 5, MODEL, "EUR"
    )
    assert known["visitors"][0]["conversionLikelihood"] == {
        "score": 71,
        "confidence": 0.61,
        "isBaseline": False,
        "dimensionMatches": 1,
        "raw": {"conversionRate": 0.05, "averageValue": 40, "expectedValue": 2},
    }
    assert known["conversionMetrics"] == {"baselineConversionRate": 0.02, "baselineAverageValue": 40}
    baseline = now_json(WebsiteNow([visitor_now(Place(), None, None, None, None)], [], []), 5, MODEL, "EUR")
    assert baseline["visitors"][0]["conversionLikelihood"]["isBaseline"]
    assert (baseline["count"], baseline["hasConversionPredictions"]) == (5, True)
