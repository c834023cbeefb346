"""Planted cases for decided truth: phantom labels with green painted over branches, crossings and the disc.

    python benchmarks/decided_truth.py --eyes 60 [--photograph]

All are planted at once. Prints, for each kind of plant: the share of planted pixels that were decided, and the share
of those that are right (the same code as in the exact label). Then, of labels in which every vein was drawn over the
arteries: the share of hidden crossings of more than four pixels that were found again, and of drawn pixels that are
right, off the disc.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.av_codec import planes_to_colours
from monai_fundusgen.vessels.deciding.carrying import carried_on
from monai_fundusgen.vessels.deciding.decision import decide
from monai_fundusgen.vessels.drawing import VesselRaster, rasterise
from monai_fundusgen.vessels.eye import Retina

BoolArray = NDArray[np.bool_]
Photograph = NDArray[np.uint8] | None

ANATOMY: Final = Anatomy(diameter_deg=60.0, cut=0.716)
_BRANCHES: Final = 12  # planted in an eye
_LEAVES: Final = (2.0, 12.0)  # of a planted branch, least and most


def branches(retina: Retina, raster: VesselRaster, rng: np.random.Generator) -> BoolArray:
    """Pixels of whole branches, their twigs included."""
    graph = retina.graph
    fit = np.flatnonzero((graph.parent >= 0) & (graph.leaves >= _LEAVES[0]) & (graph.leaves <= _LEAVES[1]))
    chosen = np.zeros(len(graph.parent), bool)
    chosen[rng.choice(fit, min(_BRANCHES, len(fit)), replace=False)] = True
    for node, parent in enumerate(graph.parent):  # a parent precedes its children
        chosen[node] |= parent >= 0 and chosen[parent]
    return (np.append(chosen, False)[raster.edge] & raster.label).any(axis=0)


def crossings(retina: Retina, raster: VesselRaster, rng: np.random.Generator) -> BoolArray:
    """Pixels of crossings, and of the vessels within two pixels of them."""
    return ndimage.binary_dilation(raster.label.all(axis=0), iterations=2) & raster.label.any(axis=0)


def disc(retina: Retina, raster: VesselRaster, rng: np.random.Generator) -> BoolArray:
    """Pixels of vessels on the disc."""
    size = raster.label.shape[-1]
    (column, row), *_ = retina.field.to_pixels(np.array([retina.landmarks.disc_mm]), size)
    radius = retina.landmarks.disc_radius_mm / retina.field.pixel_mm(size)
    rows, columns = np.ogrid[:size, :size]
    return raster.label.any(axis=0) & (np.hypot(rows - row, columns - column) <= radius)


PLANTS: Final[dict[str, Callable[[Retina, VesselRaster, np.random.Generator], BoolArray]]] = {
    "branches": branches,
    "crossings": crossings,
    "disc": disc,
}


def planted_eye(seed: int, size: int, with_photograph: bool) -> tuple[BoolArray, dict[str, BoolArray], Photograph]:
    """Exact label, planted pixels by plant, and the photograph if it is wanted."""
    retina = grow_retina(seed, anatomy=ANATOMY)
    raster = rasterise(retina, size)
    plants = {name: plant(retina, raster, np.random.default_rng(seed)) for name, plant in PLANTS.items()}
    image = render_photograph(retina, raster, seed=seed) if with_photograph else None
    return raster.label, plants, image


def covered(retina: Retina, truth: BoolArray) -> NDArray[np.int64]:
    """Crossings hidden off the disc, those found, pixels drawn, and of these the right ones."""
    size = truth.shape[-1]
    (row, column), *_ = retina.landmarks_rc(size)
    rows, columns = np.ogrid[:size, :size]
    off = np.hypot(rows - row, columns - column) > 1.6 * retina.landmarks.disc_radius_mm / retina.field.pixel_mm(size)
    before = np.stack([truth[ARTERY] & ~truth[VEIN], truth[VEIN]])
    drawn = carried_on(before, np.zeros((size, size), bool), field_deg=retina.field.diameter_deg) & ~before & off
    hidden = truth[ARTERY] & truth[VEIN] & off
    pieces, count = ndimage.label(hidden, structure=np.ones((3, 3)))
    large = np.flatnonzero(np.bincount(pieces.ravel(), minlength=count + 1) > 4)[1:]
    found = np.isin(large, pieces[drawn[ARTERY]]).sum()
    return np.array([len(large), found, drawn.sum(), (drawn[ARTERY] & hidden).sum()])


def picture(seed: int, size: int) -> NDArray[np.uint8]:
    """Exact label, planted label and decided label side by side, their upper half."""
    truth, plants, image = planted_eye(seed, size, True)
    undecided = truth | np.logical_or.reduce(list(plants.values()))
    found = decide(undecided, image)
    labels = ((truth, None), (undecided, None), (found.vessels, found.open))
    window = slice(size // 6, size // 2 + size // 6)
    return np.concatenate(
        [np.moveaxis(planes_to_colours(vessels, left), 0, -1)[window, window] for vessels, left in labels], axis=1
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eyes", type=int, default=60)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--photograph", action="store_true", help="use colour as evidence too")
    parser.add_argument("--picture", help="write a picture of the first eye here instead")
    options = parser.parse_args()
    if options.picture:
        write_png(options.picture, picture(0, options.size))
        return
    counts = {name: np.zeros(3, dtype=np.int64) for name in (*PLANTS, "all")}
    seconds, crossing_counts = 0.0, np.zeros(4, dtype=np.int64)
    for seed in range(options.eyes):
        truth, plants, image = planted_eye(seed, options.size, options.photograph)
        retina = grow_retina(seed, anatomy=ANATOMY)
        crossing_counts += covered(retina, truth)
        plants["all"] = np.logical_or.reduce(list(plants.values()))
        start = time.process_time()
        found = decide(truth | plants["all"], image)
        seconds += time.process_time() - start
        right = ~found.open & (found.vessels == truth).all(axis=0)
        for name, pixels in plants.items():
            counts[name] += [pixels.sum(), (pixels & ~found.open).sum(), (pixels & right).sum()]
    print(f"{options.eyes} eyes of {options.size} px, {seconds / options.eyes:.2f} s of one core a label")
    for name, (total, decided, right) in counts.items():
        print(f"{name:10s} {total:9d} px  decided {decided / total:.4f}  right of these {right / decided:.4f}")
    hidden, found, drawn, right = crossing_counts
    print(f"covered    {hidden:9d} crossings  found {found / hidden:.4f}  px drawn {drawn}  right {right / drawn:.4f}")


if __name__ == "__main__":
    main()
