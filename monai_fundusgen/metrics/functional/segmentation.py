"""Scores of vessel segmentations from counts of pixels inside the field of view.

Counts are sums, so pooled scores come from added counts and per-image means from separate ones. Pixels outside the
field of view are never counted: they are trivial background and lift accuracy and specificity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.skeleton import thin

#: Places in a count vector.
TP, FP, FN, TN = 0, 1, 2, 3


def binary_counts(pred: Tensor, target: Tensor, fov: Tensor) -> Tensor:
    """True positives, false positives, false negatives, true negatives inside the field.

    Args:
        pred: bool, (..., H, W).
        target: bool, same shape.
        fov: bool, broadcastable to it.

    Returns:
        (..., 4) int64 in the order `TP`, `FP`, `FN`, `TN`.
    """
    fov = fov.expand_as(target)
    cells = (pred & target, pred & ~target, ~pred & target, ~pred & ~target)
    return torch.stack([(cell & fov).sum(dim=(-2, -1)) for cell in cells], dim=-1)


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """Quotient in float64; NaN where nothing was counted."""
    return above.double() / torch.where(below == 0, torch.nan, below.double())


def dice(counts: Tensor) -> Tensor:
    """2 TP / (2 TP + FP + FN), the F1 score, of counts (..., 4); NaN where neither map has a vessel."""
    return _ratio(2 * counts[..., TP], 2 * counts[..., TP] + counts[..., FP] + counts[..., FN])


def sensitivity(counts: Tensor) -> Tensor:
    """TP / (TP + FN) of counts (..., 4)."""
    return _ratio(counts[..., TP], counts[..., TP] + counts[..., FN])


def specificity(counts: Tensor) -> Tensor:
    """TN / (TN + FP) of counts (..., 4)."""
    return _ratio(counts[..., TN], counts[..., TN] + counts[..., FP])


def precision(counts: Tensor) -> Tensor:
    """TP / (TP + FP) of counts (..., 4)."""
    return _ratio(counts[..., TP], counts[..., TP] + counts[..., FP])


def accuracy(counts: Tensor) -> Tensor:
    """(TP + TN) / all of counts (..., 4)."""
    return _ratio(counts[..., TP] + counts[..., TN], counts.sum(dim=-1))


def matthews(counts: Tensor) -> Tensor:
    """Matthews correlation of counts (..., 4), in [-1, 1]; 0 where a row or column of the table is empty."""
    tp, fp, fn, tn = counts.double().unbind(dim=-1)
    spread = ((tp + fp).sqrt() * (tp + fn).sqrt()) * ((tn + fp).sqrt() * (tn + fn).sqrt())
    return torch.where(spread == 0, 0.0, (tp * tn - fp * fn) / torch.where(spread == 0, 1.0, spread))


def artery_vein_counts(pred: Tensor, target: Tensor, fov: Tensor, *, missing: str = "skip") -> Tensor:
    """Confusion of the two kinds on vessel pixels whose kind is known.

    Crossings (both kinds in the target) and pixels of unknown kind (neither) are left out.

    Args:
        pred: vessel map (..., 2, H, W), bool.
        target: the same.
        fov: (..., H, W), bool.
        missing: what a target vessel pixel counts that is predicted as neither kind or both: ``skip`` leaves it out
            (classification of the vessels found), ``half`` gives half a pixel to each kind, the expectation of a
            random label (classification of all true vessels).

    Returns:
        (..., 2, 2) float64; row = target kind, column = predicted kind, each artery then vein.

    Raises:
        ValueError: unknown ``missing``.
    """
    if missing not in ("skip", "half"):
        raise ValueError(f"artery_vein_counts: found missing={missing!r}, expected 'skip' or 'half'")
    artery, vein = target.select(-3, ARTERY), target.select(-3, VEIN)
    said_artery, said_vein = pred.select(-3, ARTERY), pred.select(-3, VEIN)
    rows = (artery & ~vein & fov, vein & ~artery & fov)
    columns = (said_artery & ~said_vein, said_vein & ~said_artery)
    open_ = said_artery == said_vein
    table = torch.stack([torch.stack([_area(row & column) for column in columns], dim=-1) for row in rows], dim=-2)
    if missing == "skip":
        return table
    return table + torch.stack([_area(row & open_) / 2 for row in rows], dim=-1)[..., None]


def _area(mask: Tensor) -> Tensor:
    return mask.sum(dim=(-2, -1)).double()


def artery_vein_accuracy(table: Tensor) -> Tensor:
    """Share of vessel pixels with the right kind, of tables (..., 2, 2)."""
    return _ratio(table.diagonal(dim1=-2, dim2=-1).sum(-1), table.sum(dim=(-2, -1)))


@dataclass(frozen=True)
class CentreLineCounts:
    """Centre-line pixels, and how many lie in the other map; additive like all counts.

    Attributes:
        pred, pred_inside: pixels of the predicted centre line, and those inside the target.
        target, target_inside: pixels of the target's centre line, and those inside the prediction.
    """

    pred: int
    pred_inside: int
    target: int
    target_inside: int

    def cl_dice(self) -> float:
        """Harmonic mean of topology precision and sensitivity; NaN where a centre line is empty.

        Source: Shit et al. 2021 (arXiv:2003.07311), eq. 1-2.
        """
        if not self.pred or not self.target:
            return float("nan")
        first, second = self.pred_inside / self.pred, self.target_inside / self.target
        return 2 * first * second / (first + second) if first + second else 0.0


def centre_line_counts(
    pred: NDArray[np.bool_], target: NDArray[np.bool_], fov: NDArray[np.bool_] | None = None
) -> CentreLineCounts:
    """Counts for clDice of two maps (H, W), bool, inside the field (by default everywhere)."""
    if fov is not None:
        pred, target = pred & fov, target & fov
    line_p, line_t = thin(pred), thin(target)
    return CentreLineCounts(
        int(line_p.sum()), int((line_p & target).sum()), int(line_t.sum()), int((line_t & pred).sum())
    )


@dataclass(frozen=True)
class ScoreTable:
    """How many positives and negatives have each score.

    Attributes:
        scores: (N,) rising distinct values.
        positives, negatives: (N,) int64.
    """

    scores: Tensor
    positives: Tensor
    negatives: Tensor


def score_table(scores: Tensor, target: Tensor, fov: Tensor) -> ScoreTable:
    """Exact table of the scores of all pixels inside the field, pooled over every dimension.

    Args:
        scores: real (...), vessel probability or any rising function of it.
        target: bool, same shape.
        fov: bool, broadcastable to it.
    """
    inside = fov.expand_as(target)
    values, place = torch.unique(scores[inside], return_inverse=True)
    labels = target[inside]
    positives = torch.bincount(place[labels], minlength=len(values))
    return ScoreTable(values, positives, torch.bincount(place[~labels], minlength=len(values)))


def score_histogram(scores: Tensor, target: Tensor, fov: Tensor, *, bins: int = 4096) -> Tensor:
    """Counts of scores in [0, 1] inside the field: (2, bins) int64, negatives then positives; may be added up.

    Args:
        scores, target, fov: as for `score_table`, scores in [0, 1].
        bins: equal bins; scores in one bin become ties, which changes an area by at most the share of such pairs.
    """
    inside = fov.expand_as(target)
    place = (scores[inside].double() * bins).long().clamp(0, bins - 1)
    labels = target[inside]
    return torch.stack([torch.bincount(place[labels == kind], minlength=bins) for kind in (False, True)])


def table_of_histogram(histogram: Tensor) -> ScoreTable:
    """A `score_histogram` as a table, each bin with the score of its middle."""
    bins = histogram.shape[-1]
    return ScoreTable((torch.arange(bins, dtype=torch.float64) + 0.5) / bins, histogram[1], histogram[0])


def roc_auc(table: ScoreTable) -> float:
    """Chance that a positive scores higher than a negative, ties half; NaN where either is absent.

    Equals the area under the ROC curve by trapezoids (Hanley & McNeil 1982).
    """
    positives, negatives = table.positives.double(), table.negatives.double()
    below = negatives.cumsum(0) - negatives
    pairs = positives.sum() * negatives.sum()
    return float(_ratio((positives * (below + negatives / 2)).sum(), pairs))


def average_precision(table: ScoreTable) -> float:
    """Area under the precision-recall curve as a sum of steps: mean precision over the positives; NaN without any."""
    positives = table.positives.double().flip(0)
    found, called = positives.cumsum(0), (table.positives + table.negatives).double().flip(0).cumsum(0)
    return float(_ratio((positives * found / called.clamp(min=1)).sum(), positives.sum()))


def best_dice_threshold(table: ScoreTable) -> tuple[float, float]:
    """The score from which on calling a pixel vessel gives the largest Dice, and that Dice.

    Meant for the pixels of the *training* set; on test pixels it is an oracle. The lowest such score wins a tie.

    Raises:
        ValueError: the table is empty or has no positive.
    """
    if not int(table.positives.sum()):
        raise ValueError("best_dice_threshold: found no vessel pixel; hand in training images with vessels")
    tp = table.positives.double().flip(0).cumsum(0).flip(0)
    fp = table.negatives.double().flip(0).cumsum(0).flip(0)
    score = 2 * tp / (tp + fp + table.positives.sum())
    best = int(score.argmax())
    return float(table.scores[best]), float(score[best])
