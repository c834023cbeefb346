"""Statistics of a reading study, in which readers say of pictures whether they are real.

Answers are arrays (R, I) of R readers and I images: 1 for yes, 0 for no, NaN where a reader has not answered. Every
reader reads every image, so an answer belongs to two groups; an interval says which of them it takes to be drawn from a
population.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

_Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


class Limits(NamedTuple):
    """Lower and upper end of a 95 % interval."""

    low: float
    high: float


class SignalDetection(NamedTuple):
    """Sensitivity of a reader and bias of the reader's answers, both in standard deviations."""

    d_prime: float
    criterion: float


def wilson_interval(successes: int, trials: int) -> Limits:
    """95 % interval of a probability from independent answers; (0, 1) where there are none.

    Args:
        successes: 0 to ``trials``.
        trials: at least 0.

    Source: Wilson 1927 (J Am Stat Assoc 22:209), without continuity correction.
    """
    if trials == 0:
        return Limits(0.0, 1.0)
    share, z2 = successes / trials, _Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * np.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return Limits(max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def clustered_half_width(answers: NDArray[np.float64]) -> float:
    """Half the width of the 95 % interval of the mean whose unit is the image, NaN with fewer than two images.

    The share of readers that say yes is taken of each image, and the normal interval of their mean over the images:
    1.96 SD / sqrt(I), SD with I - 1. Readers are taken as they are, not as drawn from a population. This is
    the interval that reproduces Table I of Go et al. 2024 (arXiv:2305.06813) with 4 readers and 20 images.

    Args:
        answers: (R, I), see above; images that nobody has answered are left out.
    """
    shares = _means_of_images(answers)
    return float(_Z95 * shares.std(ddof=1) / np.sqrt(shares.size)) if shares.size > 1 else float("nan")


def clustered_mean(answers: NDArray[np.float64]) -> float:
    """Mean over the images of the share of readers that say yes; NaN where nobody has answered."""
    shares = _means_of_images(answers)
    return float(shares.mean()) if shares.size else float("nan")


def _means_of_images(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    told = np.isfinite(answers)
    seen = told.any(axis=0)
    return np.asarray(np.where(told, answers, 0.0).sum(axis=0)[seen] / told.sum(axis=0)[seen])


def two_way_bootstrap(answers: NDArray[np.float64], rng: np.random.Generator, *, num_resamples: int = 2000) -> Limits:
    """95 % percentile interval of the mean, readers and images both drawn anew.

    It holds for readers and images like these; it is on the wide side where readers, or images, hardly differ.

    Args:
        answers: (R, I), see above.
        rng: what draws.
        num_resamples: number of draws.

    Source: Owen 2007 (Ann Appl Stat 1:386), the pigeonhole bootstrap.
    """
    told = np.isfinite(answers)
    readers, images = (_resampled(count, rng, num_resamples) for count in answers.shape)
    above = np.einsum("br,ri,bi->b", readers, np.where(told, answers, 0.0), images, optimize=True)
    below = np.einsum("br,ri,bi->b", readers, told.astype(np.float64), images, optimize=True)
    return _percentiles(above, below)


def _resampled(count: int, rng: np.random.Generator, num_resamples: int) -> NDArray[np.float64]:
    """How often each of ``count`` things is drawn, (num_resamples, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), num_resamples).astype(np.float64)


def _percentiles(above: NDArray[np.float64], below: NDArray[np.float64]) -> Limits:
    means = above[below > 0] / below[below > 0]
    if not means.size:
        return Limits(float("nan"), float("nan"))
    low, high = np.quantile(means, [0.025, 0.975])
    return Limits(float(low), float(high))


def signal_detection(hits: int, signals: int, false_alarms: int, noises: int) -> SignalDetection:
    """Sensitivity d' = z(H) - z(F) and criterion c = -(z(H) + z(F)) / 2.

    Here the signal is a synthetic picture and the answer "synthetic": a criterion above 0 says that the reader leans to
    "real", below 0 to "synthetic". H = (hits + 0.5) / (signals + 1), and F alike, so that 0 and 1 stay finite.

    Args:
        hits: synthetic pictures called synthetic.
        signals: synthetic pictures.
        false_alarms: real pictures called synthetic.
        noises: real pictures.

    Source: Green and Swets 1966; the correction of Hautus 1995 (Behav Res Methods 27:46).
    """
    hit_rate, alarm_rate = (hits + 0.5) / (signals + 1), (false_alarms + 0.5) / (noises + 1)
    z_hit, z_alarm = (float(stats.norm.ppf(rate)) for rate in (hit_rate, alarm_rate))
    return SignalDetection(z_hit - z_alarm, -(z_hit + z_alarm) / 2)


def roc_points(signals: ArrayLike, noises: ArrayLike) -> NDArray[np.float64]:
    """Points (N, 2) of false-alarm and hit rate from (0, 0) to (1, 1), one for each level of the scores.

    Args:
        signals: scores of the synthetic pictures, the higher the surer of "synthetic".
        noises: scores of the real pictures.
    """
    signal, noise = np.asarray(signals, np.float64), np.asarray(noises, np.float64)
    levels = np.unique(np.concatenate([signal, noise]))[::-1]
    points = [(float((noise >= level).mean()), float((signal >= level).mean())) for level in levels]
    return np.array([(0.0, 0.0), *points])


def placements(signals: NDArray[np.float64], noises: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each reader and pair of pictures, whether the synthetic one has the higher score: 1, 0, or 0.5 if equal.

    Args:
        signals: scores (R, I) of synthetic pictures.
        noises: scores (R, J) of real ones.

    Returns:
        (R, I, J), NaN where one of the two is not answered; the mean over I and J is a reader's area under the ROC.

    Source: Bamber 1975 (J Math Psychol 12:387).
    """
    difference = signals[:, :, None] - noises[:, None, :]
    return np.asarray((np.sign(difference) + 1) / 2)


def reader_areas(placed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under the ROC (R,) of each reader from `placements`; NaN for one without both kinds of pictures."""
    told = np.isfinite(placed)
    above, below = np.where(told, placed, 0.0).sum(axis=(1, 2)), told.sum(axis=(1, 2))
    return np.asarray(np.where(below > 0, above / np.maximum(below, 1), np.nan))


def area_bootstrap(placed: NDArray[np.float64], rng: np.random.Generator, *, num_resamples: int = 2000) -> Limits:
    """95 % percentile interval of the mean area under the ROC; readers and both kinds of pictures are drawn anew.

    Args:
        placed: (R, I, J) from `placements`.
        rng: what draws.
        num_resamples: number of draws.
    """
    told = np.isfinite(placed)
    weights = [_resampled(count, rng, num_resamples) for count in placed.shape]
    above = np.einsum("br,bi,bj,rij->b", *weights, np.where(told, placed, 0.0), optimize=True)
    below = np.einsum("br,bi,bj,rij->b", *weights, told.astype(np.float64), optimize=True)
    return _percentiles(above, below)


def fleiss_kappa(counts: NDArray[np.int64]) -> float:
    """Agreement of readers beyond chance: 1 complete, 0 as by chance; NaN where all answers are one category.

    Args:
        counts: (I, K), of each image the number of readers that chose each of K categories; images with fewer than two
            readers are left out, and readers may differ between images.

    Source: Fleiss 1971 (Psychol Bull 76:378).
    """
    counts = counts[counts.sum(axis=1) >= 2].astype(np.float64)
    if not counts.size:
        return float("nan")
    readers = counts.sum(axis=1)
    agreed = ((counts * (counts - 1)).sum(axis=1) / (readers * (readers - 1))).mean()
    chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return float((agreed - chance) / (1 - chance)) if chance < 1 else float("nan")
