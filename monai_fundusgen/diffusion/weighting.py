"""Weights of the training loss: over pixels (the paper's) and over noise levels.

A level's weight depends on the parametrisation, because the same error of x_0 is a different error of eps or v:
with snr = abar / (1 - abar), err(eps)^2 = snr err(x_0)^2 and err(v)^2 = (snr + 1) err(x_0)^2. Functions of ``abar``
(B,) return (B,), float64 as a schedule gives it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from monai_fundusgen.diffusion.parametrisation import Prediction, check_prediction

#: Largest |c|: exp(c) is 1e13, and the square of a gradient of that size, which norms and Adam sum, fits float32.
MAX_TILT = 30.0


def exponential(x_0: Tensor, c: float, *, vessel_fraction: float | None = None) -> Tensor:
    """The paper's pixel weight exp(c x_0), in at least float32.

    The weight depends on the map itself, so it moves the optimum: an ideal network predicts log-odds(vessel) + 2c
    instead of log-odds(vessel); see :func:`shift_logits`.

    Args:
        x_0: clean maps in [-1, 1].
        c: strength; 0 is no weight, positive favours vessels. |c| <= 30.
        vessel_fraction: None gives the plain exponential; a fraction p of vessel pixels in (0, 1) divides by its
            mean p e^c + (1 - p) e^-c over binary maps, so that c does not change the size of the loss.

    Raises:
        ValueError: when the weight of c or its gradient overflows, or the fraction is outside (0, 1).

    Source: Go et al. 2023 (arXiv:2305.06813).
    """
    if not abs(c) <= MAX_TILT:
        raise ValueError(
            f"exponential: exp(c x_0) or its gradient overflows float32 for c = {c}; take |c| <= {MAX_TILT:g}, say 0.5"
        )
    weight = torch.exp(c * x_0.to(torch.promote_types(x_0.dtype, torch.float32)))
    if vessel_fraction is None:
        return weight
    if not 0 < vessel_fraction < 1:
        raise ValueError(f"exponential: vessel fraction {vessel_fraction} is outside (0, 1); vessels cover about 0.1")
    return weight / (vessel_fraction * math.exp(c) + (1 - vessel_fraction) * math.exp(-c))


def shift_logits(x_0: Tensor, shift: float | Tensor) -> Tensor:
    """x_0 <- tanh(atanh(x_0) - shift): takes an estimate's log-odds back by 2 shift.

    With ``shift = c`` it undoes the optimum of :func:`exponential` for an ideal network. A trained network under the
    weight comes out at about the density of the plain one, but in more pieces (docs/concepts/reweighted-loss.md); a
    negative shift of a few hundredths lends density to a plain network whose maps are too thin.

    Args:
        x_0: estimate of a binary map, clipped to [-1, 1]; -1 and 1 stay.
        shift: number, or tensor that broadcasts to ``x_0``.
    """
    x_0 = x_0.clamp(-1, 1)
    return 2 * torch.sigmoid(torch.log1p(x_0) - torch.log1p(-x_0) - 2 * shift) - 1


def snr_of(abar: Tensor) -> Tensor:
    """Signal power over noise power, abar / (1 - abar)."""
    return abar / (1 - abar)


def per_prediction(weight_of_x_0: Tensor, abar: Tensor, prediction: Prediction) -> Tensor:
    """The weight of an x_0 error (B,), said for the error of what is predicted; logits are weighted like x_0."""
    check_prediction(prediction)
    if prediction == "eps":
        return weight_of_x_0 / snr_of(abar)
    if prediction == "v":
        return weight_of_x_0 * (1 - abar)
    return weight_of_x_0


def min_snr(abar: Tensor, prediction: Prediction, *, gamma: float = 5.0) -> Tensor:
    """Min-SNR-gamma: min(snr, gamma) on x_0, and the same on the others.

    Source: Hang et al. 2023 (arXiv:2303.09556), section 3.4.
    """
    return per_prediction(snr_of(abar).clamp(max=gamma), abar, prediction)


def edm(abar: Tensor, prediction: Prediction, *, sigma_data: float = 0.5) -> Tensor:
    """(sigma^2 + sigma_data^2) / (sigma sigma_data)^2 on x_0, with sigma^2 = 1 / snr.

    Source: Karras et al. 2022 (arXiv:2206.00364), table 1.
    """
    return per_prediction(snr_of(abar) + 1 / sigma_data**2, abar, prediction)


def capped_inverse_noise(abar: Tensor, prediction: Prediction, *, cap: float = 10.0) -> Tensor:
    """min(1 / (1 - abar), cap) = min(1 + snr, cap) on x_0: the plain v loss, capped where a map is nearly clean."""
    return per_prediction((1 / (1 - abar)).clamp(max=cap), abar, prediction)
