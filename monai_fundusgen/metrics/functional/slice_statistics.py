"""How samples of grey images differ from real ones: values, sharpness, and the nearest real image of each.

Images are arrays (N, H, W); all arithmetic is in float64.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from skimage.transform import resize_local_mean

FloatArray = NDArray[np.float64]
_BINS: Final = 512
_SIDE: Final = 32  # px that images are compared at
_TINY: Final = 1e-12  # power of a ring that holds nothing


def histogram_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Earth mover's distance of all values of two samples, in their unit, by histograms of 512 bins.

    Args:
        x: values of any shape, at least one.
        y: likewise.
    """
    low, high = min(x.min(), y.min()), max(x.max(), y.max())
    if low == high:
        return 0.0
    edges = np.linspace(low, high, _BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    shares = [np.histogram(values, edges)[0] for values in (x, y)]
    return float(stats.wasserstein_distance(middle, middle, *shares))


def radial_power(images: NDArray[np.floating]) -> FloatArray:
    """Mean power of each ring of spatial frequency, from 1 cycle a side to Nyquist: (S // 2,).

    A Hann window keeps the image's ends from counting as an edge.

    Args:
        images: (N, S, S), square.
    """
    side = images.shape[-1]
    window = np.outer(np.hanning(side), np.hanning(side))
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(centred * window)) ** 2).mean(axis=0)
    cycles = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(cycles[:, None], cycles[None, :])).astype(int)
    sums, counts = np.bincount(ring.ravel(), power.ravel()), np.bincount(ring.ravel())
    found: FloatArray = (sums / np.maximum(counts, 1))[1 : side // 2 + 1]
    return found


def spectrum_distance_db(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Mean difference of two samples' power over the rings, in decibel; 0 for equal spectra.

    Args:
        x: (N, S, S).
        y: (M, S, S).
    """
    levels = [10 * np.log10(np.maximum(radial_power(images), _TINY)) for images in (x, y)]
    return float(np.abs(levels[0] - levels[1]).mean())


def _standardised(images: NDArray[np.floating]) -> FloatArray:
    """Images at 32 px as rows of mean 0 and length 1; blank ones stay 0."""
    small = np.stack([resize_local_mean(image.astype(np.float64), (_SIDE, _SIDE)) for image in images])
    rows = small.reshape(len(small), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    found: FloatArray = rows / np.where(length > 0, length, np.inf)
    return found


def correlations(images: NDArray[np.floating], gallery: NDArray[np.floating]) -> FloatArray:
    """Correlation of each image with each of a gallery, at 32 px, as it is or mirrored left-right: (N, G).

    Args:
        images: (N, H, W).
        gallery: (G, H, W).
    """
    known = _standardised(gallery)
    return np.maximum(_standardised(images) @ known.T, _standardised(images[..., ::-1]) @ known.T)
