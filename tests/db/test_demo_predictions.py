"""Predictions on the demo come true: the table of docs/prediction.md."""

from __future__ import annotations

from pathlib import Path

from footfall.demo import DOMAIN
from footfall.demo.quarter import fill
from footfall.predictions.calibration import calibrate
from footfall.predictions.history import PayersQuery, read_history
from footfall.websites.store import create_website, read_websites
from tests.support.engines import Place

ON_ENGINES = ["sqlite"]
NOW = 1_764_288_000_000
"""28 November 2025 (ms since epoch)."""
SEED, GROUPS = 1, 6
GUIDE = Path(__file__).parents[2] / "docs" / "prediction.md"


def test_predictions_of_held_out_visitors_of_the_demo_come_true_as_the_guide_shows(place: Place) -> None:
    website = place.transact(lambda tx: create_website(tx, DOMAIN, NOW))
    fill(website, SEED, NOW, place.transact, b"k" * 12)
    held = place.snapshot(read_websites)[website.website_id]
    made = calibrate(place.snapshot(lambda tx: read_history(tx, PayersQuery(held, NOW, None))), GROUPS)
    assert made is not None
    for group in made.groups:
        assert abs(group.customers - group.predicted) < 3 * group.predicted**0.5
    predicted, paid = (
        sum(part) for part in zip(*((g.predicted, g.customers) for g in made.groups), strict=True)
    )
    assert abs(predicted - paid) < paid / 5
    assert made.explained > 0.2
    lines = [
        f"| {one.visitors:,} | {one.predicted:.1f} | {one.customers} | {one.predicted / one.visitors:.1%} | {one.customers / one.visitors:.1%} |"
        for one in made.groups
    ]
    assert [line for line in lines if line not in GUIDE.read_text("utf-8")] == []
