"""Small loops of vessel paths: two ways between the same places, of which a tree has one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.paths import KindPaths


def loop_parts(paths: KindPaths, longest_px: float) -> NDArray[np.bool_]:
    """The thinnest path of every loop of at most ``longest_px`` (S,).

    What is left of the paths is a spanning forest of greatest radius, but for longer loops.
    """
    lengths, spare = paths.lengths_px, np.zeros(len(paths.nodes), dtype=bool)
    radius = np.add.reduceat(paths.radius_px, paths.offsets[:-1]) / np.diff(paths.offsets)
    tree: dict[int, list[tuple[int, float]]] = {}
    for s in np.lexsort((lengths, -radius)).tolist():
        a, b = paths.nodes[s].tolist()
        round_px = lengths[s] + _distance(tree, a, b, longest_px)
        if round_px <= longest_px:
            spare[s] = True
        else:
            tree.setdefault(a, []).append((b, lengths[s]))
            tree.setdefault(b, []).append((a, lengths[s]))
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
