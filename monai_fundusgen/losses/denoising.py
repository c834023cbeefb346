"""Losses of a denoising network; each is called ``loss(output, x_0, eps, abar)`` and returns a scalar."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from monai_fundusgen.diffusion.forward import diffuse, per_sample
from monai_fundusgen.diffusion.parametrisation import Prediction, check_prediction, denoised, target
from monai_fundusgen.diffusion.posterior import learned_variance, posterior_mean_std, posterior_variance
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.diffusion.weighting import capped_inverse_noise

#: Weight (B,) of noise levels ``abar`` (B,) for a parametrisation.
LevelWeight = Callable[[Tensor, Prediction], Tensor]


class DenoisingLoss(nn.Module):
    """Mean squared error of noise, velocity or clean map, weighted by noise level.

    Args:
        prediction: what the network predicts: ``eps``, ``v`` or ``x_0``.
        weight: weight of a level, for instance ``weighting.min_snr``; None weighs all alike.

    Raises:
        ValueError: for ``logit``, which has a loss of its own.
    """

    def __init__(self, prediction: Prediction = "v", weight: LevelWeight | None = None) -> None:
        super().__init__()
        check_prediction(prediction)
        if prediction == "logit":
            raise ValueError("DenoisingLoss: logits are trained by cross-entropy, take LogitLoss")
        self.prediction: Prediction = prediction
        self.weight = weight

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32.

        Args:
            output: network output (B, C, H, W).
            x_0: clean maps, same shape, in [-1, 1].
            eps: the noise added, same shape.
            abar: signal power (B,), in (0, 1).
        """
        error = (_precise(output) - target(x_0, eps, abar, self.prediction)).square()
        return error.mean() if self.weight is None else _weighted_mean(error, self.weight(abar, self.prediction))


class LogitLoss(nn.Module):
    """Binary cross-entropy of logits o, x_0 = 2 sigmoid(o) - 1, against the soft map (x_0 + 1) / 2.

    Its minimiser is the probability of a vessel given the noisy map, which is what a sampler needs. Each sample is
    weighted by its level: min(1 / sigma^2, 10), sigma^2 = 1 - abar, unless another weight is given.

    Args:
        weight: weight of a level.
    """

    prediction: Prediction = "logit"

    def __init__(self, weight: LevelWeight = capped_inverse_noise) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32; arguments as for :class:`DenoisingLoss`."""
        error = nn.functional.binary_cross_entropy_with_logits(
            _precise(output), _precise(target(x_0, eps, abar, self.prediction)), reduction="none"
        )
        return _weighted_mean(error, self.weight(abar, self.prediction))


class LearnedVarianceLoss(nn.Module):
    """A loss of the mean, plus the variational bound for the variance: the hybrid loss of networks with 2C outputs.

    The second half of the output, clipped to [-1, 1], places the variance between its bounds. The bound trains that
    half only; at the cleanest level, where the step ends at x_0 itself, the variance of the level above stands in.

    Args:
        loss: loss of the first half, with a ``prediction``.
        schedule: the schedule of the training.
        weight: weight of the bound, in bits per dimension.

    Source: Nichol & Dhariwal 2021 (arXiv:2102.09672), eq. 15-16, weight 0.001.
    """

    def __init__(self, loss: DenoisingLoss | LogitLoss, schedule: NoiseSchedule, *, weight: float = 0.001) -> None:
        super().__init__()
        self.loss = loss
        self.prediction: Prediction = loss.prediction
        self.schedule = schedule
        self.weight = weight

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """Scalar loss, in at least float32; ``output`` (B, 2C, H, W), the rest as for :class:`DenoisingLoss`.

        Raises:
            ValueError: when the output has not twice the channels of the maps.
        """
        if output.shape[1] != 2 * x_0.shape[1]:
            raise ValueError(
                f"LearnedVarianceLoss: the network gives {output.shape[1]} channels for maps of {x_0.shape[1]}; "
                f"build it with out_channels={2 * x_0.shape[1]}"
            )
        mean, raw = _precise(output).chunk(2, dim=1)
        return self.loss(mean, x_0, eps, abar) + self.weight * self._bound(mean.detach(), raw, x_0, eps, abar)

    def _bound(self, mean: Tensor, raw: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        """KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in bits per dimension, s = t - 1, but at least from level 1 to 0."""
        t = self.schedule.time_of(abar).round().clamp(min=1)
        abar_t, abar_s = self.schedule.at(t), self.schedule.at(t - 1)
        x_t = diffuse(x_0, eps, abar)
        true, _ = posterior_mean_std(x_t, x_0, abar_t, abar_s)
        found, _ = posterior_mean_std(x_t, denoised(mean, x_t, abar, self.prediction).clamp(-1, 1), abar_t, abar_s)
        variance = learned_variance((raw.clamp(-1, 1) + 1) / 2, abar_t, abar_s)
        ratio = per_sample(posterior_variance(abar_t, abar_s), variance) / variance
        return ((ratio - 1 - ratio.log() + (true - found).square() / variance) / 2).mean() / math.log(2)


def _precise(value: Tensor) -> Tensor:
    """The tensor in at least float32."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def _weighted_mean(error: Tensor, weight: Tensor) -> Tensor:
    """Mean over all elements of the error (B, ...) times the weight (B,) of its sample."""
    return (error * per_sample(weight, error)).mean()
