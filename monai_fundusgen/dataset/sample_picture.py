"""The pictures of a sample as they are read back: whole, of the right mode, size and codes, or a complaint."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from monai_fundusgen.conventions import CROSSING_CODE

_MODES: Final = {"images": "RGB", "labels": "L", "av": "RGB", "fov": "L"}
_PNG: Final = ("PNG",)  # a data set holds no other format, so no other decoder is let near it


def picture_pixels(content: bytes, folder: str, side: int | None) -> NDArray[np.uint8]:
    """Pixels of a sample's file: (H, W, 3) of photographs and coloured labels, (H, W) of codes and fields.

    Args:
        content: bytes of the file.
        folder: ``images``, ``labels``, ``av`` or ``fov``: which picture it is.
        side: side in px that the settings promise; None: any.

    Raises:
        ValueError: it is cut or no PNG; or mode, size or values are not those of such a picture. The message tells
            what was found and what was expected, and names no file.
    """
    try:
        with Image.open(BytesIO(content), formats=_PNG) as image:
            _refuse_other_form(image, folder, side)  # before the pixels are unpacked: a small file may claim any size
            pixels: NDArray[np.uint8] = np.asarray(image)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no whole PNG of {len(content)} bytes ({type(error).__name__})") from error
    if folder == "labels" and pixels.max() > CROSSING_CODE:
        raise ValueError(f"label code {pixels.max()}, expected 0 to {CROSSING_CODE}")
    if folder == "fov" and not ((pixels == 0) | (pixels == 255)).all():
        raise ValueError("values other than 0 and 255")
    return pixels


def _refuse_other_form(image: Image.Image, folder: str, side: int | None) -> None:
    if image.mode != _MODES[folder]:
        raise ValueError(f"mode {image.mode}, expected {_MODES[folder]}")
    if side is not None and image.size != (side, side):
        raise ValueError(f"{image.size[0]} x {image.size[1]} px, expected {side} x {side}")
