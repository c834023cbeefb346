"""A vessel map made ready for registration: smaller, levelled, with its scale to the image it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.groundtruth.blur import wide_blur
from monai_fundusgen.groundtruth.case import Mask, Plane

#: The level of a map is told from its surroundings of this share of its longer side. What rises less than ``_GROUND``
#: spreads above them is ground and pulls nowhere; what rises more than ``_GREATEST`` beyond that pulls no harder.
_SURROUNDINGS: Final = 1 / 24
_GROUND: Final = 0.5
_GREATEST: Final = 2.5


@dataclass(frozen=True)
class VesselPlane:
    """A levelled vessel map on a grid whose pixels hold ``step`` x ``step`` pixels of the image.

    Attributes:
        level: (h, w) float32 >= 0, how far the map rises above its surroundings, in units of their spread; 0 on the
            ground and where not valid.
        valid: (h, w) bool.
        step: pixels of the image to a side of one of these; its pixel u has its centre at ``(u + 0.5) step - 0.5``.
    """

    level: Plane
    valid: Mask
    step: float

    @property
    def image_shape(self) -> tuple[float, float]:
        """(H, W) of the image in its own pixels."""
        return self.level.shape[0] * self.step, self.level.shape[1] * self.step

    def to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of this grid in pixels of the image."""
        return (points + 0.5) * self.step - 0.5

    def to_plane(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the image on this grid."""
        return (points + 0.5) / self.step - 0.5


def vessel_plane(probability: Plane, valid: Mask, *, longest: int, sigma: float) -> VesselPlane:
    """Bring a vessel probability (H, W) to a longer side of about ``longest`` and smooth it by ``sigma`` of its pixels.

    Whole blocks of pixels are averaged, so ``step`` is a whole number; an image that is smaller stays as it is.
    """
    step = max(round(max(probability.shape) / longest), 1)
    shown = block_mean(valid.astype(np.float32), step)
    coarse = block_mean(np.where(valid, probability, np.float32(0)), step)
    inside = shown > 0.5
    weight = np.maximum(ndimage.gaussian_filter(shown, sigma), np.float32(1e-3))
    smooth = ndimage.gaussian_filter(coarse, sigma) / weight
    wide = max(coarse.shape) * _SURROUNDINGS
    around = np.maximum(wide_blur(inside.astype(np.float32), wide), np.float32(1e-3))
    centred = np.where(inside, smooth - wide_blur(np.where(inside, smooth, 0), wide) / around, 0)
    spread = np.sqrt(wide_blur(centred * centred, wide) / around)
    floor = 0.5 * float(np.median(spread[inside])) if inside.any() else 1.0
    level = np.clip(centred / np.maximum(spread, max(floor, 1e-6)) - _GROUND, 0, _GREATEST)
    return VesselPlane(np.where(inside, level, 0).astype(np.float32), inside, float(step))


def block_mean(image: Plane, step: int) -> Plane:
    """Mean of blocks of ``step`` x ``step`` pixels of (H, W); the last ones are filled up with zeros."""
    height, width = image.shape
    padded = np.pad(image, ((0, -height % step), (0, -width % step)))
    found: Plane = padded.reshape(padded.shape[0] // step, step, -1, step).mean(axis=(1, 3), dtype=np.float32)
    return found


def halved(plane: VesselPlane) -> VesselPlane:
    """The same map on a grid of half as many pixels each way."""
    return VesselPlane(block_mean(plane.level, 2), block_mean(plane.valid.astype(np.float32), 2) > 0.5, 2 * plane.step)
