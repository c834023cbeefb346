"""The forward process: clean maps to noisy ones."""

from __future__ import annotations

from torch import Tensor


def per_sample(value: Tensor, like: Tensor) -> Tensor:
    """A coefficient of each sample, cast to the dtype and device of ``like`` and shaped to multiply it.

    Args:
        value: a scalar, (B,), or anything that broadcasts to ``like``.
        like: (B, ...).

    Raises:
        ValueError: when (B,) does not fit the batch.
    """
    if value.ndim == 1:
        if len(value) not in (1, len(like)):
            raise ValueError(f"{len(value)} levels for a batch of {len(like)}; give one per sample, or one scalar")
        value = value.reshape(-1, *(1,) * (like.ndim - 1))
    return value.to(like)


def signal_and_noise(abar: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Amplitudes sqrt(abar) and sqrt(1 - abar), ready to multiply ``like``.

    The roots are taken in the precision of ``abar`` (float64 from a schedule) and cast afterwards; ``abar`` is a
    scalar or (B,), in [0, 1].
    """
    return per_sample(abar.sqrt(), like), per_sample((1 - abar).sqrt(), like)


def diffuse(x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
    """Noisy sample x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps, of the dtype and device of ``x_0``.

    Args:
        x_0: clean sample (B, ...), maps in [-1, 1].
        eps: standard normal noise, same shape.
        abar: signal power, scalar or (B,), in [0, 1].

    Source: Ho et al. 2020 (arXiv:2006.11239), eq. 4.
    """
    signal, noise = signal_and_noise(abar, x_0)
    return signal * x_0 + noise * eps
