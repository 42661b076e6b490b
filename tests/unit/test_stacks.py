"""The chart of money: what came in stands on the axis, and what went back hangs below it."""

from __future__ import annotations

import re

from footfall.dashboard.stacks import StackPoint, draw_stacks


def drawn(*points: StackPoint) -> str:
    """The drawing for wide screens."""
    return str(draw_stacks(points, lambda value: f"${value:g}")).split("</svg>")[0]


def bars(part: str) -> list[tuple[float, float]]:
    """Where each bar begins and ends, from above."""
    found = re.findall(r'<rect[^>]* y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', part)
    return [(float(top), float(top) + float(height)) for top, height in found]


def layer(text: str, name: str) -> str:
    return text.partition(f'<g class="{name}">')[2].partition("</g>")[0]


def test_renewals_stand_on_new_payments_and_refunds_hang_below_the_axis() -> None:
    text = drawn(StackPoint("1 May", "", (100, 50), 30))
    (new,), (renewal,), (back,) = (bars(layer(text, name)) for name in ("layer-0", "layer-1", "returned"))
    assert renewal[1] == new[0]
    assert new[1] == back[0]
    assert (new[1] - new[0]) / (renewal[1] - renewal[0]) == 2
    zero = re.search(r'class="zero" d="M[\d.]+ ([\d.]+)H', text)
    assert zero is not None
    assert float(zero[1]) == new[1]
    assert "\u2212$50" in text


def test_without_refunds_the_axis_is_at_the_bottom_and_a_point_leads_on() -> None:
    text = drawn(
        StackPoint("1 May", "All", (10, 0), path="?a=1&b=2"), StackPoint("2 May", "", (0, 0), before=5)
    )
    assert "\u2212" not in text
    assert 'href="?a=1&amp;b=2"' in text
    assert "<title>All</title>" in text
    assert bars(layer(text, "layer-1")) == []


def test_losses_alone_and_nothing_at_all_can_be_drawn() -> None:
    assert bars(layer(drawn(StackPoint("1", "", (0, 0), 40, before=-20)), "returned"))
    assert "$0" in drawn(StackPoint("1", "", (0, 0)))
    assert "<svg" in drawn()
