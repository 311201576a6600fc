"""Charts as SVG, drawn here: sizes are attributes, colours are classes of the style sheet. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from controller.states import JobState
from controller.tables.formats import duration, local_time, state_words
from jfr_web.listing import tone_of
from jfr_web.rendering import count

_WIDTH, _HEIGHT = 640.0, 150.0
_LEFT, _BOTTOM, _TOP = 36.0, 22.0, 10.0
_STEPS = (5.0, 2.0, 1.0, 0.5, 0.2)
_CHARACTER = 6.6
"""Width of a character in a tick label, on the generous side."""


@dataclass(frozen=True)
class Series:
    """One part of stacked bars.

    Attributes
    ----------
    name
        Name of the series.
    tone
        Its colour.
    values
        One for each bar.
    """

    name: str
    tone: str
    values: Sequence[int]


def state_bar(counts: Mapping[Any, int]) -> Markup:
    """Return one bar divided by states; each part is at least one pixel wide."""
    shown = {state: number for state, number in counts.items() if number}
    total = sum(shown.values())
    if not total:
        return Markup("")
    parts, x = [], 0.0
    least = 0.4
    scale = 100.0 - least * len(shown)
    for state, number in shown.items():
        words = state_words(state)
        width = least + scale * number / total
        parts.append(
            Markup(
                '<rect class="f-{}" x="{:.2f}%" width="{:.2f}%" height="100%">'
                "<title>{} {}</title></rect>"
            ).format(tone_of(words), x, width, count(number), state.value)
        )
        x += width
    told = ", ".join(f"{number} {state.value}" for state, number in shown.items())
    return Markup('<svg class="bar" height="14" role="img" aria-label="{}">{}</svg>').format(
        told, Markup("").join(parts)
    )


def stacked(labels: Sequence[str], series: Sequence[Series], *, title: str) -> Markup:
    """Return stacked bars with an axis; each part has a title that describes it."""
    totals = [sum(values) for values in zip(*(one.values for one in series))]
    top = nice_top(max(totals, default=0))
    if not totals:
        return Markup("")
    height = _HEIGHT - _BOTTOM - _TOP
    step = (_WIDTH - _LEFT) / len(labels)
    parts = [_grid(top, height)]
    every = max(1, len(labels) // 12)
    for number, label in enumerate(labels):
        x = _LEFT + number * step
        y = _TOP + height
        for one in series:
            value = one.values[number]
            if not value:
                continue
            size = max(1.0, height * value / top)
            y -= size
            parts.append(
                Markup(
                    '<rect class="f-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                    "<title>{}: {} {}</title></rect>"
                ).format(one.tone, x + 1, y, max(step - 2, 1), size, label, count(value), one.name)
            )
        if number % every == 0:
            parts.append(
                Markup(
                    '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
                ).format(x + step / 2, _HEIGHT - 6, label)
            )
    return Markup(
        '<svg class="chart" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, f"{title}: {sum(totals)}", Markup("").join(parts))


def _grid(top: int, height: float) -> Markup:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + height * (1 - share)
        value = top * share
        text = f"{value:g}" if value < 10_000 else f"{value / 1000:g}k"
        lines.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH, y, y, _LEFT - 6, y + 4, text)
        )
    return Markup("").join(lines)


def nice_top(most: float) -> int:
    """Round up to a round number: 2, 4, 10, 20, 40, 100 and so on."""
    top = 2
    while top < most:
        for factor in (2, 2.5, 2):
            top = round(top * factor)
            if top >= most:
                break
    return top


def time_line(parts: Sequence[tuple[str, float | None]]) -> Markup:
    """Return one bar of the states that a job went through, each as wide as it lasted.

    Parameters
    ----------
    parts
        (state, seconds) pairs, oldest first; pairs without a state or duration are skipped.
    """
    lasting = [(state, seconds) for state, seconds in parts if state and seconds]
    total = sum(seconds for _, seconds in lasting)
    if not total:
        return Markup("")
    least = min(1.0, 50.0 / len(lasting))
    scale = 100.0 - least * len(lasting)
    drawn, x = [], 0.0
    for state, seconds in lasting:
        width = least + scale * seconds / total
        known = JobState(state) if state in JobState.__members__ else None
        tone = tone_of(state_words(known)) if known is not None else "idle"
        told = f"{state}: {duration(seconds) if seconds >= 1 else f'{seconds:.2f} s'}"
        drawn.append(
            Markup(
                '<rect class="f-{}" x="{:.2f}%" width="{:.2f}%" height="100%">'
                "<title>{}</title></rect>"
            ).format(tone, x, width, told)
        )
        x += width
    told = ", ".join(f"{state} {seconds:.0f} s" for state, seconds in lasting)
    return Markup('<svg class="bar" height="14" role="img" aria-label="{}">{}</svg>').format(
        told, Markup("").join(drawn)
    )


def bars(rows: Sequence[tuple[str, str, float, str, str]], *, title: str) -> Markup:
    """Return horizontal bars with labels, for a few items.

    Parameters
    ----------
    rows
        (address, label, value, text of the value, tone) each.
    """
    most = max((value for _, _, value, _, _ in rows), default=0.0)
    if not most:
        return Markup("")
    parts = []
    for number, (href, label, value, text, tone) in enumerate(rows):
        y = number * 22
        short = label if len(label) <= 26 else f"{label[:25]}…"
        parts.append(
            Markup(
                '<a href="{}"><title>{}</title><text class="tick" x="170" y="{}" '
                'text-anchor="end">{}</text>'
                '<rect class="f-{}" x="178" y="{}" width="{:.1f}" height="14"/>'
                '<text class="tick" x="{:.1f}" y="{}">{}</text></a>'
            ).format(
                href,
                f"{label}: {text}",
                y + 15,
                short,
                tone,
                y + 4,
                380 * value / most,
                184 + 380 * value / most,
                y + 15,
                text,
            )
        )
    return Markup('<svg class="chart" viewBox="0 0 640 {}" aria-label="{}">{}</svg>').format(
        22 * len(rows) + 4, title, Markup("").join(parts)
    )


@dataclass(frozen=True)
class Axis:
    """An axis of a scatter plot.

    Attributes
    ----------
    title
        Title of the axis.
    log
        Whether it is logarithmic; numbers that are not positive are then skipped.
    is_time
        Whether its numbers are seconds since 1970.
    """

    title: str
    log: bool = False
    is_time: bool = False

    def place(self, value: float) -> float | None:
        """Return the position of a number on the axis, in axis units; None if it has none."""
        if not self.log:
            return value
        return math.log10(value) if value > 0 else None

    def ticks(self, places: Sequence[float]) -> list[float]:
        """Return the positions of the grid lines: three to seven round numbers."""
        least, most = min(places), max(places)
        if self.is_time or least == most:
            return [least + (most - least) * n / 4 for n in range(5)] if least < most else [least]
        size = 10.0 ** math.floor(math.log10(most - least))
        step = next(s for s in (size * f for f in _STEPS) if (most - least) / s >= 2.5)
        first, last = math.ceil(least / step - 1e-9), math.floor(most / step + 1e-9)
        return [n * step for n in range(first, last + 1)]

    def text(self, place: float) -> str:
        """Return the label of a grid line."""
        if self.is_time and not self.log:
            time = datetime.fromtimestamp(place, UTC).replace(tzinfo=None)
            return local_time(time, "%m-%d %H:%M")
        return f"{10**place:.3g}" if self.log else f"{place:.10g}"


@dataclass(frozen=True)
class Dot:
    """A point of a scatter plot, with its link."""

    x: float
    y: float
    tone: str
    title: str
    href: str


def scatter(dots: Sequence[Dot], across: Axis, up: Axis) -> Markup:
    """Return a scatter plot; points that a logarithmic axis cannot show are skipped."""
    placed = [
        (x, y, dot)
        for dot in dots
        if (x := across.place(dot.x)) is not None and (y := up.place(dot.y)) is not None
    ]
    if not placed:
        return Markup("")
    right, low, high, width, height = 690.0, 380.0, 12.0, 700.0, 420.0
    to_y = _scale([y for _, y, _ in placed], low - 8, high + 8)
    rows = up.ticks([to_y.least, to_y.most])
    left = 34.0 + _CHARACTER * max(len(up.text(y)) for y in rows)
    to_x = _scale([x for x, _, _ in placed], left + 8, right - 8)
    parts = [_axes(to_x, to_y, across, up, (left, right, low, high))]
    parts += [
        Markup(
            '<a href="{}"><circle class="dot f-{}" cx="{:.1f}" cy="{:.1f}" r="4">'
            "<title>{}</title></circle></a>"
        ).format(dot.href, dot.tone, to_x.pixel(x), to_y.pixel(y), dot.title)
        for x, y, dot in placed
    ]
    label = f"{up.title} against {across.title}: {len(placed)} points"
    return Markup(
        '<svg class="chart wide" viewBox="0 0 {:.0f} {:.0f}" aria-label="{}">{}</svg>'
    ).format(width, height, label, Markup("").join(parts))


@dataclass(frozen=True)
class _Scale:
    least: float
    most: float
    start: float
    end: float

    def pixel(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return self.start + (self.end - self.start) * share


def _scale(values: Sequence[float], start: float, end: float) -> _Scale:
    least, most = min(values), max(values)
    if least == most:
        room = abs(least) * 0.05 or 1.0
        least, most = least - room, most + room
    return _Scale(least, most, start, end)


def _axes(
    to_x: _Scale, to_y: _Scale, across: Axis, up: Axis, box: tuple[float, float, float, float]
) -> Markup:
    left, right, low, high = box
    parts = [
        Markup(
            '<line class="grid" x1="{0:.1f}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
            '<text class="tick" x="{3:.1f}" y="{4:.1f}" text-anchor="end">{5}</text>'
        ).format(left, right, to_y.pixel(y), left - 6, to_y.pixel(y) + 4, up.text(y))
        for y in up.ticks([to_y.least, to_y.most])
    ]
    for x in across.ticks([to_x.least, to_x.most]):
        text, middle = across.text(x), to_x.pixel(x)
        half = _CHARACTER * len(text) / 2
        middle = min(max(middle, left + half), right - half)  # within the picture
        parts.append(
            Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                middle, low + 16, text
            )
        )
    parts.append(
        Markup(
            '<text class="tick" x="{0}" y="{1}" text-anchor="middle">{2}</text>'
            '<text class="tick" x="14" y="{3}" text-anchor="middle" '
            'transform="rotate(-90 14 {3})">{4}</text>'
        ).format((left + right) / 2, low + 34, across.title, (low + high) / 2, up.title)
    )
    return Markup("").join(parts)
