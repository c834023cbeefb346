"""Where edges of a vessel graph meet: exact intersections, found on a grid of cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


class EdgeGrid(NamedTuple):
    """Edges by the cell of their end node: ``first`` (cells + 1) into ``members``; ``columns`` cells a row."""

    corner: FloatArray
    cell: float
    columns: int
    first: IntArray
    members: IntArray


@njit(cache=True)
def segment_point_distance(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Distance of the point (x, y) to the segment from a to b."""
    dx, dy = bx - ax, by - ay
    t = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-18)
    t = min(max(t, 0.0), 1.0)
    return math.sqrt((ax + t * dx - x) ** 2 + (ay + t * dy - y) ** 2)


@njit(cache=True)
def segments_cross(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> bool:
    """Whether segment a-b meets segment c-d (touching counts)."""
    abx, aby = b[0] - a[0], b[1] - a[1]
    cdx, cdy = d[0] - c[0], d[1] - c[1]
    c_side = abx * (c[1] - a[1]) - aby * (c[0] - a[0])
    d_side = abx * (d[1] - a[1]) - aby * (d[0] - a[0])
    a_side = cdx * (a[1] - c[1]) - cdy * (a[0] - c[0])
    b_side = cdx * (b[1] - c[1]) - cdy * (b[0] - c[0])
    return c_side * d_side <= 0 and a_side * b_side <= 0 and (c_side != d_side or a_side != b_side)


def edge_grid(xy: FloatArray, cell: float) -> EdgeGrid:
    """Grid over the nodes (N, 2), one empty cell wide around them; no search may reach farther than a cell."""
    corner = xy.min(0) - 1.5 * cell
    cells = ((xy - corner) / cell).astype(np.int64)
    columns = int(cells[:, 0].max()) + 2
    key = cells[:, 1] * columns + cells[:, 0]
    number = columns * (int(cells[:, 1].max()) + 2)
    first = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=number))]).astype(np.int32)
    return EdgeGrid(corner, float(cell), columns, first, np.argsort(key, kind="stable").astype(np.int32))


@njit(cache=True)
def near_edges(xy: FloatArray, parent: IntArray, grid: EdgeGrid, i: int, reach: float, out: IntArray) -> int:
    """Edges j > i that end within ``reach`` of the end of edge i and share no node with it; fills ``out``."""
    x, y = xy[i]
    column, row = int((x - grid.corner[0]) / grid.cell), int((y - grid.corner[1]) / grid.cell)
    found = 0
    for r in range(row - 1, row + 2):
        for k in range(grid.first[r * grid.columns + column - 1], grid.first[r * grid.columns + column + 2]):
            j = grid.members[k]
            if j <= i or (xy[j, 0] - x) ** 2 + (xy[j, 1] - y) ** 2 > reach * reach:
                continue
            if parent[j] >= 0 and parent[j] != i and parent[i] != j and parent[i] != parent[j] and found < len(out):
                out[found] = j
                found += 1
    return found


@njit(cache=True)
def intersecting_edges(
    xy: FloatArray, parent: IntArray, kind: NDArray[np.uint8], grid: EdgeGrid, longest: float
) -> IntArray:
    """Pairs (M, 2) of edges that intersect and share no node; of an artery's and a vein's the artery's is first.

    ``longest``: no two edges together are longer.
    """
    pairs = np.empty((len(parent), 2), np.int32)
    near = np.empty(4096, np.int32)
    used = 0
    for i in range(len(parent)):
        if parent[i] < 0:
            continue
        for k in range(near_edges(xy, parent, grid, i, longest, near)):
            j = near[k]
            if used < len(pairs) and segments_cross(xy[parent[i]], xy[i], xy[parent[j]], xy[j]):
                first = i if kind[i] <= kind[j] else j
                pairs[used, 0], pairs[used, 1] = first, i + j - first
                used += 1
    return pairs[:used]


def crossing_geometry(xy: FloatArray, parent: IntArray, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
    """Point (M, 2) and acute angle in degrees (M,) where the edges of each pair intersect."""
    a, c = xy[parent[pairs[:, 0]]], xy[parent[pairs[:, 1]]]
    ab, cd = xy[pairs[:, 0]] - a, xy[pairs[:, 1]] - c
    turn = ab[:, 0] * cd[:, 1] - ab[:, 1] * cd[:, 0]
    t = ((c - a)[:, 0] * cd[:, 1] - (c - a)[:, 1] * cd[:, 0]) / np.where(turn == 0, 1e-12, turn)
    along = np.abs((ab * cd).sum(1))
    return a + t[:, None] * ab, np.rad2deg(np.arctan2(np.abs(turn), along))
