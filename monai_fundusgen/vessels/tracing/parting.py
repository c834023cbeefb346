"""Arteries and veins that run inside one another moved apart until they lie side by side, as they do in an eye."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_fundusgen.vessels.tracing.evening import smoothed
from monai_fundusgen.vessels.tracing.paths import KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ALONG_DEG: Final = 40.0  # vessels that meet at a larger angle cross
_STEPS: Final = 5  # points before and after one that its direction is taken over
_EVEN_PX: Final = 14.0  # shorter variations of the way that points move go
_SIDE_PX: Final = 0.3  # nearer to the other's centre line no side can be told
_ROUNDS: Final = 5


def _near(own: KindPaths, other: KindPaths, apart: float) -> IntArray:
    """Points of one kind that may ever be moved: those within twice the distance striven for."""
    away, nearest = cKDTree(other.points_rc).query(own.points_rc)
    near: IntArray = np.flatnonzero(away < 2 * apart * (own.radius_px + other.radius_px[nearest]))
    return near


def _tangents(paths: KindPaths, points: IntArray) -> FloatArray:
    """Unit vectors along the paths at points (N, 2)."""
    path = np.searchsorted(paths.offsets, points, side="right") - 1
    first, last = paths.offsets[path], paths.offsets[path + 1] - 1
    along = paths.points_rc[np.minimum(points + _STEPS, last)] - paths.points_rc[np.maximum(points - _STEPS, first)]
    unit: FloatArray = along / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return unit


def _pushes(own: KindPaths, other: KindPaths, near: IntArray, other_near: IntArray, apart: float) -> FloatArray:
    """How each point of one kind is to move (P, 2), px, before neighbours are asked."""
    pushes = np.zeros_like(own.points_rc)
    if not (len(near) and len(other_near)):
        return pushes
    away, place = cKDTree(other.points_rc[other_near]).query(own.points_rc[near])
    nearest = other_near[place]
    tangent, other_tangent = _tangents(own, near), _tangents(other, nearest)
    room = own.radius_px[near] + other.radius_px[nearest]
    alike = np.abs((tangent * other_tangent).sum(axis=1)) > np.cos(np.deg2rad(_ALONG_DEG))
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    side = (normal * (own.points_rc[near] - other.points_rc[nearest])).sum(axis=1)
    told = np.clip(side / _SIDE_PX, -1, 1)
    missing = np.where(alike, np.maximum(apart * room - away, 0), 0) * other.radius_px[nearest] / np.maximum(room, 1e-9)
    pushes[near] = (told * missing)[:, None] * normal
    return pushes


def _moved(paths: KindPaths, pushes: FloatArray) -> KindPaths:
    """Paths with their points moved, evenly along each of them."""
    even = pushes.copy()
    for first, after in zip(paths.offsets[:-1].tolist(), paths.offsets[1:].tolist(), strict=True):
        if pushes[first:after].any():
            spacing = float(np.hypot(*np.diff(paths.points_rc[first:after], axis=0).T).mean())
            period = _EVEN_PX / max(spacing, 1e-3)
            even[first:after] = smoothed(pushes[first:after], np.ones(after - first), period)
    moved = replace(paths, points_rc=paths.points_rc + even)
    moved.join()
    return moved


def parted(artery: KindPaths, vein: KindPaths, *, apart: float = 1.0) -> tuple[KindPaths, KindPaths]:
    """Arteries and veins without long stretches inside one another; where they cross they still do.

    Each point that lies in a vessel of the other kind which runs the same way moves away from its centre line, the
    thinner of the two farther; junctions move with the mean of their branches. Where centre lines coincide no side can
    be told, and they stay.

    Args:
        artery, vein: traced paths.
        apart: distance of the centre lines that is striven for, over the sum of the radii.
    """
    if not (apart and len(artery.nodes) and len(vein.nodes)):
        return artery, vein
    near = _near(artery, vein, apart), _near(vein, artery, apart)
    for _ in range(_ROUNDS):
        pushes = _pushes(artery, vein, *near, apart), _pushes(vein, artery, *near[::-1], apart)
        artery, vein = _moved(artery, pushes[0]), _moved(vein, pushes[1])
    return artery, vein
