"""Optic discs that a photograph shows: how many, and where. A real eye has one, where its vessels meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter, maximum_filter

from monai_fundusgen.conventions import DISC_RADIUS_MM, FIELD_FILL, MM_PER_DEGREE

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_SIDE: Final = 128  # px that photographs are reduced to
_INNER: Final = 0.5  # standard deviation of the disc's mean, in radii, and
_OUTER: Final = 2.0  # of that of its surroundings
_APART: Final = 2.0  # two discs lie at least so many radii apart
_RIM: Final = 0.7  # the field's edge, in radii, is left out
_SHARE: Final = 0.5  # strength of a further disc over that of the strongest, and
_LEAST: Final = 0.16  # in any case, as has the faintest disc of 36 photographs of HRF


@dataclass(frozen=True)
class BrightDisc:
    """A bright round spot of the size of a disc.

    Attributes:
        row, column: its middle, as shares of the side in [0, 1].
        strength: how much brighter than its surroundings, in units of the photograph.
    """

    row: float
    column: float
    strength: float


def optic_discs(photograph: NDArray[np.floating], fov: BoolArray, field_deg: float = 60.0) -> list[BrightDisc]:
    """Bright spots of the size of a disc, strongest first.

    The strongest always counts; a further one with half its strength and at least that of a faint real disc. So set,
    every one of 36 photographs of HRF has one disc.

    Args:
        photograph: (3, S, S) in [0, 1].
        fov: field of view (S, S).
        field_deg: visual angle of the field, for the size of a disc.

    Raises:
        ValueError: sizes differ, or there is no field of view.
    """
    if photograph.shape[1:] != fov.shape or not fov.any():
        raise ValueError(
            f"optic_discs: found photograph {photograph.shape[1:]} and field {fov.shape} of {fov.sum()} px"
        )
    radius_px = DISC_RADIUS_MM * FIELD_FILL / (MM_PER_DEGREE * field_deg) * _SIDE
    inside = _reduced(fov.astype(np.float64))
    red, green = (_reduced(np.asarray(plane * fov, dtype=np.float64)) for plane in photograph[:2])
    bright = red + green
    answer = _mean(bright, inside, _INNER * radius_px) - _mean(bright, inside, _OUTER * radius_px)
    core = binary_erosion(inside > 0.5, iterations=round(_RIM * radius_px), border_value=0)
    answer = np.where(core, answer, 0.0)
    peaks = (answer == maximum_filter(answer, size=2 * round(_APART * radius_px) + 1)) & (answer > 0)
    found = sorted(((float(answer[place]), place) for place in zip(*np.nonzero(peaks), strict=True)), reverse=True)
    return [
        BrightDisc(float(row + 0.5) / _SIDE, float(column + 0.5) / _SIDE, strength)
        for strength, (row, column) in found
        if strength == found[0][0] or strength >= max(_SHARE * found[0][0], _LEAST)
    ]


def _reduced(plane: FloatArray) -> FloatArray:
    """Area averages of a square plane at about 128 px, by whole factors; odd rests are cut."""
    factor = max(plane.shape[-1] // _SIDE, 1)
    cut = plane[: plane.shape[0] // factor * factor, : plane.shape[1] // factor * factor]
    small: FloatArray = cut.reshape(cut.shape[0] // factor, factor, cut.shape[1] // factor, factor).mean(axis=(1, 3))
    return small


def _mean(values: FloatArray, weight: FloatArray, sigma: float) -> FloatArray:
    """Gaussian mean of what lies inside the field; ``values`` are zero outside."""
    mean: FloatArray = gaussian_filter(values, sigma) / np.maximum(gaussian_filter(weight, sigma), 1e-3)
    return mean
