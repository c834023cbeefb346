"""How wide a vessel is: exact distance to the background, and the chord across the vessel with sub-pixel ends.

Widths are in pixels of the map. A bar drawn ``w`` pixels wide measures ``w`` for odd and even ``w`` alike; twice the
distance transform would give ``w + 1`` or ``w``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from monai_fundusgen.vessels.skeleton import padded_bytes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_STEP_PX = 0.25


@njit(cache=True)
def _column_distance(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Vertical distance to the nearest background pixel; outside the array is background."""
    height, width = mask.shape
    gap = np.zeros((height, width), dtype=np.int32)
    for c in range(width):
        gap[0, c] = 1 if mask[0, c] else 0
    for r in range(1, height):
        for c in range(width):
            gap[r, c] = gap[r - 1, c] + 1 if mask[r, c] else 0
    for c in range(width):
        gap[height - 1, c] = min(gap[height - 1, c], 1)
    for r in range(height - 2, -1, -1):
        for c in range(width):
            gap[r, c] = min(gap[r, c], gap[r + 1, c] + 1)
    return gap


@njit(cache=True)
def _distances(gap: NDArray[np.int32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> FloatArray:
    """Second pass of the separable transform, at the wanted pixels only."""
    width = gap.shape[1]
    found = np.empty(rows.size, dtype=np.float64)
    for i in range(rows.size):
        r, c = rows[i], columns[i]
        best = gap[r, c] * gap[r, c]
        dx = 1
        while dx * dx < best:
            left = gap[r, c - dx] if c >= dx else 0
            right = gap[r, c + dx] if c + dx < width else 0
            nearest = min(left, right)
            best = min(best, dx * dx + nearest * nearest)
            dx += 1
        found[i] = np.sqrt(best)
    return found


def distance_on(mask: BoolArray, where: BoolArray) -> FloatArray:
    """Exact Euclidean distance to the nearest background pixel centre, computed only where it is wanted.

    Args:
        mask: vessel map (H, W), bool; whatever lies outside the array counts as background.
        where: pixels (H, W) to compute; elsewhere the result is 0.

    Source: two-pass separable transform (Saito & Toriwaki 1994); far cheaper than a whole transform on thin shapes.
    """
    rows, columns = np.divmod(np.flatnonzero(where), where.shape[1])
    field = np.zeros(mask.shape, dtype=np.float64)
    field[rows, columns] = _distances(_column_distance(np.ascontiguousarray(mask, dtype=np.uint8)), rows, columns)
    return field


@njit(cache=True)
def _value_at(mask: NDArray[np.uint8], r: float, c: float) -> float:
    """Bilinear value of the map, 0 outside."""
    height, width = mask.shape
    top, left = int(np.floor(r)), int(np.floor(c))
    if top < 0 or left < 0 or top + 1 >= height or left + 1 >= width:
        return 0.0
    v, u = r - top, c - left
    upper = (1 - u) * mask[top, left] + u * mask[top, left + 1]
    lower = (1 - u) * mask[top + 1, left] + u * mask[top + 1, left + 1]
    return (1 - v) * upper + v * lower


@njit(cache=True)
def _half_chord(mask: NDArray[np.uint8], start: FloatArray, direction: FloatArray, limit: float) -> float:
    """Distance from a point to where the interpolated map falls below one half, at most ``limit``."""
    before, reach = _value_at(mask, start[0], start[1]), 0.0
    if before < 0.5:
        return 0.0
    while reach < limit:
        reach += _STEP_PX
        after = _value_at(mask, start[0] + reach * direction[0], start[1] + reach * direction[1])
        if after < 0.5:
            return min(limit, reach - _STEP_PX * (0.5 - after) / (before - after))
        before = after
    return limit


@njit(cache=True)
def _chords(mask: NDArray[np.uint8], points: FloatArray, normals: FloatArray, limits: FloatArray) -> FloatArray:
    chords = np.empty(points.shape[0], dtype=np.float64)
    for i in range(points.shape[0]):
        there = _half_chord(mask, points[i], normals[i], limits[i])
        back = _half_chord(mask, points[i], -normals[i], limits[i])
        chords[i] = there + back
    return chords


def widths_px(mask: BoolArray, points_rc: FloatArray, normals_rc: FloatArray, distance_px: FloatArray) -> FloatArray:
    """Width of the vessel at points of its centre line, along the normals.

    Args:
        mask: vessel map (H, W), bool.
        points_rc: (N, 2) rows and columns, sub-pixel; pixel centres are integers.
        normals_rc: (N, 2) unit vectors across the vessel.
        distance_px: (N,) distance transform at the points; each half chord is cut at ``distance + 0.75``, so that
            a chord near a junction does not run along the other branch.

    Returns:
        (N,) widths: the chord between the two half-value crossings of the bilinear map.
    """
    padded = padded_bytes(mask)
    return _chords(padded, points_rc + 1.0, np.ascontiguousarray(normals_rc), distance_px + 0.75)


def weighted_quantiles(values: ArrayLike, weights: ArrayLike, shares: ArrayLike) -> FloatArray:
    """Smallest values below which the given shares of the weight lie; NaN without any weight.

    Args:
        values: (N,) numbers, infinities allowed.
        weights: (N,) non-negative, for example lengths.
        shares: (Q,) in [0, 1].
    """
    x, w, q = (np.asarray(a, dtype=np.float64).ravel() for a in (values, weights, shares))
    if w.sum() <= 0:
        return np.full(q.shape, np.nan)
    order = np.argsort(x, kind="stable")
    total = np.cumsum(w[order])
    places = np.searchsorted(total, q * total[-1] * (1 - 1e-12), side="left")
    return x[order][np.minimum(places, x.size - 1)]


def width_histogram(widths: ArrayLike, weights: ArrayLike, edges: ArrayLike) -> FloatArray:
    """Share of the centre-line length in each width bin.

    Args:
        widths: (N,) widths along the centre lines.
        weights: (N,) length that each stands for.
        edges: (B + 1,) rising bin edges in the unit of the widths; the last bin also takes everything wider.

    Returns:
        (B,) shares that sum to 1, or zeros for an empty map.
    """
    bins = np.asarray(edges, dtype=np.float64)
    clipped = np.clip(np.asarray(widths, dtype=np.float64), bins[0], bins[-1])
    lengths, _ = np.histogram(clipped, bins=bins, weights=np.asarray(weights, dtype=np.float64))
    total = lengths.sum()
    return lengths / total if total > 0 else lengths.astype(np.float64)
