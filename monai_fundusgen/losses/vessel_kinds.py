"""Loss of artery/vein classifiers that look at labelled vessel pixels alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_fundusgen.conventions import ARTERY, VEIN


class VesselKindLoss(nn.Module):
    """Mean binary cross-entropy of each output on the vessel pixels of known kind.

    Two outputs are artery and vein, a crossing being both. Four are those of `HVGN`'s two graphs: artery or crossing,
    vein; artery, vein or crossing.

    Source: Noh, Park, Lee 2022 (Dual-HVGN): half the loss of each graph, one-hot targets.
    """

    def forward(self, logits: Tensor, vessels: Tensor) -> Tensor:
        """A scalar.

        Args:
            logits: (N, 2 or 4, H, W).
            vessels: vessel map (N, 2, H, W) of 0 and 1; pixels of neither kind do not count.

        Raises:
            ValueError: no pixel of known kind in the batch, or other channels.
        """
        artery, vein = vessels[:, ARTERY] > 0.5, vessels[:, VEIN] > 0.5
        known = artery | vein
        if not known.any():
            raise ValueError(
                "a batch without a vessel pixel of known kind: nothing to learn from; take larger crops (crop_size), "
                "or leave out photographs without vessels or with vessel-only labels"
            )
        wanted = [artery, vein] if logits.shape[1] == 2 else [artery, vein & ~artery, artery & ~vein, vein]
        if logits.shape[1] != len(wanted):
            raise ValueError(f"logits have {logits.shape[1]} channels; expected 2, or 4 of two graphs")
        found = logits.movedim(1, 0)[:, known].float()
        return functional.binary_cross_entropy_with_logits(found, torch.stack([each[known] for each in wanted]).float())
