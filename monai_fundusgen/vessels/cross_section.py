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


@dataclass(frozen=True)
class CrossSections:
    """The pixels of the vessels of one kind and of a margin round them, in the order of `numpy.flatnonzero`.

    Attributes:
        where: those pixels, (H, W).
        width_px: width of the vessel at the nearest point of its axis, (N,).
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


def cross_sections(vessels: NDArray[np.bool_], margin_px: float = MARGIN_PX) -> CrossSections:
    """Cross sections of a vessel map.

    The axis is where the distance to the background has a local maximum; each pixel belongs to its nearest point. A bar
    that is drawn ``w`` pixels wide measures ``w`` if odd, and ``w - 1`` if even: half a pixel too little on average.

    Args:
        vessels: map of one kind, (H, W).
        margin_px: see `MARGIN_PX`.
    """
    depth = distance_on(vessels, vessels).astype(np.float32)
    rows, columns = _axis(depth)
    away, radius = _nearest(
        rows, columns, depth[rows, columns], vessels.shape[0], vessels.shape[1], np.float32(margin_px)
    )
    where = vessels | (away - radius + 1 <= margin_px)
    inside = vessels[where]
    depth, away, radius = (plane[where] for plane in (depth, away, radius))
    across = np.clip((radius - depth) / np.maximum(radius - np.float32(0.5), np.float32(0.5)), 0, 1)
    position = np.where(inside, across, 1 + np.maximum(away - radius + 1, 1))
    return CrossSections(where, 2 * radius - 1, position.astype(np.float32))


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
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distance to the nearest point of the axis, and the vessel's radius there; beyond its reach infinite and 0."""
    away = np.full((height, width), np.float32(np.inf))
    radius = np.zeros((height, width), np.float32)
    for i in range(rows.size):
        reach = int(np.ceil(radii[i] + margin)) + 1
        for r in range(max(rows[i] - reach, 0), min(rows[i] + reach + 1, height)):
            for c in range(max(columns[i] - reach, 0), min(columns[i] + reach + 1, width)):
                found = np.float32(np.sqrt((r - rows[i]) ** 2 + (c - columns[i]) ** 2))
                if found < away[r, c]:
                    away[r, c] = found
                    radius[r, c] = radii[i]
    return away, radius
