"""Distributions drawn as SVG: how one figure is spread over real, synthetic and phantom eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

FloatArray = NDArray[np.float64]

_WIDTH: Final = 320
_HEIGHT: Final = 92
_BASE: Final = 66  # y of the axis
_TOP: Final = 6
_POINTS: Final = 160
_MARKS: Final = 60  # values that are drawn as ticks below the axis
_LANES: Final = 5  # px between the ticks of two samples


def distribution_svg(values: Mapping[str, NDArray[np.floating]], label: str) -> str:
    """A picture of one figure: a smoothed density of each sample, its values as ticks below.

    Args:
        values: (N,) finite values of each sample; the name becomes the class ``c-<name>``, which colours it.
        label: what the picture shows, for those who cannot see it.

    Returns:
        An ``<svg>`` element without colours of its own.
    """
    shown = {name: np.asarray(rows, dtype=np.float64) for name, rows in values.items() if len(rows)}
    low, high = _range(list(shown.values()))
    grid = np.linspace(low, high, _POINTS)
    curves = {name: _density(rows, grid) for name, rows in shown.items()}
    top = max((float(curve.max()) for curve in curves.values()), default=1.0) or 1.0
    pieces = [_curve(name, grid, curve / top, (low, high)) for name, curve in curves.items()]
    pieces += [_ticks(name, rows, (low, high), lane) for lane, (name, rows) in enumerate(shown.items())]
    pieces.append(f'<line class="axis" x1="0" y1="{_BASE}" x2="{_WIDTH}" y2="{_BASE}"/>')
    for at, anchor, value in ((0, "start", low), (_WIDTH, "end", high)):
        pieces.append(f'<text x="{at}" y="{_HEIGHT - 2}" text-anchor="{anchor}">{value:.3g}</text>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">' + "".join(pieces) + "</svg>"
    )


def _range(samples: Sequence[FloatArray]) -> tuple[float, float]:
    """From the lowest to the highest value, but for the outermost hundredth of each sample."""
    low = min(float(np.quantile(rows, 0.01)) for rows in samples)
    high = max(float(np.quantile(rows, 0.99)) for rows in samples)
    margin = 0.08 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _density(rows: FloatArray, grid: FloatArray) -> FloatArray:
    """Kernel density; of equal values a narrow peak."""
    width = grid[-1] - grid[0]
    if len(rows) < 2 or np.ptp(rows) < 1e-9 * max(width, 1e-12):
        return np.asarray(np.exp(-(((grid - rows.mean()) / (0.01 * width)) ** 2)) / (0.01 * width), dtype=np.float64)
    kernel = gaussian_kde(rows)
    if float(np.sqrt(kernel.covariance[0, 0])) < 0.008 * width:
        kernel.set_bandwidth(kernel.factor * 0.008 * width / float(np.sqrt(kernel.covariance[0, 0])))
    return np.asarray(kernel(grid), dtype=np.float64)


def _x(value: float, ends: tuple[float, float]) -> float:
    return (value - ends[0]) / (ends[1] - ends[0]) * _WIDTH


def _curve(name: str, grid: FloatArray, height: FloatArray, ends: tuple[float, float]) -> str:
    points = " ".join(
        f"{_x(float(x), ends):.1f},{_BASE - (_BASE - _TOP) * float(y):.1f}" for x, y in zip(grid, height, strict=True)
    )
    area = f'<polygon class="a-{escape(name)}" points="0,{_BASE} {points} {_WIDTH},{_BASE}"/>'
    return f'{area}<polyline class="c-{escape(name)}" points="{points}"/>'


def _ticks(name: str, rows: FloatArray, ends: tuple[float, float], lane: int) -> str:
    inside = rows[(rows >= ends[0]) & (rows <= ends[1])]
    if len(inside) > _MARKS:
        inside = np.quantile(inside, np.linspace(0, 1, _MARKS))
    y = _BASE + 2 + lane * _LANES
    path = "".join(f"M{_x(float(value), ends):.1f} {y}v{_LANES - 1}" for value in inside)
    return f'<path class="t-{escape(name)}" d="{path}"/>'
