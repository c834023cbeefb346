"""The scores of all pixels of many images, kept exactly, and the figures that a protocol makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import ignite.distributed as idist
import torch
from monai.utils import evenly_divisible_all_gather
from torch import Tensor

from monai_fundusgen.metrics.functional.score_table import (
    average_precision,
    best_dice_threshold,
    counts_from,
    rank_table,
    roc_auc,
)
from monai_fundusgen.metrics.functional.segmentation import (
    accuracy,
    dice,
    matthews,
    precision,
    sensitivity,
    specificity,
)
from monai_fundusgen.metrics.protocol import Protocol

_SCORES = {
    "dice": dice,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "accuracy": accuracy,
    "mcc": matthews,
}


class ScoreTally:
    """Scores of positive and of negative pixels, image by image, on the processor.

    Memory: 4 bytes a pixel that is scored (8 where scores are float64); `figures` takes as much again for a sorted
    copy. Twelve photographs of HRF at full size, 3504 x 2336 px, take 0.3 GB inside the field.
    """

    def __init__(self) -> None:
        self._images: list[tuple[Tensor, Tensor]] = []

    def add(self, scores: Tensor, target: Tensor, inside: Tensor) -> None:
        """Take in one image: floating scores (...), bool target and bool ``inside`` of the same shape."""
        scores = scores.detach().as_subclass(Tensor)
        scores = scores if scores.dtype == torch.float64 else scores.float()
        target, inside = (mask.as_subclass(Tensor).to(scores.device) for mask in (target, inside))
        self._images.append((scores[inside & target].cpu(), scores[inside & ~target].cpu()))

    def join(self, other: ScoreTally) -> None:
        """Take in the images of another tally, which keeps them."""
        self._images += other._images

    def clear(self) -> None:
        """Forget everything."""
        self._images.clear()

    def images(self) -> list[tuple[Tensor, Tensor]]:
        """Scores of positives and of negatives of each image, of all ranks together."""
        if idist.get_world_size() == 1:
            return self._images
        sides = [gathered([image[side] for image in self._images]) for side in (0, 1)]
        return list(zip(*sides, strict=True))

    def figures(self, protocol: Protocol) -> dict[str, float]:
        """``roc_auc``, ``pr_auc``, the scores at the protocol's threshold, ``threshold`` and ``best_threshold``.

        ``best_threshold`` is that of largest Dice over all pixels here: on validation images the one to take to the
        test, on test images the oracle. Where all pixels are of the class to find, ``roc_auc`` is NaN.

        Raises:
            ValueError: nothing was added, no pixel is of the class to find, or a threshold is still to be chosen.
        """
        images = self.images()
        if not images:
            raise ValueError("nothing to score: no image was added")
        positives, negatives = (torch.cat(side) for side in zip(*images, strict=True))
        if not len(positives):
            raise ValueError(
                f"{len(images)} image(s) hold no pixel of the class to find; check the labels and the field of view, "
                f"or score other images"
            )
        table = rank_table(positives, negatives)
        best, _ = best_dice_threshold(table)
        threshold = best if protocol.threshold_from == "test_oracle" else protocol.threshold
        if threshold is None:
            raise ValueError("the threshold is to be chosen on validation images; hand it in by with_threshold")
        counts = torch.stack([counts_from(*image, threshold) for image in images])
        if protocol.pooling == "pooled":
            found = {"roc_auc": roc_auc(table), "pr_auc": average_precision(table)}
            found |= {name: float(score(counts.sum(dim=0))) for name, score in _SCORES.items()}
        else:
            tables = [rank_table(*image) for image in images]
            found = {"roc_auc": _mean([roc_auc(one) for one in tables])}
            found["pr_auc"] = _mean([average_precision(one) for one in tables])
            found |= {name: float(score(counts).nanmean()) for name, score in _SCORES.items()}
        return found | {"threshold": threshold, "best_threshold": best}


def gathered(rows: Sequence[Tensor]) -> list[Tensor]:
    """Tensors (n,) of any lengths from every rank, in the order of the ranks, as float64; on one rank as they are."""
    if idist.get_world_size() == 1:
        return list(rows)
    device = idist.device()
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64, device=device)
    flat = torch.cat([torch.zeros(0, dtype=torch.float64), *rows]).double().to(device)  # a rank may have none
    all_lengths: Tensor = evenly_divisible_all_gather(lengths, concat=True)
    every: Tensor = evenly_divisible_all_gather(flat, concat=True)
    return [part.cpu() for part in every.split(all_lengths.tolist())]


def _mean(values: Sequence[float]) -> float:
    """Mean of those that are numbers."""
    return float(torch.tensor(values, dtype=torch.float64).nanmean())
