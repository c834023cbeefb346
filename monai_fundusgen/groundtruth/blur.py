"""Blur that is wide against a pixel, worked on a coarse grid."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Plane


def wide_blur(image: Plane, sigma: float) -> Plane:
    """Gaussian blur by ``sigma`` px, worked on a grid that is as coarse as it may be."""
    step = max(int(sigma // 4), 1)
    height, width = image.shape
    coarse = np.pad(image, ((0, -height % step), (0, -width % step)), mode="edge")
    coarse = coarse.reshape(coarse.shape[0] // step, step, -1, step).mean(axis=(1, 3))
    coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="nearest")
    rows, columns = ((np.arange(n, dtype=np.float32) + 0.5) / step - 0.5 for n in (height, width))
    below = np.clip(rows.astype(int), 0, coarse.shape[0] - 2) if coarse.shape[0] > 1 else np.zeros(height, int)
    beside = np.clip(columns.astype(int), 0, coarse.shape[1] - 2) if coarse.shape[1] > 1 else np.zeros(width, int)
    a, b = np.clip(rows - below, 0, 1)[:, None], np.clip(columns - beside, 0, 1)[None, :]
    by_row = coarse[below] * (1 - a) + coarse[np.minimum(below + 1, coarse.shape[0] - 1)] * a
    out: Plane = by_row[:, beside] * (1 - b) + by_row[:, np.minimum(beside + 1, coarse.shape[1] - 1)] * b
    return out.astype(np.float32)
