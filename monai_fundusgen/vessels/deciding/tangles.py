"""Tangles: patches of thin, short, closely meshed lines, as annotators draw over scars and new vessels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_fundusgen.vessels.deciding.pieces import Piece
from monai_fundusgen.vessels.deciding.stretches import Stretch

BoolArray = NDArray[np.bool_]

_THIN: Final = 0.0026  # widest line of a tangle over the longer side of the label
_REACH: Final = 0.03  # radius in which ends and junctions are counted, over the longer side
_MANY: Final = 18  # ends and junctions round the middle of a line in a tangle, at least; retinal twigs have up to 14
_SOME: Final = 9  # round lines at the border of one


def tangled(pieces: Sequence[Piece], side_px: int) -> list[BoolArray]:
    """Stretches (S,) of each piece that belong to a tangle.

    Ends and junctions of thin stretches are counted round the middle of each. Where they are many, the stretch is in a
    tangle, and so are its neighbours round which they are still some.

    Args:
        pieces: all undecided pieces of a label.
        side_px: longer side of the label.
    """
    lines = [(piece, one) for piece in pieces for one in piece.vessels.stretches]
    thin = np.array([one.width_px <= _THIN * side_px < one.length_px for _, one in lines], dtype=bool)
    spoilt = _in_tangle(lines, thin, _REACH * side_px) if thin.any() else thin
    sizes = np.cumsum([len(piece.vessels.stretches) for piece in pieces])
    return np.split(spoilt, sizes[:-1])


def _in_tangle(lines: list[tuple[Piece, Stretch]], thin: BoolArray, reach_px: float) -> BoolArray:
    """Of all stretches, those in a tangle."""
    ends = {
        (id(piece), p): piece.vessels.places[p].rc + piece.corner_rc
        for (piece, one), wanted in zip(lines, thin, strict=True)
        if wanted
        for p in one.places
    }
    middles = np.array([one.points_rc[len(one.points_rc) // 2] + piece.corner_rc for piece, one in lines])
    count = cKDTree(list(ends.values())).query_ball_point(middles, reach_px, return_length=True)
    core = thin & (count >= _MANY)
    if not core.any():
        return core
    gap, _ = cKDTree(middles[core]).query(middles)
    border: BoolArray = thin & (count >= _SOME) & (gap <= reach_px)
    return core | border
