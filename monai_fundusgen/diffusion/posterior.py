"""One step back: q(x_s | x_t, x_0) for any two levels, and the variance a network may learn."""

from __future__ import annotations

from torch import Tensor

from monai_fundusgen.diffusion.forward import per_sample


def posterior_mean_std(x_t: Tensor, x_0: Tensor, abar_t: Tensor, abar_s: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(x_s | x_t, x_0), for any earlier level s < t.

    Args:
        x_t: noisy sample (B, ...).
        x_0: clean sample, same shape, in [-1, 1].
        abar_t: signal power at t, scalar or (B,), in (0, 1).
        abar_s: signal power at s, abar_t < abar_s <= 1; at 1 the answer is x_0 with no spread.

    Source: Ho et al. 2020 (arXiv:2006.11239), eq. 6-7, with beta = 1 - abar_t / abar_s,
    so one formula serves the full chain and a respaced one.
    """
    alpha = abar_t / abar_s
    of_x_0 = abar_s.sqrt() * (1 - alpha) / (1 - abar_t)
    of_x_t = alpha.sqrt() * (1 - abar_s) / (1 - abar_t)
    mean = per_sample(of_x_0, x_t) * x_0 + per_sample(of_x_t, x_t) * x_t
    return mean, per_sample(posterior_variance(abar_t, abar_s).sqrt(), x_t)


def posterior_variance(abar_t: Tensor, abar_s: Tensor) -> Tensor:
    """Variance of q(x_s | x_t, x_0), as a function of the levels alone; 0 at abar_s = 1."""
    return (1 - abar_t / abar_s) * (1 - abar_s) / (1 - abar_t)


def learned_variance(fraction: Tensor, abar_t: Tensor, abar_s: Tensor) -> Tensor:
    """Variance between its two bounds, interpolated in log space: beta^v posterior^(1 - v).

    Args:
        fraction: v in [0, 1], (B, ...): 1 is the upper bound beta = 1 - abar_t / abar_s (right for data that fills
            space), 0 the posterior's variance (right for data at one point). A network's raw output o in [-1, 1]
            is taken as (o + 1) / 2.
        abar_t: signal power at t, scalar or (B,).
        abar_s: signal power at s, abar_t < abar_s <= 1.

    Source: Nichol & Dhariwal 2021 (arXiv:2102.09672), eq. 15.
    """
    upper = per_sample(1 - abar_t / abar_s, fraction)
    lower = per_sample(posterior_variance(abar_t, abar_s), fraction)
    return upper**fraction * lower ** (1 - fraction)
