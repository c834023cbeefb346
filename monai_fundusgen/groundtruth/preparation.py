"""One look for every image of a case: flat field, vessels bright, even contrast.

A frame of the choroidal flush shows its vessels dark, a late one bright, an archive may hold frames inverted for
print, and a photograph shows vessels dark in green. After this, most vessels of each are bright on an even ground.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.exposure import equalize_adapthist

from monai_fundusgen.groundtruth.blur import wide_blur
from monai_fundusgen.groundtruth.case import Mask, Plane
from monai_fundusgen.groundtruth.ridges import line_strength

#: Widths, in shares of the longer side: the ground that is levelled, the tiles of the contrast, vessels that tell
#: which way the contrast goes.
_GROUND: Final = 1 / 40
_TILES: Final = 8
_VESSEL: Final = 1 / 400
#: Standard deviations of the levelled image that black and white stand for, and the clip limit of the contrast.
_SPAN: Final = 4.0
_CLIP: Final = 0.01


def prepared(image: Plane, valid: Mask) -> Plane:
    """An image (H, W) in [0, 1] with a flat field, bright vessels and even contrast: (H, W) float32 in [0, 1].

    The same picture comes out of an image and of its negative. Where ``valid`` (H, W) is False, it is the mean.

    Args:
        image: a frame, or the green channel of a photograph.
        valid: where it shows retina.

    Raises:
        ValueError: nothing is valid.
    """
    if not valid.any():
        raise ValueError("prepared: found an image without one valid pixel; expected some retina")
    level = levelled(image, valid)
    if vessels_are_dark(level, valid):
        level = -level
    unit = np.clip(0.5 + level / (2 * _SPAN), 0, 1)
    even = equalize_adapthist(unit, kernel_size=max(max(image.shape) // _TILES, 8), clip_limit=_CLIP)
    return np.where(valid, even, np.float32(0.5)).astype(np.float32)


def green_of(photograph: NDArray[np.uint8]) -> Plane:
    """Green channel of a photograph (3, H, W) uint8 as (H, W) float32 in [0, 1]: the one in which vessels show."""
    return photograph[1].astype(np.float32) / 255


def levelled(image: Plane, valid: Mask) -> Plane:
    """Ground taken away, then divided by the spread round each place: (H, W), 0 on average, 0 where not valid."""
    sigma = max(image.shape) * _GROUND
    weight = wide_blur(valid.astype(np.float32), sigma)
    weight = np.maximum(weight, np.float32(1e-3))
    centred = np.where(valid, image - wide_blur(np.where(valid, image, 0), sigma) / weight, 0)
    spread = np.sqrt(wide_blur(centred * centred, 2 * sigma) / np.maximum(wide_blur(weight, 2 * sigma), 1e-3))
    floor = max(float(np.median(spread[valid])) / 4, 1e-4)
    found: Plane = np.where(valid, centred / np.maximum(spread, floor), 0).astype(np.float32)
    return found


def vessels_are_dark(level: Plane, valid: Mask) -> bool:
    """Whether thin dark lines stand out of a levelled image (H, W) more than thin bright ones."""
    inside = ndimage.binary_erosion(valid, iterations=max(round(max(valid.shape) / 100), 1))
    inside = inside if inside.any() else valid
    sigma = max(level.shape) * _VESSEL
    bright, dark = (float(np.percentile(side[inside], 97)) for side in line_strength(level, sigma))
    return dark > bright
