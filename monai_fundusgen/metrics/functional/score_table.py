"""Exact areas under curves and best thresholds, from the scores of two classes of pixels.

Nothing is binned. Only the positives' scores need a row each: between two of them a curve moves by negatives alone. The
few per cent of vessel pixels are sorted and counted, the many others only sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ScoreTable:
    """Rank of the positives among the negatives.

    Attributes:
        scores: (N,) rising distinct scores of positives.
        positives: (N,) int64, positives with that score.
        below, ties: (N,) int64, negatives with a lower score, and with that one.
        num_negatives: negatives in all.
    """

    scores: Tensor
    positives: Tensor
    below: Tensor
    ties: Tensor
    num_negatives: int


def rank_table(positives: Tensor, negatives: Tensor) -> ScoreTable:
    """Table of the scores (P,) of positives and (M,) of negatives, any order, one floating type.

    Besides its arguments it holds a sorted copy of the negatives and 28 bytes for each distinct score of a positive.

    Raises:
        ValueError: a score is NaN.
    """
    if positives.isnan().any() or negatives.isnan().any():
        raise ValueError("scores hold NaN; the network diverged, or an input was not finite")
    scores, counts = torch.unique(positives, return_counts=True)
    ranked = negatives.sort().values
    below = torch.searchsorted(ranked, scores)
    ties = torch.searchsorted(ranked, scores, right=True) - below
    return ScoreTable(scores, counts, below, ties, len(negatives))


def score_table(scores: Tensor, target: Tensor, fov: Tensor) -> ScoreTable:
    """Table of all pixels inside the field, pooled over every dimension.

    Args:
        scores: floating (...), vessel probability or any rising function of it.
        target: bool, same shape.
        fov: bool, broadcastable to it.
    """
    inside = fov.expand_as(target)
    return rank_table(scores[inside & target], scores[inside & ~target])


def roc_auc(table: ScoreTable) -> float:
    """Chance that a positive scores higher than a negative, ties half; NaN where either is absent.

    Equals the area under the ROC curve by trapezoids (Hanley & McNeil 1982).
    """
    pairs = int(table.positives.sum()) * table.num_negatives
    won = int((table.positives * (2 * table.below + table.ties)).sum())  # in halves, so that integers stay exact
    return won / (2 * pairs) if pairs else float("nan")


def average_precision(table: ScoreTable) -> float:
    """Area under the precision-recall curve as a sum of steps: mean precision over the positives; NaN without any."""
    found, wrong = _called(table)
    total = table.positives.sum()
    precision = found.double() / (found + wrong).clamp(min=1)
    return float((table.positives * precision).sum() / total) if int(total) else float("nan")


def best_dice_threshold(table: ScoreTable) -> tuple[float, float]:
    """The score from which on calling a pixel vessel gives the largest Dice, and that Dice.

    Meant for pixels of the *training* or *validation* set; on test pixels it is an oracle. The lowest such score wins
    a tie.

    Raises:
        ValueError: the table has no positive.
    """
    if not len(table.scores):
        raise ValueError("best_dice_threshold: found no vessel pixel; hand in images with vessels")
    found, wrong = _called(table)
    score = 2 * found.double() / (found + wrong + table.positives.sum())
    best = int(score.argmax())
    return float(table.scores[best]), float(score[best])


def counts_from(positives: Tensor, negatives: Tensor, threshold: float) -> Tensor:
    """TP, FP, FN, TN (4,) int64 of two classes of scores, those at the threshold and above being called positive."""
    tp, fp = int((positives >= threshold).sum()), int((negatives >= threshold).sum())
    return torch.tensor([tp, fp, len(positives) - tp, len(negatives) - fp])


def _called(table: ScoreTable) -> tuple[Tensor, Tensor]:
    """Positives and negatives at each score and above."""
    found = table.positives.flip(0).cumsum(0).flip(0)
    return found, table.num_negatives - table.below
