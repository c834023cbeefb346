"""Vessel paths fitted to a soft map: draw them, compare, and let every stretch follow the moments of what is left.

The residual r of a stretch, integrated across it, says what its width lacks (``sum r``) and where its centre should be
(``sum r n`` over the width). Whatever is drawn already leaves no residual, so neighbours and branches that share pixels
part by themselves, and a vessel thinner than a pixel gets its width from its mass.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.graph import path_normals
from monai_fundusgen.vessels.tracing.paths import FreeEnds, KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SoftPlane = NDArray[np.float32]

_FINENESS: Final = 2  # the drawing is averaged from a grid this much finer
_HALF_DIAGONAL: Final = 0.71  # of a pixel, rounded up: beyond a wall no pixel farther off is covered
_STEP_PX: Final = 0.25  # of the integrals across a vessel
_REACH_PX: Final = ((0.0, 0.5), (1.0, 0.65))  # beyond the wall, by radius: wide vessels are placed by their walls
_SMOOTHING: Final = 2  # passes of (1 2 1)/4 along a vessel, in each round
_UNSURE_WIDTH_PX: Final = 0.5  # vessels thinner than about this are straightened
_THINNEST_PX: Final = 0.15  # width added to the divisor of shifts, so that faint stretches move little
_LARGEST_MOVE_PX: Final = 0.4  # in one round
_SHORTEST_EDGE_PX: Final = 0.05  # that a free end leaves when it draws back
_RADIUS_RANGE_PX: Final = (0.03, 16.0)


@njit(cache=True)
def _share_below(x: float, wide: float, narrow: float) -> float:
    """Share of a unit square that lies below a line at signed distance x from its centre.

    ``wide`` and ``narrow`` are the larger and smaller of |cos|, |sin| of the line's angle; across it, the square is a
    box of the one smeared by a box of the other.
    """
    out = (wide + narrow) / 2 - abs(x)
    if out <= 0:
        above = 0.0
    elif out < narrow:
        above = out * out / (2 * wide * narrow)
    else:
        above = 0.5 - abs(x) / wide
    return 1 - above if x > 0 else above


@njit(cache=True)
def _draw(points: FloatArray, radius: FloatArray, offsets: IntArray, size: int) -> SoftPlane:
    """Share of each pixel (size, size) covered by tapering edges, exact beside a straight one."""
    covered = np.zeros((size, size), dtype=np.float32)
    for s in range(offsets.size - 1):
        for i in range(offsets[s] + 1, offsets[s + 1]):
            (ar, ac), (br, bc) = points[i - 1], points[i]
            dr, dc = br - ar, bc - ac
            square = dr * dr + dc * dc + 1e-12
            wide = max(abs(dr), abs(dc), 0.5 * math.sqrt(square)) / math.sqrt(square)
            narrow = min(abs(dr), abs(dc)) / math.sqrt(square)
            reach = max(radius[i - 1], radius[i]) + _HALF_DIAGONAL
            top, bottom = max(math.ceil(min(ar, br) - reach), 0), min(math.floor(max(ar, br) + reach) + 1, size)
            left, right = max(math.ceil(min(ac, bc) - reach), 0), min(math.floor(max(ac, bc) + reach) + 1, size)
            for row in range(top, bottom):
                for column in range(left, right):
                    if covered[row, column] >= 1:
                        continue
                    t = min(max(((row - ar) * dr + (column - ac) * dc) / square, 0.0), 1.0)
                    r = radius[i - 1] + t * (radius[i] - radius[i - 1])
                    away = (ar + t * dr - row) ** 2 + (ac + t * dc - column) ** 2
                    if away >= (r + _HALF_DIAGONAL) ** 2:
                        continue
                    d = math.sqrt(away)
                    share = _share_below(r - d, wide, narrow) - _share_below(-r - d, wide, narrow)
                    covered[row, column] = max(covered[row, column], share)
    return covered


@njit(cache=True)
def _value(plane: SoftPlane, r: float, c: float) -> float:
    """Bilinear value; outside, that of the border."""
    height, width = plane.shape
    r, c = min(max(r, 0.0), height - 1.001), min(max(c, 0.0), width - 1.001)
    top, left = int(r), int(c)
    v, u = r - top, c - left
    upper = (1 - u) * plane[top, left] + u * plane[top, left + 1]
    lower = (1 - u) * plane[top + 1, left] + u * plane[top + 1, left + 1]
    return (1 - v) * upper + v * lower


@njit(cache=True)
def _moments(residual: SoftPlane, points: FloatArray, normals: FloatArray, reaches: FloatArray) -> FloatArray:
    """Integrals of the residual and of residual times distance across the paths (P, 2)."""
    found = np.zeros((points.shape[0], 2))
    for i in range(points.shape[0]):
        reach = reaches[i]
        count = math.ceil(2 * reach / _STEP_PX)
        step = 2 * reach / count
        for k in range(count):
            n = (k + 0.5) * step - reach
            rest = step * _value(residual, points[i, 0] + n * normals[i, 0], points[i, 1] + n * normals[i, 1])
            found[i, 0] += rest
            found[i, 1] += rest * n
    return found


@njit(cache=True)
def _overhang(residual: SoftPlane, tip: FloatArray, outward: FloatArray, radius: FloatArray) -> FloatArray:
    """Integral of the residual over a box round each free end (E,): from one pixel behind it to 1.5 px beyond."""
    found = np.zeros(tip.shape[0])
    for e in range(tip.shape[0]):
        reach = radius[e] + 0.5
        across = math.ceil(2 * reach / _STEP_PX)
        step = 2 * reach / across
        for j in range(10):
            along = -1.0 + (j + 0.5) * _STEP_PX
            r, c = tip[e, 0] + along * outward[e, 0], tip[e, 1] + along * outward[e, 1]
            for k in range(across):
                n = (k + 0.5) * step - reach
                found[e] += _STEP_PX * step * _value(residual, r - n * outward[e, 1], c + n * outward[e, 0])
    return found


@njit(cache=True)
def _smooth(values: FloatArray, offsets: IntArray) -> None:
    """Binomial smoothing along each path, in place; ends are mirrored, so the sum stays."""
    for s in range(offsets.size - 1):
        part = values[offsets[s] : offsets[s + 1]]
        if part.shape[0] < 3:
            continue
        for _ in range(_SMOOTHING):
            before = part.copy()
            part[1:-1] = (before[:-2] + 2 * before[1:-1] + before[2:]) / 4
            part[0] = (3 * before[0] + before[1]) / 4
            part[-1] = (3 * before[-1] + before[-2]) / 4


@njit(cache=True)
def _straighten(points: FloatArray, radius: FloatArray, offsets: IntArray) -> None:
    """Smooth what is thinner than a pixel, in place; ends stay.

    Inside one row of pixels the map does not say where such a vessel runs; a smooth course is the likeliest.
    """
    for s in range(offsets.size - 1):
        first, last = offsets[s], offsets[s + 1] - 1
        for _ in range(_SMOOTHING):
            above, left = points[first]
            for i in range(first + 1, last):
                share = 0.5 * math.exp(-((2 * radius[i] / _UNSURE_WIDTH_PX) ** 2))
                row, column = points[i]
                points[i, 0] = (1 - share) * row + share * (above + points[i + 1, 0]) / 2
                points[i, 1] = (1 - share) * column + share * (left + points[i + 1, 1]) / 2
                above, left = row, column


@njit(cache=True)
def _averaged(fine: SoftPlane, scale: int) -> SoftPlane:
    """Means over squares of ``scale`` pixels a side."""
    mean = np.zeros((fine.shape[0] // scale, fine.shape[1] // scale), np.float32)
    for i in range(mean.shape[0] * scale):
        for j in range(mean.shape[1] * scale):
            mean[i // scale, j // scale] += fine[i, j]
    mean /= np.float32(scale * scale)
    return mean


def covered_share(paths: KindPaths, size: int, *, blur_px: float = 0.0) -> SoftPlane:
    """Soft map (size, size) of the paths: covered shares, area-averaged, then blurred by a Gaussian of ``blur_px``."""
    scale = _FINENESS
    fine = _draw((paths.points_rc + 0.5) * scale - 0.5, paths.radius_px * scale, paths.offsets, size * scale)
    mean: SoftPlane = _averaged(fine, scale)
    return ndimage.gaussian_filter(mean, blur_px) if blur_px else mean


def _move_tips(paths: KindPaths, residual: SoftPlane, ends: FreeEnds) -> None:
    """Lengthen or shorten free ends by the area that is missing or too much there."""
    outward, radius = paths.outward(ends, 3), paths.radius_px[ends.point]
    tip = paths.points_rc[ends.point]
    area = _overhang(residual, tip, outward, radius)
    move = np.clip(area / (2 * radius + _THINNEST_PX), -_LARGEST_MOVE_PX, _LARGEST_MOVE_PX)
    last = ((tip - paths.points_rc[ends.behind(1)]) * outward).sum(axis=1)
    paths.points_rc[ends.point] += np.maximum(move, np.minimum(_SHORTEST_EDGE_PX - last, 0.0))[:, None] * outward


def fit_paths(
    paths: KindPaths, soft: SoftPlane, *, rounds: int, blur_px: float = 0.0, other: SoftPlane | None = None
) -> None:
    """Fit positions, radii and free ends to one plane of a soft map (S, S), in place.

    Args:
        paths: where to begin; a radius of 0.3 px serves.
        soft: share of each pixel that the kind covers, in [0, 1].
        rounds: about ten are enough; many more follow the noise of the map.
        blur_px: standard deviation of a Gaussian that ``soft`` is blurred by.
        other: the plane of the other kind. Where it covers a pixel, what the map lacks may lie behind it, as at a
            crossing drawn without; it then draws no wall inwards.
    """
    seen = 1 - other if other is not None else np.ones_like(soft)
    ends = paths.free_ends()
    for _ in range(rounds):
        residual = soft - covered_share(paths, soft.shape[0], blur_px=blur_px)
        residual = np.where(residual < 0, residual * seen, residual)
        normals = path_normals(paths.points_rc, paths.offsets, 2)
        reach = paths.radius_px + np.interp(paths.radius_px, *_REACH_PX) + blur_px
        moments = _moments(residual, paths.points_rc, normals, reach)
        moments[:, 0] /= 2
        moments[:, 1] /= 2 * paths.radius_px + _THINNEST_PX
        _smooth(moments, paths.offsets)
        grow, shift = np.clip(moments, -_LARGEST_MOVE_PX, _LARGEST_MOVE_PX).T
        paths.radius_px = np.clip(paths.radius_px + grow, *_RADIUS_RANGE_PX)
        paths.points_rc += shift[:, None] * normals
        _move_tips(paths, residual, ends)
        paths.join()
        _straighten(paths.points_rc, paths.radius_px, paths.offsets)
