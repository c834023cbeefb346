"""How sure a difference between two trained networks is: resampled over test images and over seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.metrics.functional.distribution import Interval


def paired_bootstrap(
    scores: NDArray[np.float64],
    base: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    draws: int = 10_000,
    level: float = 0.95,
) -> Interval:
    """Mean of ``scores - base`` and its percentile interval, images and seeds being drawn again with replacement.

    Images are paired: both networks read the same ones. Seeds are paired as they are given (same seed, same subset of
    rows). The seeds that are drawn and the images that are drawn are crossed, as both are samples of something larger.

    Args:
        scores, base: (S, N), of S seeds on N images; NaN where an image has no such score, in both.
        rng: of the draws.
        draws: how many.
        level: of the interval, in (0, 1).

    Raises:
        ValueError: shapes differ, or there is nothing to compare.

    Source: Owen 2007, The pigeonhole bootstrap (Annals of Applied Statistics 1); Efron 1979 for the percentiles.
    """
    if scores.shape != base.shape or scores.ndim != 2:
        raise ValueError(f"paired_bootstrap: found {scores.shape} and {base.shape}, expected (seeds, images) twice")
    each = scores - base
    each = each[:, ~np.isnan(each).any(axis=0)]
    if not each.size:
        raise ValueError("paired_bootstrap: no image has this score in every seed of both")
    num_seeds, num_images = each.shape
    seeds = rng.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), draws) / num_seeds
    images = rng.multinomial(num_images, np.full(num_images, 1 / num_images), draws) / num_images
    means = np.einsum("ds,sn,dn->d", seeds, each, images)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(each.mean()), float(low), float(high))
