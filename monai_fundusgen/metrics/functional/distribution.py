"""Distances between two samples: of features (Frechet, kernel, nearest neighbours) and of single figures.

Features are arrays (N, D); where they come from is the caller's business. All arithmetic is in float64. Every value
depends on the sample sizes, the Frechet distance most of all: print N, and the same distance between two real samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monai_fundusgen.metrics.functional.gaussian import frechet_between, gaussian_of

FloatArray = NDArray[np.float64]


def _features(x: NDArray[np.floating], y: NDArray[np.floating], smallest: int) -> tuple[FloatArray, FloatArray]:
    """Both samples in float64, checked."""
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < smallest:
        raise ValueError(
            f"feature distance: found samples of shape {x.shape} and {y.shape}, expected (N, D) and (M, D) "
            f"with N, M >= {smallest}"
        )
    for sample in (x, y):
        bad = np.flatnonzero(~np.isfinite(sample).all(axis=1))
        if bad.size:
            raise ValueError(
                f"feature distance: {bad.size} of {len(sample)} rows hold NaN or infinity, the first is row {bad[0]}; "
                "leave these pictures out, or use another extractor"
            )
    return x.astype(np.float64), y.astype(np.float64)


def frechet_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Squared Frechet distance of Gaussians fitted to two samples; FID where the features are Inception's.

    Args:
        x: (N, D), N >= 2.
        y: (M, D), M >= 2.

    Raises:
        ValueError: shapes do not fit.

    Source: Heusel et al. 2017 (arXiv:1706.08500).
    """
    x, y = _features(x, y, 2)
    return frechet_between(gaussian_of(x), gaussian_of(y))


def frechet_infinity(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    sizes: Sequence[int],
    rng: np.random.Generator,
    repeats: int = 4,
) -> tuple[float, float]:
    """Frechet distance extrapolated to an endless generated sample.

    The bias is close to linear in 1/N: fit the distances at several N and read the line at 1/N = 0.

    Args:
        x: real features (M, D), used whole.
        y: generated features (N, D).
        sizes: subset sizes of ``y``, two different ones or more, each at most N.
        rng: draws the subsets.
        repeats: subsets per size.

    Returns:
        Value at infinity, and slope in 1/N.

    Raises:
        ValueError: fewer than two different sizes, or one above N.

    Source: Chong & Forsyth 2020 (arXiv:1911.07023).
    """
    if len(set(sizes)) < 2 or max(sizes) > len(y):
        raise ValueError(f"frechet_infinity: found sizes {list(sizes)}, expected two or more, at most {len(y)}")
    inverse = np.repeat([1 / size for size in sizes], repeats)
    subsets = [rng.choice(len(y), size, replace=False) for size in sizes for _ in range(repeats)]
    slope, intercept = np.polyfit(inverse, [frechet_distance(x, y[subset]) for subset in subsets], 1)
    return float(intercept), float(slope)


def _squared_distances(x: FloatArray, y: FloatArray) -> FloatArray:
    """(N, M) by one matrix product; the copy of ``y.T`` keeps equal inputs bitwise equal whether or not x is y."""
    products = x @ np.ascontiguousarray(y.T)
    return np.maximum((x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None, :] - 2 * products, 0.0)


def _mmd_unbiased(k_xx: FloatArray, k_yy: FloatArray, k_xy: FloatArray) -> float:
    """Squared maximum mean discrepancy without the diagonal terms (Gretton et al. 2012, eq. 3)."""
    n, m = len(k_xx), len(k_yy)
    within_x = (k_xx.sum() - np.trace(k_xx)) / (n * (n - 1))
    within_y = (k_yy.sum() - np.trace(k_yy)) / (m * (m - 1))
    return float(within_x + within_y - 2 * k_xy.mean())


def kernel_distance(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    subset_size: int = 100,
    subsets: int = 50,
) -> tuple[float, float]:
    """Kernel distance, KID where the features are Inception's: mean and standard deviation over subsets.

    Unbiased squared MMD under ``(a.b / D + 1)^3``: its expectation is 0 for equal distributions at every N.

    Args:
        x, y: (N, D) and (M, D).
        rng: draws the subsets, without replacement within one.
        subset_size: rows per subset, no more than the smaller sample.
        subsets: number of subsets.

    Raises:
        ValueError: shapes do not fit, or a sample is smaller than the subset.

    Source: Binkowski et al. 2018 (arXiv:1801.01401).
    """
    x, y = _features(x, y, max(2, subset_size))
    values = []
    for _ in range(subsets):
        a, b = (sample[rng.choice(len(sample), subset_size, replace=False)] for sample in (x, y))
        k_aa, k_bb, k_ab = ((p @ q.T / x.shape[1] + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
        values.append(_mmd_unbiased(k_aa, k_bb, k_ab))
    return float(np.mean(values)), float(np.std(values, ddof=1)) if subsets > 1 else float("nan")


def kernel_distance_error(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, float]:
    """Kernel distance of two whole samples, and its standard error by the jackknife.

    The kernel is that of `kernel_distance`. Each row of either sample is left out once; the kernel sums are kept, so
    that costs no more than the distance itself. Where both distributions are equal the error is too large by a factor
    of about the root of two, so an interval of two errors holds 0 more often than its level says.

    Args:
        x, y: (N, D) and (M, D), at least 3 rows each.

    Raises:
        ValueError: shapes do not fit, a sample is too small, or a value is not finite.

    Source: Binkowski et al. 2018 (arXiv:1801.01401); Efron & Stein 1981 (Ann Stat 9:586) for the jackknife.
    """
    x, y = _features(x, y, 3)
    k_xx, k_yy, k_xy = ((p @ q.T / x.shape[1] + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    row_x, row_y = (k.sum(axis=1) - np.diagonal(k) for k in (k_xx, k_yy))
    within_x, within_y, between = row_x.sum(), row_y.sum(), k_xy.sum()
    value = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * between / (n * m)
    less_x = (
        (within_x - 2 * row_x) / ((n - 1) * (n - 2))
        + within_y / (m * (m - 1))
        - 2 * (between - k_xy.sum(axis=1)) / ((n - 1) * m)
    )
    less_y = (
        within_x / (n * (n - 1))
        + (within_y - 2 * row_y) / ((m - 1) * (m - 2))
        - 2 * (between - k_xy.sum(axis=0)) / (n * (m - 1))
    )
    variance = sum((len(less) - 1) * less.var() for less in (less_x, less_y))
    return float(value), float(np.sqrt(variance))


def median_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Median distance between rows of two samples: the width of `gaussian_mmd` where features have no scale.

    Source: the median heuristic of Gretton et al. 2012 (JMLR 13:723), section 8.
    """
    x, y = _features(x, y, 1)
    return float(np.sqrt(np.median(_squared_distances(x, y))))


def gaussian_mmd(x: NDArray[np.floating], y: NDArray[np.floating], *, sigma: float) -> float:
    """Unbiased squared MMD under ``exp(-|a - b|^2 / (2 sigma^2))``; CMMD where the features are CLIP's (sigma = 10).

    Source: Jayasumana et al. 2024 (arXiv:2401.09603).
    """
    x, y = _features(x, y, 2)
    k_xx, k_yy, k_xy = (np.exp(_squared_distances(a, b) / (-2 * sigma**2)) for a, b in ((x, x), (y, y), (x, y)))
    return _mmd_unbiased(k_xx, k_yy, k_xy)


@dataclass(frozen=True)
class NeighbourFigures:
    """Fidelity and diversity by nearest neighbours, each 1 at best (density may exceed it).

    Attributes:
        precision: share of generated samples inside the real manifold.
        recall: share of real samples inside the generated manifold.
        density: mean number of real neighbourhoods round a generated sample, over k.
        coverage: share of real samples with a generated one in their neighbourhood.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbour_figures(real: NDArray[np.floating], generated: NDArray[np.floating], *, k: int = 5) -> NeighbourFigures:
    """Precision, recall, density and coverage.

    The manifold of a sample is the union of open balls round its points that reach to their k-th nearest neighbour.

    Args:
        real: (N, D), N > k.
        generated: (M, D), M > k.
        k: neighbours.

    Raises:
        ValueError: shapes do not fit.

    Source: Kynkaanniemi et al. 2019 (arXiv:1904.06991); Naeem et al. 2020 (arXiv:2002.09797), eq. 1-6.
    """
    x, y = _features(real, generated, k + 1)
    radius_x, radius_y = (np.partition(_squared_distances(s, s), k, axis=1)[:, k] for s in (x, y))
    between = _squared_distances(x, y)
    in_real = between < radius_x[:, None]
    return NeighbourFigures(
        precision=float(in_real.any(axis=0).mean()),
        recall=float((between < radius_y[None, :]).any(axis=1).mean()),
        density=float(in_real.sum() / (k * len(y))),
        coverage=float(in_real.any(axis=1).mean()),
    )


def wasserstein_1(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Earth mover's distance of two samples (N,) and (M,) of one figure, in its unit."""
    return float(stats.wasserstein_distance(x, y))


def kolmogorov_smirnov(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Largest difference of the two empirical distribution functions, in [0, 1]."""
    a, b = np.sort(x), np.sort(y)
    places = np.concatenate([a, b])
    shares = (np.searchsorted(one, places, side="right") / len(one) for one in (a, b))
    return float(np.abs(np.subtract(*shares)).max())


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap_interval(
    statistic: Callable[[FloatArray, FloatArray], float],
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    rounds: int = 1000,
    centred: bool = False,
) -> Interval:
    """Percentile interval of a two-sample statistic; rows of both samples are drawn anew with replacement.

    Args:
        statistic: function of two samples.
        x, y: (N, ...) and (M, ...), resampled along the first axis.
        rng: draws the rows.
        level: coverage.
        rounds: bootstrap samples.
        centred: move the interval so that its middle is the mean of the bootstrap values over the value: for distances,
            which repeated rows make larger in every bootstrap sample.

    A distance between equal distributions is positive in every finite sample, so the interval need not reach 0:
    compare it with the interval of two halves of the real sample.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    drawn = [statistic(*(s[rng.integers(len(s), size=len(s))] for s in (a, b))) for _ in range(rounds)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    value = float(statistic(a, b))
    move = value - float(np.mean(drawn)) if centred else 0.0
    return Interval(value, float(low) + move, float(high) + move)


def matched_distances(
    x: NDArray[np.floating], y: NDArray[np.floating], *, size: int | None = None, subsets: int = 20, seed: int = 0
) -> dict[str, float]:
    """Frechet and kernel distance between equally many rows of each sample.

    Both depend on the number of rows, so distances compare at equal numbers only. Of a larger sample random subsets are
    drawn.

    Args:
        x: features (N, D).
        y: features (M, D).
        size: rows of each, at most as many as the smaller sample has, its default.
        subsets: random subsets where a sample is larger.
        seed: draws them.

    Returns:
        ``size`` (rows of each), and mean and standard deviation over the subsets: ``fid``, ``fid_std``, ``kid``,
        ``kid_std``.
    """
    rng = np.random.default_rng(seed)
    size = min(len(x), len(y)) if size is None else size
    rows = []
    for _ in range(subsets if max(len(x), len(y)) > size else 1):
        a, b = (features[rng.permutation(len(features))[:size]] for features in (x, y))
        rows.append((frechet_distance(a, b), kernel_distance(a, b, rng=rng, subset_size=size, subsets=1)[0]))
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    return {
        "size": size, "fid": float(mean[0]), "fid_std": float(spread[0]),
        "kid": float(mean[1]), "kid_std": float(spread[1]),
    }  # fmt: skip
