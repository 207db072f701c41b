"""Charts as inline SVG: readable in grey, at any size, without a script."""

from __future__ import annotations

from decimal import Decimal
from math import floor, log10
from typing import TYPE_CHECKING, Final

from spanledger_collector.review.figures import signed

from .markup import Markup, element, join, name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

# Okabe and Ito's, https://jfly.uni-koeln.de/color/, dark and light in turn so that neighbours differ in grey.
SERIES: Final = ("#0072B2", "#E69F00", "#004D40", "#56B4E9", "#D55E00", "#CC79A7")
UP, DOWN, WHOLE, OTHER, INK, FAINT = "#D55E00", "#56B4E9", "#3a4350", "#c3c8ce", "#1c2430", "#d9dde2"
_WIDTH: Final = 720
_LEFT: Final = 56

_Step = tuple[str, float, float, str, Decimal]  # title, from, to, colour, US dollars
_MOST_DATES: Final = 40


class Scale:
    """Dollars to pixels from the bottom, zero included."""

    def __init__(self, values: Sequence[float], top: float, bottom: float) -> None:
        self._top, self._bottom = top, bottom
        self.ticks = _ticks(min([0.0, *values]), max([0.0, *values]))

    def __call__(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return round(self._bottom - (value - low) / (high - low) * (self._bottom - self._top), 1)

    def axis(self, right: float) -> Markup:
        return join(
            join(
                (
                    _line((_LEFT, self(tick)), (right, self(tick)), INK if tick == 0 else FAINT),
                    _label(_LEFT - 6, self(tick) + 3.5, _dollars(tick), anchor="end"),
                )
            )
            for tick in self.ticks
        )


def waterfall(first: tuple[str, Decimal], bars: Sequence[tuple[str, Decimal]], last: tuple[str, Decimal]) -> Markup:
    """From one total to the other; what rose is dark, what fell is light and outlined."""
    steps, level = [(first[0], 0.0, float(first[1]), WHOLE, first[1])], float(first[1])
    for title, usd in bars:
        steps.append((title, level, level + float(usd), UP if usd > 0 else DOWN, usd))
        level += float(usd)
    steps.append((last[0], 0.0, float(last[1]), WHOLE, last[1]))
    scale = Scale([edge for _, *edges, _, _ in steps for edge in edges], 16, 130)
    each = (_WIDTH - _LEFT) / len(steps)
    drawn = [_step(scale, _LEFT + n * each, each, step) for n, step in enumerate(steps)]
    return _svg(154, f"Bridge from {first[0]} to {last[0]}", scale.axis(_WIDTH), *drawn)


def _step(scale: Scale, left: float, each: float, step: _Step) -> Markup:
    title, low, high, colour, usd = step
    is_total = colour == WHOLE
    top, bottom = sorted((scale(low), scale(high)))
    said = _dollars(float(usd), exact=True) if is_total else signed(usd)
    middle = left + each / 2
    link = (
        ""
        if is_total and low == 0 and left > _LEFT
        else _line((left + each * 0.86, scale(high)), (left + each * 1.14, scale(high)), "#8a9099")
    )
    return join(
        (
            _bar((left + each * 0.14, top), (each * 0.72, max(1.0, bottom - top)), colour, outlined=colour == DOWN),
            _label(middle, top - 5, said, weight=600),
            _label(middle, 146, title, weight=600 if is_total else 400),
            link,
        )
    )


def stacked(days: Sequence[date], series: Sequence[tuple[str, Mapping[date, Decimal]]], unnamed: str) -> Markup:
    """A bar per day, at most six series and then the others together."""
    shown = [*series[: len(SERIES) - 1]]
    if rest := series[len(shown) :]:
        together = {day: sum((of.get(day, Decimal(0)) for _, of in rest), Decimal(0)) for day in days}
        shown.append((f"other ({len(rest)})", together))
    tops = [float(sum((of.get(day, Decimal(0)) for _, of in shown), Decimal(0))) for day in days]
    scale, each = Scale(tops, 12, 160), (_WIDTH - _LEFT) / max(1, len(days))
    bars = [_stack(scale, (_LEFT + n * each, each), day, shown) for n, day in enumerate(days)]
    dates = [
        _label(_LEFT + (n + 0.5) * each, 176, f"{day:%d}", size=8)
        for n, day in enumerate(days)
        if len(days) < _MOST_DATES or day.day % 7 == 1
    ]
    return join(
        (_svg(182, "Spend by day", scale.axis(_WIDTH), *bars, *dates), _legend([title for title, _ in shown], unnamed))
    )


def _stack(
    scale: Scale, place: tuple[float, float], day: date, shown: Sequence[tuple[str, Mapping[date, Decimal]]]
) -> Markup:
    level, bars = 0.0, []
    for (_, of), colour in zip(shown, _colours(shown), strict=True):
        usd = float(of.get(day, 0))
        top, bottom = scale(level + usd), scale(level)
        if bottom > top:
            bars.append(_bar((place[0] + place[1] * 0.1, top), (place[1] * 0.8, bottom - top), colour))
        level += usd
    return join(bars)


def _colours(shown: Sequence[tuple[str, object]]) -> list[str]:
    return [OTHER if title.startswith("other (") else SERIES[n] for n, (title, _) in enumerate(shown)]


def _legend(titles: Sequence[str], unnamed: str) -> Markup:
    colours = _colours([(title, None) for title in titles])
    keys = (
        element("span", element("i", style=f"background:{colour}"), name(title, unnamed))
        for title, colour in zip(titles, colours, strict=True)
    )
    return element("p", *keys, class_="legend")


def course(
    days: Sequence[date],
    lines: Sequence[tuple[str, Sequence[float], str]],
    *,
    level: float | None,
    fan: tuple[float, float, float] | None,
) -> Markup:
    """Sums that grow: each line is a title, a value per day and a dash pattern; ``fan`` is P10, P50, P90 at the end."""
    ends = [value for _, values, _ in lines for value in values] + [*(fan or ())] + ([level] if level else [])
    scale, right = Scale(ends, 14, 140), 330

    def x(day: float) -> float:
        return round(_LEFT + day / max(1, len(days)) * (right - _LEFT), 1)

    drawn = [scale.axis(right)]
    now = len(lines[0][1])
    if fan and now:
        start = f"{x(now)},{scale(lines[0][1][-1])}"
        drawn.append(
            _shape(
                "polygon",
                f"{start} {x(len(days))},{scale(fan[0])} {x(len(days))},{scale(fan[2])}",
                fill="#c9d6e2",
                stroke="none",
            )
        )
        drawn.append(_shape("polyline", f"{start} {x(len(days))},{scale(fan[1])}", dash="2 3"))
    if level:
        drawn.append(_line((_LEFT, scale(level)), (right, scale(level)), UP, dash="7 3"))
        drawn.append(_label(_LEFT + 4, scale(level) - 4, f"budget {_dollars(level)}", anchor="start"))
    for title, values, dash in lines:
        points = " ".join(f"{x(n + 1)},{scale(value)}" for n, value in enumerate(values))
        drawn.append(
            _shape("polyline", f"{_LEFT},{scale(0)} {points}", dash=dash, stroke="#0072B2" if not dash else "#8a9099")
        )
        if values:
            drawn.append(_label(right, scale(values[-1]) - 4, title, anchor="end"))
    drawn += [_label(x(n + 0.5), 154, f"{day:%d}", size=8) for n, day in enumerate(days) if n % 5 == 0]
    return _svg(160, "Spend so far, summed up", *drawn, width=right + 4)


def _shape(tag: str, points: str, *, stroke: str = "#0072B2", fill: str = "none", dash: str = "") -> Markup:
    return element(tag, points=points, fill=fill, stroke=stroke, stroke_width=2, stroke_dasharray=dash or "none")


def _bar(place: tuple[float, float], size: tuple[float, float], colour: str, *, outlined: bool = False) -> Markup:
    x, y, width, height = (round(value, 1) for value in (*place, *size))
    outline = {"stroke": INK, "stroke_width": 0.8} if outlined else {}
    return element("rect", x=x, y=y, width=width, height=height, fill=colour, **outline)


def _line(start: tuple[float, float], end: tuple[float, float], colour: str, dash: str = "none") -> Markup:
    x1, y1, x2, y2 = (round(value, 1) for value in (*start, *end))
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=0.8, stroke_dasharray=dash)


def _label(x: float, y: float, said: str, *, anchor: str = "middle", size: float = 9.5, weight: int = 400) -> Markup:
    return element(
        "text", said, x=round(x, 1), y=round(y, 1), text_anchor=anchor, font_size=size, font_weight=weight, fill=INK
    )


def _svg(height: int, title: str, *content: object, width: int = _WIDTH) -> Markup:
    box = f"0 0 {width} {height}"
    return element(
        "svg", element("title", title), *content, viewBox=box, role="img", xmlns="http://www.w3.org/2000/svg"
    )


def _dollars(usd: float, *, exact: bool = False) -> str:
    if exact or (usd and abs(usd) < 10):  # noqa: PLR2004 - below it whole dollars say little
        return f"${usd:,.2f}"
    return f"${usd:,.0f}"


def _ticks(low: float, high: float) -> list[float]:
    """Round steps from at most ``low`` to at least ``high``."""
    if high <= low:
        high = low + 1
    size = (high - low) / 4
    power = 10.0 ** floor(log10(size))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= size)
    first, last = floor(low / step), -floor(-high / step)
    return [step * n for n in range(first, last + 1)]
