"""Kind flips: a vessel that is an artery as far as some point and a vein from there on. No eye has any."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.graph import SegmentGraph
from monai_fundusgen.vessels.topology import branches

FloatArray = NDArray[np.float64]

#: How far apart, or past each other, the two ends may lie; how far out of line: shares of the map's side.
REACH: Final = 5 / 256
ASIDE: Final = 2 / 256
#: How far the two courses may turn, and how much wider one may be than the other.
TURN_DEG: Final = 40.0
WIDTH_RATIO: Final = 2.5


def _free_ends(graph: SegmentGraph) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Places (E, 2) of the ends of centre lines, unit vectors (E, 2) out of the vessel, widths (E,) px."""
    branch = branches(graph)
    ends = np.flatnonzero(graph.is_end(branch.node))
    return graph.node_rc[branch.node[ends]], -branch.direction_rc[ends], branch.width_px[ends]


def kind_flips_rc(artery: SegmentGraph, vein: SegmentGraph, side: int) -> FloatArray:
    """Places (F, 2) where an artery ends and a vein goes on in its course.

    A pair of ends, one of each kind, is a flip where the ends point against each other within `TURN_DEG`, lie within
    `REACH` (overlapping ends too), each in the line of the other within `ASIDE`, and the widths differ by a factor of
    at most `WIDTH_RATIO`. Each end belongs to one flip at most, the nearest pair first. Vessels that cross, run side
    by side, or end at the wall of the other kind are no flips.

    Args:
        artery, vein: centre lines of the two kinds in one map (`vessels.graph.vessel_graph`).
        side: side of the square map, px.
    """
    (tip_a, out_a, width_a), (tip_v, out_v, width_v) = _free_ends(artery), _free_ends(vein)
    gap = tip_v[None] - tip_a[:, None]
    length = np.hypot(gap[..., 0], gap[..., 1])
    aside = [np.abs(gap[..., 0] * out[..., 1] - gap[..., 1] * out[..., 0]) for out in (out_a[:, None], out_v[None])]
    ratio = width_a[:, None] / np.maximum(width_v[None], 1e-9)
    flip = (
        (length <= REACH * side + (width_a[:, None] + width_v[None]) / 2)  # thinning shortens ends by half a width
        & (out_a @ out_v.T <= -np.cos(np.deg2rad(TURN_DEG)))
        & (np.maximum(*aside) <= ASIDE * side)
        & (np.maximum(ratio, 1 / np.maximum(ratio, 1e-9)) <= WIDTH_RATIO)
    )
    pairs = np.argwhere(flip)
    used: tuple[set[int], set[int]] = (set(), set())
    places = []
    for a, v in pairs[np.argsort(length[flip], kind="stable")].tolist():
        if a not in used[0] and v not in used[1]:
            used[0].add(a)
            used[1].add(v)
            places.append((tip_a[a] + tip_v[v]) / 2)
    return np.reshape(places, (-1, 2)).astype(np.float64)
