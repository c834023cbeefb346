"""Vessels by a filter: lines of several widths, for images on which no network was trained."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Mask, Plane

#: Half widths of the lines sought, in shares of the longer side: about 20 to 130 um in a field of 45 degrees.
_WIDTHS: Final = (1 / 800, 1 / 500, 1 / 310, 1 / 190)
#: Strength in units of the ground's that counts as a vessel by half.
_HALF: Final = 6.0
#: Distance of the flanks in half widths.
_FLANK: Final = 2.2


def line_strength(image: Plane, sigma: float) -> Plane:
    """How far lines of half width ``sigma`` px stand out from both their flanks: (2, H, W) >= 0, bright and dark.

    A line is brighter (darker) than the image on *either* side of it, across the direction of the sharpest bend; an
    edge, and the shoulder of a line of the other sign, are so on one side only and give 0.
    """
    smooth = ndimage.gaussian_filter(np.asarray(image, np.float32), sigma, mode="nearest")
    out = np.zeros((2, *image.shape), np.float32)
    _both_flanks(smooth, float(_FLANK * sigma), out)
    return out


def ridge_probability(image: Plane, valid: Mask) -> Plane:
    """Vessel probability (H, W) in [0, 1] of an image by `line_strength`; a ``Probability`` without training.

    Bright and dark lines both count, since arteries shine beside dark veins in the arterial phase: the same comes of
    an image and its negative. The greatest of four widths, each in units of what the ground gives, against which a
    strength of ``_HALF`` counts one half. 0 where not valid and along the border of what is.
    """
    longest = max(image.shape)
    border = ndimage.distance_transform_edt(np.pad(valid, 1))[1:-1, 1:-1] > longest / 150
    best = np.zeros_like(image)
    for width in _WIDTHS if border.any() else ():
        strength = line_strength(image, max(width * longest, 0.7)).max(axis=0)
        usual = max(float(strength[border].mean()), 1e-6)
        np.maximum(best, strength / np.float32(usual), out=best)
    square = best * best
    found: Plane = np.where(border, square / (square + np.float32(_HALF**2)), 0).astype(np.float32)
    return found


@njit(cache=True, fastmath=True)
def _at(image: Plane, y: float, x: float) -> float:
    """Bilinear value, the border repeated."""
    height, width = image.shape
    y, x = min(max(y, 0.0), height - 1.001), min(max(x, 0.0), width - 1.001)
    i, j = int(y), int(x)
    b, a = y - i, x - j
    top = image[i, j] * (1 - a) + image[i, j + 1] * a
    return top * (1 - b) + (image[i + 1, j] * (1 - a) + image[i + 1, j + 1] * a) * b


@njit(cache=True, fastmath=True)
def _both_flanks(smooth: Plane, reach: float, out: Plane) -> None:
    """Fill ``out`` (2, H, W) from a smoothed image; pixels on the border stay 0."""
    height, width = smooth.shape
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            centre = smooth[i, j]
            yy = smooth[i + 1, j] - 2 * centre + smooth[i - 1, j]
            xx = smooth[i, j + 1] - 2 * centre + smooth[i, j - 1]
            xy = (smooth[i + 1, j + 1] - smooth[i + 1, j - 1] - smooth[i - 1, j + 1] + smooth[i - 1, j - 1]) / 4
            half = np.sqrt((xx - yy) * (xx - yy) / 4 + xy * xy)
            bend = (xx + yy) / 2 + (half if xx + yy > 0 else -half)  # the eigenvalue that is greater in size
            dx, dy = (xy, bend - xx) if abs(bend - xx) > abs(bend - yy) else (bend - yy, xy)  # its vector
            length = reach / max(np.sqrt(dx * dx + dy * dy), 1e-12)
            dx, dy = dx * length, dy * length
            one, other = _at(smooth, i + dy, j + dx), _at(smooth, i - dy, j - dx)
            out[0, i, j] = max(centre - max(one, other), 0.0)
            out[1, i, j] = max(min(one, other) - centre, 0.0)
