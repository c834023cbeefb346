"""Losses of a denoising network; each is called ``loss(output, x_0, eps, abar)`` and returns a scalar."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from monai_fundusgen.diffusion.forward import per_sample
from monai_fundusgen.diffusion.parametrisation import Kind, check_kind, target
from monai_fundusgen.diffusion.weighting import capped_inverse_noise

#: Weight (B,) of noise levels ``abar`` (B,) for a parametrisation.
LevelWeight = Callable[[Tensor, Kind], Tensor]


class DenoisingLoss(nn.Module):
    """Mean squared error of noise, velocity or clean map, weighted by noise level.

    Args:
        kind: what the network predicts: ``eps``, ``v`` or ``x_0``.
        weight: weight of a level, for instance ``weighting.min_snr``; None weighs all alike.

    Raises:
        ValueError: for ``logit``, which has a loss of its own.
    """

    def __init__(self, kind: Kind = "v", weight: LevelWeight | None = None) -> None:
        super().__init__()
        check_kind(kind)
        if kind == "logit":
            raise ValueError("DenoisingLoss: logits are trained by cross-entropy, take LogitLoss")
        self.kind: Kind = kind
        self.weight = weight

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32.

        Args:
            output: network output (B, C, H, W).
            x_0: clean maps, same shape, in [-1, 1].
            eps: the noise added, same shape.
            abar: signal power (B,), in (0, 1).
        """
        error = (_precise(output) - target(x_0, eps, abar, self.kind)).square()
        return error.mean() if self.weight is None else _weighted_mean(error, self.weight(abar, self.kind))


class LogitLoss(nn.Module):
    """Binary cross-entropy of logits o, x_0 = 2 sigmoid(o) - 1, against the soft map (x_0 + 1) / 2.

    Its minimiser is the probability of a vessel given the noisy map, which is what a sampler needs. Each sample is
    weighted by its level: min(1 / sigma^2, 10), sigma^2 = 1 - abar, unless another weight is given.

    Args:
        weight: weight of a level.
    """

    kind: Kind = "logit"

    def __init__(self, weight: LevelWeight = capped_inverse_noise) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32; arguments as for :class:`DenoisingLoss`."""
        error = nn.functional.binary_cross_entropy_with_logits(
            _precise(output), _precise(target(x_0, eps, abar, self.kind)), reduction="none"
        )
        return _weighted_mean(error, self.weight(abar, self.kind))


def _precise(value: Tensor) -> Tensor:
    """The tensor in at least float32."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def _weighted_mean(error: Tensor, weight: Tensor) -> Tensor:
    """Mean over all elements of the error (B, ...) times the weight (B,) of its sample."""
    return (error * per_sample(weight, error)).mean()
