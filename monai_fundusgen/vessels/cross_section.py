"""Where a pixel lies in the cross section of its vessel: how wide the vessel is there, and how far off its axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.vessels.calibre import distance_on

#: Pixels outside up to this far from a vessel are taken too.
MARGIN_PX: Final = 3.2
#: Points of an axis count for another's even width the less, the more their widths differ: standard deviation of the
#: logarithm. So a twig does not take the width of the trunk that it leaves, nor of one that runs beside it.
_ALIKE: Final = np.float32(0.4)
_ROUNDS: Final = 3  # after one, part of a step is left: on either side of it points are most alike to their own side


@dataclass(frozen=True)
class CrossSections:
    """The pixels of the vessels of one kind and of a margin round them, in the order of `numpy.flatnonzero`.

    Attributes:
        where: those pixels, (H, W).
        width_px: width of the vessel at the nearest point of its axis, evened if that was asked for, (N,).
        position: 0 on the axis to 1 on the wall, half a pixel beyond the outermost pixel's centre; outside, 1 plus the
            distance to the vessel in px, (N,).
    """

    where: NDArray[np.bool_]
    width_px: NDArray[np.float32]
    position: NDArray[np.float32]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which of the pixels belong to the vessel, (N,)."""
        inside: NDArray[np.bool_] = self.position <= 1
        return inside


def cross_sections(vessels: NDArray[np.bool_], margin_px: float = MARGIN_PX, *, even_px: float = 0.0) -> CrossSections:
    """Cross sections of a vessel map.

    The axis is where the distance to the background has a local maximum; each pixel belongs to its nearest point. A bar
    that is drawn ``w`` pixels wide measures ``w`` if odd, and ``w - 1`` if even: half a pixel too little on average.

    Args:
        vessels: map of one kind, (H, W).
        margin_px: see `MARGIN_PX`.
        even_px: widths come in the steps that pixels allow (3, 3.5, 4.7, 5), and leap at forks. Above 0 each is the
            mean of those of alike vessels round it, Gaussian with this standard deviation; positions stay.
    """
    depth = distance_on(vessels, vessels).astype(np.float32)
    rows, columns = _axis(depth)
    radii = depth[rows, columns]
    away, nearest = _nearest(rows, columns, radii, vessels.shape[0], vessels.shape[1], np.float32(margin_px))
    radius = np.append(radii, np.float32(0))[nearest]
    where = vessels | (away - radius + 1 <= margin_px)
    inside = vessels[where]
    depth, away, radius = (plane[where] for plane in (depth, away, radius))
    across = np.clip((radius - depth) / np.maximum(radius - np.float32(0.5), np.float32(0.5)), 0, 1)
    position = np.where(inside, across, 1 + np.maximum(away - radius + 1, 1))
    width = 2 * radius - 1
    if even_px > 0 and rows.size:
        around = _around(rows, columns, vessels.shape[0], np.float32(even_px))
        width = np.append(_evened(2 * radii - 1, *around), np.float32(-1))[nearest[where]]
    return CrossSections(where, width, position.astype(np.float32))


@njit(cache=True)
def _axis(depth: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the local maxima of the distance to the background."""
    height, width = depth.shape
    places = []
    for r in range(height):
        for c in range(width):
            if depth[r, c] > 0:
                most = np.float32(0)
                for i in range(max(r - 1, 0), min(r + 2, height)):
                    for j in range(max(c - 1, 0), min(c + 2, width)):
                        most = max(most, depth[i, j])
                if depth[r, c] >= most - 1e-6:
                    places.append((r, c))
    rows, columns = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    for n in range(len(places)):
        rows[n], columns[n] = places[n]
    return rows, columns


@njit(cache=True)
def _nearest(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    radii: NDArray[np.float32],
    height: int,
    width: int,
    margin: np.float32,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distance to the nearest point of the axis, and which it is; beyond its reach infinite and -1."""
    away = np.full((height, width), np.float32(np.inf))
    nearest = np.full((height, width), -1)
    for i in range(rows.size):
        reach = int(np.ceil(radii[i] + margin)) + 1
        for r in range(max(rows[i] - reach, 0), min(rows[i] + reach + 1, height)):
            for c in range(max(columns[i] - reach, 0), min(columns[i] + reach + 1, width)):
                found = np.float32(np.sqrt((r - rows[i]) ** 2 + (c - columns[i]) ** 2))
                if found < away[r, c]:
                    away[r, c] = found
                    nearest[r, c] = i
    return away, nearest


@njit(cache=True)
def _around(
    rows: NDArray[np.int64], columns: NDArray[np.int64], height: int, sigma: np.float32
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Points of the axis round each: where those of each begin (P + 1,), which they are, and their Gaussian weights."""
    begins = np.searchsorted(rows, np.arange(height + 1))  # points come row by row
    reach = int(np.ceil(2 * sigma))
    fall = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2)).astype(np.float32)
    first = np.zeros(rows.size + 1, np.int64)
    points, weights = [], []
    for i in range(rows.size):
        for r in range(max(rows[i] - reach, 0), min(rows[i] + reach + 1, height)):
            for j in range(begins[r], begins[r + 1]):
                aside = columns[j] - columns[i]
                if -reach <= aside <= reach:
                    points.append(j)
                    weights.append(fall[r - rows[i] + reach] * fall[aside + reach])
        first[i + 1] = len(points)
    return first, np.array(points), np.array(weights)


@njit(cache=True)
def _evened(
    widths: NDArray[np.float32], first: NDArray[np.int64], points: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean width of the points of the axis round each, near and alike ones counting most, (P,)."""
    even = widths
    for _ in range(_ROUNDS):
        before, logs = even, np.log(np.maximum(even, np.float32(0.5))) / _ALIKE
        even = np.empty(widths.size, np.float32)
        for i in range(widths.size):
            total, counted = np.float32(0), np.float32(0)
            for k in range(first[i], first[i + 1]):
                alike = weights[k] * np.exp(-((logs[points[k]] - logs[i]) ** 2) / np.float32(2))
                total += alike * before[points[k]]
                counted += alike
            even[i] = total / counted
    return even
