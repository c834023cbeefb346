"""The record of an eye of which only a map is known: its traced vessels as forests, with the landmarks found on them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.eye import PARTS, UNKNOWN, Crossings, Landmarks, Retina, VesselGraph
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.fovea import fovea_rc
from monai_fundusgen.vessels.intersections import crossing_geometry, edge_grid, intersecting_edges
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DIGITS: Final = 4  # of positions in mm, angles in degrees
_RADIUS_DIGITS: Final = 2  # of radii in um


def traced_eye(
    paths: VesselPaths,
    vessels: NDArray[np.floating],
    field: Field,
    *,
    source: str,
    seed: int = 0,
    disc_rc: tuple[float, float] | None = None,
) -> Retina:
    """The record of the eye whose map was traced; everything in it is estimated.

    Disc and fovea are found on the vessels; the frame's origin is the fovea, or the middle of the image where the map
    holds no vessel. Of a crossing the depth stays unknown, of the disc the size.

    Args:
        paths: vessels as traced.
        vessels: the map (2, S, S) that they were traced in.
        field: visual angle and cut of the camera; its centre is replaced.
        source: one of ``vessels.eye.SOURCES``.
        seed: of the map.
        disc_rc: middle of the disc in px of the map, where it was found before.
    """
    size, pixel_mm = paths.size, field.pixel_mm(paths.size)
    disc = find_disc(vessels, field.diameter_deg) if disc_rc is None else disc_rc
    fovea = fovea_rc(np.asarray(vessels).max(axis=0), disc, pixel_mm)
    origin = fovea if np.isfinite(fovea).all() else ((size - 1) / 2, (size - 1) / 2)

    def in_mm(points_rc: FloatArray) -> FloatArray:
        return np.round((points_rc - np.asarray(origin))[..., ::-1] * pixel_mm, _DIGITS)

    centre_x, centre_y = in_mm(np.array([(size - 1) / 2] * 2)).tolist()
    disc_x, disc_y = in_mm(np.asarray(disc)).tolist()
    right = None if np.isnan(disc_x) else bool(disc_x > 0)
    graph = _forest(paths, disc, in_mm, pixel_mm)
    return Retina(
        seed=seed,
        landmarks=Landmarks((disc_x, disc_y), float("nan"), float("nan"), float("nan"), right),
        field=Field(field.diameter_deg, (centre_x, centre_y), field.cut),
        graph=graph,
        crossings=_crossings(graph),
        source=source,
        estimated=PARTS,
    )


def _forest(paths: VesselPaths, disc_rc: tuple[float, float], in_mm: Callable[[FloatArray], FloatArray], pixel_mm: float) -> VesselGraph:
    """Both kinds as forests that hang on the nodes nearest the disc."""
    points, radii, parents, kinds, first = [], [], [], [], 0
    for kind, of_kind in enumerate((paths.artery, paths.vein)):
        order, parent = oriented(of_kind, disc_rc)
        points.append(of_kind.points_rc[order])
        radii.append(of_kind.radius_px[order])
        parents.append(np.where(parent < 0, -1, parent + first))
        kinds.append(np.full(len(order), kind, dtype=np.uint8))
        first += len(order)
    parent = np.concatenate(parents).astype(np.int32)
    return VesselGraph(
        xy_mm=in_mm(np.concatenate(points)),
        radius_um=np.round(np.concatenate(radii) * pixel_mm * 1000, _RADIUS_DIGITS),
        kind=np.concatenate(kinds),
        parent=parent,
        leaves=_leaves(parent),
        quadrant=np.full(first, UNKNOWN, dtype=np.uint8),
    )


def oriented(paths: KindPaths, disc_rc: tuple[float, float]) -> tuple[IntArray, IntArray]:
    """Paths as trees: for every node of the forest the point that it is made of, and its parent, which precedes it.

    Every connected piece hangs on its end or junction nearest the disc; from there the nearest along the vessels comes
    first. A path that closes a loop ends in a node of its own.
    """
    ends: dict[int, list[tuple[int, bool]]] = {}
    for number, (start, stop) in enumerate(paths.nodes.tolist()):
        ends.setdefault(start, []).append((number, False))
        ends.setdefault(stop, []).append((number, True))
    lengths = paths.lengths_px
    place = {node: paths.ends[number, int(finish)] for node, [(number, finish), *_] in ends.items()}
    centre = np.nan_to_num(np.asarray(disc_rc))
    near = sorted(ends, key=lambda node: (float(np.hypot(*(paths.points_rc[place[node]] - centre))), node))
    order: list[int] = []
    parent: list[int] = []
    index: dict[int, int] = {}
    drawn: set[int] = set()
    for root in near:
        if root in index:
            continue
        index[root] = len(order)
        order.append(int(place[root]))
        parent.append(-1)
        front = [(float(lengths[number]), number, finish) for number, finish in ends[root]]
        heapq.heapify(front)
        while front:
            way, number, finish = heapq.heappop(front)
            if number in drawn:
                continue
            drawn.add(number)
            above, below = (int(node) for node in paths.nodes[number][:: -1 if finish else 1])
            chain = range(int(paths.offsets[number]), int(paths.offsets[number + 1]))[:: -1 if finish else 1][1:]
            parent += [index[above], *range(len(order), len(order) + len(chain) - 1)]
            order += chain
            if below not in index:
                index[below] = len(order) - 1
                for other, end in ends[below]:
                    heapq.heappush(front, (way + float(lengths[other]), other, end))
    return np.array(order, dtype=np.int64), np.array(parent, dtype=np.int64)


def _leaves(parent: NDArray[np.int32]) -> FloatArray:
    """Ends below every node (N,), itself if it is one."""
    count = (np.bincount(parent[parent >= 0], minlength=len(parent)) == 0).astype(np.float64)
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            count[parent[node]] += count[node]
    return count


def _crossings(graph: VesselGraph) -> Crossings:
    """Where an artery's edge and a vein's intersect; which lies in front is not known."""
    edges = np.flatnonzero(graph.parent >= 0)
    pairs = np.zeros((0, 2), dtype=np.int32)
    if edges.size:
        longest = 2 * float(np.hypot(*(graph.xy_mm[edges] - graph.xy_mm[graph.parent[edges]]).T).max())
        grid = edge_grid(graph.xy_mm, longest)
        pairs = intersecting_edges(graph.xy_mm, graph.parent, graph.kind, grid, longest)
        pairs = pairs[graph.kind[pairs[:, 0]] != graph.kind[pairs[:, 1]]]
    points, angle = crossing_geometry(graph.xy_mm, graph.parent, pairs)
    return Crossings(
        xy_mm=np.round(points, _DIGITS),
        artery_edge=pairs[:, 0].copy(),
        vein_edge=pairs[:, 1].copy(),
        angle_deg=np.round(angle, _DIGITS),
        front=np.full(len(pairs), UNKNOWN, dtype=np.uint8),
    )
