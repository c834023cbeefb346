"""A photograph as a browser takes it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image

from monai_fundusgen.data.reading import read_rgb

_SHOWN: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


class Photograph(NamedTuple):
    """Content and media type of a file that every browser shows."""

    content: bytes
    media_type: str


def photograph_size(path: Path) -> tuple[int, int]:
    """Height and width of a photograph, read to its end; errors as of `data.reading.read_rgb`."""
    height, width = read_rgb(path).shape[1:]
    return height, width


def browser_photograph(path: Path) -> Photograph:
    """The file itself where browsers show its format, else a PNG of it; errors as of `data.reading.read_rgb`."""
    pixels = read_rgb(path)
    with Image.open(path) as image:
        media_type = _SHOWN.get(image.format or "")
    if media_type is not None:
        return Photograph(path.read_bytes(), media_type)
    buffer = BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, format="PNG", compress_level=1)
    return Photograph(buffer.getvalue(), "image/png")
