"""What a network reads in a photograph against its label, as counts of pixels that add up over photographs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from monai_fundusgen.metrics.functional.artery_vein import (
    artery_vein_accuracy,
    artery_vein_counts,
    kind_sensitivities,
)
from monai_fundusgen.metrics.functional.segmentation import FN, FP, TP, binary_counts, ratio
from monai_fundusgen.streams import stream

#: Numbers of `reading_counts`, the last four being true kind, then called kind.
COUNTS = (
    "labelled", "labelled_found", "found", "found_labelled",
    "artery_artery", "artery_vein", "vein_artery", "vein_vein",
)  # fmt: skip


def reading_counts(
    called: Tensor, target: Tensor, uncertain: Tensor, fov: Tensor, regions: tuple[Tensor, Tensor]
) -> Tensor:
    """Counts (8,) float64 of one photograph in one class of pixels, see `COUNTS`.

    Labelled pixels have the class of the label (recall, kinds), found ones that of what was found (precision). Kinds
    are compared on vessel pixels that were found; crossings and pixels of unknown kind are vessels without a kind.

    Args:
        called: vessel map that was read (2, H, W), bool.
        target: label (2, H, W), bool.
        uncertain: vessel of unknown kind (H, W), bool.
        fov: (H, W), bool.
        regions: pixels (H, W) of the class, bool: in the label, and in what was found.
    """
    vessel, found = target.any(dim=0) | uncertain, called.any(dim=0)
    by_label, by_found = (binary_counts(found, vessel, fov & region) for region in regions)
    kinds = artery_vein_counts(called, target, fov & regions[0] & ~uncertain)
    vessels = [by_label[TP] + by_label[FN], by_label[TP], by_found[TP] + by_found[FP], by_found[TP]]
    return torch.cat([torch.stack(vessels).double(), kinds.flatten()])


def reading_figures(counts: Tensor) -> dict[str, Tensor]:
    """Figures (...) of counts (..., 8), each in [0, 1]; NaN where nothing was counted.

    Of vessels ``recall``, ``precision`` and ``dice``, the share of labelled and found pixels that the other map has
    too; on labelled pixels that were found ``av_accuracy``, ``artery_recall``, ``vein_recall``, and ``av_balanced``,
    the mean of these two.
    """
    labelled, labelled_found, found, found_labelled = counts[..., :4].unbind(dim=-1)
    table = counts[..., 4:].unflatten(-1, (2, 2))
    kinds = kind_sensitivities(table)
    return {
        "dice": ratio(labelled_found + found_labelled, labelled + found),
        "recall": ratio(labelled_found, labelled), "precision": ratio(found_labelled, found),
        "av_accuracy": artery_vein_accuracy(table), "av_balanced": kinds.mean(dim=-1),
        "artery_recall": kinds[..., 0], "vein_recall": kinds[..., 1],
    }  # fmt: skip


def figure_intervals(images: Tensor, *, seed: int = 0, rounds: int = 1000) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `reading_figures` over photographs, whatever their order.

    Args:
        images: counts (N, 8).
        seed: draws the photographs.
        rounds: bootstrap samples.
    """
    ordered = images.numpy()[np.lexsort(images.numpy().T)]
    drawn = stream(seed, "resampling").multinomial(len(ordered), [1 / len(ordered)] * len(ordered), size=rounds)
    figures = reading_figures(torch.from_numpy(drawn @ ordered))
    found = {}
    for name, values in figures.items():
        numbers = values[~values.isnan()].numpy()
        low, high = np.quantile(numbers, [0.025, 0.975]) if len(numbers) else (np.nan, np.nan)
        found[name] = (float(low), float(high))
    return found
