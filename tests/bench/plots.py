"""Growth curves as SVG: what a tick takes with ever more active runs, both axes logarithmic."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 640, 400, 64
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700")

Points = Sequence[tuple[float, float]]
"""(x, y), all greater than zero."""


def growth(title: str, x_name: str, y_name: str, lines: Mapping[str, Points]) -> str:
    """A chart with one line for each name, as the text of an SVG file.

    Raises:
        ValueError: there is nothing to show, or a value that has no logarithm.
    """
    points = [point for line in lines.values() for point in line]
    if not points or any(value <= 0 for point in points for value in point):
        raise ValueError("a growth curve needs values greater than zero")
    x_scale = _Scale([x for x, _ in points], MARGIN, WIDTH - MARGIN)
    y_scale = _Scale([y for _, y in points], HEIGHT - MARGIN, MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 24, title, size=15),
        _text(WIDTH / 2, HEIGHT - 16, x_name),
        _text(MARGIN, MARGIN - 16, y_name),
        *(_grid(x_scale.at(x), MARGIN, x_scale.at(x), HEIGHT - MARGIN) for x in x_scale.decades),
        *(_grid(MARGIN, y_scale.at(y), WIDTH - MARGIN, y_scale.at(y)) for y in y_scale.decades),
        *(_text(x_scale.at(x), HEIGHT - MARGIN + 18, f"{x:,g}") for x in x_scale.decades),
        *(_text(MARGIN - 28, y_scale.at(y) + 4, f"{y:,g}") for y in y_scale.decades),
    ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x_scale.at(x):.1f},{y_scale.at(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x_scale.at(x):.1f}" cy="{y_scale.at(y):.1f}" r="3" fill="{colour}"/>'
            for x, y in line
        ]
        parts.append(_text(MARGIN + 8, MARGIN + 16 * (number + 1), name, colour=colour, anchor="start"))
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Maps values to pixels by their logarithms, from one power of ten to another."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(math.ceil(math.log10(max(values))), self._low + 1)
        self._first, self._last = first, last

    @property
    def decades(self) -> list[float]:
        """The powers of ten that it shows."""
        return [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, value: float) -> float:
        """Where a value is."""
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._first + share * (self._last - self._first)


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d0d7de"/>'


def _text(
    x: float, y: float, text: str, *, size: int = 12, colour: str = "#24292f", anchor: str = "middle"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
