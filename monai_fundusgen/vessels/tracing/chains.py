"""Paths of one kind as chains from root or fork to tip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.paths import KindPaths
from monai_fundusgen.vessels.tracing.traced_eye import oriented

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Chains:
    """The nodes (N,) of a forest as chains; at a fork the branch with more vessel below goes on.

    Args:
        paths: of one kind.
        disc_rc: middle of the disc, px, at which trees begin; NaN where it is unknown.

    Attributes:
        order: point of the paths that each node is made of.
        parent: number of each node's parent, which precedes it; -1 at a root.
        points_rc, radius: of the nodes.
        step: from the parent to each node, px; 0 at a root.
        heir: node in which each goes on; -1 at a tip.
    """

    def __init__(self, paths: KindPaths, disc_rc: tuple[float, float]) -> None:
        self.paths = paths
        self.order, self.parent = oriented(paths, disc_rc)
        self.points_rc, self.radius = paths.points_rc[self.order], paths.radius_px[self.order]
        above = np.where(self.parent < 0, np.arange(len(self.parent)), self.parent)
        self.step = np.hypot(*(self.points_rc - self.points_rc[above]).T)
        below, parent = (self.step * self.radius).tolist(), self.parent.tolist()
        for node in range(len(parent) - 1, -1, -1):
            if parent[node] >= 0:
                below[parent[node]] += below[node]
        self.heir = np.full(len(parent), -1, dtype=np.int64)
        onward = np.argsort(below, kind="stable")
        onward = onward[self.parent[onward] >= 0]
        self.heir[self.parent[onward]] = onward  # of several the last one, with most below, stays

    def __iter__(self) -> Iterator[IntArray]:
        """Chains (arrays of nodes), parents' before children's."""
        heads = np.flatnonzero(
            (self.parent < 0) | (self.heir[np.maximum(self.parent, 0)] != np.arange(len(self.parent)))
        )
        heir = self.heir.tolist()
        for head in heads.tolist():
            chain = [head]
            while heir[chain[-1]] >= 0:
                chain.append(heir[chain[-1]])
            yield np.array(chain)

    def spacing(self, chain: IntArray) -> float:
        """Mean distance of a chain's nodes, px."""
        return max(float(np.mean(self.step[chain][1:])), 1e-3) if len(chain) > 1 else 1.0

    def leaves(self) -> NDArray[np.bool_]:
        """Which nodes nothing hangs on (N,)."""
        found: NDArray[np.bool_] = self.heir < 0
        return found

    def closed(self) -> NDArray[np.bool_]:
        """Which nodes are ends of paths that a loop brings together with another node (N,)."""
        numbers = np.full(len(self.paths.points_rc), -1, dtype=np.int64)
        numbers[self.paths.ends] = self.paths.nodes
        made_of = numbers[self.order]
        twice = np.bincount(made_of[made_of >= 0], minlength=1) > 1
        found: NDArray[np.bool_] = (made_of >= 0) & twice[made_of]
        return found

    def spread(self, of_nodes: FloatArray, of_points: FloatArray, *, meet: bool) -> FloatArray:
        """Values of the nodes (N, ...) given back to the points of the paths, in a copy of ``of_points`` (P, ...).

        Where paths share a node, one of their end points is the node. The others take its value if they ``meet`` there,
        else that of their next point.
        """
        found, ends, nodes = of_points.copy(), self.paths.ends, self.paths.nodes
        found[self.order] = of_nodes
        in_order = np.isin(ends, self.order)
        node_at = np.full(int(nodes.max(initial=-1)) + 1, -1, dtype=np.int64)  # point that each node of the paths is
        node_at[nodes[in_order][::-1]] = ends[in_order][::-1]
        for side, inward in ((0, 1), (1, -1)):
            copies = ends[~in_order[:, side], side]
            found[copies] = found[node_at[nodes[~in_order[:, side], side]] if meet else copies + inward]
        return found
