"""A loss that minds breaks of thin vessels, beside a denoising loss."""

from __future__ import annotations

import torch
from monai.losses import SoftclDiceLoss
from torch import Tensor, nn

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import denoised
from monai_fundusgen.losses.denoising import DenoisingLoss, LogitLoss


class CentrelineLoss(nn.Module):
    """A denoising loss, plus clDice of the estimated clean map where the noise is low.

    At 256 px the thinnest vessels are soft lines a pixel wide: an estimate a little too dark breaks the tree, and
    costs a loss by pixels next to nothing. So maps are read at a threshold, softly, as a sampled map will be read, and
    each kind's centrelines are compared with those of the label.

    Args:
        loss: the denoising loss, with a ``prediction``.
        weight: weight of the mean of 1 - clDice over the samples that it looks at.
        least_abar: it looks at samples whose signal power is at least this, in (0, 1).
        threshold: a vessel is what is above this, in (0, 1), where 0 is ground and 1 a vessel.
        softness: width of the soft threshold of the estimate.
        iterations: erosions of the soft skeleton: half the widest vessel's width, px.

    Raises:
        ValueError: an argument out of range.

    Source: Shit et al. 2021 (arXiv:2003.07311), algorithm 1 and eq. 2.
    """

    def __init__(
        self,
        loss: DenoisingLoss | LogitLoss,
        *,
        weight: float = 0.05,
        least_abar: float = 0.3,
        threshold: float = 0.25,
        softness: float = 0.05,
        iterations: int = 2,
    ) -> None:
        super().__init__()
        if not (weight >= 0 and 0 < least_abar < 1 and 0 < threshold < 1 and softness > 0 and iterations >= 0):
            raise ValueError(
                f"CentrelineLoss: weight {weight}, least_abar {least_abar}, threshold {threshold}, "
                f"softness {softness}, iterations {iterations}; expected at least 0, in (0, 1), in (0, 1), above 0, "
                f"at least 0"
            )
        self.loss = loss
        self.prediction = loss.prediction
        self.weight, self.least_abar, self.threshold, self.softness = weight, least_abar, threshold, softness
        self.difference = SoftclDiceLoss(iter_=iterations, reduction="none")

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32; arguments as for :class:`DenoisingLoss`."""
        total = self.loss(output, x_0, eps, abar)
        low = abar >= self.least_abar
        if self.weight == 0 or not low.any():
            return total
        precise = output[low].to(torch.promote_types(output.dtype, torch.float32))
        noisy = diffuse(x_0[low], eps[low], abar[low])
        estimate = (denoised(precise, noisy, abar[low], self.prediction) + 1) / 2
        found = torch.sigmoid((estimate - self.threshold) / self.softness)
        wanted = ((x_0[low] + 1) / 2 > self.threshold).to(found)
        broken = self.difference(found.flatten(0, 1)[:, None], wanted.flatten(0, 1)[:, None])
        return total + self.weight * broken.mean() * low.float().mean()
