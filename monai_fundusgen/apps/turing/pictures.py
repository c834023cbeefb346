"""Pictures made alike: one square, one size, one field of view, one JPEG history, one file length, no metadata."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from monai_fundusgen.data.reading import read_rgb
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.transforms.fov import estimate_fov, field_circle, square_crop
from monai_fundusgen.transforms.resize import area_resize

_RIM: Final = 0.02  # of the side, taken off all round: cameras end their field softly, generators sharply
_MIN_SHARE: Final = 0.6  # of a full circle that all pictures must have in common


def squared(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A photograph brought to the square of its field (3, S, S), and its field (S, S).

    Args:
        path: of the photograph.
        size: S, in px.

    Raises:
        OSError, ValueError: unreadable, black, or of fewer px than S; the message names the file.
    """
    pixels = read_rgb(path)
    try:
        field = estimate_fov(pixels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give a colour fundus photograph") from error
    circle = field_circle(field)
    square = np.asarray(square_crop(pixels, circle), np.uint8)
    side = square.shape[-1]
    if side < size:
        raise ValueError(
            f"{path}: its field is {side} px across, expected at least the study's size of {size} px, since "
            f"an enlarged picture is told by its blur; give size: {side} or less in the study's file"
        )
    inside = area_resize(square_crop(field[None], circle), size, size)[0] > 0.5
    return np.rint(area_resize(square, size, size)).clip(0, 255).astype(np.uint8), np.asarray(inside)


def common_field(fields: Sequence[tuple[Path, NDArray[np.bool_]]]) -> NDArray[np.bool_]:
    """What lies in the field of every picture (S, S), less a rim.

    Raises:
        ValueError: too little; names the picture with the smallest field.
    """
    shared = np.logical_and.reduce([field for _, field in fields])
    size = shared.shape[0]
    distance = np.asarray(ndimage.distance_transform_edt(np.pad(shared, 1)))[1:-1, 1:-1]
    shared = distance > _RIM * size
    share = float(shared.sum()) / (np.pi * size**2 / 4)
    if share < _MIN_SHARE:
        path, smallest = min(fields, key=lambda each: int(each[1].sum()))
        raise ValueError(
            f"{path}: its field fills {smallest.mean():.0%} of its square, so that all pictures have {share:.0%} of a "
            f"circle in common; expected {_MIN_SHARE:.0%}; leave such pictures out of the folder"
        )
    return shared


def equal_file(pixels: NDArray[np.uint8], field: NDArray[np.bool_], jpeg_quality: int) -> bytes:
    """The picture as a file that differs from the others of a study in the colours inside the field alone.

    It passes through a JPEG, since real photographs have, and ends as a PNG without compression or metadata: a
    compressed file is the longer the finer the grain of its picture.

    Args:
        pixels: (3, S, S).
        field: (S, S), black outside.
        jpeg_quality: 1 to 95, with chroma at half size.
    """
    masked = np.where(field[None], pixels, 0).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(masked.transpose(1, 2, 0))).save(
        buffer, format="JPEG", quality=jpeg_quality, subsampling=2
    )
    with Image.open(buffer) as image:
        decoded = np.asarray(image.convert("RGB"))
    return png_bytes(np.where(field[..., None], decoded, 0).astype(np.uint8), compress_level=0)
