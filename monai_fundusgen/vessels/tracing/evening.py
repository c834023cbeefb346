"""Traced vessels made even: widths that change slowly along a vessel, courses without the steps of the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.paths import KindPaths
from monai_fundusgen.vessels.tracing.traced_eye import oriented

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_HELD: Final = 1e6  # weight of what must not move
_MOST: Final = 0.35  # share of a width that is taken off at most
_LEAST_PX: Final = 0.03  # radius that stays
_AT_FORK: Final = 0.1  # weight of a branch's width where it lies in its parent


@dataclass(frozen=True)
class Evening:
    """How far traced vessels are evened; px of the soft map, 0 leaves a step out.

    Attributes:
        width_px: variations of width that are shorter along a vessel go.
        course_px: variations of the course that are shorter go.
        excess_px: by how much widths come out too large in the maps of a model; taken off, but 35 % at most.
    """

    width_px: float = 36.0
    course_px: float = 3.0
    excess_px: float = 0.0


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


class _Chains:
    """A forest's nodes (N,) as chains from root or fork to tip; at a fork the one with more vessel below goes on."""

    def __init__(self, order: IntArray, parent: IntArray, paths: KindPaths) -> None:
        self.points_rc, self.radius = paths.points_rc[order], paths.radius_px[order]
        self.parent = parent
        self.step = np.hypot(*(self.points_rc - self.points_rc[np.maximum(parent, 0)]).T)
        below = self.step * self.radius
        for node in range(len(parent) - 1, -1, -1):
            if parent[node] >= 0:
                below[parent[node]] += below[node]
        self.heir = np.full(len(parent), -1, dtype=np.int64)
        for node in np.argsort(below, kind="stable").tolist():
            if parent[node] >= 0:
                self.heir[parent[node]] = node

    def __iter__(self) -> Iterator[IntArray]:
        """Chains (arrays of nodes), parents' before children's."""
        heads = np.flatnonzero(
            (self.parent < 0) | (self.heir[np.maximum(self.parent, 0)] != np.arange(len(self.parent)))
        )
        for head in heads.tolist():
            chain = [head]
            while self.heir[chain[-1]] >= 0:
                chain.append(int(self.heir[chain[-1]]))
            yield np.array(chain)


def _even_radius(
    paths: KindPaths, disc_rc: tuple[float, float], evening: Evening, trust: FloatArray | None
) -> FloatArray:
    """Radii (P,) that change slowly from the root to the tips."""
    order, parent = oriented(paths, disc_rc)
    chains = _Chains(order, parent, paths)
    radius = chains.radius.copy()
    for chain in chains:
        above = int(parent[chain[0]])
        weights = np.ones(len(chain)) if trust is None else trust[order[chain]]
        if above >= 0:
            way = np.cumsum(chains.step[chain])
            weights = np.where(way < radius[above], _AT_FORK * weights, weights)
        spacing = max(float(np.mean(chains.step[chain][1:])), 1e-3) if len(chain) > 1 else 1.0
        even = smoothed(chains.radius[chain][:, None], weights, evening.width_px / spacing)[:, 0]
        radius[chain] = np.maximum(even, _LEAST_PX)
    found = paths.radius_px.copy()
    found[order] = radius
    ends = paths.ends
    for end, inward in ((ends[:, 0], 1), (ends[:, 1], -1)):
        copies = end[~np.isin(end, order)]
        found[copies] = found[copies + inward]
    return found


def _even_course(paths: KindPaths, course_px: float) -> FloatArray:
    """Points (P, 2) of each path smoothed; nodes stay."""
    points = paths.points_rc.copy()
    for first, after in zip(paths.offsets[:-1].tolist(), paths.offsets[1:].tolist(), strict=True):
        part = points[first:after]
        if len(part) < 5:
            continue
        spacing = float(np.hypot(*np.diff(part, axis=0).T).mean())
        weights = np.ones(len(part))
        weights[[0, -1]] = _HELD
        points[first + 1 : after - 1] = smoothed(part, weights, course_px / max(spacing, 1e-3))[1:-1]
    return points


def evened(
    paths: KindPaths, evening: Evening, disc_rc: tuple[float, float], *, trust: FloatArray | None = None
) -> KindPaths:
    """Paths of one kind with even widths and courses.

    Args:
        paths: as traced and repaired.
        evening: what is done.
        disc_rc: middle of the disc, px, at which trees begin; NaN where it is unknown.
        trust: (P,) weight of each width, above 0; all alike, if left out.
    """
    if not len(paths.nodes):
        return paths
    if evening.course_px:
        paths = replace(paths, points_rc=_even_course(paths, evening.course_px))
    radius = _even_radius(paths, disc_rc, evening, trust) if evening.width_px else paths.radius_px
    radius = radius - np.minimum(evening.excess_px / 2, _MOST * radius)
    return replace(paths, radius_px=radius)
