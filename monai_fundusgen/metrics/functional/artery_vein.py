"""Is the kind of a vessel right: confusion tables, and the pixels that each published protocol scores."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.metrics.functional.segmentation import ratio


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
    return ratio(table.diagonal(dim1=-2, dim2=-1).sum(-1), table.sum(dim=(-2, -1)))


def kind_sensitivities(table: Tensor) -> Tensor:
    """Share of the arteries, and of the veins, with the right kind, (..., 2), of tables (..., 2, 2)."""
    return ratio(table.diagonal(dim1=-2, dim2=-1), table.sum(dim=-1))


def called_kinds(scores: Tensor, threshold: float) -> Tensor:
    """Vessel map (..., 2, H, W) bool that scores stand for: one kind a vessel pixel, the likelier one; both at a tie.

    Args:
        scores: (..., 2, H, W) artery and vein, or (..., 3, H, W) with vessel as the third.
        threshold: score from which a pixel is called vessel; without a third channel that of the likelier kind.
    """
    artery, vein = scores.select(-3, ARTERY), scores.select(-3, VEIN)
    vessel = scores.select(-3, 2) if scores.shape[-3] == 3 else torch.maximum(artery, vein)
    found = vessel >= threshold
    return torch.stack([found & (artery >= vein), found & (vein >= artery)], dim=-3)


def graph_targets(vessels: Tensor) -> Tensor:
    """What each output of HVGN's two graphs should say, (..., 4, H, W) bool, of a vessel map (..., 2, H, W) bool.

    The graph of arteries has artery or crossing, then vein; that of veins has artery, then vein or crossing.

    Source: Noh, Park, Lee 2022 (Dual-HVGN, IEEE Access 10).
    """
    artery, vein = vessels.select(-3, ARTERY), vessels.select(-3, VEIN)
    return torch.stack([artery, vein & ~artery, artery & ~vein, vein], dim=-3)
