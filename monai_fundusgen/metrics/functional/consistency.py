"""Can reported scores come from counts of pixels at all? Scores on one set of pixels leave few tables that fit.

Rankings on DRIVE were found to mix scores on all pixels with scores on those inside the field (Kovacs & Fazekas 2022,
arXiv:2111.03853).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: Scores that the check understands.
SCORES = ("accuracy", "sensitivity", "specificity", "precision", "dice")
_SLACK = 1e-9


def consistent(scores: Mapping[str, float], positives: int, negatives: int, eps: float) -> bool:
    """True if some table of pixel counts has all of the scores, each up to ``eps``.

    Exact: every number of true positives that the sensitivity allows is tried, and the others are solved for.

    Args:
        scores: pooled scores by the names in `SCORES`.
        positives, negatives: vessel and other pixels of the test set, for instance inside the field.
        eps: how far a reported score may be off, half a unit of its last digit or, if it may be cut off, a whole one.

    Raises:
        ValueError: an unknown score, or no pixels.
    """
    unknown = sorted(set(scores) - set(SCORES))
    if unknown or positives < 1 or negatives < 1:
        raise ValueError(
            f"scores {unknown} unknown, {positives} positives, {negatives} negatives; expected {', '.join(SCORES)} and "
            f"at least one pixel of each class"
        )
    low, high = _range(scores.get("sensitivity"), positives, eps)
    tp = np.arange(max(np.ceil(low), 0), min(np.floor(high), positives) + 1)
    low, high = _range(scores.get("specificity"), negatives, eps)
    least, most = np.full_like(tp, max(np.ceil(low), 0)), np.full_like(tp, min(np.floor(high), negatives))
    for lowest, highest in _true_negatives(scores, tp, positives, negatives, eps):
        least, most = np.maximum(least, np.ceil(lowest)), np.minimum(most, np.floor(highest))
    return bool((least <= most).any())


def consistent_fields(
    scores: Mapping[str, float], counts: Mapping[str, tuple[int, int]], eps: float
) -> dict[str, bool]:
    """For each way of counting (name to positives and negatives) whether the scores can come from it."""
    return {name: consistent(scores, *pixels, eps) for name, pixels in counts.items()}


def _range(score: float | None, pixels: int, eps: float) -> tuple[float, float]:
    """Counts that give a share of ``pixels``; all of them without a score."""
    if score is None:
        return 0.0, float(pixels)
    return (score - eps) * pixels - _SLACK, (score + eps) * pixels + _SLACK


def _true_negatives(
    scores: Mapping[str, float], tp: NDArray[np.float64], positives: int, negatives: int, eps: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each of the other scores the least and the largest count of true negatives, to each count ``tp``."""
    ranges = []
    if "accuracy" in scores:
        low, high = _range(scores["accuracy"], positives + negatives, eps)
        ranges.append((low - tp, high - tp))
    # precision = tp / (tp + fp) and dice = 2 tp / (tp + positives + fp): falling in fp, so each bounds fp
    for name, above, below in (("precision", tp, tp), ("dice", 2 * tp, tp + positives)):
        if name in scores:
            least_fp = above / (scores[name] + eps) - below - _SLACK
            most_fp = np.full_like(tp, np.inf)
            if scores[name] > eps:
                most_fp = above / (scores[name] - eps) - below + _SLACK
            ranges.append((negatives - most_fp, negatives - least_fp))
    return ranges
