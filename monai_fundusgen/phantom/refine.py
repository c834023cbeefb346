"""From grown forests to smooth vessels: short twigs off, centre-lines smoothed and subdivided, nodes in preorder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.phantom.forest import Forest

FloatArray = NDArray[np.float64]

#: Twigs shorter than this are pruned where their vessel goes on.
SHORTEST_TWIG_MM = 0.40
#: Edges per grown edge after subdivision.
SUBDIVISION = 3
SMOOTHING_ROUNDS = 4


class Tree(NamedTuple):
    """Both forests after growth, arrays over nodes; a parent precedes its children.

    ``xy`` (N, 2) mm, ``parent`` (-1 at roots), ``kind``, ``level`` and ``quadrant`` as in the growing forest. In
    preorder the descendants of a node follow it without a gap.
    """

    xy: FloatArray
    parent: NDArray[np.int32]
    kind: NDArray[np.uint8]
    level: NDArray[np.uint8]
    quadrant: NDArray[np.uint8]


def tree_of(forest: Forest) -> Tree:
    """The nodes in use, in order of growth."""
    n = int(forest.used[0])
    return Tree(forest.xy[:n], forest.parent[:n], forest.kind[:n], forest.level[:n], forest.quadrant[:n])


def select(tree: Tree, keep: NDArray[np.bool_]) -> Tree:
    """The nodes to keep, in the same order; descendants of a dropped node must be dropped too."""
    number = np.cumsum(keep) - 1
    parent = tree.parent[keep]
    assert keep[parent[parent >= 0]].all(), "a kept node has lost its parent"
    parent = np.where(parent >= 0, number[np.maximum(parent, 0)], -1).astype(np.int32)
    return Tree(tree.xy[keep], parent, tree.kind[keep], tree.level[keep], tree.quadrant[keep])


@njit(cache=True)
def edge_lengths(xy: FloatArray, parent: NDArray[np.int32]) -> FloatArray:
    """Length of the edge from parent to node, 0 at roots; mm."""
    out = np.zeros(len(parent))
    for i in range(len(parent)):
        if parent[i] >= 0:
            dx, dy = xy[i, 0] - xy[parent[i], 0], xy[i, 1] - xy[parent[i], 1]
            out[i] = np.sqrt(dx * dx + dy * dy)
    return out


@njit(cache=True)
def heights(xy: FloatArray, parent: NDArray[np.int32]) -> FloatArray:
    """Longest way from a node down to a tip, mm."""
    length = edge_lengths(xy, parent)
    out = np.zeros(len(parent))
    for i in range(len(parent) - 1, -1, -1):
        if parent[i] >= 0:
            out[parent[i]] = max(out[parent[i]], out[i] + length[i])
    return out


@njit(cache=True)
def straightness(xy: FloatArray, parent: NDArray[np.int32]) -> FloatArray:
    """Cosine of the turn from the parent's edge to the node's; 1 at roots and their children."""
    out = np.ones(len(parent))
    for i in range(len(parent)):
        p = parent[i]
        if p < 0 or parent[p] < 0:
            continue
        ax, ay = xy[p, 0] - xy[parent[p], 0], xy[p, 1] - xy[parent[p], 1]
        bx, by = xy[i, 0] - xy[p, 0], xy[i, 1] - xy[p, 1]
        out[i] = (ax * bx + ay * by) / (np.sqrt((ax * ax + ay * ay) * (bx * bx + by * by)) + 1e-18)
    return out


@njit(cache=True)
def main_children(xy: FloatArray, parent: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The straighter child and the other child of every node, -1 where there is none."""
    straight = straightness(xy, parent)
    main, side = np.full(len(parent), -1, np.int32), np.full(len(parent), -1, np.int32)
    for i in range(len(parent)):
        p = parent[i]
        if p < 0:
            continue
        if main[p] < 0:
            main[p] = i
        elif straight[i] > straight[main[p]]:
            main[p], side[p] = i, main[p]
        else:
            side[p] = i
    return main, side


@njit(cache=True)
def drop_descendants(parent: NDArray[np.int32], dead: NDArray[np.bool_]) -> None:
    """Mark all descendants of marked nodes."""
    for i in range(len(parent)):
        if parent[i] >= 0 and dead[parent[i]]:
            dead[i] = True


@njit(cache=True)
def short_twigs(xy: FloatArray, parent: NDArray[np.int32], shortest_mm: float) -> NDArray[np.bool_]:
    """Marks the twigs to prune: one daughter of a division, the shorter, or the less straight of two short ones."""
    length, height = edge_lengths(xy, parent), heights(xy, parent)
    main, side = main_children(xy, parent)
    dead = np.zeros(len(parent), np.bool_)
    for i in range(len(parent)):
        m, s = main[i], side[i]
        if s < 0 or dead[i]:
            continue
        of_main, of_side = height[m] + length[m], height[s] + length[s]
        if of_side < shortest_mm:
            dead[s] = True
        elif of_main < shortest_mm:
            dead[m] = True
    drop_descendants(parent, dead)
    return dead


def prune_twigs(tree: Tree, shortest_mm: float = SHORTEST_TWIG_MM) -> Tree:
    """The tree without short twigs."""
    while True:
        dead = short_twigs(tree.xy, tree.parent, shortest_mm)
        if not dead.any():
            return tree
        tree = select(tree, ~dead)


@njit(cache=True)
def _preorder(parent: NDArray[np.int32], main: NDArray[np.int32], side: NDArray[np.int32]) -> NDArray[np.int32]:
    """Order of nodes in which every node is followed by its main, then its side branch."""
    order = np.empty(len(parent), np.int32)
    stack = np.empty(len(parent) + 1, np.int32)
    used = 0
    for root in range(len(parent)):
        if parent[root] >= 0:
            continue
        stack[0], depth = root, 1
        while depth > 0:
            depth -= 1
            i = stack[depth]
            order[used] = i
            used += 1
            for c in (side[i], main[i]):
                if c >= 0:
                    stack[depth] = c
                    depth += 1
    return order


def in_preorder(tree: Tree) -> Tree:
    """The same tree with its nodes in preorder."""
    order = _preorder(tree.parent, *main_children(tree.xy, tree.parent))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    parent = tree.parent[order]
    parent = np.where(parent >= 0, number[np.maximum(parent, 0)], -1).astype(np.int32)
    return Tree(tree.xy[order], parent, tree.kind[order], tree.level[order], tree.quadrant[order])


@njit(cache=True)
def _smooth(xy: FloatArray, parent: NDArray[np.int32], main: NDArray[np.int32]) -> FloatArray:
    """One round: every node but roots and tips moves halfway to the middle of its neighbours on the vessel."""
    out = xy.copy()
    for i in range(len(parent)):
        p, c = parent[i], main[i]
        if p >= 0 and c >= 0:
            for axis in range(2):
                out[i, axis] = 0.5 * xy[i, axis] + 0.25 * (xy[p, axis] + xy[c, axis])
    return out


@njit(cache=True)
def _subdivide(xy: FloatArray, parent: NDArray[np.int32], main: NDArray[np.int32], pieces: int) -> FloatArray:
    """Points (N, pieces, 2) on the edge to every node, by cubic Hermite interpolation; the last is the node.

    Tangents are those of the vessel (Catmull-Rom); a side branch leaves along its own first edge.
    """
    n = len(parent)
    out = np.zeros((n, pieces, 2))
    for i in range(n):
        p = parent[i]
        for axis in range(2):
            if p < 0:
                out[i, :, axis] = xy[i, axis]
                continue
            a, b = xy[p, axis], xy[i, axis]
            onward = xy[main[i], axis] - a if main[i] >= 0 else 2 * (b - a)
            inward = b - xy[parent[p], axis] if main[p] == i and parent[p] >= 0 else 2 * (b - a)
            for k in range(pieces):
                t = (k + 1) / pieces
                t2, t3 = t * t, t * t * t
                out[i, k, axis] = (
                    (2 * t3 - 3 * t2 + 1) * a
                    + (t3 - 2 * t2 + t) * inward / 2
                    + (3 * t2 - 2 * t3) * b
                    + (t3 - t2) * onward / 2
                )
    return out


def smoothed(tree: Tree, *, rounds: int = SMOOTHING_ROUNDS, pieces: int = SUBDIVISION) -> Tree:
    """Centre-lines smoothed, every edge replaced by ``pieces`` edges; preorder is kept."""
    main, _ = main_children(tree.xy, tree.parent)
    xy = tree.xy
    for _ in range(rounds):
        xy = _smooth(xy, tree.parent, main)
    points = _subdivide(xy, tree.parent, main, pieces)
    is_root = tree.parent < 0
    per_node = np.where(is_root, 1, pieces)
    last = np.cumsum(per_node) - 1
    number = np.repeat(np.arange(len(tree.parent)), per_node)
    piece = np.arange(len(number)) - np.repeat(last - per_node + 1, per_node)
    before = np.where(is_root, -1, last[np.maximum(tree.parent, 0)])[number]
    parent = np.where(piece == 0, before, np.arange(len(number)) - 1).astype(np.int32)
    fine_xy = np.round(points[number, np.where(is_root[number], pieces - 1, piece)], 6)
    return Tree(fine_xy, parent, tree.kind[number], tree.level[number], tree.quadrant[number])
