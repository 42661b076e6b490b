"""A chart of money as SVG: bars of what came in stand on the axis, stacked, and what went back hangs below it. Pure.

It shares its sizes and its ways with `charts`: classes and attributes alone, and a drawing of its own for each size of screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from markupsafe import Markup

from footfall.dashboard.charts import SIZES, ChartSize, Spelling, nice_ticks

WIDEST = 34
"""Of a bar."""


class StackPoint(NamedTuple):
    """A part of the time shown, in units of the currency.

    `label`: below the axis; `title`: all its numbers in a sentence; `stack`: what came in, from the axis up; `back`: what went back, above zero;
    `before`: what the period compared with came to; `path`: where a click leads; `is_running`: whether it is not over yet.
    """

    label: str
    title: str
    stack: tuple[float, ...]
    back: float = 0
    before: float | None = None
    path: str = ""
    is_running: bool = False


def draw_stacks(points: Sequence[StackPoint], money: Spelling) -> Markup:
    """The drawings for all sizes. `money` spells the numbers of the axis."""
    return Markup("").join(_Stacks(points, size).drawn(money) for size in SIZES)


class _Stacks:
    """One drawing of a chart."""

    def __init__(self, points: Sequence[StackPoint], size: ChartSize) -> None:
        self._points, self._size = points, size
        befores = [one.before or 0 for one in points]
        above = max([0, *befores, *(sum(one.stack) for one in points)])
        below = max([0, *(-one for one in befores), *(one.back for one in points)])
        ticks = nice_ticks(max(above, below), 4)
        step = ticks[1]
        rows = range(-ceil(below / step - 1e-9), max(1, ceil(above / step - 1e-9)) + 1)
        self._ticks = [step * number for number in rows]
        self._bottom = size.height - size.bottom
        self._unit = (self._bottom - size.top) / (self._ticks[-1] - self._ticks[0])
        # Nothing has an axis at the right.
        self._end = size.width - 12
        self._step = (self._end - size.left - 8) / max(1, len(points))

    def drawn(self, money: Spelling) -> Markup:
        """The whole drawing."""
        size = self._size
        parts = [self._grid(money), *self._bars(), self._before(), self._labels(), self._hits()]
        return Markup('<svg class="chart {}" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
            size.name, size.width, size.height, Markup("").join(parts)
        )

    @property
    def _left(self) -> int:
        return self._size.left + 8

    def _x(self, number: int) -> float:
        """The middle of a point."""
        return self._left + (number + 0.5) * self._step

    def _y(self, value: float) -> float:
        return self._bottom - (value - self._ticks[0]) * self._unit

    def _grid(self, money: Spelling) -> Markup:
        lines = Markup("").join(
            Markup('<path{} d="M{} {}H{}"/>').format(
                Markup("") if one else Markup(' class="zero"'), self._left, _short(self._y(one)), self._end
            )
            for one in self._ticks
        )
        texts = Markup("").join(
            Markup('<text x="{}" y="{}" text-anchor="end">{}{}</text>').format(
                self._left - 8, _short(self._y(one) + 4), "\u2212" if one < 0 else "", money(abs(one))
            )
            for one in self._ticks
        )
        return Markup('<g class="grid">{}</g><g class="axis">{}</g>').format(lines, texts)

    def _bars(self) -> list[Markup]:
        layers = max((len(one.stack) for one in self._points), default=0)
        drawn = [self._layer(number) for number in range(layers)]
        back = [self._bar(number, 0, -one.back) for number, one in enumerate(self._points) if one.back > 0]
        return [*drawn, Markup('<g class="returned">{}</g>').format(Markup("").join(back))]

    def _layer(self, layer: int) -> Markup:
        bars = [
            self._bar(number, sum(one.stack[:layer]), sum(one.stack[: layer + 1]))
            for number, one in enumerate(self._points)
            if one.stack[layer] > 0
        ]
        return Markup('<g class="layer-{}">{}</g>').format(layer, Markup("").join(bars))

    def _bar(self, number: int, low: float, high: float) -> Markup:
        width = max(1.5, min(WIDEST, self._step * 0.64))
        top, bottom = sorted((self._y(low), self._y(high)))
        return Markup('<rect{} x="{}" y="{}" width="{}" height="{}"/>').format(
            Markup(' class="running"') if self._points[number].is_running else Markup(""),
            *map(_short, (self._x(number) - width / 2, top, width, max(0.5, bottom - top))),
        )

    def _before(self) -> Markup:
        spots = [
            f"{_short(self._x(number))} {_short(self._y(one.before))}"
            for number, one in enumerate(self._points)
            if one.before is not None
        ]
        return (
            Markup('<path class="before" d="M{}"/>').format("L".join(spots)) if len(spots) > 1 else Markup()
        )

    def _labels(self) -> Markup:
        every = max(1, ceil(len(self._points) / self._size.labels))
        shown = [
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                _short(self._x(number)), self._bottom + 18, one.label
            )
            for number, one in enumerate(self._points)
            if number % every == 0
        ]
        return Markup('<g class="axis">{}</g>').format(Markup("").join(shown))

    def _hits(self) -> Markup:
        """What a pointer meets at each point."""
        return Markup("").join(self._hit(number, one) for number, one in enumerate(self._points))

    def _hit(self, number: int, point: StackPoint) -> Markup:
        rect = Markup(
            '<rect class="hit" x="{}" y="0" width="{}" height="{}"><title>{}</title></rect>'
        ).format(_short(self._x(number) - self._step / 2), _short(self._step), self._bottom, point.title)
        return Markup('<a href="{}" tabindex="-1">{}</a>').format(point.path, rect) if point.path else rect


def _short(number: float) -> str:
    """A number with at most one digit behind the point."""
    return f"{number:.1f}".removesuffix(".0")
