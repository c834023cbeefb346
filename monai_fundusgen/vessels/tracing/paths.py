"""Vessels of a map as paths: centre lines with radii, in pixels of the map, drawn at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.drawing import draw_label

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class FreeEnds(NamedTuple):
    """E ends of paths that no other path shares.

    Attributes:
        point: (E,) point numbers.
        inward: (E,) step to the next point of the path, 1 or -1.
        room: (E,) steps to the other end of the path.
        node: (E,) node numbers.
    """

    point: IntArray
    inward: IntArray
    room: IntArray
    node: IntArray

    def behind(self, steps: int) -> IntArray:
        """Point numbers ``steps`` into the paths, or at their other ends (E,)."""
        return self.point + self.inward * np.minimum(steps, self.room)


@dataclass
class KindPaths:
    """Paths of one kind, between junctions and ends; fitting moves them in place.

    Attributes:
        points_rc: (P, 2) rows and columns in pixels of the map; pixel centres are integers.
        radius_px: (P,), changing linearly from point to point.
        offsets: (S + 1,) path i owns the points ``offsets[i]:offsets[i + 1]``, two at least.
        nodes: (S, 2) numbers of the junctions or ends that each path joins; a ring joins one node to itself. Paths that
            share a node share its point.
    """

    points_rc: FloatArray
    radius_px: FloatArray
    offsets: IntArray
    nodes: IntArray

    @property
    def ends(self) -> IntArray:
        """Point numbers of first and last points (S, 2)."""
        return np.stack([self.offsets[:-1], self.offsets[1:] - 1], axis=1)

    @property
    def lengths_px(self) -> FloatArray:
        """Arc length of each path (S,)."""
        along = np.append(0.0, np.cumsum(np.hypot(*np.diff(self.points_rc, axis=0).T)))
        return along[self.ends[:, 1]] - along[self.ends[:, 0]]

    def kept(self, keep: NDArray[np.bool_]) -> KindPaths:
        """The paths where ``keep`` (S,) is set."""
        return self.cut(np.repeat(keep, np.diff(self.offsets)))

    def cut(self, keep: NDArray[np.bool_]) -> KindPaths:
        """The stretches of at least two points where ``keep`` (P,) is set; a cut is a node of its own."""
        first, last = np.zeros((2, len(keep)), dtype=bool)
        first[self.offsets[:-1]], last[self.offsets[1:] - 1] = True, True
        before, after = np.roll(keep, 1) & ~first, np.roll(keep, -1) & ~last
        keep = keep & (before | after)
        starts, stops = np.flatnonzero(keep & ~before), np.flatnonzero(keep & ~after)
        node = np.arange(len(keep), dtype=np.int64) + self.nodes.max(initial=-1) + 1
        node[self.ends] = self.nodes
        offsets = np.append(0, np.cumsum(stops - starts + 1)).astype(np.int64)
        return KindPaths(self.points_rc[keep], self.radius_px[keep], offsets, node[np.stack([starts, stops], axis=1)])

    def split_at(self, points: IntArray) -> tuple[KindPaths, IntArray, IntArray]:
        """Paths cut in two at points (J,), so that each is a node; old numbers of the paths; nodes of the points."""
        node = np.full(len(self.points_rc), -1, dtype=np.int64)
        node[self.ends] = self.nodes
        inner = np.unique(points[node[points] < 0])
        node[inner] = np.arange(len(inner)) + self.nodes.max(initial=-1) + 1
        times = np.ones(len(node), dtype=np.int64)
        times[inner] = 2
        path_of = np.repeat(np.arange(len(self.nodes)), np.diff(self.offsets))
        first = np.cumsum(times) - times  # new number of each point
        starts = np.sort(np.concatenate([first[self.offsets[:-1]], first[inner] + 1]))
        offsets = np.append(starts, times.sum()).astype(np.int64)
        old = np.repeat(np.arange(len(node)), times)
        nodes = node[np.stack([old[offsets[:-1]], old[offsets[1:] - 1]], axis=1)]
        cut = KindPaths(self.points_rc[old], self.radius_px[old], offsets, nodes)
        return cut, path_of[old[offsets[:-1]]], node[points]

    def free_ends(self) -> FreeEnds:
        """Ends at a node that nothing else ends at, in the order of the paths."""
        free = np.bincount(self.nodes.ravel(), minlength=1)[self.nodes] == 1
        inward = np.broadcast_to(np.array([1, -1]), free.shape)
        room = np.broadcast_to((np.diff(self.offsets) - 1)[:, None], free.shape)
        return FreeEnds(self.ends[free], inward[free], room[free], self.nodes[free])

    def outward(self, ends: FreeEnds, reach: int) -> FloatArray:
        """Unit vectors (E, 2) out of the paths at free ends, taken over ``reach`` points."""
        out = self.points_rc[ends.point] - self.points_rc[ends.behind(reach)]
        unit: FloatArray = out / np.maximum(np.hypot(*out.T), 1e-9)[:, None]
        return unit

    def join(self) -> None:
        """Bring the points at every node to their mean."""
        ends, nodes = self.ends.ravel(), self.nodes.ravel()
        count = np.maximum(np.bincount(nodes, minlength=1), 1)
        for axis in (0, 1):
            mean = np.bincount(nodes, weights=self.points_rc[ends, axis], minlength=1) / count
            self.points_rc[ends, axis] = mean[nodes]


@dataclass(frozen=True)
class VesselPaths:
    """Arteries and veins of one map.

    Attributes:
        artery, vein: their paths, in pixels of the map.
        size: side of the map, px.
    """

    artery: KindPaths
    vein: KindPaths
    size: int

    def label(self, size: int) -> NDArray[np.bool_]:
        """Vessel map (2, size, size) at any size, by the rule of the phantom's labels.

        A pixel is set where its centre lies in a vessel; vessels under one pixel are widened to one, so none breaks.
        """
        scale = size / self.size
        kinds = (self.artery, self.vein)
        points = np.concatenate([paths.points_rc for paths in kinds])[:, ::-1]
        parent = np.arange(-1, len(points) - 1, dtype=np.int32)
        parent[self.artery.offsets[:-1]] = -1
        parent[self.vein.offsets[:-1] + len(self.artery.points_rc)] = -1
        return draw_label(
            np.ascontiguousarray((points + 0.5) * scale - 0.5),
            np.concatenate([paths.radius_px for paths in kinds]) * scale,
            parent,
            np.repeat(np.arange(2, dtype=np.uint8), [len(paths.radius_px) for paths in kinds]),
            size,
            taper=True,
        )
