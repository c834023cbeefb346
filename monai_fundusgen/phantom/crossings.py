"""Vessels of an eye that come close without crossing, and crossings that are too flat."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.vessels.intersections import EdgeGrid, near_edges, segment_point_distance, segments_cross

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

#: Side of a cell of the search grid, mm: no two edges farther apart than this minus an edge are compared.
CELL_MM = 0.30
#: No two edges together are longer than this, mm.
LONGEST_EDGES_MM = 0.09
#: Artery and vein that do not cross stay apart by their radii, each at least this one (um), and this gap (mm):
#: then labels do not touch at 256 pixels over 45 degrees either.
THIN_UM, GAP_MM = 40.0, 0.05


class KnownCrossings(NamedTuple):
    """Steep crossings: ``points`` (M, 2), ``sines`` of their angles, ``touching``, sum of the two radii in mm."""

    points: FloatArray
    sines: FloatArray
    touching: FloatArray


def known_crossings(
    points: FloatArray, angle_deg: FloatArray, pairs: IntArray, radius_um: FloatArray
) -> KnownCrossings:
    """Crossings of edge ``pairs`` (M, 2) as they excuse contact; radii count as at least ``THIN_UM``."""
    return KnownCrossings(points, np.sin(np.deg2rad(angle_deg)), np.maximum(radius_um[pairs], THIN_UM).sum(1) / 1000)


@njit(cache=True)
def separation_mm(first_um: float, second_um: float) -> float:
    """Least distance between the centre-lines of an artery and a vein that do not cross there."""
    return (max(first_um, THIN_UM) + max(second_um, THIN_UM)) / 1000 + GAP_MM


@njit(cache=True)
def _segment_distance(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> float:
    if segments_cross(a, b, c, d):
        return 0.0
    one = min(segment_point_distance(a[0], a[1], b[0], b[1], c[0], c[1]),
              segment_point_distance(a[0], a[1], b[0], b[1], d[0], d[1]))  # fmt: skip
    two = min(segment_point_distance(c[0], c[1], d[0], d[1], a[0], a[1]),
              segment_point_distance(c[0], c[1], d[0], d[1], b[0], b[1]))  # fmt: skip
    return min(one, two)


@njit(cache=True)
def _explained(x: float, y: float, overlap: bool, limit: float, known: KnownCrossings) -> bool:
    """Whether a crossing lies near enough to account for an artery and a vein that are close, or overlap, at (x, y)."""
    for m in range(len(known.sines)):
        reach = known.touching[m] if overlap else 1.6 * limit
        square = (known.points[m, 0] - x) ** 2 + (known.points[m, 1] - y) ** 2
        if square * known.sines[m] ** 2 < (reach + 0.02) ** 2:
            return True
    return False


@njit(cache=True)
def close_pairs(
    xy: FloatArray,
    parent: IntArray,
    kind: NDArray[np.uint8],
    radius_um: FloatArray,
    grid: EdgeGrid,
    known: KnownCrossings,
) -> IntArray:
    """Pairs (M, 2) of an artery's and a vein's edge that are too close although no listed crossing is near."""
    pairs = np.empty((4 * len(parent), 2), np.int32)
    near = np.empty(4096, np.int32)
    used = 0
    for i in range(len(parent)):
        if parent[i] < 0:
            continue
        for k in range(near_edges(xy, parent, grid, i, CELL_MM, near)):
            j = near[k]
            if kind[i] == kind[j] or used == len(pairs):
                continue
            x, y = (xy[i, 0] + xy[j, 0]) / 2, (xy[i, 1] + xy[j, 1]) / 2
            limit = separation_mm(radius_um[i], radius_um[j])
            if (x - xy[j, 0]) ** 2 + (y - xy[j, 1]) ** 2 > ((limit + LONGEST_EDGES_MM) / 2) ** 2:
                continue
            distance = _segment_distance(xy[parent[i]], xy[i], xy[parent[j]], xy[j])
            if distance >= limit:
                continue
            if not _explained(x, y, distance < limit - GAP_MM, limit, known):
                pairs[used, 0], pairs[used, 1] = i, j
                used += 1
    return pairs[:used]


@njit(cache=True)
def mark_smaller_subtrees(pairs: IntArray, leaves: FloatArray, last: IntArray, dead: NDArray[np.bool_]) -> None:
    """For each pair not yet settled, mark the subtree with fewer leaves; ``last[i]`` ends node i's, in preorder."""
    for m in range(len(pairs)):
        i, j = pairs[m]
        if dead[i] or dead[j]:
            continue
        victim = i if leaves[i] < leaves[j] else j
        dead[victim : last[victim]] = True


@njit(cache=True)
def subtree_ends(parent: IntArray) -> IntArray:
    """One past the last descendant of every node of a tree in preorder."""
    out = np.arange(1, len(parent) + 1).astype(np.int32)
    for i in range(len(parent) - 1, -1, -1):
        if parent[i] >= 0:
            out[parent[i]] = max(out[parent[i]], out[i])
    return out


def steep(angle_deg: FloatArray) -> NDArray[np.bool_]:
    """Crossings steep enough to keep."""
    return angle_deg >= math.degrees(math.asin(0.5))
