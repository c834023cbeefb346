"""Loops of vessel paths: two ways between the same places, of which a tree has one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.intersections import edge_grid, intersecting_edges
from monai_fundusgen.vessels.tracing.paths import KindPaths


def with_crossings(paths: KindPaths, kind: NDArray[np.int64]) -> tuple[KindPaths, NDArray[np.int64]]:
    """Paths that share a node where two of one kind intersect, and the kind of each (S,).

    Args:
        paths: of both kinds.
        kind: of each path (S,).
    """
    if not len(kind):
        return paths, kind
    parent = np.arange(-1, len(paths.points_rc) - 1, dtype=np.int32)
    parent[paths.offsets[:-1]] = -1
    of_point = np.repeat(kind, np.diff(paths.offsets)).astype(np.uint8)
    longest = 2 * float(np.hypot(*np.diff(paths.points_rc, axis=0).T)[parent[1:] >= 0].max())
    xy = np.ascontiguousarray(paths.points_rc[:, ::-1])
    pairs = intersecting_edges(xy, parent, of_point, edge_grid(xy, longest), longest)
    at = np.full(len(xy), -1, dtype=np.int64)
    at[paths.ends] = paths.nodes
    first, second = pairs.T
    at_edge = np.stack([at, at[parent]])  # nodes at both ends of the edge to each point; -1: none
    joined_already = ((at_edge[:, None, first] == at_edge[None, :, second]) & (at_edge[:, None, first] >= 0)).any(
        (0, 1)
    )
    meet = (of_point[first] == of_point[second]) & ~joined_already
    if not meet.any():
        return paths, kind
    first, second = first[meet], second[meet]
    split, came_from, node = paths.split_at(np.concatenate([first, second]).astype(np.int64))
    same = np.arange(split.nodes.max() + 1)
    for a, b in node.reshape(2, -1).T:
        same[same == same[b]] = same[a]
    joined = KindPaths(split.points_rc, split.radius_px, split.offsets, same[split.nodes])
    joined.join()
    return joined, kind[came_from]


def loop_parts(paths: KindPaths, longest_px: float) -> NDArray[np.bool_]:
    """The thinnest path of every loop of at most ``longest_px`` (S,).

    What is left of the paths is a spanning forest of greatest radius, but for longer loops.
    """
    lengths, spare = paths.lengths_px, np.zeros(len(paths.nodes), dtype=bool)
    radius = np.add.reduceat(paths.radius_px, paths.offsets[:-1]) / np.diff(paths.offsets)
    tree: dict[int, list[tuple[int, float]]] = {}
    piece = np.arange(paths.nodes.max(initial=-1) + 1)  # of each node, as the tree grows
    for s in np.lexsort((lengths, -radius)).tolist():
        a, b = paths.nodes[s].tolist()
        if piece[a] == piece[b] and lengths[s] + _distance(tree, a, b, longest_px) <= longest_px:
            spare[s] = True
        else:
            tree.setdefault(a, []).append((b, lengths[s]))
            tree.setdefault(b, []).append((a, lengths[s]))
            piece[piece == piece[b]] = piece[a]
    return spare


def _distance(tree: dict[int, list[tuple[int, float]]], a: int, b: int, longest_px: float) -> float:
    """Length of the way between two nodes, infinite beyond ``longest_px``."""
    best, open_nodes = {a: 0.0}, [a]
    while open_nodes:
        here = open_nodes.pop()
        for node, length in tree.get(here, ()):
            far = best[here] + length
            if far <= longest_px and far < best.get(node, np.inf):
                best[node] = far
                open_nodes.append(node)
    return best.get(b, np.inf)
