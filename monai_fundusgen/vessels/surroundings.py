"""What a vessel lies on: the mean of the ground round it, and how much darker than that ground it is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]
#: Sums are taken on a grid this much coarser: surroundings are smooth.
_COARSER: Final = 4
#: The ground at a pixel of 1024: a Gaussian of this many px over what is at least so many px from any vessel.
GROUND_PX: Final = 8.0
CLEAR_PX: Final = 3
_LEAST: Final = 1e-3
_FAR: Final = 1e-4  # weight of the mean of all, so that it counts only where nothing is near


def masked_mean(planes: FloatArray, mask: NDArray[np.bool_], sigma_px: float) -> FloatArray:
    """Gaussian mean of what lies inside a mask, at every pixel; far from the mask the mean of all of it.

    Args:
        planes: (C, H, W).
        mask: (H, W).
        sigma_px: of the Gaussian; taken on a grid four times as coarse, so at least about 4.
    """
    return _magnified(_smoothed(_pooled(planes, mask), sigma_px), *mask.shape)


def mean_along(values: FloatArray, where: NDArray[np.bool_], counted: NDArray[np.bool_], sigma_px: float) -> FloatArray:
    """`masked_mean` of values that are known on some pixels only, at those pixels.

    Args:
        values: (C, N), in the order of `numpy.flatnonzero` of ``where``.
        where: those pixels, (H, W).
        counted: which of them the mean is taken over, (N,).
        sigma_px: of the Gaussian.
    """
    rows, columns = np.nonzero(where)
    height, width = (-(-side // _COARSER) for side in where.shape)
    cell = (rows[counted] // _COARSER) * width + columns[counted] // _COARSER
    weights = [*values[:, counted], np.ones(cell.size, np.float32)]
    sums = [np.bincount(cell, one, height * width).reshape(height, width) for one in weights]
    mean = _smoothed(np.stack(sums).astype(np.float32), sigma_px)
    return bilinear(mean, (rows + 0.5) / _COARSER - 0.5, (columns + 0.5) / _COARSER - 0.5)


def _smoothed(sums: FloatArray, sigma_px: float) -> FloatArray:
    """Means (C, h, w) of the coarse grid from sums (C + 1, h, w), the last of them the count."""
    smooth = np.stack([ndimage.gaussian_filter(plane, sigma_px / _COARSER, truncate=3) for plane in sums])
    overall = sums[:-1].sum(axis=(1, 2)) / max(float(sums[-1].sum()), 1.0)
    far = np.float32(_FAR * _COARSER**2)
    mean: FloatArray = (smooth[:-1] + far * overall[:, None, None].astype(np.float32)) / (smooth[-1] + far)
    return mean


@njit(cache=True)
def _pooled(planes: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Sums over cells of the coarse grid of what lies inside the mask, (C + 1, h, w); the last plane counts."""
    count, height, width = planes.shape
    sums = np.zeros((count + 1, -(-height // _COARSER), -(-width // _COARSER)), np.float32)
    for i in range(height):
        for j in range(width):
            if mask[i, j]:
                sums[count, i // _COARSER, j // _COARSER] += 1
                for k in range(count):
                    sums[k, i // _COARSER, j // _COARSER] += planes[k, i, j]
    return sums


@njit(cache=True)
def _magnified(coarse: FloatArray, height: int, width: int) -> FloatArray:
    """The coarse grid at every pixel, linear between the middles of its cells."""
    count, rows, columns = coarse.shape
    left, right, share = np.empty(width, np.int64), np.empty(width, np.int64), np.empty(width, np.float32)
    for j in range(width):
        left[j], right[j], share[j] = _neighbours(np.float32((j + 0.5) / _COARSER - 0.5), columns)
    fine = np.empty((count, height, width), np.float32)
    between = np.empty(columns, np.float32)
    for k in range(count):
        for i in range(height):
            above, below, part = _neighbours(np.float32((i + 0.5) / _COARSER - 0.5), rows)
            for j in range(columns):
                between[j] = coarse[k, above, j] + part * (coarse[k, below, j] - coarse[k, above, j])
            for j in range(width):
                fine[k, i, j] = between[left[j]] + share[j] * (between[right[j]] - between[left[j]])
    return fine


@njit(cache=True)
def _neighbours(place: np.float32, count: int) -> tuple[int, int, np.float32]:
    """Grid points below and above a place, and how far it lies towards the upper one; held at both ends."""
    below = int(np.floor(place))
    share = np.float32(place - below)
    return min(max(below, 0), count - 1), min(max(below + 1, 0), count - 1), share


@njit(cache=True)
def bilinear(planes: FloatArray, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> FloatArray:
    """Values (C, N) between the points of a grid (C, H, W), at places given in rows and columns; held at the border."""
    count, height, width = planes.shape
    found = np.empty((count, rows.size), np.float32)
    for n in range(rows.size):
        a, b, down = _neighbours(np.float32(rows[n]), height)
        c, d, right = _neighbours(np.float32(columns[n]), width)
        for k in range(count):
            upper = planes[k, a, c] + right * (planes[k, a, d] - planes[k, a, c])
            lower = planes[k, b, c] + right * (planes[k, b, d] - planes[k, b, c])
            found[k, n] = upper + down * (lower - upper)
    return found


def ground_and_depth(
    photograph: FloatArray, vessels: NDArray[np.bool_], fov: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """The ground without vessels, and how far below it each pixel lies, as a share of it.

    For painting: defined at every pixel, and cheap. What is painted is judged by another ruler, `metrics.functional.
    vessel_depth.relative_depth`, which leaves out pixels without surroundings.

    Args:
        photograph: (3, H, W) in [0, 1], 1024 px or near it.
        vessels: all that must not count as ground, (H, W).
        fov: field of view, (H, W).

    Returns:
        Ground (3, H, W) in [0, 1]; depth (3, H, W): 0 on the ground, 1 where the pixel is black, below 0 if brighter.
    """
    clear = fov & ~ndimage.binary_dilation(vessels, iterations=CLEAR_PX)
    ground = masked_mean(photograph, clear, GROUND_PX)
    return ground, ((ground - photograph) / np.maximum(ground, np.float32(_LEAST))).astype(np.float32, copy=False)
