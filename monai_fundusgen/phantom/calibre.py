"""Calibres: leaves counted up the trees, radii by a junction law with a fixed exponent, thin ends."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.flow import Frame
from monai_fundusgen.phantom.refine import Tree, edge_lengths

FloatArray = NDArray[np.float64]

#: Radius of a vessel that leaves the grown domain over that of its root, by level: the part of its territory that lies
#: outside. It falls with the way s from the disc as ``exp(-s / EXIT_DECAY_MM)``.
EXIT_SHARE = (0.85, 0.50, 0.20, 0.0)
EXIT_DECAY_MM = 9.0
#: Limits of the radius of leaves, um.
LEAF_UM = (7.0, 18.0)
#: The last stretch of a leaf narrows to this share of its radius.
TIP_LENGTH_MM, TIP_SHARE = 0.4, 0.6


@njit(cache=True)
def path_lengths(xy: FloatArray, parent: NDArray[np.int32]) -> FloatArray:
    """Way from the root to every node along the vessels, mm."""
    length = edge_lengths(xy, parent)
    out = np.zeros(len(parent))
    for i in range(len(parent)):
        if parent[i] >= 0:
            out[i] = out[parent[i]] + length[i]
    return out


@njit(cache=True)
def summed_upwards(parent: NDArray[np.int32], at_tips: FloatArray) -> FloatArray:
    """Sum of a quantity of the tips over each node's subtree."""
    out = at_tips.copy()
    for i in range(len(parent) - 1, -1, -1):
        if parent[i] >= 0:
            out[parent[i]] += out[i]
    return out


def tips(tree: Tree) -> NDArray[np.bool_]:
    """Nodes without children."""
    out = np.ones(len(tree.parent), bool)
    out[tree.parent[tree.parent >= 0]] = False
    return out


def _exit_share(tree: Tree, frame: Frame, ends: NDArray[np.bool_]) -> FloatArray:
    """Radius over the root's radius at the tips that leave the domain; 0 elsewhere."""
    from_centre = np.sqrt((tree.xy[:, 0] - frame.centre_x) ** 2 + (tree.xy[:, 1] - frame.centre_y) ** 2)
    leaves_domain = ends & (from_centre > frame.radius - 0.2)
    share = np.asarray(EXIT_SHARE)[tree.level] * np.exp(-path_lengths(tree.xy, tree.parent) / EXIT_DECAY_MM)
    return np.where(leaves_domain, share, 0.0)


def leaf_counts(
    tree: Tree, frame: Frame, root_um: tuple[float, float], exponents: tuple[float, float]
) -> tuple[FloatArray, tuple[float, float]]:
    """Leaves fed by every node, and the radius (um) of one leaf per kind.

    The temporal trunks have ``root_um`` on average: with ``n`` leaves inside the domain and exits of radius
    ``share * root`` in each, ``root**k (1 - sum share**k) = n leaf**k``. An exit counts as ``(share * root / leaf)**k``
    leaves, at least one.
    """
    ends = tips(tree)
    share = _exit_share(tree, frame, ends)
    temporal = (tree.quadrant < 2) & ends
    at_tips = ends.astype(np.float64)
    leaf_um = []
    for kind, root, k in zip((ARTERY, VEIN), root_um, exponents, strict=True):
        mine = tree.kind == kind
        inside = max(float((temporal & mine & (share == 0)).sum()) / 2, 1.0)
        outside = float((share[temporal & mine] ** k).sum()) / 2
        leaf = root * (max(1 - outside, 0.15) / inside) ** (1 / k)
        leaf_um.append(float(np.clip(leaf, *LEAF_UM)))
        at_tips = np.where(mine & (share > 0), np.maximum((share * root / leaf_um[-1]) ** k, 1.0), at_tips)
    return summed_upwards(tree.parent, at_tips), (leaf_um[0], leaf_um[1])


@njit(cache=True)
def _narrow_tips(xy: FloatArray, parent: NDArray[np.int32], exits: NDArray[np.bool_], radius: FloatArray) -> None:
    """Narrow the last stretch of every leaf, from the second edge after its junction on."""
    length = edge_lengths(xy, parent)
    children = np.zeros(len(parent), np.int32)
    for i in range(len(parent)):
        if parent[i] >= 0:
            children[parent[i]] += 1
    for tip in range(len(parent)):
        if children[tip] > 0 or exits[tip]:
            continue
        i, way = tip, 0.0
        while parent[i] >= 0 and children[parent[i]] == 1 and way < TIP_LENGTH_MM:
            radius[i] *= TIP_SHARE + (1 - TIP_SHARE) * way / TIP_LENGTH_MM
            way += length[i]
            i = parent[i]


def radii_um(
    tree: Tree, frame: Frame, root_um: tuple[float, float], exponents: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Radius of every node's edge (um) and its leaves n: ``r = r_leaf n**(1/k)``, which conserves r**k at junctions."""
    leaves, leaf_um = leaf_counts(tree, frame, root_um, exponents)
    exponent = np.asarray(exponents)[tree.kind]
    radius = np.asarray(leaf_um)[tree.kind] * leaves ** (1 / exponent)
    _narrow_tips(tree.xy, tree.parent, leaves > 1.5, radius)
    return np.round(radius, 6), leaves
