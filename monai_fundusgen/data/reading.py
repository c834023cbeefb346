"""The one path by which pixels enter: every image file, whatever its format, as RGB through PIL.

PNG, JPEG, TIFF, GIF, PPM, palette, one-bit, grey and RGBA files give the same array: (channel, height, width), uint8.
Where the host's default reader is used instead, GIF and PPM fail, TIFF goes to another library, and rows and columns
change places.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.conventions import CROSSING_CODE
from monai_fundusgen.transforms.av_codec import AVPlanes, colours_to_planes

if TYPE_CHECKING:
    from monai.data import PILReader

#: Endings of the files that a folder of photographs is searched for.
PHOTOGRAPHS: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm", ".bmp", ".gif", ".webp"})

_EIGHT_BIT_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
_ORIENTATION_TAG: Final = 274  # EXIF


def _checked(image: Image.Image) -> Image.Image:
    if image.mode not in _EIGHT_BIT_MODES:
        raise ValueError(f"mode {image.mode} has more than 8 bits a channel; save it as an 8-bit image")
    if image.getexif().get(_ORIENTATION_TAG, 1) != 1:
        raise ValueError("its EXIF tag asks viewers to turn it; store the pixels upright, without the tag")
    return image


def _as_rgb(image: Image.Image) -> Image.Image:
    return _checked(image).convert("RGB")


def _as_grey(image: Image.Image) -> Image.Image:
    return _checked(image).convert("L")


def rgb_reader() -> PILReader:
    """MONAI reader that gives (H, W, 3) uint8 for every 8-bit image file; pass it to ``LoadImaged``."""
    from monai.data import PILReader  # only those who use MONAI's loaders wait for them

    return PILReader(converter=_as_rgb, reverse_indexing=False)


def _read(path: str | Path, convert: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    """Pixels of a file; every failure names it."""
    try:
        with Image.open(path) as image:
            return np.asarray(convert(image))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise OSError(f"{path}: cannot be read as an image ({error})") from error


def read_rgb(path: str | Path) -> NDArray[np.uint8]:
    """Pixels (3, H, W) uint8 of an image file, read to its end.

    Raises:
        FileNotFoundError: no such file.
        OSError: unreadable, truncated, or no image; the message names the file.
        ValueError: more than 8 bits a channel, or an EXIF rotation.
    """
    return np.ascontiguousarray(np.moveaxis(_read(path, _as_rgb), -1, 0))


def _read_grey(path: str | Path) -> NDArray[np.uint8]:
    return _read(path, _as_grey)


def read_av(path: str | Path) -> AVPlanes:
    """Artery, vein and uncertain planes (H, W) bool of an artery/vein label file.

    Raises:
        ValueError: a colour outside the table; names file, colour and pixel. See also `read_rgb`.
    """
    rgb = read_rgb(path)
    try:
        return colours_to_planes(rgb)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def label_coding(path: str | Path) -> str:
    """How an artery/vein label file holds its codes: ``codes 0 to 3``, or ``colours``.

    Raises:
        OSError: as `read_rgb`.
    """
    grey = _read_grey(path)
    return "codes 0 to 3" if grey.max() <= CROSSING_CODE else "colours (red artery, blue vein, green or magenta both)"


def read_vessel(path: str | Path) -> NDArray[np.bool_]:
    """Binary vessel map (H, W) of a file with two levels, black and one other.

    Raises:
        ValueError: more than two levels (a JPEG or smoothed map); names file, level and pixel. See also `read_rgb`.
    """
    level = _read_grey(path)
    top = level.max()
    between = (level > 0) & (level < top)
    if between.any():
        row, column = divmod(int(between.argmax()), level.shape[1])
        raise ValueError(
            f"{path}: a vessel map has two levels, here 0 and {top}, but {level[row, column]} stands at row {row}, "
            f"column {column} ({int(between.sum())} such pixels); take the lossless original"
        )
    return level > 0


def read_fov(path: str | Path) -> NDArray[np.bool_]:
    """Field of view (H, W): brighter than half the brightest pixel, so that masks saved as JPEG pass.

    Raises:
        ValueError: the mask is empty. See also `read_rgb`.
    """
    level = _read_grey(path)
    if not level.any():
        raise ValueError(f"{path}: the field-of-view mask is empty (all black)")
    return level > level.max() // 2
