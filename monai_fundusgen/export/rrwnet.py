"""The layout of RRWNet: photographs enhanced as its networks are given them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.morphology import disk

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.export.pictures import grey, write_picture
from monai_fundusgen.export.source import SourceDataset

EROSION_PX = 5  # the rim of the field that is left out
BLUR_PX = 10.0  # standard deviation of the background that is taken away
ZOOM = 1.15  # of the photograph that stands in for what lies outside the field


def rrwnet(source: SourceDataset, folder: Path) -> None:
    """``RITE/{train,test}/{enhanced,av3,enhanced_masks}/NN.png``: red artery, green vein, blue either."""
    for sample in source:
        part, name = folder / "RITE" / sample.part, f"{sample.number}.png"
        vessels = sample.vessels()
        enhanced, inside = enhance(sample.photograph(), sample.field_of_view())
        write_picture(part / "enhanced" / name, enhanced)
        write_picture(part / "enhanced_masks" / name, grey(inside))
        planes = np.stack([vessels[ARTERY], vessels[VEIN], sample.union()], axis=-1)
        write_picture(part / "av3" / name, grey(planes))


def enhance(photograph: NDArray[np.uint8], field: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A photograph less its blurred self, stretched to 0..255, and the field that it holds in.

    The field loses a rim of 5 px. Outside of it stands the photograph enlarged by 1.15 about its middle, so that the
    blur meets no black; a Gaussian of 10 px is taken away, in each channel; the difference is zero outside the field,
    and all channels together are stretched from their least to their greatest value.

    Args:
        photograph: (H, W, 3) uint8.
        field: (H, W) bool.

    Returns:
        (H, W, 3) uint8, 0 outside the field; and the smaller field (H, W) bool.

    Source: Morano, Aresta, Bogunovic 2024 (RRWNet, arXiv:2402.03166), its preprocessing; constants of its repository.
    """
    inside = ndimage.binary_erosion(field, disk(EROSION_PX))
    filled = np.where(inside[..., None], photograph, _enlarged(photograph)) / 255.0
    detail = filled - ndimage.gaussian_filter(filled, sigma=(BLUR_PX, BLUR_PX, 0.0))
    detail[~inside] = 0.0
    low, high = detail.min(), detail.max()
    stretched = (detail - low) / max(high - low, np.finfo(np.float64).tiny)
    stretched[~inside] = 0.0
    pixels: NDArray[np.uint8] = (stretched * 255).astype(np.uint8)
    return pixels, inside


def _enlarged(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of the enlarged photograph, in the size that it had."""
    height, width = photograph.shape[:2]
    size = (int(width * ZOOM), int(height * ZOOM))
    larger = np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BICUBIC))
    top, left = size[1] // 2 - height // 2, size[0] // 2 - width // 2
    return larger[top : top + height, left : left + width]
