"""From kinds of branches to a label: arteries, veins, both where they cross, and vessels whose kind is left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.kinds import BranchKinds
from monai_fundusgen.vessels.deciding.decision import decide
from monai_fundusgen.vessels.graph import SegmentGraph

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Masks = NDArray[np.bool_]

#: A branch between two junctions joins them to one place where it is no longer than this many of their radii, plus px.
_SHORT: Final = (2.0, 2.0)
_PASSING: Final = 2  # ends of one kind that a vessel leaves at a place through which it passes


@dataclass(frozen=True)
class BranchLabel:
    """A label by branches.

    Attributes:
        vessels: (2, H, W) bool; both only where an artery crosses a vein.
        uncertain: (H, W) bool, vessels of unknown kind; in neither plane.
        likelier: (2, H, W) bool, ``vessels`` with the uncertain ones in the plane of their likelier kind.
        confidence: (H, W) float32, probability of the given kind, 0 off vessels.
    """

    vessels: Masks
    uncertain: Masks
    likelier: Masks
    confidence: NDArray[np.float32]


def branch_owners(mask: Masks, graph: SegmentGraph) -> NDArray[np.int64]:
    """Number of the branch that each vessel pixel of a map (H, W) lies nearest to; -1 off vessels and without any."""
    owners = np.full(mask.shape, -1, dtype=np.int64)
    if not graph.num_segments:
        return owners
    rows, columns = np.rint(graph.points_rc).astype(np.int64).T
    branch = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    owners[rows[graph.clear], columns[graph.clear]] = branch[graph.clear]
    nearest = ndimage.distance_transform_edt(owners < 0, return_distances=False, return_indices=True)
    return np.where(mask, owners[tuple(nearest)], -1)


def label_branches(mask: Masks, graph: SegmentGraph, kinds: BranchKinds) -> BranchLabel:
    """Label of a vessel map (H, W) from the kinds of its S branches.

    Where a certain artery and a certain vein both pass through a place (junctions with only short branches between
    them), its pixels count as both, and `decide` draws the crossing. A short branch at a place takes the kind that
    passes through. A branch without certain kind is left open, whatever its neighbours are.
    """
    owners = branch_owners(mask, graph)
    kind, uncertain, crossing, inner = _at_places(graph, kinds)
    on = owners >= 0
    likely = np.where(on, kind[owners], -1) if graph.num_segments else owners
    open_ = (on & uncertain[owners]) if graph.num_segments else np.zeros_like(on)
    open_ |= mask & ~on
    vessels = np.stack([likely == each for each in (ARTERY, VEIN)])
    sure = vessels & ~open_
    zone = _zones(mask, graph, crossing) | (on & inner[owners] if graph.num_segments else on)
    both = sure | zone
    decided = decide(both)
    left = (open_ & ~zone) | (decided.open & ~decided.vessels.any(axis=0))
    confidence = np.where(on, kinds.confidence[owners], 0) if graph.num_segments else np.zeros(mask.shape)
    likelier = decided.vessels | (vessels & ~decided.vessels.any(axis=0))
    return BranchLabel(
        vessels=decided.vessels & ~left,
        uncertain=left & mask,
        likelier=likelier & mask,
        confidence=confidence.astype(np.float32),
    )


def _places_of(graph: SegmentGraph) -> tuple[IntArray, Masks]:
    """Number of the place of each node (M,), and whether each branch (S,) lies within one."""
    nodes = graph.segment_nodes
    radius = np.append(graph.node_radius_px, 0.0)
    reach = _SHORT[0] * (radius[nodes[:, 0]] + radius[nodes[:, 1]]) + _SHORT[1]
    degree = np.append(graph.degree, 0)
    short = (nodes >= 0).all(axis=1) & (degree[nodes] >= 3).all(axis=1) & (graph.lengths_px <= reach)
    count = len(graph.node_rc)
    links = coo_array((np.ones(short.sum()), tuple(nodes[short].T)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64), short


def _at_places(graph: SegmentGraph, kinds: BranchKinds) -> tuple[IntArray, Masks, Masks, Masks]:
    """Kind and openness of branches (S,), short ones told by those that pass; crossing nodes (M,) and branches."""
    kind, uncertain = kinds.kind.astype(np.int64), kinds.uncertain.copy()
    if not len(graph.node_rc):
        return kind, uncertain, np.zeros(0, bool), np.zeros(graph.num_segments, bool)
    place, short = _places_of(graph)
    counts = np.zeros((int(place.max()) + 1, 2), dtype=np.int64)
    outer = np.flatnonzero(~short & ~uncertain)
    for end in (0, 1):
        nodes = graph.segment_nodes[outer, end]
        known = nodes >= 0
        np.add.at(counts, (place[nodes[known]], kind[outer[known]]), 1)
    passing = np.asarray(counts >= _PASSING)
    crossing = np.asarray(passing.all(axis=1))
    one_kind = np.asarray(passing.any(axis=1)) & ~crossing
    at = place[np.maximum(graph.segment_nodes[:, 0], 0)]
    told = short & one_kind[at]
    kind[told] = np.where(passing[at[told], ARTERY], ARTERY, VEIN)
    uncertain[told] = False
    inner = short & crossing[at]
    return kind, uncertain, crossing[place] & (graph.degree >= 3), inner


def _zones(mask: Masks, graph: SegmentGraph, crossing: Masks) -> Masks:
    """Vessel pixels within the discs of crossing nodes (H, W)."""
    zone = np.zeros_like(mask)
    for (row, column), radius in zip(graph.node_rc[crossing], graph.node_radius_px[crossing], strict=True):
        reach = int(np.ceil(radius)) + 1
        top, left = max(round(row) - reach, 0), max(round(column) - reach, 0)
        part = (slice(top, round(row) + reach + 1), slice(left, round(column) + reach + 1))
        rows, columns = np.indices(zone[part].shape)
        zone[part] |= np.hypot(rows + top - row, columns + left - column) <= radius + 0.5
    return zone & mask
