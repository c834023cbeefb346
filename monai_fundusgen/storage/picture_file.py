"""Pixels as lossless PNG files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.storage.whole_file import write_whole


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of grey (H, W) or RGB (H, W, 3) pixels, uint8."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


def write_png(path: str | Path, pixels: NDArray[np.uint8]) -> None:
    """Write grey (H, W) or RGB (H, W, 3) pixels, uint8, whole or not at all."""
    write_whole(path, png_bytes(pixels))
