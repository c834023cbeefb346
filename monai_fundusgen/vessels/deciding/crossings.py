"""Crossings: compact undecided pieces that lie between vessels of both kinds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.skeleton import EIGHT

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_COVERED: Final = 0.9  # of a crossing lies between the arteries that touch it, and between the veins
_LONGEST: Final = 4.0  # extent of a crossing over its largest inscribed diameter
_CORNERS: Final = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)])


def _between(touching_rc: FloatArray, piece_rc: FloatArray) -> float:
    """Share of a piece's pixels inside the convex hull of the pixels that touch it."""
    if not len(touching_rc):
        return 0.0
    hull = ConvexHull((touching_rc[:, None] + _CORNERS).reshape(-1, 2))
    inside = piece_rc @ hull.equations[:, :2].T + hull.equations[:, 2] <= 1e-9
    return float(inside.all(axis=1).mean())


def _is_crossing(piece: BoolArray, vessels: BoolArray) -> bool:
    """Whether a piece (H, W), with a margin of a pixel, is a crossing in its surroundings (2, H, W)."""
    depth = float(ndimage.distance_transform_edt(piece).max())
    rows, columns = np.nonzero(piece)
    if np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1) > _LONGEST * 2 * depth:
        return False
    ring = ndimage.binary_dilation(piece, EIGHT) & ~piece
    pixels = np.argwhere(piece).astype(np.float64)
    return all(_between(np.argwhere(ring & plane).astype(np.float64), pixels) >= _COVERED for plane in vessels)


def crossing_pixels(vessels: BoolArray) -> BoolArray:
    """Pixels (H, W) of a vessel map (2, H, W), set in both planes, that are crossings as they stand.

    A piece of such pixels is a crossing where it is compact, most of it lies between arteries that touch it, and most
    of it between veins.
    """
    padded = np.pad(vessels, ((0, 0), (1, 1), (1, 1)))
    labels, _ = ndimage.label(padded[ARTERY] & padded[VEIN], structure=EIGHT)
    found = np.zeros(labels.shape, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        wider = tuple(slice(side.start - 1, side.stop + 1) for side in box)
        piece = labels[wider] == number
        if _is_crossing(piece, padded[(slice(None), *wider)]):
            found[wider] |= piece
    return found[1:-1, 1:-1]
