"""Draw the pictures of docs/concepts/phantom.md: photographs, details, one angiogram; all of phantom eyes.

make docs
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.phantom.angiogram import angiogram_sequence
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.eye import Retina

FOLDER = Path(__file__).parent / "concepts" / "images"
CROP = 240  # px at 1024


def photograph(seed: int) -> tuple[Retina, NDArray[np.uint8]]:
    """An eye and its photograph (1024, 1024, 3)."""
    retina = grow_retina(seed)
    picture = render_photograph(retina, rasterise(retina, 1024), seed=seed)
    return retina, picture.transpose(1, 2, 0)


def rows_of(tiles: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Tiles of one size in rows."""
    return np.vstack([np.hstack(tiles[first : first + columns]) for first in range(0, len(tiles), columns)])


def shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture at ``side`` px."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))


def crops(retina: Retina, picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Disc, macula and the crossing of the widest vessels."""
    crossings, radius = retina.crossings, retina.graph.radius_um
    widest = int((radius[crossings.artery_edge] + radius[crossings.vein_edge]).argmax())
    places = np.stack([retina.landmarks.disc_mm, (0.0, 0.0), crossings.xy_mm[widest]])
    corners = np.clip(retina.field.to_pixels(places, 1024).round().astype(int) - CROP // 2, 0, 1024 - CROP)
    return [picture[row : row + CROP, column : column + CROP] for column, row in corners]


def save(name: str, picture: NDArray[np.uint8]) -> None:
    """Write a JPEG of good quality."""
    Image.fromarray(picture).save(FOLDER / name, quality=88)


if __name__ == "__main__":
    eyes = [photograph(seed) for seed in range(6)]
    save("phantom_photographs.jpg", rows_of([shrunk(picture, 400) for _, picture in eyes], 3))
    save("phantom_crops.jpg", rows_of([crop for eye in eyes[:4] for crop in crops(*eye)], 6))
    retina = eyes[3][0]
    frames = angiogram_sequence(retina, rasterise(retina, 1024), seed=0).frames
    save("phantom_angiogram.jpg", rows_of([shrunk(frame, 400) for frame in frames], 3))
