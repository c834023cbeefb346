"""Pictures that an export makes anew, in the file format that their name asks for, marked as synthetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import SYNTHETIC
from monai_fundusgen.storage.picture_file import gif_bytes, png_bytes, tiff_bytes
from monai_fundusgen.storage.whole_file import write_whole


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write grey (H, W) or RGB (H, W, 3) pixels, uint8, as PNG, TIFF or GIF (grey only) by the suffix."""
    if path.suffix == ".tif":
        content = tiff_bytes(pixels, SYNTHETIC)
    elif path.suffix == ".gif":
        content = gif_bytes(pixels, SYNTHETIC)
    else:
        content = png_bytes(pixels, {"Synthetic": SYNTHETIC})
    write_whole(path, content)


def grey(plane: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask as grey levels 0 and 255."""
    return plane.astype(np.uint8) * 255
