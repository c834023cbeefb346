"""Smaller vessel maps that keep every vessel: what an area threshold breaks, its centre line holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.skeleton import thin

BoolArray = NDArray[np.bool_]


def centre_line_on(mask: BoolArray, height: int, width: int) -> BoolArray:
    """Pixels of a coarser grid over the same surface that the centre line of a map passes.

    Union this with the area average above one half: vessels thinner than a pixel are then drawn one pixel wide, as a
    rasteriser that clamps the radius to half a pixel draws them, and stay 8-connected.

    Args:
        mask: vessel map of one kind (H, W), bool.
        height, width: size of the coarser grid, at most (H, W).

    Returns:
        (height, width), with no more 8-connected pieces than the map.
    """
    rows, columns = np.nonzero(thin(mask))
    kept = np.zeros((height, width), dtype=bool)
    kept[_pixel_of(rows, mask.shape[0], height), _pixel_of(columns, mask.shape[1], width)] = True
    return kept


def _pixel_of(index: NDArray[np.int64], source: int, target: int) -> NDArray[np.int64]:
    """Index of the coarse pixel that holds the centre of a fine one."""
    return ((2 * index + 1) * target) // (2 * source)
