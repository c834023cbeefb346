"""The record of an eye of which only a map is known: traced vessels as forests, and landmarks found on them."""

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


def _forest(
    paths: VesselPaths, disc_rc: tuple[float, float], in_mm: Callable[[FloatArray], FloatArray], pixel_mm: float
) -> VesselGraph:
    """Both kinds as forests that hang on the nodes nearest the disc."""
    points, radii, parents, kinds, first = [], [], [], [], 0
    for kind, of_kind in enumerate((paths.artery, paths.vein)):
        order, parent = oriented(of_kind, disc_rc)
        points.append(of_kind.points_rc[order])
        radii.append(of_kind.radius_px[order])
        parents.append(np.where(parent < 0, -1, parent + first))
        kinds.append(np.full(len(order), kind, dtype=np.uint8))
        first += len(order)
    joined = np.concatenate(parents).astype(np.int32)
    return VesselGraph(
        xy_mm=in_mm(np.concatenate(points)),
        radius_um=np.round(np.concatenate(radii) * pixel_mm * 1000, _RADIUS_DIGITS),
        kind=np.concatenate(kinds),
        parent=joined,
        leaves=_leaves(joined),
        quadrant=np.full(first, UNKNOWN, dtype=np.uint8),
    )


def oriented(paths: KindPaths, disc_rc: tuple[float, float]) -> tuple[IntArray, IntArray]:
    """Paths as trees: for every node of the forest the point that it is made of, and its parent, which precedes it.

    Every connected piece hangs on its end or junction nearest the disc; from there the nearest along the vessels comes
    first. A path that closes a loop ends in a node of its own.
    """
    trees = _Trees(paths)
    centre = np.nan_to_num(np.asarray(disc_rc))
    away = {node: float(np.hypot(*(paths.points_rc[point] - centre))) for node, point in trees.point_of.items()}
    for root in sorted(away, key=lambda node: (away[node], node)):
        if root not in trees.index:
            trees.grow(root)
    return np.array(trees.order, dtype=np.int64), np.array(trees.parent, dtype=np.int64)


class _Trees:
    """Trees that grow along paths: their nodes in order, parents, and the number of every junction or end reached."""

    def __init__(self, paths: KindPaths) -> None:
        self.paths, self.lengths = paths, paths.lengths_px
        self.order: list[int] = []
        self.parent: list[int] = []
        self.index: dict[int, int] = {}
        self.drawn: set[int] = set()
        self.ends: dict[int, list[tuple[int, bool]]] = {}
        self.point_of: dict[int, int] = {}
        for number, (nodes, points) in enumerate(zip(paths.nodes.tolist(), paths.ends.tolist(), strict=True)):
            for finish, (node, point) in enumerate(zip(nodes, points, strict=True)):
                self.ends.setdefault(node, []).append((number, bool(finish)))
                self.point_of.setdefault(node, point)

    def grow(self, root: int) -> None:
        """Add all that hangs on a node, nearest first."""
        self.index[root] = len(self.order)
        self.order.append(self.point_of[root])
        self.parent.append(-1)
        front = self._onward(root, 0.0)
        while front:
            way, number, finish = heapq.heappop(front)
            if number not in self.drawn:
                self.drawn.add(number)
                below = self._draw(number, finish)
                for one in self._onward(below, way) if below >= 0 else ():
                    heapq.heappush(front, one)

    def _onward(self, node: int, way: float) -> list[tuple[float, int, bool]]:
        """Paths at a node: how far their other end is from the root, number, whether they begin at their finish."""
        found = [(way + float(self.lengths[number]), number, finish) for number, finish in self.ends[node]]
        heapq.heapify(found)
        return found

    def _draw(self, number: int, finish: bool) -> int:
        """Add a path from one end; the node at its other end, -1 where that was reached before."""
        step = -1 if finish else 1
        above, below = (int(node) for node in self.paths.nodes[number][::step])
        chain = range(int(self.paths.offsets[number]), int(self.paths.offsets[number + 1]))[::step][1:]
        self.parent += [self.index[above], *range(len(self.order), len(self.order) + len(chain) - 1)]
        self.order += chain
        if below in self.index:
            return -1
        self.index[below] = len(self.order) - 1
        return below


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
