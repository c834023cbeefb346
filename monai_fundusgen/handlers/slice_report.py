"""Sampled CT slices beside real ones: distances, Hounsfield units, sharpness, and whether they are copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.metrics.functional.slice_statistics import correlations, histogram_distance, spectrum_distance_db
from monai_fundusgen.transforms.hounsfield import to_hu

FloatArray = NDArray[np.float64]


def middle_hu(images: Tensor, window: str) -> FloatArray:
    """HU (N, H, W) of the middle channel of images (N, C, H, W) in [-1, 1]."""
    hu: FloatArray = to_hu((images[:, images.shape[1] // 2] + 1) / 2, window).double().cpu().numpy()
    return hu


def slice_figures(samples: Tensor, real: Tensor, *, window: str) -> dict[str, float]:
    """How samples (N, C, H, W) differ from real slices (M, C, H, W), both in [-1, 1].

    Returns:
        ``histogram_hu`` and ``spectrum_db`` (see `slice_statistics`), and ``nearest_correlation``: the median over the
        samples of the largest correlation with a real slice; 1 for copies.
    """
    ours, theirs = middle_hu(samples, window), middle_hu(real, window)
    return {
        "histogram_hu": histogram_distance(ours, theirs),
        "spectrum_db": spectrum_distance_db(ours, theirs),
        "nearest_correlation": float(np.median(correlations(ours, theirs).max(axis=1))),
    }
