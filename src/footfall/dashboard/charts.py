"""Charts as SVG: lines of numbers over time with bars of money below them, and small lines for tiles. Pure.

They carry classes and attributes alone, as the Content-Security-Policy allows; the style sheet colours them. Wide screens, tablets and phones
get drawings of their own: a shrunk one could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup


class ChartMark(NamedTuple):
    """Something that happened at a point: who paid. `hue`: 0 to 7; `initials`: what the mark shows."""

    initials: str
    hue: int


class ChartPoint(NamedTuple):
    """A part of the time shown.

    `label`: below the axis; `title`: all its numbers in a sentence; `before`: the value of the period compared with; `money`: in units of the
    currency; `path`: where a click leads; `is_running`: whether it is not over yet; `has_note`: whether somebody wrote about it.
    """

    label: str
    title: str
    value: float
    before: float | None = None
    money: float = 0
    path: str = ""
    is_running: bool = False
    marks: tuple[ChartMark, ...] = ()
    has_note: bool = False


class ChartSize(NamedTuple):
    """A drawing's measures in units: of the whole, and of the room left of, right of, above and below what is plotted."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    labels: int
    """How many labels fit below it."""
    marks: int
    """How many marks fit at a point."""


WIDE = ChartSize("wide", 1180, 300, 44, 52, 22, 26, 10, 3)
MIDDLE = ChartSize("middle", 760, 280, 40, 48, 20, 26, 7, 2)
PHONE = ChartSize("phone", 360, 230, 36, 40, 18, 24, 4, 1)
SIZES = (WIDE, MIDDLE, PHONE)
TICKS = 4
"""Lines of the grid above zero, at most."""
BARS = 0.5
"""How much of the height bars of money take, at most."""
MARK = 9
"""The radius of a mark."""

Spelling = Callable[[float], str]


def draw_chart(points: Sequence[ChartPoint], value: Spelling, money: Spelling) -> Markup:
    """The drawings for all sizes. `value` and `money` spell the numbers of the axes."""
    return Markup("").join(_Drawing(points, size).drawn(value, money) for size in SIZES)


def draw_line(values: Sequence[float], width: int = 120, height: int = 32) -> Markup:
    """A small line without axes."""
    top = max(values, default=0) or 1
    step = width / max(1, len(values) - 1)
    spots = [(number * step, height - 2 - value / top * (height - 4)) for number, value in enumerate(values)]
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>'
    ).format(width, height, _line(spots))


def nice_ticks(most: float, count: int = TICKS, *, is_whole: bool = False) -> list[float]:
    """Round numbers from 0 to the first that is not below `most`: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if most <= 0:
        return [0, 1]
    rough = most / count
    power = 10 ** floor(log10(rough))
    steps = (1, 2, 5, 10) if is_whole and power <= 1 else (1, 2, 2.5, 5, 10)
    step = next(power * one for one in steps if power * one >= rough * (1 - 1e-9))
    step = max(1, step) if is_whole else step
    return [step * number for number in range(ceil(most / step * (1 - 1e-9)) + 1)]


def _ticks_around(values: Sequence[float]) -> list[float]:
    """Round numbers that hold all values and 0: refunds may leave less than nothing."""
    most, least = max(0, *values, 0), min(0, *values, 0)
    ticks = nice_ticks(max(most, -least), is_whole=all(float(one).is_integer() for one in values))
    if least == 0:
        return ticks
    return [
        ticks[1] * number for number in range(-ceil(-least / ticks[1]), max(1, ceil(most / ticks[1])) + 1)
    ]


Spot = tuple[float, float]


class _Drawing:
    """One drawing of a chart."""

    def __init__(self, points: Sequence[ChartPoint], size: ChartSize) -> None:
        self._points = points
        self._size = size
        self._base = size.height - size.bottom
        self._room = self._base - size.top
        values = [one.value for one in points] + [one.before or 0 for one in points]
        self._ticks = _ticks_around(values)
        self._money_ticks = nice_ticks(max((one.money for one in points), default=0), 2)
        self._has_money = any(one.money > 0 for one in points)
        self._step = (size.width - size.left - size.right) / max(1, len(points))

    def drawn(self, value: Spelling, money: Spelling) -> Markup:
        """The whole drawing."""
        size = self._size
        parts = [
            self._grid(value),
            self._bars(money) if self._has_money else Markup(),
            self._lines(),
            self._labels(),
        ]
        parts += [self._marks(), self._notes(), self._hits()]
        return Markup('<svg class="chart {}" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
            size.name, size.width, size.height, Markup("").join(parts)
        )

    def _x(self, number: int) -> float:
        """The middle of a point."""
        return self._size.left + (number + 0.5) * self._step

    def _y(self, value: float) -> float:
        least, most = self._ticks[0], self._ticks[-1]
        return self._base - (value - least) / (most - least) * self._room

    def _money_height(self, amount: float) -> float:
        return max(0, amount) / self._money_ticks[-1] * self._room * BARS

    def _grid(self, value: Spelling) -> Markup:
        size = self._size
        lines = Markup("").join(
            Markup('<path d="M{} {}H{}"/>').format(size.left, _short(self._y(one)), size.width - size.right)
            for one in self._ticks
        )
        texts = Markup("").join(
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
                size.left - 8, _short(self._y(one) + 4), value(one)
            )
            for one in self._ticks
        )
        return Markup('<g class="grid">{}</g><g class="axis">{}</g>').format(lines, texts)

    def _bars(self, money: Spelling) -> Markup:
        width = max(1.5, min(28, self._step * 0.56))
        bars = Markup("").join(
            Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="{}"/>').format(
                _short(self._x(number) - width / 2),
                _short(self._base - self._money_height(one.money)),
                _short(width),
                _short(self._money_height(one.money)),
                2 if width > 6 else 0,
            )
            for number, one in enumerate(self._points)
            if one.money > 0
        )
        texts = Markup("").join(
            Markup('<text x="{}" y="{}">{}</text>').format(
                self._size.width - self._size.right + 8,
                _short(self._base - self._money_height(one) + 4),
                money(one),
            )
            for one in self._money_ticks[1:]
        )
        return Markup('<g class="bars">{}</g><g class="axis money">{}</g>').format(bars, texts)

    def _lines(self) -> Markup:
        """The area and line of what is over, the line of what runs, and that of the period before."""
        spots = [(self._x(number), self._y(one.value)) for number, one in enumerate(self._points)]
        before = [
            (self._x(number), self._y(one.before))
            for number, one in enumerate(self._points)
            if one.before is not None
        ]
        over = [spot for spot, one in zip(spots, self._points, strict=True) if not one.is_running]
        running = spots[max(0, len(over) - 1) :] if len(over) < len(spots) else []
        drawn = []
        if len(spots) == 1:
            drawn.append(Markup('<circle class="dot" cx="{}" cy="{}" r="4"/>').format(*map(_short, spots[0])))
        if len(spots) > 1:
            area = f"{_line(spots)}V{_short(self._y(0))}H{_short(spots[0][0])}z"
            drawn.append(Markup('<path class="area" d="{}"/>').format(area))
        drawn += [
            Markup('<path class="{}" d="{}"/>').format(name, _line(line))
            for name, line in (("before", before), ("line", over), ("line running", running))
            if len(line) > 1
        ]
        return Markup("").join(drawn)

    def _labels(self) -> Markup:
        every = max(1, ceil(len(self._points) / self._size.labels))
        shown = [
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                _short(self._x(number)), self._base + 18, one.label
            )
            for number, one in enumerate(self._points)
            if number % every == 0
        ]
        return Markup('<g class="axis">{}</g>').format(Markup("").join(shown))

    def _marks(self) -> Markup:
        return Markup("").join(
            self._marks_at(number, one) for number, one in enumerate(self._points) if one.marks
        )

    def _notes(self) -> Markup:
        """A sheet on the axis below each point that somebody wrote about."""
        return Markup("").join(
            Markup('<path class="noted" d="M{} {}h9v8l-3 3h-6z"/>').format(
                _short(self._x(number) - 4.5), self._base - 6
            )
            for number, one in enumerate(self._points)
            if one.has_note
        )

    def _marks_at(self, number: int, point: ChartPoint) -> Markup:
        """The marks of a point above its line, or one dot where there is no room for them."""
        x, y = self._x(number), self._y(point.value)
        if self._step < 2 * MARK:
            return Markup('<circle class="mark more" cx="{}" cy="{}" r="3.5"/>').format(_short(x), _short(y))
        shown = self._shown_marks(point)
        above = (2 * MARK - 3) * (len(shown) - 1)
        lowest = max(MARK + 1.0 + above, y - MARK - 7)
        return Markup("").join(
            _mark(x, lowest - above + (2 * MARK - 3) * place, mark) for place, mark in enumerate(shown)
        )

    def _shown_marks(self, point: ChartPoint) -> Sequence[ChartMark]:
        """As many marks as fit; the last one tells how many more there are."""
        most = self._size.marks
        if len(point.marks) <= most:
            return point.marks
        return (*point.marks[: most - 1], ChartMark(f"+{len(point.marks) - most + 1}", -1))

    def _hits(self) -> Markup:
        """What a pointer meets at each point."""
        return Markup("").join(self._hit(number, one) for number, one in enumerate(self._points))

    def _hit(self, number: int, point: ChartPoint) -> Markup:
        # The other drawings tell by the texts of this one, which are much of the page.
        title = Markup("<title>{}</title>").format(point.title) if self._size is WIDE else ""
        rect = Markup('<rect class="hit" x="{}" width="{}" height="{}">{}</rect>').format(
            _short(self._x(number) - self._step / 2), _short(self._step), self._base, title
        )
        if not point.path:
            return rect
        return Markup('<a href="{}" tabindex="-1">{}</a>').format(point.path, rect)


def _mark(x: float, y: float, mark: ChartMark) -> Markup:
    return Markup(
        '<g class="mark"><circle class="{}" cx="{}" cy="{}" r="{}"/><text x="{}" y="{}">{}</text></g>'
    ).format(
        f"hue-{mark.hue}" if mark.hue >= 0 else "more",
        *(_short(x), _short(y), MARK, _short(x), _short(y + 3)),
        mark.initials,
    )


def _line(spots: Sequence[Spot]) -> str:
    return "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in spots) if spots else ""


def _short(number: float) -> str:
    """A number with at most one digit behind the point."""
    return f"{number:.1f}".removesuffix(".0")
