"""The paper's loss: noise prediction in which vessel pixels count more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_fundusgen.diffusion.parametrisation import Prediction
from monai_fundusgen.diffusion.weighting import exponential


class ExpReweightedLoss(nn.Module):
    """mean(exp(c x_0) (eps - eps_theta)^2), over samples, channels and pixels.

    The weight cures empty maps, and thickens vessels: its minimiser sees log-odds(vessel) + 2c. The paper does not
    state its c.

    Args:
        c: strength of the weight; 0 is the plain loss.
        vessel_fraction: None is the formula above; a fraction in (0, 1) divides the weight by its mean over maps
            with so many vessel pixels, so that c does not act as a learning rate.

    Raises:
        ValueError: when |c| is above 30, where gradients overflow, or the fraction is outside (0, 1).

    Source: Go et al. 2023 (arXiv:2305.06813).
    """

    prediction: Prediction = "eps"

    def __init__(self, c: float = 0.5, *, vessel_fraction: float | None = None) -> None:
        super().__init__()
        exponential(torch.zeros(()), c, vessel_fraction=vessel_fraction)
        self.c = c
        self.vessel_fraction = vessel_fraction

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32.

        Args:
            output: predicted noise (B, C, H, W).
            x_0: clean maps, same shape, in [-1, 1].
            eps: the noise added, same shape.
            abar: signal power (B,); every level counts alike, so it is not used.
        """
        weight = exponential(x_0, self.c, vessel_fraction=self.vessel_fraction)
        return (weight * (output.to(weight) - eps).square()).mean()
