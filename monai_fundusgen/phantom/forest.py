"""Two forests while they grow: node arrays with a cell grid, and the test whether a new edge keeps its distance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.phantom.flow import Frame
from monai_fundusgen.vessels.intersections import segment_point_distance, segments_cross

#: Length of an edge while growing, mm.
STEP_MM = 0.10
#: Side of a grid cell, mm; no clearance may exceed it.
CELL_MM = 0.30
#: Least distance to unrelated vessels of the same kind, mm.
OWN_CLEARANCE_MM = 0.072
#: Least distance between artery and vein away from crossings, mm, by the finer level of the two.
OTHER_CLEARANCE_MM = (0.26, 0.19, 0.14, 0.14)
#: Artery and vein may cross where the cosine of their angle is below this (50 degrees).
CROSSING_COSINE = 0.64
#: A crossing needs one vessel of this level or a coarser one.
COARSE_LEVEL = 2


class Forest(NamedTuple):
    """Growing nodes of both kinds, arrays over a fixed capacity; ``used[0]`` are in use.

    ``xy`` and ``heading`` (unit, parent to node), ``parent``, ``child`` (first child), ``children`` (0..2), ``kind``,
    ``level`` (0 trunk, 1-3 stage), ``quadrant``; ``cell`` (kind, row, column) and ``following`` are the linked lists
    of the grid whose corner is ``corner``.
    """

    xy: NDArray[np.float64]
    heading: NDArray[np.float64]
    parent: NDArray[np.int32]
    child: NDArray[np.int32]
    children: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    level: NDArray[np.uint8]
    quadrant: NDArray[np.uint8]
    cell: NDArray[np.int32]
    following: NDArray[np.int32]
    corner: NDArray[np.float64]
    used: NDArray[np.int64]


def empty_forest(frame: Frame, capacity: int) -> Forest:
    """A forest without nodes whose grid covers the grown circle and 1 mm round it."""
    cells = int(np.ceil(2 * (frame.radius + 1.0) / CELL_MM))
    return Forest(
        xy=np.zeros((capacity, 2)),
        heading=np.zeros((capacity, 2)),
        parent=np.full(capacity, -1, np.int32),
        child=np.full(capacity, -1, np.int32),
        children=np.zeros(capacity, np.uint8),
        kind=np.zeros(capacity, np.uint8),
        level=np.zeros(capacity, np.uint8),
        quadrant=np.zeros(capacity, np.uint8),
        cell=np.full((2, cells, cells), -1, np.int32),
        following=np.full(capacity, -1, np.int32),
        corner=np.array([frame.centre_x, frame.centre_y]) - frame.radius - 1.0,
        used=np.zeros(1, np.int64),
    )


@njit(cache=True)
def add_node(forest: Forest, x: float, y: float, parent: int, kind: int, level: int, quadrant: int) -> int:
    """Append a node, rounded to 1e-6 mm so that last-bit differences between machines do not accumulate."""
    i = int(forest.used[0])
    forest.used[0] = i + 1
    x, y = round(x * 1e6) / 1e6, round(y * 1e6) / 1e6
    forest.xy[i, 0], forest.xy[i, 1] = x, y
    forest.parent[i], forest.kind[i], forest.level[i], forest.quadrant[i] = parent, kind, level, quadrant
    if parent >= 0:
        dx, dy = x - forest.xy[parent, 0], y - forest.xy[parent, 1]
        norm = math.sqrt(dx * dx + dy * dy) + 1e-12
        forest.heading[i, 0], forest.heading[i, 1] = dx / norm, dy / norm
        if forest.children[parent] == 0:
            forest.child[parent] = i
        forest.children[parent] += 1
    column, row = int((x - forest.corner[0]) / CELL_MM), int((y - forest.corner[1]) / CELL_MM)
    forest.following[i] = forest.cell[kind, row, column]
    forest.cell[kind, row, column] = i
    return i


@njit(cache=True)
def _own_kind_clear(forest: Forest, i: int, j: int, tip: NDArray[np.float64]) -> bool:
    """Whether the edge from node i to ``tip`` is clear of node j of the same kind and of the edge that ends at j."""
    up = forest.parent[j]
    if j == i or j == forest.parent[i] or up == i:
        return True
    mx, my = (forest.xy[i, 0] + tip[0]) / 2, (forest.xy[i, 1] + tip[1]) / 2
    x, y = forest.xy[j, 0], forest.xy[j, 1]
    if (x - tip[0]) ** 2 + (y - tip[1]) ** 2 < OWN_CLEARANCE_MM**2 or (x - mx) ** 2 + (
        y - my
    ) ** 2 < OWN_CLEARANCE_MM**2:
        return False
    return up < 0 or not segments_cross(forest.xy[i], tip, forest.xy[up], forest.xy[j])


@njit(cache=True)
def _other_kind_clear(
    forest: Forest, j: int, tip: NDArray[np.float64], heading: NDArray[np.float64], level: int
) -> bool:
    """Whether the tip keeps its distance to the edge that ends at node j of the other kind, or meets it steeply."""
    up = forest.parent[j]
    if up < 0:
        up = j
    finer = max(level, forest.level[j])
    a, b = forest.xy[up], forest.xy[j]
    if segment_point_distance(a[0], a[1], b[0], b[1], tip[0], tip[1]) >= OTHER_CLEARANCE_MM[finer]:
        return True
    if min(level, forest.level[j]) > COARSE_LEVEL:
        return False
    cosine = abs(heading[0] * forest.heading[j, 0] + heading[1] * forest.heading[j, 1])
    return cosine < CROSSING_COSINE


@njit(cache=True)
def edge_is_clear(forest: Forest, i: int, tip: NDArray[np.float64], heading: NDArray[np.float64], level: int) -> bool:
    """Whether an edge from node i to ``tip`` may be added: no contact with its kind, the other kind crossed steeply."""
    kind = forest.kind[i]
    column, row = int((tip[0] - forest.corner[0]) / CELL_MM), int((tip[1] - forest.corner[1]) / CELL_MM)
    for r in range(row - 1, row + 2):
        for c in range(column - 1, column + 2):
            j = forest.cell[kind, r, c]
            while j >= 0:
                if not _own_kind_clear(forest, i, j, tip):
                    return False
                j = forest.following[j]
            j = forest.cell[1 - kind, r, c]
            while j >= 0:
                if not _other_kind_clear(forest, j, tip, heading, level):
                    return False
                j = forest.following[j]
    return True
