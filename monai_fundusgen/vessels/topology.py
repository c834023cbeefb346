"""Pieces, holes, bifurcations and crossings of vessel maps.

In a photograph the vessels of one kind form trees: no holes, and no vessel crosses another of its kind. Arteries do
cross veins. Counts of holes and of same-kind crossings are therefore counts of what is implausible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.graph import SegmentGraph
from monai_fundusgen.vessels.skeleton import EIGHT, padded_bytes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: A vessel goes straight on where its two directions differ by less than this from a half turn.
STRAIGHT_DEG = 35.0
#: Largest exponent that a junction is solved for; flatter junctions count as infinite.
LARGEST_EXPONENT = 20.0


def piece_of(mask: BoolArray) -> IntArray:
    """Number, from 1 on, of the 8-connected piece that each set pixel belongs to (N,), pixels in row order."""
    labels, _ = ndimage.label(mask, structure=EIGHT)
    return labels[mask].astype(np.int64)


def piece_areas(pieces: IntArray) -> IntArray:
    """Areas in pixels of the pieces of `piece_of`, largest first."""
    return np.sort(np.bincount(pieces)[1:])[::-1]


def component_areas(mask: BoolArray) -> IntArray:
    """Areas in pixels of the 8-connected pieces, largest first."""
    return piece_areas(piece_of(mask))


@njit(cache=True)
def _window_counts(padded: NDArray[np.uint8]) -> IntArray:
    """How often each of the 16 windows of 2 x 2 pixels occurs in a framed map of 0 and 1."""
    counts = np.zeros(16, dtype=np.int64)
    for row in range(padded.shape[0] - 1):
        left = padded[row, 0] + 4 * padded[row + 1, 0]
        for column in range(1, padded.shape[1]):
            right = padded[row, column] + 4 * padded[row + 1, column]
            counts[left + 2 * right] += 1
            left = right
    return counts


def euler_number(mask: BoolArray) -> int:
    """Pieces minus holes of the 8-connected map.

    Counted from 2 x 2 windows (Gray 1971): (Q1 - Q3 - 2 QD) / 4, with Q1 windows of one set pixel, Q3 of three, QD of
    two on a diagonal.
    """
    count = _window_counts(padded_bytes(mask))
    one, three, diagonal = count[[1, 2, 4, 8]].sum(), count[[7, 11, 13, 14]].sum(), count[[6, 9]].sum()
    return int(one - three - 2 * diagonal) // 4


def betti_numbers(mask: BoolArray) -> tuple[int, int]:
    """Number of pieces (8-connected) and of holes (4-connected background)."""
    _, pieces = ndimage.label(mask, structure=EIGHT)
    return int(pieces), int(pieces) - euler_number(mask)


@dataclass(frozen=True)
class Crossings:
    """Places where arteries and veins overlap: M pieces of both.

    Attributes:
        centre_rc: (M, 2) centres of mass.
        area_px: (M,) pixels.
    """

    centre_rc: FloatArray
    area_px: IntArray


def artery_vein_crossings(artery: BoolArray, vein: BoolArray, *, exclude: BoolArray | None = None) -> Crossings:
    """8-connected pieces of the pixels that are artery and vein at once.

    Args:
        artery, vein: maps (H, W), bool.
        exclude: (H, W) region left out, for example the optic disc, where annotators cannot tell the kinds apart.
    """
    both = artery & vein if exclude is None else artery & vein & ~exclude
    pieces = piece_of(both)
    areas = np.bincount(pieces)[1:]
    sums = [np.bincount(pieces, weights=axis)[1:] for axis in np.divmod(np.flatnonzero(both), both.shape[1])]
    return Crossings(np.stack(sums, axis=1) / areas[:, None], areas)


@dataclass(frozen=True)
class Branches:
    """The 2 S segment ends of a graph: end 2 i is the start of segment i, end 2 i + 1 its finish.

    Attributes:
        node: (2 S,) node that the end lies at, -1 for a ring.
        direction_rc: (2 S, 2) unit vector away from the node.
        width_px: (2 S,) median width of the stretch that the direction is taken from.
    """

    node: IntArray
    direction_rc: FloatArray
    width_px: FloatArray


@njit(cache=True)
def _stretch(distance: FloatArray, near: float, reach: float) -> tuple[int, int]:
    """First and last point between two distances from the node; the far end of the path where it is shorter."""
    first, last = 0, distance.size - 1
    while first < last and distance[first] < near:
        first += 1
    far = first
    while far < last and distance[far] < near + reach:
        far += 1
    return (first, far) if far - first >= 2 else (max(0, far - 2), far)


@njit(cache=True)
def _branches(
    points: FloatArray, widths: FloatArray, offsets: IntArray, nodes: IntArray, rc: FloatArray, radius: FloatArray
) -> tuple[FloatArray, FloatArray]:
    direction, width = np.zeros((2 * nodes.shape[0], 2)), np.zeros(2 * nodes.shape[0])
    for end in range(2 * nodes.shape[0]):
        s, finish = end // 2, end % 2 == 1
        node = nodes[s, end % 2]
        if node < 0:
            continue
        path, across = points[offsets[s] : offsets[s + 1]], widths[offsets[s] : offsets[s + 1]]
        if finish:
            path, across = path[::-1], across[::-1]
        away = path - rc[node]
        distance = np.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2)
        first, last = _stretch(distance, radius[node] + 0.5, max(5.0, 3.0 * radius[node]))
        along = path[last] - path[first]
        size = np.sqrt(along[0] ** 2 + along[1] ** 2)
        direction[end] = along / size if size > 0 else along
        width[end] = np.median(across[first : last + 1])
    return direction, width


def branches(graph: SegmentGraph) -> Branches:
    """Directions and widths at both ends of every segment, taken just outside the disc of the node.

    The stretch begins at the node's radius and is 5 px or three radii long, less where the segment is shorter.
    """
    direction, width = _branches(
        graph.points_rc,
        graph.width_px,
        graph.offsets,
        graph.segment_nodes,
        graph.node_rc,
        graph.node_radius_px,
    )
    return Branches(graph.segment_nodes.ravel(), direction, width)


@dataclass(frozen=True)
class Junctions:
    """Bifurcations (K) and same-kind crossings of one map.

    Attributes:
        bifurcation_rc: (K, 2) places with three branches.
        widths_px: (K, 3) widths of the branches, widest (taken as the parent) first.
        angles_deg: (K,) angle between the two narrower branches.
        crossing_rc: (C, 2) places where two vessels of the kind go straight through each other.
        num_bifurcations: K, plus ``degree - 2`` for every node of higher degree that is no crossing.
    """

    bifurcation_rc: FloatArray
    widths_px: FloatArray
    angles_deg: FloatArray
    crossing_rc: FloatArray
    num_bifurcations: int


def _turn_deg(a: FloatArray, b: FloatArray) -> FloatArray:
    """Angle between unit vectors (..., 2) in degrees, 0..180."""
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=-1), -1.0, 1.0)))


def _goes_through(branch: Branches, ends: IntArray, tolerance_deg: float) -> bool:
    """Whether four segment ends, taken in turn round the place, make two vessels that go straight on.

    Two ends of one segment make a small hole in a vessel, no crossing.
    """
    if len(np.unique(ends // 2)) < 4:
        return False
    direction_rc = branch.direction_rc[ends]
    ring = direction_rc[np.argsort(np.arctan2(direction_rc[:, 0], direction_rc[:, 1]))]
    return bool((_turn_deg(ring[:2], ring[2:]) >= 180.0 - tolerance_deg).all())


def _bridged_pairs(graph: SegmentGraph, branch: Branches, tolerance_deg: float) -> list[tuple[int, int]]:
    """Pairs of neighbouring bifurcations that are one crossing drawn out, shortest bridge first.

    Two vessels that cross at a slant share their centre line for about two widths.
    """
    degree, nodes = graph.degree, graph.segment_nodes
    lengths = graph.lengths_px
    if not len(degree):  # rings alone
        return []
    near = 2.0 * (graph.node_radius_px[nodes] * 2.0).max(axis=1) + 2.0
    bridge = (nodes[:, 0] != nodes[:, 1]) & (nodes >= 0).all(axis=1) & (degree[nodes] == 3).all(axis=1)
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for s in sorted(np.flatnonzero(bridge & (lengths <= near)), key=lambda i: lengths[i]):
        a, b = (int(node) for node in nodes[s])
        outer = np.flatnonzero(((branch.node == a) | (branch.node == b)) & (np.arange(len(branch.node)) // 2 != s))
        if not used & {a, b} and _goes_through(branch, outer, tolerance_deg):
            pairs.append((a, b))
            used |= {a, b}
    return pairs


def junctions(graph: SegmentGraph, *, tolerance_deg: float = STRAIGHT_DEG) -> Junctions:
    """Tell bifurcations from same-kind crossings.

    A node of degree four is a crossing where opposite branches go straight on. Two nodes of degree three joined by a
    bridge of at most four radii plus 2 px are one crossing under the same condition on their four outer branches.

    Args:
        graph: segments of one map.
        tolerance_deg: largest deviation from straight.
    """
    branch, degree = branches(graph), graph.degree
    pairs = _bridged_pairs(graph, branch, tolerance_deg)
    order = np.argsort(branch.node, kind="stable")
    start = np.searchsorted(branch.node[order], np.arange(len(degree)))
    through = [
        node
        for node in np.flatnonzero(degree == 4)
        if _goes_through(branch, order[start[node] : start[node] + 4], tolerance_deg)
    ]
    merged = [node for pair in pairs for node in pair]
    three = np.setdiff1d(np.flatnonzero(degree == 3), merged)
    ends = order[start[three][:, None] + np.arange(3)]
    widest_first = np.argsort(-branch.width_px[ends], axis=1, kind="stable")
    ends = np.take_along_axis(ends, widest_first, axis=1)
    higher = np.setdiff1d(np.flatnonzero(degree > 3), through)
    bridged = [graph.node_rc[list(pair)].mean(axis=0) for pair in pairs]
    return Junctions(
        bifurcation_rc=graph.node_rc[three],
        widths_px=branch.width_px[ends],
        angles_deg=_turn_deg(branch.direction_rc[ends[:, 1]], branch.direction_rc[ends[:, 2]]),
        crossing_rc=np.reshape([*graph.node_rc[through], *bridged], (-1, 2)),
        num_bifurcations=len(three) + int((degree[higher] - 2).sum()),
    )


def junction_exponents(widths_px: FloatArray, *, steps: int = 50) -> FloatArray:
    """Exponent k of ``r0**k = r1**k + r2**k`` at each bifurcation.

    Args:
        widths_px: (K, 3) branch widths (or radii), widest first.
        steps: bisections of [0, `LARGEST_EXPONENT`].

    Returns:
        (K,) exponents; infinite where a branch is as wide as the parent, or nearly so. The median over junctions,
        infinities included, is an estimate that such censoring does not bias.

    Source: Murray 1926 (k = 3); the left side minus the right grows with k, so the root is unique.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.clip(widths_px[:, 1:] / widths_px[:, :1], 0.0, 1.0)
    low, high = np.zeros(len(ratio)), np.full(len(ratio), LARGEST_EXPONENT)
    solvable = (ratio**LARGEST_EXPONENT).sum(axis=1) < 1.0
    for _ in range(steps):
        middle = (low + high) / 2
        too_small = (ratio ** middle[:, None]).sum(axis=1) > 1.0
        low, high = np.where(too_small, middle, low), np.where(too_small, high, middle)
    return np.where(solvable, (low + high) / 2, np.inf)
