"""An eye's own graph as the segments that a traced label has: between bifurcations and ends, in pixels of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.graph import SegmentGraph, path_normals

IntArray = NDArray[np.int64]


def eye_segments(eye: Retina, kind: int, size: int) -> SegmentGraph:
    """Segments of the vessels of a kind inside the field, in pixels of a ``size`` x ``size`` image.

    Positions and widths are those of the record, not of pixels; a vessel that leaves the field ends there. A ring hangs
    on one node, of degree 2.
    """
    graph, pixel_um = eye.graph, eye.field.pixel_mm(size) * 1000
    seen = eye.field.holds(graph.xy_mm) & (graph.kind == kind)
    parent = np.where((graph.parent >= 0) & seen[np.maximum(graph.parent, 0)] & seen, graph.parent, -1)
    children = np.bincount(parent[parent >= 0], minlength=len(parent))
    seen &= (parent >= 0) | (children > 0)  # a lone point is no vessel
    place = _places(graph.xy_mm, seen)
    shared = np.bincount(place[seen], minlength=len(place)) > 1  # where a loop closes
    is_node = seen & ((parent < 0) | (children != 1) | shared[place])
    chains = [_chain(int(last), parent, is_node) for last in np.flatnonzero(is_node & (parent >= 0))]
    order = np.array([one for chain in chains for one in chain], dtype=np.int64)
    offsets = np.append(0, np.cumsum([len(chain) for chain in chains], dtype=np.int64)).astype(np.int64)
    ends = np.array([[chain[0], chain[-1]] for chain in chains], dtype=np.int64).reshape(-1, 2)
    nodes, number = np.unique(place[is_node], return_index=True)
    xy = eye.field.to_pixels(graph.xy_mm, size)[:, ::-1]
    points, first = np.ascontiguousarray(xy[order]), np.flatnonzero(is_node)[number]
    return SegmentGraph(
        node_rc=xy[first],
        node_radius_px=graph.radius_um[first] / pixel_um,
        segment_nodes=np.searchsorted(nodes, place[ends]),
        offsets=offsets,
        points_rc=points,
        normals_rc=path_normals(points, offsets, 2),
        width_px=2 * graph.radius_um[order] / pixel_um,
        clear=np.ones(len(order), dtype=bool),
    )


def _places(xy_mm: NDArray[np.float64], seen: NDArray[np.bool_]) -> IntArray:
    """A number for the place of every node (N,): the first node that lies there, of those that are seen."""
    place = np.arange(len(xy_mm))
    rows = np.flatnonzero(seen)
    if not rows.size:
        return place
    _, first, inverse = np.unique(xy_mm[rows], axis=0, return_index=True, return_inverse=True)
    place[rows] = rows[first][inverse.ravel()]
    return place


def _chain(last: int, parent: IntArray, is_node: NDArray[np.bool_]) -> list[int]:
    """Nodes of the graph from the one above a segment down to its end."""
    chain = [last]
    while len(chain) == 1 or not is_node[chain[-1]]:
        chain.append(int(parent[chain[-1]]))
    return chain[::-1]
