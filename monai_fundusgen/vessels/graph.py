"""From a vessel map to segments: nodes are junctions and ends, segments are smoothed paths with widths along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.vessels.calibre import distance_on, widths_px
from monai_fundusgen.vessels.skeleton import flat_steps, neighbour_count, padded_bytes, prune_spurs, set_pixels, thin

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentGraph:
    """Centre lines of one vessel map as M nodes and S segments over P points.

    Attributes:
        node_rc: (M, 2) rows and columns of junctions (centre of their pixels) and ends; pixel centres are integers.
        node_radius_px: (M,) distance from the node to the edge of the vessel.
        segment_nodes: (S, 2) first and last node of each segment; -1, -1 for a ring without junction.
        offsets: (S + 1,) segment i owns the points ``offsets[i]:offsets[i + 1]``, both end nodes included.
        points_rc: (P, 2) smoothed sub-pixel path; a ring repeats its first point at the end.
        normals_rc: (P, 2) unit vectors across the vessel.
        width_px: (P,) width of the vessel.
        clear: (P,) bool, outside the discs of the junctions at either end; a segment that never leaves them is clear
            all along.
    """

    node_rc: FloatArray
    node_radius_px: FloatArray
    segment_nodes: IntArray
    offsets: IntArray
    points_rc: FloatArray
    normals_rc: FloatArray
    width_px: FloatArray
    clear: BoolArray

    @property
    def num_segments(self) -> int:
        """S."""
        return len(self.offsets) - 1

    @property
    def degree(self) -> IntArray:
        """Segment ends at each node (M,): 0 a lone pixel, 1 an end, 3 a bifurcation; a ring at a node counts twice."""
        nodes = self.segment_nodes[self.segment_nodes >= 0]
        return np.bincount(nodes, minlength=len(self.node_rc)).astype(np.int64)

    def is_end(self, nodes: IntArray) -> BoolArray:
        """Whether each node is an end; -1, the node of a ring that hangs on none, is not. Rings alone have no nodes."""
        return np.append(self.degree, 0)[nodes] == 1

    @property
    def step_px(self) -> FloatArray:
        """Length that each point stands for (P,); sums to the length of its segment."""
        half = np.hypot(*np.diff(self.points_rc, axis=0).T) / 2
        half[self.offsets[1:-1] - 1] = 0.0
        return np.append(half, 0.0)[: len(self.points_rc)] + np.append(0.0, half)[: len(self.points_rc)]

    @property
    def lengths_px(self) -> FloatArray:
        """Arc length of each segment (S,)."""
        return np.add.reduceat(self.step_px, self.offsets[:-1]) if self.num_segments else np.zeros(0)

    @property
    def chords_px(self) -> FloatArray:
        """Distance between the two ends of each segment (S,)."""
        first, last = self.points_rc[self.offsets[:-1]], self.points_rc[self.offsets[1:] - 1]
        return np.hypot(*(last - first).T)

    def segment_widths_px(self) -> FloatArray:
        """Median width of each segment over its clear points (S,)."""
        return _medians(self.width_px, self.clear, self.offsets)


@njit(cache=True)
def _medians(values: FloatArray, wanted: BoolArray, offsets: IntArray) -> FloatArray:
    found = np.full(offsets.size - 1, np.nan)
    for s in range(offsets.size - 1):
        part = values[offsets[s] : offsets[s + 1]][wanted[offsets[s] : offsets[s + 1]]]
        if part.size:
            found[s] = np.median(part)
    return found


@njit(cache=True)
def _flood(counts: NDArray[np.uint8], node_of: IntArray, steps: IntArray, seed: int, node: int) -> None:
    """Give one number to all touching pixels with three or more neighbours."""
    stack = [seed]
    node_of[seed] = node
    while stack:
        here = stack.pop()
        for k in range(8):
            pixel = here + steps[k]
            if counts[pixel] >= 3 and node_of[pixel] < 0:
                node_of[pixel] = node
                stack.append(pixel)


@njit(cache=True)
def _number_nodes(
    grid: NDArray[np.uint8], counts: NDArray[np.uint8], pixels: IntArray, steps: IntArray
) -> tuple[IntArray, int]:
    """Node number of every pixel of the flat grid, -1 off nodes."""
    node_of = np.full(grid.size, -1, dtype=np.int64)
    nodes = 0
    for pixel in pixels:
        if counts[pixel] == 2 or node_of[pixel] >= 0:
            continue
        node_of[pixel] = nodes
        if counts[pixel] >= 3:
            _flood(counts, node_of, steps, pixel, nodes)
        nodes += 1
    return node_of, nodes


@njit(cache=True)
def _onward(grid: NDArray[np.uint8], steps: IntArray, here: int, previous: int) -> int:
    """The neighbour of a path pixel that one does not come from."""
    for k in range(8):
        pixel = here + steps[k]
        if grid[pixel] and pixel != previous:
            return pixel
    return previous


@njit(cache=True)
def _follow(
    grid: NDArray[np.uint8], node_of: IntArray, seen: BoolArray, steps: IntArray, ends: tuple[int, int], out: IntArray
) -> int:
    """Write the pixels from a node (or ring) pixel over its neighbour to the next node, or round; returns how many."""
    previous, here = ends
    out[0] = previous
    count = 1
    while node_of[here] < 0 and here != ends[0]:
        seen[here] = True
        out[count] = here
        count += 1
        previous, here = here, _onward(grid, steps, here, previous)
    out[count] = here
    return count + 1


@njit(cache=True)
def _trace(
    grid: NDArray[np.uint8], node_of: IntArray, pixels: IntArray, steps: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """All segments: their pixels one after the other, offsets, and node pairs."""
    seen = np.zeros(grid.size, dtype=np.bool_)
    path = np.empty(9 * pixels.size + 8, dtype=np.int64)
    offsets, first, last, at = [0], [np.int64(0)], [np.int64(0)], 0
    for pixel in pixels:
        if node_of[pixel] < 0:
            continue
        for k in range(8):
            near = pixel + steps[k]
            touching = node_of[near] > node_of[pixel]  # an end next to a node: emitted once
            if grid[near] and ((node_of[near] < 0 and not seen[near]) or touching):
                at += _follow(grid, node_of, seen, steps, (pixel, near), path[at:])
                offsets.append(at)
                first.append(node_of[pixel])
                last.append(node_of[path[at - 1]])
    for pixel in pixels:
        if node_of[pixel] < 0 and not seen[pixel]:
            seen[pixel] = True
            at += _follow(grid, node_of, seen, steps, (pixel, _onward(grid, steps, pixel, -1)), path[at:])
            offsets.append(at)
            first.append(np.int64(-1))
            last.append(np.int64(-1))
    return path[:at], np.array(offsets), np.column_stack((np.array(first)[1:], np.array(last)[1:]))


@njit(cache=True)
def _smooth(points: FloatArray, offsets: IntArray, closed: BoolArray, passes: int) -> FloatArray:
    """Binomial smoothing (1 2 1)/4 along each segment; end points stay, rings wrap round."""
    points = points.copy()
    for s in range(offsets.size - 1):
        part = points[offsets[s] : offsets[s + 1]]
        for _ in range(passes):
            before = part.copy()
            part[1:-1] = (before[:-2] + 2 * before[1:-1] + before[2:]) / 4
            if closed[s]:
                part[0] = (before[-2] + 2 * before[0] + before[1]) / 4
                part[-1] = part[0]
    return points


@njit(cache=True)
def path_normals(points: FloatArray, offsets: IntArray, reach: int) -> FloatArray:
    """Unit vectors (P, 2) across paths: a quarter turn from the chord over ``reach`` points to either side."""
    normals = np.zeros_like(points)
    for s in range(offsets.size - 1):
        low, high = offsets[s], offsets[s + 1] - 1
        for i in range(low, high + 1):
            along = points[min(i + reach, high)] - points[max(i - reach, low)]
            size = np.hypot(along[0], along[1])
            if size > 0:
                normals[i, 0], normals[i, 1] = -along[1] / size, along[0] / size
    return normals


@njit(cache=True)
def _clear(points: FloatArray, offsets: IntArray, nodes: IntArray, rc: FloatArray, radius: FloatArray) -> BoolArray:
    """Points outside the discs (``radius``, 0 for plain ends) of both end nodes."""
    clear = np.ones(points.shape[0], dtype=np.bool_)
    for s in range(offsets.size - 1):
        part = clear[offsets[s] : offsets[s + 1]]
        for node in nodes[s]:
            if node >= 0 and radius[node] > 0:
                away = points[offsets[s] : offsets[s + 1]] - rc[node]
                part &= np.hypot(away[:, 0], away[:, 1]) > radius[node]
        if not part.any():
            part[:] = True
    return clear


def centre_lines(mask: BoolArray, *, spur_ratio: float = 1.5) -> tuple[BoolArray, FloatArray]:
    """Thinned and pruned centre lines (H, W), and the distance transform on them (H, W).

    Args:
        mask: vessel map (H, W).
        spur_ratio: end branches up to ``spur_ratio`` local radii (plus one pixel) are removed; see `prune_spurs`.
    """
    thinned = thin(mask)
    distance = distance_on(mask, thinned)
    return prune_spurs(thinned, distance, ratio=spur_ratio), distance


def segment_graph(mask: BoolArray, skeleton: BoolArray, distance_px: FloatArray, *, smoothing: int = 6) -> SegmentGraph:
    """Graph of centre lines that are already there.

    Args:
        mask: vessel map (H, W), for the widths.
        skeleton: its centre lines (H, W), one pixel wide (`centre_lines`).
        distance_px: (H, W) distance to the background on the centre lines.
        smoothing: passes of (1 2 1)/4 over the pixel path, standard deviation ``sqrt(smoothing / 2)`` points.
    """
    padded = padded_bytes(skeleton)
    width = padded.shape[1]
    grid, steps = padded.ravel(), flat_steps(width)
    pixels = set_pixels(grid)
    counts = np.pad(neighbour_count(skeleton), 1).ravel()
    node_of, num_nodes = _number_nodes(grid, counts, pixels, steps)
    path, offsets, nodes = _trace(grid, node_of, pixels, steps)
    flat_distance = np.pad(distance_px, 1).ravel()
    node_rc, node_radius = _node_places(node_of, num_nodes, flat_distance, width)

    raw = np.stack(np.divmod(path, width), axis=1).astype(np.float64) - 1.0
    joined = np.flatnonzero(nodes[:, 0] >= 0)
    raw[offsets[joined]] = node_rc[nodes[joined, 0]]
    raw[offsets[joined + 1] - 1] = node_rc[nodes[joined, 1]]
    points = _smooth(raw, offsets, nodes[:, 0] < 0, smoothing)
    normals = path_normals(points, offsets, 2)
    degree = np.bincount(nodes[nodes >= 0], minlength=num_nodes)
    discs = np.where(degree >= 3, node_radius, 0.0)
    return SegmentGraph(
        node_rc=node_rc,
        node_radius_px=node_radius,
        segment_nodes=nodes,
        offsets=offsets,
        points_rc=points,
        normals_rc=normals,
        width_px=widths_px(mask, points, normals, flat_distance[path]),
        clear=_clear(points, offsets, nodes, node_rc, discs),
    )


def _node_places(
    node_of: IntArray, num_nodes: int, flat_distance: FloatArray, width: int
) -> tuple[FloatArray, FloatArray]:
    """Mean position of the pixels of each node, and the largest distance to the background among them."""
    pixels = np.flatnonzero(node_of >= 0)
    node = node_of[pixels]
    size = np.maximum(np.bincount(node, minlength=num_nodes), 1)
    rows, columns = np.divmod(pixels, width)
    centre = [np.bincount(node, weights=axis, minlength=num_nodes) / size - 1.0 for axis in (rows, columns)]
    radius = np.zeros(num_nodes)
    np.maximum.at(radius, node, flat_distance[pixels])
    return np.stack(centre, axis=1), radius


def vessel_graph(mask: BoolArray, *, spur_ratio: float = 1.5, smoothing: int = 6) -> SegmentGraph:
    """Graph of a binary vessel map (H, W): thin, prune, trace, smooth, measure widths.

    Args:
        mask: vessel map of one kind, bool.
        spur_ratio: see `centre_lines`.
        smoothing: see `segment_graph`.
    """
    skeleton, distance = centre_lines(mask, spur_ratio=spur_ratio)
    return segment_graph(mask, skeleton, distance, smoothing=smoothing)
