"""Dice where the truth is known: the key metric of a segmenter whose labels have undecided pixels."""

from __future__ import annotations

from typing import Any

from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_fundusgen.metrics.functional.segmentation import binary_counts, dice


class MaskedDiceMetric(CumulativeIterationMetric):
    """Dice of every channel over the pixels where it is known, pooled over images; the key metric of a segmenter.

    Call it with probabilities (B, C, H, W) and a target (B, 2 C, H, W): C soft maps, then the mask of each.

    Args:
        threshold: probability from which a pixel is called vessel; soft maps are cut at one half.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        super().__init__()
        self.threshold = threshold

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        """Counts (B, C, 4)."""
        assert y is not None, "MaskedDiceMetric needs a target"
        maps, masks = y.chunk(2, dim=1)
        return binary_counts(y_pred >= self.threshold, maps >= 0.5, masks > 0.5)

    def aggregate(self) -> Tensor:
        """Mean of the channels' Dice, a scalar in [0, 1].

        Raises:
            ValueError: nothing was added yet.
        """
        counts = self.get_buffer()
        if not isinstance(counts, Tensor) or not len(counts):
            raise ValueError("MaskedDiceMetric: nothing to aggregate; call it with images first")
        return dice(counts.sum(dim=0)).nanmean()
