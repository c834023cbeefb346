"""Draw the phantom's pictures of docs/concepts/phantom.md.

python benchmarks/phantom_pictures.py docs/concepts/images
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from monai_fundusgen.phantom.angiogram import angiogram_sequence
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.eye import Retina

SEEDS = (0, 1, 2, 3, 4, 5)
SIZE = 1024


def photograph(seed: int) -> tuple[Retina, np.ndarray]:
    """The eye of a seed and its photograph (H, W, 3)."""
    retina = grow_retina(seed)
    image = render_photograph(retina, rasterise(retina, SIZE), seed=seed)
    return retina, image.transpose(1, 2, 0)


def crop(image: np.ndarray, retina: Retina, xy_mm: np.ndarray, half: int = 110, zoom: int = 2) -> np.ndarray:
    """Square round a point of the eye, kept inside the picture, enlarged."""
    centre = np.clip(np.rint(retina.field.to_pixels(np.atleast_2d(xy_mm), SIZE)[0]).astype(int), half, SIZE - half)
    cut = image[centre[1] - half : centre[1] + half, centre[0] - half : centre[0] + half]
    return np.asarray(Image.fromarray(cut).resize((2 * half * zoom, 2 * half * zoom), Image.Resampling.BICUBIC))


def trunk_crossing(retina: Retina) -> np.ndarray:
    """Position (mm) of the crossing of the two widest vessels in the field."""
    crossings, radius = retina.crossings, retina.graph.radius_um
    width = np.minimum(radius[crossings.artery_edge], radius[crossings.vein_edge])
    seen = np.hypot(*(crossings.xy_mm - np.asarray(retina.field.centre_mm)).T) < 0.85 * retina.field.radius_mm
    return crossings.xy_mm[np.argmax(np.where(seen, width, 0))]


def sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size in rows."""
    return np.vstack([np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)])


def save(picture: np.ndarray, path: Path, width: int) -> None:
    """JPEG of ``width`` px."""
    image = Image.fromarray(picture)
    image.resize((width, round(width * image.height / image.width)), Image.Resampling.LANCZOS).save(path, quality=88)


def main() -> None:
    """Write the three sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    eyes = [photograph(seed) for seed in SEEDS]
    save(sheet([image for _, image in eyes], 3), folder / "phantom_photographs.jpg", 1500)
    places = (lambda retina: np.asarray(retina.landmarks.disc_mm), lambda retina: np.zeros(2), trunk_crossing)
    crops = [crop(image, retina, place(retina)) for place in places for retina, image in eyes[:4]]
    save(sheet(crops, 4), folder / "phantom_crops.jpg", 1400)
    retina = grow_retina(3)
    sequence = angiogram_sequence(retina, rasterise(retina, SIZE), seed=0)
    save(sheet(list(sequence.frames), 3), folder / "phantom_angiogram.jpg", 1500)


if __name__ == "__main__":
    main()
