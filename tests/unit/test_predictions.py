"""How likely visitors are to pay: what is counted, what is learned, and that it comes true."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from math import exp, isclose
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from footfall.payments.money import Money
from footfall.payments.ratebook import RateBook
from footfall.predictions import book
from footfall.predictions import model as predicting
from footfall.predictions.book import Predictions
from footfall.predictions.calibration import calibrate
from footfall.predictions.fit import LEAST_VISITORS, Past, Tally, fit, solve
from footfall.predictions.history import HistorySlice, Payers, read_payers
from footfall.predictions.model import (
    COUNTRY,
    DIRECT,
    KINDS,
    PAGE,
    SOURCE,
    Correction,
    Model,
    Sign,
    Weight,
    predict_by,
    probability,
    shift_at,
    signs_of,
)
from footfall.predictions.wire import prediction_json
from footfall.websites.model import Website
from footfall.websites.store import new_website

GERMAN: Sign = (COUNTRY, "DE")
NO_WEIGHTS: dict[str, dict[str, Weight]] = {kind: {} for kind in KINDS}


def past(*signs: Sign, paid: int | None = None) -> Past:
    return Past(frozenset(signs), paid)


def fitted(history: list[Past]) -> Model:
    model = fit(history, "USD")
    assert model is not None
    return model


def made_up(seed: int, visitors: int) -> Iterator[tuple[Past, float]]:
    """Visitors, and with which probability each was to pay: by country, source and page, each for itself."""
    rng = random.Random(seed)
    odds = {"DE": 0.5, "US": 0.0, "IN": -1.0, "google.com": 0.3, "partner": 1.2, "/pricing": 1.5, "/": 0.0}
    for _ in range(visitors):
        signs = {
            (COUNTRY, rng.choice(("DE", "US", "IN"))),
            (SOURCE, rng.choice(("google.com", "partner"))),
            (PAGE, rng.choice(("/pricing", "/"))),
        }
        rate = probability(-4.0 + sum(odds[value] for _, value in signs))
        yield Past(frozenset(signs), 2900 if rng.random() < rate else None), rate


def test_without_a_customer_nothing_is_predicted() -> None:
    assert fit([past(GERMAN) for _ in range(100)], "USD") is None
    assert fit([], "USD") is None


def test_known_probabilities_are_found() -> None:
    told = list(made_up(1, 8000))
    model = fitted([one for one, _ in told])
    by_signs = {one.signs: rate for one, rate in told}
    for signs, rate in by_signs.items():
        assert predict_by(model, signs).rate == pytest.approx(rate, rel=0.35), signs
    mean = sum(rate for _, rate in told) / len(told)
    assert sum(predict_by(model, one.signs).rate for one, _ in told) / len(told) == pytest.approx(
        mean, rel=0.1
    )


def test_predictions_of_whom_was_held_out_come_true() -> None:
    made = calibrate([one for one, _ in made_up(2, 8000)], 5)
    assert made is not None
    for group in made.groups:
        assert group.customers == pytest.approx(group.predicted, abs=3 * group.predicted**0.5)
    assert made.explained > 0.05


def test_where_nothing_tells_customers_apart_all_are_predicted_about_alike() -> None:
    rng = random.Random(3)
    values = [(kind, str(number)) for kind in KINDS for number in range(8)]
    history = [past(*rng.sample(values, 4), paid=100 if rng.random() < 0.02 else None) for _ in range(2000)]
    model = fitted(history)
    rates = sorted(predict_by(model, one.signs).rate for one in history)
    assert rates[200] > model.rate / 3
    assert rates[-200] < model.rate * 2
    made = calibrate(history, 5)
    assert made is not None
    assert made.explained > -0.05


def test_one_customer_makes_no_rule() -> None:
    history = [past((COUNTRY, "NZ"), paid=5000), *(past((COUNTRY, "NZ")) for _ in range(LEAST_VISITORS))]
    history += [past(GERMAN) for _ in range(200)]
    found = predict_by(fitted(history), {(COUNTRY, "NZ")})
    assert found.rate < 0.05
    assert found.confidence < 0.1


def test_what_few_visitors_have_in_common_is_not_kept() -> None:
    rare, common = (PAGE, "shop.example/users/ada"), (PAGE, "shop.example/")
    history = [past(rare, common, paid=100) for _ in range(LEAST_VISITORS - 1)]
    history += [past(common) for _ in range(100)]
    assert fitted(history).weights[PAGE].keys() == {common[1]}


def test_whoever_is_like_all_has_a_score_of_50() -> None:
    model = Model(1000, 20, 0.02, Money(2000, "USD"), Weight(-3.8918, 0.9), NO_WEIGHTS)
    found = predict_by(model, set())
    assert found.rate == pytest.approx(0.02, rel=0.001)
    assert found.score == 50
    assert (
        bytes(prediction_json(found))
        == b'{"score":50,"conversionRate":0.02,"expectedValue":0.4,"confidence":0.18}'
    )


def test_three_times_the_average_is_a_score_of_75() -> None:
    model = Model(1000, 20, 0.02, Money(2000, "USD"), Weight(-2.7515, 0.9), NO_WEIGHTS)
    assert predict_by(model, set()).score == 75


def test_of_many_pages_the_most_telling_one_counts() -> None:
    pages = {"a": Weight(1.0, 0.5), "b": Weight(0.4, 0.9), "c": Weight(-2.0, 0.9)}
    model = Model(1000, 20, 0.02, Money(2000, "USD"), Weight(-4.0, 0.9), {**NO_WEIGHTS, PAGE: pages})
    assert predict_by(model, [(PAGE, page) for page in pages]).rate == probability(-3.0)
    assert predict_by(model, {(PAGE, "a")}).rate == probability(-3.0)


def test_few_predictions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "MOST_MADE", 2)
    pages = {str(number): Weight(float(number), 0.5) for number in range(5)}
    model = Model(1000, 20, 0.02, Money(2000, "USD"), Weight(-9.0, 0.9), {**NO_WEIGHTS, PAGE: pages})
    for _ in range(2):
        for number in range(5):
            assert predict_by(model, {(PAGE, str(number))}).rate == probability(number - 9.0)
            assert len(model.made) <= 2


def test_confidence_grows_with_history() -> None:
    told = [one for one, _ in made_up(4, 8000)]
    signs = told[0].signs
    few, many = (predict_by(fitted(history), signs).confidence for history in (told[:400], told))
    assert 0 < few < many < 1


def test_a_customer_is_worth_what_those_who_paid_did_on_average() -> None:
    history = [past(paid=3000), past(paid=1000), *(past() for _ in range(98))]
    assert fitted(history).value == Money(2000, "USD")
    assert fitted([past(paid=-500), past()]).value == Money(0, "USD")


def test_nobody_foretells_themselves() -> None:
    tally = Tally(10, 1)
    rate = 0.1
    assert tally.log_ratio(rate, without=past(paid=1)) < tally.log_ratio(rate)
    assert tally.log_ratio(rate, without=past()) > tally.log_ratio(rate)


def test_corrections_lie_on_straight_lines() -> None:
    corrections = (Correction(-4.0, 1.0), Correction(-2.0, 0.0))
    shifts = [shift_at(corrections, at) for at in (-9.0, -4.0, -3.0, -2.0, 5.0)]
    assert shifts == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert shift_at((), 1.0) == 0.0
    assert shift_at(corrections[:1], 1.0) == 1.0


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=3, max_size=3))
def test_equations_are_solved(half: list[list[float]]) -> None:
    square = [
        [sum(a * b for a, b in zip(one, other, strict=True)) + (one is other) for other in half]
        for one in half
    ]
    right = [1.0, -2.0, 0.5]
    found = solve([line[: place + 1] for place, line in enumerate(square)], right)
    for line, value in zip(square, right, strict=True):
        assert isclose(sum(a * x for a, x in zip(line, found, strict=True)), value, abs_tol=1e-6)


@given(st.floats(allow_nan=False))
def test_a_probability_is_one_whatever_the_odds(log_odds: float) -> None:
    assert 0 <= probability(log_odds) <= 1
    if abs(log_odds) < 20:
        assert isclose(probability(log_odds), 1 / (1 + exp(-log_odds)), rel_tol=1e-6)


def test_a_visitor_without_a_source_came_direct() -> None:
    assert signs_of(None, None, None, []) == {(SOURCE, DIRECT)}
    assert signs_of("DE", "mobile", "Google", ["a", "a"]) == {
        GERMAN,
        ("device", "mobile"),
        (SOURCE, "google"),
        (PAGE, "a"),
    }


def test_too_few_customers_to_hold_out_are_told() -> None:
    assert calibrate([past(paid=1), *(past() for _ in range(9))], 3) is None


# In the background


class Told:
    """A database whose histories tell of visitors by website id; `asked`: whose were read."""

    def __init__(self, customers: int) -> None:
        self.customers = customers
        self.asked: list[bytes] = []

    async def scan(self, read: Any, asked: Any, *, share: bytes) -> Any:
        if read is read_payers:
            self.asked.append(asked.website.website_id)
            return Payers(0, {})
        paid = [past(paid=100) for _ in range(self.customers)]
        return HistorySlice([*paid, *(past() for _ in range(10))], None)


def shop(number: int, *, has_payments: bool = True) -> Website:
    made = new_website(f"shop{number}.example", 0)
    return replace(made, has_payments=has_payments)


def predictions(told: Told, *websites: Website) -> tuple[Predictions, dict[bytes, Website]]:
    held = {one.website_id: one for one in websites}
    return Predictions(cast(Any, told), lambda: held, RateBook(None), lambda: 0), held


def test_histories_are_read_in_turn_and_only_of_websites_with_payments() -> None:
    told, sites = Told(1), [shop(1), shop(2, has_payments=False), shop(3)]
    made, _ = predictions(told, *sites)

    async def scenario() -> None:
        for _ in range(4):
            assert await made.advance() >= book.LOOK_SECONDS

    asyncio.run(scenario())
    assert sorted(told.asked) == sorted([sites[0].website_id, sites[2].website_id])
    assert made.model_of(sites[0]) is not None
    assert made.model_of(sites[1]) is None


def test_what_is_known_of_a_website_goes_with_it() -> None:
    site = shop(1)
    made, held = predictions(Told(1), site)
    asyncio.run(cast(Any, made.advance()))
    held.clear()
    asyncio.run(cast(Any, made.advance()))
    assert made.model_of(site) is None


def test_nothing_is_predicted_in_a_currency_that_was_changed() -> None:
    site = shop(1)
    made, _ = predictions(Told(1), site)
    asyncio.run(cast(Any, made.advance()))
    assert made.model_of(replace(site, currency="EUR")) is None


def test_a_history_that_lost_its_customers_predicts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "LEAST_AGE", 0.0)
    monkeypatch.setattr(book, "REST", 0)
    told, site = Told(1), shop(1)
    made, _ = predictions(told, site)
    asyncio.run(cast(Any, made.advance()))
    told.customers = 0
    asyncio.run(cast(Any, made.advance()))
    assert made.model_of(site) is None
