"""What a network predicts: noise, velocity, clean map or its logits, and the way from one to another.

With amplitudes a = sqrt(abar), s = sqrt(1 - abar) and x_t = a x_0 + s eps:

* ``eps``: the noise (Ho et al. 2020, arXiv:2006.11239);
* ``v``: a eps - s x_0 (Salimans & Ho 2022, arXiv:2202.00512, appendix D);
* ``x_0``: the clean sample;
* ``logit``: o with x_0 = 2 sigmoid(o) - 1, for binary maps in {-1, 1} whose mean is a probability.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from monai_fundusgen.diffusion.forward import signal_and_noise

Prediction = Literal["eps", "v", "x_0", "logit"]
PREDICTIONS = get_args(Prediction)


def check_prediction(prediction: str) -> None:
    """Raise ValueError unless ``prediction`` is one of the four."""
    if prediction not in PREDICTIONS:
        raise ValueError(f"parametrisation {prediction!r} is none of {', '.join(PREDICTIONS)}")


def target(x_0: Tensor, eps: Tensor, abar: Tensor, prediction: Prediction) -> Tensor:
    """What a network with this prediction is trained towards; for ``logit`` the probabilities (x_0 + 1) / 2.

    Args:
        x_0: clean maps (B, C, H, W) in [-1, 1].
        eps: the noise added, same shape.
        abar: signal power, scalar or (B,).
        prediction: parametrisation.
    """
    check_prediction(prediction)
    if prediction == "eps":
        return eps
    if prediction == "x_0":
        return x_0
    if prediction == "logit":
        return (x_0 + 1) / 2
    signal, noise = signal_and_noise(abar, x_0)
    return signal * eps - noise * x_0


def denoised(output: Tensor, x_t: Tensor, abar: Tensor, prediction: Prediction) -> Tensor:
    """Estimate of x_0 from a network's output, at least in float32 whatever the output's dtype.

    Args:
        output: network output (B, C, H, W).
        x_t: what the network saw, same shape.
        abar: signal power, scalar or (B,), in (0, 1); ``eps`` needs some signal, abar > 0.
        prediction: parametrisation of ``output``.
    """
    check_prediction(prediction)
    dtype = torch.promote_types(torch.promote_types(output.dtype, x_t.dtype), torch.float32)
    output, x_t = output.to(dtype), x_t.to(dtype)
    if prediction == "x_0":
        return output
    if prediction == "logit":
        return torch.tanh(output / 2)
    signal, noise = signal_and_noise(abar, x_t)
    if prediction == "v":
        return signal * x_t - noise * output
    return (x_t - noise * output) / signal


def predicted(x_0: Tensor, x_t: Tensor, abar: Tensor, prediction: Prediction) -> Tensor:
    """The output whose :func:`denoised` is ``x_0``: its inverse.

    Args:
        x_0: estimate of the clean sample; for ``logit`` in (-1, 1), the ends give infinities.
        x_t: noisy sample, same shape.
        abar: signal power, scalar or (B,); ``eps`` and ``v`` need some noise, abar < 1.
        prediction: parametrisation wanted.
    """
    check_prediction(prediction)
    if prediction == "x_0":
        return x_0
    if prediction == "logit":
        return torch.log1p(x_0) - torch.log1p(-x_0)
    signal, noise = signal_and_noise(abar, x_t)
    if prediction == "v":
        return (signal * x_t - x_0) / noise
    return (x_t - signal * x_0) / noise


def convert(output: Tensor, x_t: Tensor, abar: Tensor, source: Prediction, wanted: Prediction) -> Tensor:
    """A network's prediction of ``source``, said as a prediction of ``wanted``; shapes as in :func:`denoised`."""
    if source == wanted:
        return output
    return predicted(denoised(output, x_t, abar, source), x_t, abar, wanted)
