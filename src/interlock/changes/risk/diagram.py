"""A reliability diagram as SVG: what was predicted against what came true. Readable on light and dark pages. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from interlock.changes.risk.fit import Bin

_SIDE, _LEFT, _TOP = 320, 64, 40
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #333 }
  .line { stroke: #999; fill: none }
  .even { stroke: #999; stroke-dasharray: 5 4 }
  .spread { stroke: #06c; stroke-opacity: .55; stroke-width: 2 }
  .point { fill: #06c }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .line, .even { stroke: #888 } .spread { stroke: #6bf } .point { fill: #6bf }
  }
"""


def diagram(bins: Sequence[Bin], title: str) -> str:
    """Each bin as a point with the spread that chance alone gives its share (95%); on the dashed line is right."""
    return "\n".join(_parts(bins, title)) + "\n"


def _parts(bins: Sequence[Bin], title: str) -> Iterator[str]:
    most = _round(max([0.1, *(max(one.predicted, wilson(one)[1]) for one in bins)]))
    width, height = _LEFT + _SIDE + 24, _TOP + _SIDE + 52

    def x(value: float) -> float:
        return round(_LEFT + _SIDE * value / most, 1)

    def y(value: float) -> float:
        return round(_TOP + _SIDE - _SIDE * value / most, 1)

    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    yield f'<text x="{_LEFT}" y="24">{escape(title)}</text>'
    yield f'<path class="line" d="M{x(0)} {y(most)}V{y(0)}H{x(most)}"/>'
    yield f'<path class="even" d="M{x(0)} {y(0)}L{x(most)} {y(most)}"/>'
    for step in range(5):
        at = most * step / 4
        yield f'<text x="{_LEFT - 8}" y="{y(at) + 4}" text-anchor="end">{at:.0%}</text>'
        yield f'<text x="{x(at)}" y="{y(0) + 20}" text-anchor="middle">{at:.0%}</text>'
    yield f'<text x="{_LEFT + _SIDE / 2:.0f}" y="{y(0) + 42}" text-anchor="middle">predicted</text>'
    yield f'<text transform="translate(16 {_TOP + _SIDE / 2:.0f}) rotate(-90)" text-anchor="middle">came true</text>'
    for one in bins:
        low, high = wilson(one)
        yield f'<path class="spread" d="M{x(one.predicted)} {y(low)}V{y(high)}"/>'
        yield f'<circle class="point" cx="{x(one.predicted)}" cy="{y(one.bad)}" r="4"/>'
    yield "</svg>"


def wilson(one: Bin) -> tuple[float, float]:
    """Between which shares the true one lies, at 95% (Wilson 1927)."""
    z = 1.96
    middle = one.bad + z * z / (2 * one.size)
    wide = z * math.sqrt(one.bad * (1 - one.bad) / one.size + z * z / (4 * one.size**2))
    by = 1 + z * z / one.size
    return max(0.0, (middle - wide) / by), min(1.0, (middle + wide) / by)


def _round(value: float) -> float:
    """The end of an axis that four steps divide."""
    return next((end for end in (0.1, 0.2, 0.4, 0.6, 0.8) if value <= end), 1.0)
