"""Planted cases for decided truth: phantom labels with green painted over branches, crossings and the disc.

    python benchmarks/decided_truth.py --eyes 60

Prints, for each kind of plant: the share of planted pixels that were decided, and the share of those that are right
(the same code as in the exact label).
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
from monai_fundusgen.transforms.av_codec import encode_av
from monai_fundusgen.vessels.deciding.decision import decide
from monai_fundusgen.vessels.drawing import VesselRaster, rasterise
from monai_fundusgen.vessels.eye import Retina

BoolArray = NDArray[np.bool_]

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


def shares(truth: BoolArray, planted: BoolArray, image: NDArray[np.uint8] | None) -> NDArray[np.int64]:
    """Planted pixels, those decided, those right."""
    found = decide(truth | planted, image)
    decided = planted & ~found.open
    right = decided & (encode_av(found.vessels) == encode_av(truth))
    return np.array([planted.sum(), decided.sum(), right.sum()])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eyes", type=int, default=60)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--photograph", action="store_true", help="use colour as evidence too")
    options = parser.parse_args()
    counts = {name: np.zeros(3, dtype=np.int64) for name in (*PLANTS, "all")}
    seconds = 0.0
    for seed in range(options.eyes):
        retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=60.0, cut=0.716))
        raster = rasterise(retina, options.size)
        image = render_photograph(retina, raster, rng=np.random.default_rng(seed)) if options.photograph else None
        planted = {name: plant(retina, raster, np.random.default_rng(seed)) for name, plant in PLANTS.items()}
        planted["all"] = np.logical_or.reduce(list(planted.values()))
        start = time.perf_counter()
        for name, pixels in planted.items():
            counts[name] += shares(raster.label, pixels, image)
        seconds += time.perf_counter() - start
    print(f"{options.eyes} eyes of {options.size} px, {seconds / options.eyes / len(counts):.2f} s a label")
    for name, (total, decided, right) in counts.items():
        print(f"{name:10s} {total:9d} px  decided {decided / total:.4f}  right of these {right / decided:.4f}")


if __name__ == "__main__":
    main()
