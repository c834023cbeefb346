"""Frames that cannot be used whatever they show: black in part, flat, or blurred. Told by measurement alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Frame, Mask, Plane
from monai_fundusgen.groundtruth.plane import block_mean
from monai_fundusgen.groundtruth.preparation import levelled
from monai_fundusgen.groundtruth.ridges import line_strength

#: A place is black below so much brightness; a frame is lit over at least this share of its case's field.
_BLACK: Final = 1.5 / 255
_LEAST_LIT: Final = 0.7
_BLOCK_PX: Final = 8
#: Spread of brightness under which nothing is seen.
_FLAT: Final = 1.5 / 255
#: Strength of fine lines over that of wide ones, at least: by itself, and against the sharper frames of the case.
#: Sharp frames of the phantom have 0.77 to 1.12, blurred by 4 px at 1024 they have 0.33 to 0.42.
_LEAST_SHARP: Final = 0.3
_LEAST_OF_SHARPER: Final = 0.45


def frame_faults(frames: Sequence[Frame]) -> list[str]:
    """Why each frame cannot be used, with the figure; an empty text where nothing is wrong with it alone."""
    lit = [lit_area(frame) for frame in frames]
    widest: dict[tuple[int, ...], int] = {}
    for frame, mask in zip(frames, lit, strict=True):
        largest = max(int(frame.valid.sum()), int(mask.sum()))
        widest[frame.image.shape] = max(widest.get(frame.image.shape, 0), largest)
    faults = [_dark_fault(frame, mask, widest[frame.image.shape]) for frame, mask in zip(frames, lit, strict=True)]
    sharpness = {i: sharpness_of(frame.image, frame.valid) for i, frame in enumerate(frames) if not faults[i]}
    usual = float(np.percentile(list(sharpness.values()), 75)) if sharpness else 0.0
    least = max(_LEAST_SHARP, _LEAST_OF_SHARPER * usual)
    for i, value in sharpness.items():
        if value < least:
            faults[i] = (
                f"blurred: fine lines have {value:.2f} of the strength of wide ones, expected at least {least:.2f}"
            )
    return faults


def lit_area(frame: Frame) -> Mask:
    """Valid pixels (H, W) of a frame less places that are black."""
    mean = block_mean(frame.image, _BLOCK_PX)
    bright = np.repeat(np.repeat(mean > _BLACK, _BLOCK_PX, axis=0), _BLOCK_PX, axis=1)
    found: Mask = frame.valid & bright[: frame.image.shape[0], : frame.image.shape[1]]
    return found


def _dark_fault(frame: Frame, lit: Mask, widest: int) -> str:
    """What is wrong with the light of a frame."""
    share = lit.sum() / max(widest, 1)
    if share < _LEAST_LIT:
        return f"black in part: lit over {share:.0%} of this case's field, expected at least {_LEAST_LIT:.0%}"
    spread = float(frame.image[lit].std())
    if spread < _FLAT:
        return f"blank: its brightness spreads by {spread:.4f}, expected at least {_FLAT:.4f}"
    return ""


def sharpness_of(image: Plane, valid: Mask) -> float:
    """Strength of fine lines over that of wide ones, both the 98th percentile over the valid area; 0 without lines."""
    side = max(image.shape)
    level = levelled(image, valid)
    inside = ndimage.distance_transform_edt(np.pad(valid, 1))[1:-1, 1:-1] > side / 60
    if not inside.any():
        return 0.0
    fine, wide = (
        float(np.percentile(line_strength(level, max(side * width, 0.7)).max(axis=0)[inside], 98))
        for width in (1 / 500, 1 / 190)
    )
    return fine / wide if wide > 0 else 0.0
