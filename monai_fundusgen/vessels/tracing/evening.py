"""Traced vessels made even: widths that change slowly along a vessel, courses without the steps of the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.chains import Chains
from monai_fundusgen.vessels.tracing.paths import KindPaths

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_HELD: Final = 1e6  # weight of what must not move
#: Share of a width that is taken off at most: with it the widths of sampled labels have the quantiles of real ones
#: (`benchmarks/vessel_walls.py`).
_MOST: Final = 0.43
_LEAST_PX: Final = 0.03  # radius that stays
_AT_FORK: Final = 0.1  # weight of a branch's width where it lies in its parent
#: Radius that a vessel gains per px from its tip, at most. Of labels drawn from 24 decided real maps no vessel ends
#: wider than 4 px of 1024 inside the field; of sampled ones .6 a label (`benchmarks/guidance.py --untapered`).
_TAPER: Final = 0.02


@dataclass(frozen=True)
class Evening:
    """How far traced vessels are evened; px of the soft map, 0 leaves a step out.

    Attributes:
        width_px: variations of width that are shorter along a vessel go.
        course_px: variations of the course that are shorter go.
        course_widths: variations of the course go that are shorter than so many widths of the vessel, too.
        excess_px: by how much widths come out too large in the maps of a model; taken off, but 43 % at most.
        tip_px: width of a vessel where it ends, at most; it grows from there with the distance. The same where a
            vessel begins without a trunk.
    """

    width_px: float = 36.0
    course_px: float = 3.0
    course_widths: float = 0.0
    excess_px: float = 0.0
    tip_px: float = 0.0


def smoothed(values: FloatArray, weights: FloatArray, period: float) -> FloatArray:
    """Values (P, C) at equal steps without what varies faster: least squares with a penalty on second differences.

    Args:
        values: one row a step.
        weights: (P,) of each step, above 0.
        period: in steps, at which half of a variation is left.

    Source: Whittaker 1922; Eilers 2003 (Anal Chem 75:3631).
    """
    count = len(values)
    if count < 3 or period <= 2:
        return values
    stiffness = (2 * np.sin(np.pi / period)) ** -4
    bands = np.zeros((3, count))
    bands[2] = weights
    for k, part in ((2, (1.0, 4.0, 1.0)), (1, (-2.0, -2.0)), (0, (1.0,))):
        for shift, factor in enumerate(part):
            first = shift + 2 - k
            bands[k, first : first + count - 2] += stiffness * factor
    return _solved(bands, weights[:, None] * values)


@njit(cache=True)
def _solved(bands: FloatArray, right: FloatArray) -> FloatArray:
    """What `scipy.linalg.solveh_banded` finds for two bands above the diagonal, without its cost for short systems.

    By the factors L, diagonal, L'; two rows of nothing before the first keep the sums free of cases.
    """
    count, columns = right.shape
    diagonal, beside, beyond = np.ones(count + 2), np.zeros(count + 4), np.zeros(count + 4)
    found = np.zeros((count + 4, columns))
    for i in range(2, count + 2):
        beyond[i] = bands[0, i - 2] / diagonal[i - 2]
        beside[i] = (bands[1, i - 2] - beyond[i] * diagonal[i - 2] * beside[i - 1]) / diagonal[i - 1]
        diagonal[i] = bands[2, i - 2] - beyond[i] ** 2 * diagonal[i - 2] - beside[i] ** 2 * diagonal[i - 1]
        for k in range(columns):
            found[i, k] = right[i - 2, k] - beside[i] * found[i - 1, k] - beyond[i] * found[i - 2, k]
    for i in range(count + 1, 1, -1):
        for k in range(columns):
            above = beside[i + 1] * found[i + 1, k] + beyond[i + 2] * found[i + 2, k]
            found[i, k] = found[i, k] / diagonal[i] - above
    return found[2 : count + 2]


def _even_radius(chains: Chains, evening: Evening, trust: FloatArray | None) -> FloatArray:
    """Radii (N,) that change slowly from the root to the tips."""
    radius = chains.radius.copy()
    for chain in chains:
        above = int(chains.parent[chain[0]])
        weights = np.ones(len(chain)) if trust is None else trust[chains.order[chain]]
        if above >= 0:
            way = np.cumsum(chains.step[chain])
            weights = np.where(way < radius[above], _AT_FORK * weights, weights)
        even = smoothed(chains.radius[chain][:, None], weights, evening.width_px / chains.spacing(chain))[:, 0]
        radius[chain] = np.maximum(even, _LEAST_PX)
    return radius


def _tapering(chains: Chains, radius: FloatArray, tip_px: float, inside: BoolArray | None) -> FloatArray:
    """Radii (N,) no greater than a vessel has so far from where it ends, at either end of its tree."""
    own = _set_at(inside, chains.points_rc)
    goes_on = chains.leaves() & (chains.closed() | ~own)
    from_root, to_tip = np.where(own, 0.0, np.inf).tolist(), np.where(goes_on, np.inf, 0.0).tolist()
    parents = zip(chains.parent.tolist(), chains.step.tolist(), strict=True)
    edges = [(node, above, step) for node, (above, step) in enumerate(parents) if above >= 0]
    for node, above, step in edges:
        from_root[node] = from_root[above] + step
    for node, above, step in reversed(edges):  # where a vessel forks, its longest branch counts
        to_tip[above] = max(to_tip[above], to_tip[node] + step)
    return np.minimum(radius, tip_px / 2 + _TAPER * np.minimum(from_root, to_tip))


def _set_at(mask: BoolArray | None, points_rc: FloatArray) -> BoolArray:
    """Whether a mask (S, S) is set at points (N, 2); not outside it, and everywhere if there is none."""
    if mask is None:
        return np.ones(len(points_rc), dtype=bool)
    places = np.rint(points_rc).astype(int)
    held = np.clip(places, 0, len(mask) - 1)
    found: BoolArray = (places == held).all(axis=1) & mask[tuple(held.T)]
    return found


def _even_course(chains: Chains, radius: FloatArray, evening: Evening) -> FloatArray:
    """Points of the nodes (N, 2) on smooth courses, along which forks move too; roots, tips and loops stay."""
    points, stays = chains.points_rc.copy(), chains.closed()
    for chain in chains:
        above = int(chains.parent[chain[0]])
        whole = chain if above < 0 else np.append(above, chain)
        if len(whole) < 5:
            if above >= 0:  # it follows its fork
                points[chain] += np.linspace(1, 0, len(whole))[1:, None] * (points[above] - chains.points_rc[above])
            continue
        period = np.maximum(evening.course_px, evening.course_widths * 2 * radius[whole])
        if above >= 0:
            period[0] = period[1]
        usual, held = float(period.mean()), stays[whole]
        held[[0, -1]] = True
        weights = np.where(held, _HELD, (usual / period) ** 4)  # half of a variation is left at each one's own period
        even = smoothed(points[whole], weights, usual / chains.spacing(chain))
        points[whole] = np.where(held[:, None], points[whole], even)
    return points


def evened(
    paths: KindPaths,
    evening: Evening,
    disc_rc: tuple[float, float],
    *,
    trust: FloatArray | None = None,
    inside: BoolArray | None = None,
) -> KindPaths:
    """Paths of one kind with even widths and courses, and tips that taper.

    Args:
        paths: as traced and repaired.
        evening: what is done.
        disc_rc: middle of the disc, px, at which trees begin; NaN where it is unknown.
        trust: (P,) weight of each width, above 0; all alike, if left out.
        inside: (S, S) where vessels end by themselves; elsewhere the field cuts them, or the disc is near, and they
            keep their width. Everywhere, if left out.
    """
    if not len(paths.nodes):
        return paths
    chains = Chains(paths, disc_rc)
    radius = _even_radius(chains, evening, trust) if evening.width_px else chains.radius
    if evening.course_px or evening.course_widths:
        points = _even_course(chains, radius, evening)
        paths = replace(paths, points_rc=chains.spread(points, paths.points_rc, meet=True))
    if evening.width_px:
        paths = replace(paths, radius_px=chains.spread(radius, paths.radius_px, meet=False))
    less = np.minimum(evening.excess_px / 2, _MOST * paths.radius_px)
    paths = replace(paths, radius_px=paths.radius_px - less)
    if evening.tip_px:
        radius = _tapering(chains, paths.radius_px[chains.order], evening.tip_px, inside)
        paths = replace(paths, radius_px=chains.spread(radius, paths.radius_px, meet=False))
    return paths
