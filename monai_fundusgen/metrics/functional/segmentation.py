"""Scores of vessel segmentations from counts of pixels inside the field of view.

Counts are sums, so pooled scores come from added counts and per-image means from separate ones. Pixels outside the
field of view are not counted: they are trivial background and lift accuracy and specificity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """Quotient in float64; NaN where nothing was counted."""
    return above.double() / torch.where(below == 0, torch.nan, below.double())


def dice(counts: Tensor) -> Tensor:
    """2 TP / (2 TP + FP + FN), the F1 score, of counts (..., 4); NaN where neither map has a vessel."""
    return ratio(2 * counts[..., TP], 2 * counts[..., TP] + counts[..., FP] + counts[..., FN])


def sensitivity(counts: Tensor) -> Tensor:
    """TP / (TP + FN) of counts (..., 4)."""
    return ratio(counts[..., TP], counts[..., TP] + counts[..., FN])


def specificity(counts: Tensor) -> Tensor:
    """TN / (TN + FP) of counts (..., 4)."""
    return ratio(counts[..., TN], counts[..., TN] + counts[..., FP])


def precision(counts: Tensor) -> Tensor:
    """TP / (TP + FP) of counts (..., 4)."""
    return ratio(counts[..., TP], counts[..., TP] + counts[..., FP])


def accuracy(counts: Tensor) -> Tensor:
    """(TP + TN) / all of counts (..., 4)."""
    return ratio(counts[..., TP] + counts[..., TN], counts.sum(dim=-1))


def matthews(counts: Tensor) -> Tensor:
    """Matthews correlation of counts (..., 4), in [-1, 1]; 0 where a row or column of the table is empty."""
    tp, fp, fn, tn = counts.double().unbind(dim=-1)
    spread = ((tp + fp).sqrt() * (tp + fn).sqrt()) * ((tn + fp).sqrt() * (tn + fn).sqrt())
    return torch.where(spread == 0, 0.0, (tp * tn - fp * fn) / torch.where(spread == 0, 1.0, spread))


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
