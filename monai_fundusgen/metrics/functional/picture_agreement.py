"""Does a photograph show the vessels of its label? Contrast along them, and what an independent filter finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter
from skimage.filters import sato

from monai_fundusgen.metrics.functional.vessel_depth import relative_depth

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_GREEN: Final = 1  # the channel in which haemoglobin absorbs most
_RIM: Final = 12  # 1024ths of the side: the field's edge is no vessel
_WIDTHS: Final = (1.5, 2.5, 4.0)  # 1024ths of the side: scales of the filter


@dataclass(frozen=True)
class PictureAgreement:
    """How well one photograph fits its label.

    Attributes:
        contrast: mean over vessel pixels of `relative_depth` in the green channel.
        thin_contrast: the same over vessels of at most 4 / 1024 of the side.
        filter_dice: Dice of the label and of as many pixels as it has, where a ridge filter answers most.
    """

    contrast: float
    thin_contrast: float
    filter_dice: float


def picture_agreement(photograph: NDArray[np.floating], vessel: BoolArray, fov: BoolArray) -> PictureAgreement:
    """Contrast and filter Dice inside the field, its rim left out.

    Args:
        photograph: (3, S, S) in [0, 1].
        vessel: label of both kinds (S, S).
        fov: field of view (S, S).

    Raises:
        ValueError: sizes differ, or there is no vessel inside the field.
    """
    if photograph.shape[1:] != vessel.shape or vessel.shape != fov.shape:
        raise ValueError(f"picture_agreement: found sizes {photograph.shape[1:]}, {vessel.shape}, {fov.shape}")
    unit = vessel.shape[-1] / 1024
    inside = binary_erosion(fov, iterations=max(round(_RIM * unit), 1), border_value=0)
    seen = vessel & inside
    if not seen.any():
        raise ValueError("picture_agreement: no vessel inside the field of view")
    green = np.asarray(photograph[_GREEN], dtype=np.float64)
    drop = relative_depth(green[None], vessel, fov)[0]
    thick = binary_dilation(
        binary_erosion(vessel, iterations=max(round(2 * unit), 1)), iterations=max(round(3 * unit), 1)
    )
    thin = seen & ~thick
    return PictureAgreement(
        contrast=float(np.nanmean(drop[seen])),
        thin_contrast=float(np.nanmean(drop[thin])) if thin.any() else float("nan"),
        filter_dice=_filter_dice(green, seen, inside, [width * unit for width in _WIDTHS]),
    )


def _filter_dice(green: FloatArray, seen: BoolArray, inside: BoolArray, widths_px: Sequence[float]) -> float:
    """Dice of the label and the strongest answers of Sato's filter to dark ridges, as many as the label has pixels.

    Source: Sato et al. 1998 (Med Image Anal 2:143), scikit-image's implementation.
    """
    level = gaussian_filter(green, 16 * widths_px[0]) + 1e-3
    answer = np.where(inside, sato(green / level, sigmas=widths_px, black_ridges=True), -np.inf)
    count = int(seen.sum())
    found = answer >= np.partition(answer.ravel(), -count)[-count]
    return float(2 * (found & seen).sum() / (found.sum() + count))
