"""Accumulating segmentation metrics: state that only sums, in MONAI's form, so that ignite and several ranks work."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_fundusgen.metrics.functional.segmentation import (
    CentreLineCounts,
    accuracy,
    artery_vein_accuracy,
    artery_vein_counts,
    average_precision,
    binary_counts,
    centre_line_counts,
    dice,
    matthews,
    roc_auc,
    score_histogram,
    sensitivity,
    specificity,
    table_of_histogram,
)

_SCORES = {
    "dice": dice,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "accuracy": accuracy,
    "mcc": matthews,
}


def _field(target: Tensor, fov: Tensor | None) -> Tensor:
    """The field (B, 1, H, W); everywhere by default."""
    return torch.ones_like(target[:, :1], dtype=torch.bool) if fov is None else fov.bool()


class VesselSegmentationMetric(CumulativeIterationMetric):
    """Vessel segmentation inside the field of view: pooled, and as the mean over images.

    Call it with vessel probabilities (B, 1, H, W) in [0, 1], target (B, 1, H, W) and ``fov`` (B, 1, H, W).

    Args:
        threshold: probability from which a pixel is called vessel.
        bins: of the score histogram behind the areas under the curves.
        cl_dice: also thin both maps for clDice.
    """

    def __init__(self, threshold: float = 0.5, *, bins: int = 4096, cl_dice: bool = True) -> None:
        super().__init__()
        self.threshold = threshold
        self.bins = bins
        self.cl_dice = cl_dice

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> list[Tensor]:
        """Per image: counts (B, 4), centre-line counts (B, 4), score histogram (B, 2, bins)."""
        assert y is not None, "VesselSegmentationMetric needs a target"
        target, field = y.bool(), _field(y, kwargs.get("fov"))
        called = y_pred >= self.threshold
        counts = binary_counts(called[:, 0], target[:, 0], field[:, 0])
        histograms = [score_histogram(p, t, f, bins=self.bins) for p, t, f in zip(y_pred, target, field, strict=True)]
        return [counts, self._lines(called & field, target & field), torch.stack(histograms)]

    def _lines(self, called: Tensor, target: Tensor) -> Tensor:
        if not self.cl_dice:
            return torch.zeros(len(called), 4, dtype=torch.int64, device=called.device)
        pairs = zip(called[:, 0].cpu().numpy(), target[:, 0].cpu().numpy(), strict=True)
        rows = [
            (c.pred, c.pred_inside, c.target, c.target_inside) for c in (centre_line_counts(p, t) for p, t in pairs)
        ]
        return torch.tensor(rows, device=called.device)

    def aggregate(self) -> dict[str, float]:
        """Pooled scores (``dice`` and so on), areas ``roc_auc`` and ``pr_auc``, and means over images (``dice_mean``).

        Raises:
            ValueError: nothing was added yet.
        """
        buffers = self.get_buffer()
        if not isinstance(buffers, list) or not buffers:
            raise ValueError("VesselSegmentationMetric: nothing to aggregate; call it with images first")
        counts, lines, histograms = buffers
        pooled = {name: float(score(counts.sum(dim=0))) for name, score in _SCORES.items()}
        means = {f"{name}_mean": float(score(counts).nanmean()) for name, score in _SCORES.items()}
        table = table_of_histogram(histograms.sum(dim=0).cpu())
        areas = {"roc_auc": roc_auc(table), "pr_auc": average_precision(table)}
        if self.cl_dice:
            each = torch.tensor([CentreLineCounts(*row).cl_dice() for row in lines.tolist()])
            areas["cl_dice_mean"] = float(each.nanmean())
        return pooled | means | areas


class ArteryVeinMetric(CumulativeIterationMetric):
    """Kind of the vessel pixels inside the field; crossings and pixels of unknown kind are left out.

    Call it with vessel maps (B, 2, H, W), bool or 0/1, and ``fov`` (B, 1, H, W).

    Args:
        missing: see `artery_vein_counts`.
    """

    def __init__(self, missing: str = "skip") -> None:
        super().__init__()
        self.missing = missing

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        """Confusion per image (B, 2, 2)."""
        assert y is not None, "ArteryVeinMetric needs a target"
        field = _field(y, kwargs.get("fov"))[:, 0]
        return artery_vein_counts(y_pred.bool(), y.bool(), field, missing=self.missing)

    def aggregate(self) -> dict[str, float]:
        """``accuracy`` and its mean over images, ``artery_sensitivity`` and ``vein_sensitivity``, pooled.

        Raises:
            ValueError: nothing was added yet.
        """
        tables = self.get_buffer()
        if not isinstance(tables, Tensor) or not len(tables):
            raise ValueError("ArteryVeinMetric: nothing to aggregate; call it with images first")
        pooled = tables.sum(dim=0)
        right = pooled.diagonal() / pooled.sum(dim=1)
        return {
            "accuracy": float(artery_vein_accuracy(pooled)),
            "accuracy_mean": float(artery_vein_accuracy(tables).nanmean()),
            "artery_sensitivity": float(right[0]),
            "vein_sensitivity": float(right[1]),
        }


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
