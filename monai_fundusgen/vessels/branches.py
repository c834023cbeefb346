"""Branches of an artery/vein label: every vessel pixel numbered by the segment it belongs to, and what lies downstream.

Arteries and veins have a graph each, so a branch goes on through its crossings with vessels of the other kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, KINDS
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph
from monai_fundusgen.vessels.skeleton import EIGHT, flat_steps

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_DISC_SIDE: Final = 256  # px that a map is reduced to where its disc is looked for
_MOST: Final = 65535  # branches that can be numbered; of a label of specks the last have no number


@dataclass(frozen=True)
class Branches:
    """Branches 1 to N of a label.

    Attributes:
        number: (2, H, W) uint16, branch of every pixel of the artery and of the vein plane, 0 off vessels. Pixels of
            unknown kind have theirs in the artery plane.
        ends: (N, 2) nodes of each branch, the one nearer to the optic disc first; -1, -1 of a speck or ring without.
    """

    number: NDArray[np.uint16]
    ends: IntArray


@njit(cache=True)
def _spread(number: NDArray[np.uint16], mask: BoolArray, steps: IntArray, seeds: IntArray) -> None:
    """Number the pixels of a flat padded map ring by ring from those that have a number."""
    queue = np.empty(mask.size, dtype=np.int64)
    queue[: seeds.size] = seeds
    first, last = 0, seeds.size
    while first < last:
        here = queue[first]
        first += 1
        for k in range(8):
            near = here + steps[k]
            if mask[near] and number[near] == 0:
                number[near] = number[here]
                queue[last] = near
                last += 1


def _numbered(mask: BoolArray, graph: SegmentGraph, first: int) -> tuple[NDArray[np.uint16], int]:
    """Numbers (H, W) from ``first`` on, of the segments and then of the pieces that hold none; and the next number."""
    number = np.zeros(mask.shape, dtype=np.uint16)
    rows, columns = np.rint(graph.points_rc).astype(np.int64).reshape(-1, 2).T
    segment = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets)) + first
    on = mask[rows, columns] & (segment <= _MOST)  # a smoothed line may cut a corner outside a thin vessel
    number[rows[on], columns[on]] = segment[on]
    padded, inside = np.pad(number, 1).ravel(), np.pad(mask, 1).ravel()
    _spread(padded, inside, flat_steps(mask.shape[1] + 2), np.flatnonzero(padded))
    number = padded.reshape(mask.shape[0] + 2, -1)[1:-1, 1:-1].copy()
    specks, count = ndimage.label(mask & (number == 0), structure=EIGHT)
    after = first + graph.num_segments
    named = (specks > 0) & (specks + after - 1 <= _MOST)
    number[named] = specks[named] + after - 1
    return number, min(after + int(count), _MOST + 1)


def _oriented(graph: SegmentGraph, disc_rc: tuple[float, float]) -> IntArray:
    """Nodes of each segment (S, 2), the one nearer to the disc along the vessels first."""
    ends = graph.segment_nodes.copy()
    lengths = graph.lengths_px
    net: nx.Graph[int] = nx.Graph()
    for (a, b), length in zip(ends.tolist(), lengths.tolist(), strict=True):
        if a >= 0 and length < net.get_edge_data(a, b, {"weight": np.inf})["weight"]:
            net.add_edge(a, b, weight=length)
    away = np.hypot(*(graph.node_rc - np.asarray(disc_rc)).T)
    roots = {min(piece, key=lambda node: float(away[node])) for piece in nx.connected_components(net)}
    if roots:
        far = nx.multi_source_dijkstra_path_length(net, roots)
        turned = [a >= 0 and far[a] > far[b] for a, b in ends.tolist()]
        ends[turned] = ends[turned][:, ::-1]
    return ends


def _disc_of(vessels: BoolArray) -> tuple[float, float]:
    """Row and column where the vessels (2, H, W) converge; the map's middle where there are too few to tell."""
    height, width = vessels.shape[1:]
    side = -(-max(height, width) // _DISC_SIDE) * _DISC_SIDE
    row, column = find_disc(np.pad(vessels, ((0, 0), (0, side - height), (0, side - width))))
    return (row, column) if np.isfinite(row) else (height / 2, width / 2)


def label_branches(vessels: BoolArray, uncertain: BoolArray | None = None) -> Branches:
    """Branches of a label, between bifurcations and ends.

    Args:
        vessels: (2, H, W), artery then vein.
        uncertain: (H, W) vessel of unknown kind, where neither of the two is; its branches are found by themselves.
    """
    planes = [vessels[kind] for kind in range(len(KINDS))]
    if uncertain is not None and uncertain.any():
        planes.append(uncertain)
    disc = _disc_of(vessels)
    number = np.zeros(vessels.shape, dtype=np.uint16)
    ends: list[IntArray] = []
    first, nodes = 1, 0
    for place, plane in enumerate(planes):
        graph = vessel_graph(plane)
        found, after = _numbered(plane, graph, first)
        number[place if place < len(KINDS) else ARTERY] |= found
        own = _oriented(graph, disc)
        ends += [np.where(own >= 0, own + nodes, -1), np.full((after - first - len(own), 2), -1, dtype=np.int64)]
        first, nodes = after, nodes + len(graph.node_rc)
    return Branches(number, np.concatenate(ends))
