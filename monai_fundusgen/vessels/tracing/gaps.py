"""Gaps in vessel paths, closed where two free ends point at each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.tracing.paths import KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BACK_POINTS: Final = 8  # the direction of a free end is taken over this many points
_SAMPLES: Final = 9  # of the other kind along a gap


def _facing(tip_rc: FloatArray, outward: FloatArray, longest_px: float, tolerance_deg: float) -> IntArray:
    """Pairs (G, 2) of free ends that point at each other, nearest first."""
    gap = tip_rc[None] - tip_rc[:, None]
    length = np.hypot(gap[..., 0], gap[..., 1])
    ahead = (outward[:, None] * gap).sum(axis=-1) >= np.cos(np.deg2rad(tolerance_deg)) * length
    first, second = np.nonzero(np.triu(ahead & ahead.T & (length <= longest_px), 1))
    order = np.argsort(length[first, second], kind="stable")
    return np.stack([first, second], axis=1)[order]


def _mean_along(plane: NDArray[np.float32], a_rc: FloatArray, b_rc: FloatArray) -> FloatArray:
    """Mean of a soft plane on straight lines between points (G, 2)."""
    t = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES)[:, None, None]
    on = (1 - t) * a_rc + t * b_rc
    values: FloatArray = ndimage.map_coordinates(plane, on.reshape(-1, 2).T, order=1, mode="nearest")
    return values.reshape(_SAMPLES, -1).mean(axis=0)


def smooth_arc(a: FloatArray, b: FloatArray, along_a: FloatArray, along_b: FloatArray) -> FloatArray:
    """Cubic from a to b that leaves along ``along_a`` and arrives against ``along_b``; about a point per half pixel."""
    length = float(np.hypot(*(b - a)))
    t = np.linspace(0.0, 1.0, max(2, int(np.ceil(2 * length)) + 1))[:, None]
    leave, arrive = length * along_a, -length * along_b
    place = (2 * t**3 - 3 * t**2 + 1) * a + (3 * t**2 - 2 * t**3) * b
    return place + (t**3 - 2 * t**2 + t) * leave + (t**3 - t**2) * arrive


def bridge_gaps(
    paths: KindPaths,
    *,
    longest_px: float,
    tolerance_deg: float = 35.0,
    over: NDArray[np.float32] | None = None,
    covered: float = 0.25,
) -> KindPaths:
    """Paths with gaps closed, each free end used once, the shortest gap first.

    Args:
        paths: paths of one kind.
        longest_px: longest gap.
        tolerance_deg: how far both ends may point past each other.
        over: soft plane of the other kind; only gaps that it covers are closed, as at a crossing drawn without what
            lies behind. Without it, every gap is.
        covered: mean of ``over`` along a gap, at least.
    """
    ends = paths.free_ends()
    tip_rc, outward = paths.points_rc[ends.point], paths.outward(ends, _BACK_POINTS)
    pairs = _facing(tip_rc, outward, longest_px, tolerance_deg)
    if over is not None:
        pairs = pairs[_mean_along(over, tip_rc[pairs[:, 0]], tip_rc[pairs[:, 1]]) >= covered]
    used: set[int] = set()
    points, radii, sizes, joined = [paths.points_rc], [paths.radius_px], [], []
    for i, j in pairs.tolist():
        if used & {i, j}:
            continue
        used |= {i, j}
        arc = smooth_arc(tip_rc[i], tip_rc[j], outward[i], outward[j])
        points.append(arc)
        radii.append(np.linspace(paths.radius_px[ends.point[i]], paths.radius_px[ends.point[j]], len(arc)))
        sizes.append(len(arc))
        joined.append(ends.node[[i, j]])
    return KindPaths(
        np.concatenate(points),
        np.concatenate(radii),
        np.append(paths.offsets, paths.offsets[-1] + np.cumsum(sizes, dtype=np.int64)),
        np.concatenate([paths.nodes, np.reshape(joined, (-1, 2)).astype(np.int64)]),
    )
