"""Loss of an artery/vein/vessel segmenter whose labels are soft and partly unknown."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_fundusgen.conventions import ARTERY, VEIN


class MaskedVesselLoss(nn.Module):
    """Cross-entropy plus soft Dice of each channel where it is known, and cross-entropy of the kind on vessels.

    The last part asks of each true vessel pixel only whether it is artery or vein: vessels are a tenth of the pixels,
    so that in the mean over all of them a wrong kind hardly counts.

    Args:
        dice_weight: weight of the Dice part; 0 leaves it out.
        kind_weight: weight of the kind on vessels; 0 leaves it out, and then the channels may be any.
        smooth: pixels added above and below in the Dice quotient, so that an empty map counts as right.

    Source: Milletari et al. 2016 (arXiv:1606.04797) for soft Dice, with squares in the denominator.
    """

    def __init__(self, dice_weight: float = 1.0, kind_weight: float = 1.0, smooth: float = 50.0) -> None:
        super().__init__()
        if min(dice_weight, kind_weight) < 0 or smooth <= 0:
            raise ValueError(
                f"dice_weight {dice_weight}, kind_weight {kind_weight}, smooth {smooth}; expected none negative, "
                f"smooth above 0"
            )
        self.dice_weight = dice_weight
        self.kind_weight = kind_weight
        self.smooth = smooth

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over channels, plus the kind's part; a scalar.

        Args:
            logits: (B, C, H, W), artery and vein first where the kind counts.
            target: (B, 2 C, H, W): C maps in [0, 1], then the mask of each, 0 or 1.

        Raises:
            ValueError: the target has not twice the channels.
        """
        if target.shape[1] != 2 * logits.shape[1]:
            raise ValueError(
                f"target has {target.shape[1]} channels for {logits.shape[1]} outputs; expected a map and a mask each, "
                f"as VesselTargetd gives"
            )
        maps, masks = target.chunk(2, dim=1)
        each = functional.binary_cross_entropy_with_logits(logits, maps, reduction="none")
        known = masks.sum(dim=(0, 2, 3)).clamp(min=1)
        entropy = (each * masks).sum(dim=(0, 2, 3)) / known
        soft = torch.sigmoid(logits) * masks
        common = (soft * maps).sum(dim=(0, 2, 3))
        total = (soft**2).sum(dim=(0, 2, 3)) + (maps**2 * masks).sum(dim=(0, 2, 3))
        dice = 1 - (2 * common + self.smooth) / (total + self.smooth)
        mean = (entropy + self.dice_weight * dice).mean()
        return mean + self.kind_weight * kind_loss(logits, maps, masks) if self.kind_weight else mean


def kind_loss(logits: Tensor, maps: Tensor, masks: Tensor) -> Tensor:
    """Mean cross-entropy of artery against vein over known vessel pixels, by how much of a pixel is vessel; a scalar.

    Args:
        logits: (B, C, H, W), artery and vein among the channels; their difference decides.
        maps: (B, C, H, W) in [0, 1]; a pixel that is both asks for even odds.
        masks: (B, C, H, W), 0 or 1; a pixel counts where both kinds are known.
    """
    artery, vein = maps[:, ARTERY], maps[:, VEIN]
    weight = (artery + vein) * masks[:, ARTERY] * masks[:, VEIN]
    share = artery / (artery + vein).clamp(min=1e-6)
    each = functional.binary_cross_entropy_with_logits(logits[:, ARTERY] - logits[:, VEIN], share, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1)
