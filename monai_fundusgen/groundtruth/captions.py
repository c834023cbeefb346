"""Text that a camera burned into an image: patient data, time stamps, scale bars. None of it is retina."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Mask

#: Glyphs reach the image's white to within so many levels of 255; their smoothed rims reach this share of it.
_WHITE_LEVELS: Final = 5
_RIM: Final = 0.7
#: Height of a glyph, in shares of the longer side, and in pixels whatever the image's size.
_HEIGHTS: Final = (0.006, 0.05)
_HEIGHTS_PX: Final = (5, 16)
#: A line has at least so many glyphs, of about one height and foot, none farther apart than this many heights.
_LEAST_GLYPHS: Final = 3
_APART: Final = 1.6


def caption_mask(image: NDArray[np.uint8]) -> Mask:
    """Where text stands (H, W) in a grey image (H, W) uint8, with a rim: rows of white glyphs of one height.

    A glyph is a connected bright spot that reaches the image's white, as high as letters are. Single spots, and what is
    no row of at least three, stay: those are reflections and vessels.
    """
    top = int(image.max())
    components, _ = ndimage.label(image >= max(_RIM * top, 128), np.ones((3, 3)))
    white = np.unique(components[image >= top - _WHITE_LEVELS])
    components = np.where(np.isin(components, white), components, 0)
    mask = np.zeros(image.shape, bool)
    least, most = (max(share * max(image.shape), px) for share, px in zip(_HEIGHTS, _HEIGHTS_PX, strict=True))
    found = [place for place in ndimage.find_objects(components) if place is not None]
    boxes = np.array([(r.start, r.stop, c.start, c.stop) for r, c in found], dtype=int).reshape(-1, 4)
    height, width = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    glyphs = boxes[(height >= least) & (height <= most) & (width <= 2 * height)]
    for line in _lines(glyphs):
        top, bottom, left, right = line[:, 0].min(), line[:, 1].max(), line[:, 2].min(), line[:, 3].max()
        rim = max((bottom - top) // 2, 2)
        mask[max(top - rim, 0) : bottom + rim, max(left - rim, 0) : right + rim] = True
    return mask


def _lines(glyphs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of glyphs (K, 4): top, bottom, left, right."""
    left = list(glyphs[np.argsort(glyphs[:, 2])])
    found = []
    while left:
        line = [left.pop(0)]
        for glyph in list(left):
            if _continues(line[-1], glyph):
                line.append(glyph)
                left = [one for one in left if one is not glyph]
        if len(line) >= _LEAST_GLYPHS:
            found.append(np.array(line))
    return found


def _continues(before: NDArray[np.int64], glyph: NDArray[np.int64]) -> bool:
    """Whether a glyph stands right of another in the same line."""
    height = max(before[1] - before[0], glyph[1] - glyph[0])
    level = abs(int(before[1]) - int(glyph[1])) <= 0.35 * height
    alike = min(before[1] - before[0], glyph[1] - glyph[0]) >= 0.5 * height
    return bool(level and alike and -2 <= glyph[2] - before[3] <= _APART * height)
