"""Samplers as plain functions: ``sampler(denoise, x_T, levels, noise, callback) -> x_0``.

``denoise(x, abar)`` returns the estimate of x_0 for a scalar float64 ``abar`` in (0, 1); any network fits behind it.
``levels`` are signal powers from noisy to clean, (N + 1,), as ``NoiseSchedule.levels`` gives them. Coefficients are
computed in float64; the sample keeps the dtype and device of ``x_T`` (at least float32 advised).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor

from monai_fundusgen.diffusion.forward import per_sample
from monai_fundusgen.diffusion.posterior import learned_variance, posterior_mean_std, posterior_variance

Denoiser = Callable[[Tensor, Tensor], Tensor]
#: Called after each step with its index, the sample reached and the estimate of x_0 used.
Callback = Callable[[int, Tensor, Tensor], None]
Solver = Literal["ddpm", "ddim", "dpm_solver", "heun", "unipc"]
SOLVERS = get_args(Solver)


class Noise(Protocol):
    """Source of standard normal numbers, one stream per sample."""

    def normal(self, *shape: int) -> Tensor:
        """Standard normal (B, *shape)."""


class Sampler(Protocol):
    """What every function below is."""

    def __call__(
        self,
        denoise: Denoiser,
        x_T: Tensor,
        levels: Tensor,
        noise: Noise | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Sample (B, ...) at the last level, from ``x_T`` at the first."""


def num_levels(solver: Solver, num_evaluations: int) -> int:
    """Noisy levels that a solver visits when it may call the network ``num_evaluations`` times.

    Raises:
        ValueError: on an unknown solver or a count that it cannot make.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver {solver!r} is none of {', '.join(SOLVERS)}")
    if not isinstance(num_evaluations, int) or num_evaluations < 1:
        raise ValueError(f"{solver}: found {num_evaluations!r} evaluations; ask for a whole number, at least 1")
    if solver != "heun":
        return num_evaluations
    if num_evaluations % 2 == 0:
        raise ValueError(
            f"heun calls the network twice per step and once in the last, an odd number of times; "
            f"ask for {num_evaluations - 1} or {num_evaluations + 1} instead of {num_evaluations}"
        )
    return (num_evaluations + 1) // 2


def sampler_of(solver: Solver) -> Sampler:
    """The function of that name."""
    functions: dict[str, Sampler] = {
        "ddpm": ddpm, "ddim": ddim, "dpm_solver": dpm_solver, "heun": heun, "unipc": unipc
    }  # fmt: skip
    if solver not in functions:
        raise ValueError(f"solver {solver!r} is none of {', '.join(SOLVERS)}")
    return functions[solver]


def ddpm(
    denoise: Callable[[Tensor, Tensor], Tensor | tuple[Tensor, Tensor]],
    x_T: Tensor,
    levels: Tensor,
    noise: Noise | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Ancestral sampling, right for any sub-sequence of levels; N evaluations.

    ``denoise`` may return (x_0, v) with v in [0, 1], the learned fraction of the log variance
    (:func:`~monai_fundusgen.diffusion.posterior.learned_variance`); else the posterior's variance is used.

    Raises:
        ValueError: without ``noise``, or on levels that do not rise.

    Source: Ho et al. 2020 (arXiv:2006.11239), algorithm 2.
    """
    source = _required(noise, "ddpm")
    x = x_T
    for index, (abar_t, abar_s) in enumerate(_pairs(levels)):
        estimate = denoise(x, abar_t)
        x_0, fraction = estimate if isinstance(estimate, tuple) else (estimate, None)
        x, std = posterior_mean_std(x, x_0, abar_t, abar_s)
        if fraction is not None:
            std = learned_variance(fraction.to(x), abar_t, abar_s).sqrt()
        if abar_s < 1:
            x = x + std * source.normal(*x.shape[1:]).to(x)
        _report(callback, index, x, x_0)
    return x


def ddim(
    denoise: Denoiser,
    x_T: Tensor,
    levels: Tensor,
    noise: Noise | None = None,
    callback: Callback | None = None,
    *,
    eta: float = 0.0,
) -> Tensor:
    """Implicit sampling: deterministic for ``eta`` = 0, ancestral for 1; N evaluations.

    Raises:
        ValueError: with ``eta`` > 0 but no ``noise``, or on levels that do not rise.

    Source: Song et al. 2021 (arXiv:2010.02502), eq. 12 and 16.
    """
    source = _required(noise, "ddim with eta > 0") if eta > 0 else None
    x = x_T
    for index, (abar_t, abar_s) in enumerate(_pairs(levels)):
        x_0 = denoise(x, abar_t)
        variance = eta**2 * posterior_variance(abar_t, abar_s)
        keep = ((1 - abar_s - variance).clamp(min=0) / (1 - abar_t)).sqrt()
        x = per_sample(abar_s.sqrt() - keep * abar_t.sqrt(), x) * x_0 + per_sample(keep, x) * x
        if source is not None and abar_s < 1:
            x = x + per_sample(variance.sqrt(), x) * source.normal(*x.shape[1:]).to(x)
        _report(callback, index, x, x_0)
    return x


def dpm_solver(
    denoise: Denoiser, x_T: Tensor, levels: Tensor, noise: Noise | None = None, callback: Callback | None = None
) -> Tensor:
    """DPM-Solver++ 2M: deterministic, second order, multistep; N evaluations. ``noise`` is not used.

    The first step, and the last one if it ends at abar = 1, are of first order.

    Source: Lu et al. 2022 (arXiv:2211.01095), algorithm 2.
    """
    x = x_T
    left: list[tuple[Tensor, Tensor]] = []
    for index, (abar_t, abar_s) in enumerate(_pairs(levels)):
        x_0 = denoise(x, abar_t)
        left = [*left[-1:], (abar_t, x_0)]
        x = _towards(x, _extrapolated(left, abar_s), abar_t, abar_s)
        _report(callback, index, x, x_0)
    return x


def heun(
    denoise: Denoiser, x_T: Tensor, levels: Tensor, noise: Noise | None = None, callback: Callback | None = None
) -> Tensor:
    """Heun's rule on the probability flow; deterministic, second order, the robust one-step solver.

    2 N - 1 evaluations for N levels that end at abar = 1 (the last step is Euler's). ``noise`` is not used. Every
    step is exact for a constant estimate, so it may be as long as the first one of a cosine schedule; Heun's rule in
    sigma, as in EDM, weighs the estimate at the end of such a step hundredfold.

    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1, in the exponential form of Zhang & Chen 2022
    (arXiv:2204.13902).
    """
    x = x_T
    for index, (abar_t, abar_s) in enumerate(_pairs(levels)):
        x_0 = denoise(x, abar_t)
        ahead = _towards(x, x_0, abar_t, abar_s)
        if abar_s < 1:
            ahead = _towards(x, (x_0 + denoise(ahead, abar_s)) / 2, abar_t, abar_s)
        x = ahead
        _report(callback, index, x, x_0)
    return x


def unipc(
    denoise: Denoiser, x_T: Tensor, levels: Tensor, noise: Noise | None = None, callback: Callback | None = None
) -> Tensor:
    """UniPC of order 2 (x_0 form, B(h) = e^h - 1): deterministic predictor and corrector; N evaluations.

    The evaluation at a predicted point corrects that point and serves the next prediction. ``noise`` is not used.

    Source: Zhao et al. 2023 (arXiv:2302.04867), algorithms 5-8.
    """
    x = x_T
    left: list[tuple[Tensor, Tensor]] = []  # signal power and estimate at the levels left, newest last
    x_left = x_T
    for index, (abar_t, abar_s) in enumerate(_pairs(levels)):
        x_0 = denoise(x, abar_t)
        if left:
            x = _towards(x_left, _corrected(left, x_0, abar_t), left[-1][0], abar_t)
        left = [*left[-1:], (abar_t, x_0)]
        x_left = x
        x = _towards(x, _extrapolated(left, abar_s), abar_t, abar_s)
        _report(callback, index, x, x_0)
    return x


def _extrapolated(left: list[tuple[Tensor, Tensor]], abar_s: Tensor) -> Tensor:
    """Estimate of x_0 for the step to ``abar_s``, linear in the half log-snr through the last two estimates."""
    (abar_t, x_0) = left[-1]
    step = _half_log_snr(abar_s) - _half_log_snr(abar_t)
    if len(left) == 1 or math.isinf(step):
        return x_0
    ratio = step / (_half_log_snr(abar_t) - _half_log_snr(left[0][0]))
    return x_0 + 0.5 * ratio * (x_0 - left[0][1])


def _corrected(left: list[tuple[Tensor, Tensor]], x_0: Tensor, abar: Tensor) -> Tensor:
    """UniC's mean estimate over the step that ended at ``abar``, where ``x_0`` was estimated afterwards."""
    abar_a, x_0_a = left[-1]
    if len(left) == 1:
        return (x_0_a + x_0) / 2
    step = _half_log_snr(abar) - _half_log_snr(abar_a)
    decay = math.expm1(-step)
    first = (-decay / step - 1) / decay
    second = 2 * (-first * decay / step - 0.5) / decay
    ratio = (_half_log_snr(left[0][0]) - _half_log_snr(abar_a)) / step
    of_past = (first - second) / (1 - ratio)
    return x_0_a + of_past / ratio * (left[0][1] - x_0_a) + (first - of_past) * (x_0 - x_0_a)


def _towards(x: Tensor, x_0: Tensor, abar_t: Tensor, abar_s: Tensor) -> Tensor:
    """The exact step of the probability flow from t to s while the estimate stays ``x_0``."""
    keep = ((1 - abar_s) / (1 - abar_t)).sqrt()
    return per_sample(abar_s.sqrt() - keep * abar_t.sqrt(), x) * x_0 + per_sample(keep, x) * x


def _half_log_snr(abar: Tensor) -> float:
    """Log of signal over noise amplitude; infinite at abar = 1."""
    return torch.logit(abar).item() / 2


def _pairs(levels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Consecutive levels (abar_t, abar_s) as float64 scalars on the CPU.

    Raises:
        ValueError: unless the levels rise strictly within (0, 1].
    """
    levels = levels.detach().to("cpu", torch.float64)
    if levels.ndim != 1 or len(levels) < 2 or not ((levels[1:] > levels[:-1]).all() and levels[0] > 0):
        raise ValueError(f"levels must rise strictly within (0, 1], found {levels}; take NoiseSchedule.levels(...)")
    if levels[-1] > 1:
        raise ValueError(f"levels end at {levels[-1]:g}; a signal power is at most 1")
    return list(zip(levels[:-1], levels[1:], strict=True))


def _required(noise: Noise | None, name: str) -> Noise:
    """The noise, or a ValueError that names the way out."""
    if noise is None:
        raise ValueError(
            f"{name} adds noise in every step: hand in noise=SeededNoise(seeds), or take a deterministic solver"
        )
    return noise


def _report(callback: Callback | None, index: int, x: Tensor, x_0: Tensor) -> None:
    """Call the callback where there is one."""
    if callback is not None:
        callback(index, x, x_0)
