"""Ridges of a soft vessel map: centre lines that survive where the vessel is thinner than a pixel.

A threshold loses what is thinner than a pixel and fuses neighbours; a ridge does neither. The map is doubled in size
and smoothed; ridge pixels are those where it bends down across some direction, and the plateaus of wide vessels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: The ridge grid is this many times finer than the map.
FINENESS: Final = 2
_SIGMA_PX: Final = 0.75


def ridge_height(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """One plane of a soft map (H, W) on a grid ``FINENESS`` times finer, smoothed: what ridges are sought on."""
    fine = np.repeat(np.repeat(np.asarray(soft, dtype=np.float32), FINENESS, axis=0), FINENESS, axis=1)
    return np.asarray(ndimage.gaussian_filter(fine, _SIGMA_PX * FINENESS), dtype=np.float32)


def _sharpest_bend(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smaller eigenvalue of the matrix of second differences (H, W): most negative across a ridge."""
    p = np.pad(height, 1, mode="edge")
    centre = 2 * height
    down, right = p[2:, 1:-1] - centre + p[:-2, 1:-1], p[1:-1, 2:] - centre + p[1:-1, :-2]
    mixed = (p[2:, 2:] - p[2:, :-2] - p[:-2, 2:] + p[:-2, :-2]) / 4
    bend: NDArray[np.float32] = ((down + right) / 2 - np.hypot((down - right) / 2, mixed)).astype(np.float32)
    return bend


def ridge_map(
    height: NDArray[np.float32], *, level: float = 0.05, bend: float = 0.06, plateau: float = 0.6
) -> BoolArray:
    """Ridges of a `ridge_height` (H, W), some pixels wide, to be thinned.

    Args:
        height: smoothed share of each pixel that vessels cover, in [0, 1].
        level: height that a ridge has at least; a vessel of width w px of the soft map peaks at about 0.5 w.
        bend: second derivative across a ridge, per square pixel of the soft map, at least; between two close vessels
            the map bends the other way, which keeps them apart.
        plateau: height from which a pixel counts without a bend, inside vessels of several pixels.
    """
    bends = _sharpest_bend(height) < -bend / FINENESS**2
    found: BoolArray = (height > level) & (bends | (height > plateau))
    return found


def crest_shift(
    height: NDArray[np.float32], points_rc: FloatArray, normals_rc: FloatArray, *, highest: float = 0.3
) -> FloatArray:
    """How far along its normal the crest lies from each point (P, 2): vertex of the parabola through three heights.

    All in pixels of ``height``. Thinning leaves a line up to a pixel off the middle of its ridge. The shift (P,) is at
    most one, and 0 above ``highest``, where the vessel is wide enough to be placed by its walls.
    """
    at = np.stack([points_rc - normals_rc, points_rc, points_rc + normals_rc], axis=1).reshape(-1, 2).T
    below, middle, above = ndimage.map_coordinates(height, at, order=1, mode="nearest").reshape(-1, 3).T
    bend = np.minimum(below - 2 * middle + above, -1e-6)
    return np.where(middle < highest, np.clip((below - above) / (2 * bend), -1.0, 1.0), 0.0)
