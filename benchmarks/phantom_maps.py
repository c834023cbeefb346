"""Compare the phantom's vessel maps with the training rows of HRF by one method; prints a table in Markdown.

    python benchmarks/phantom_maps.py ../shared/data/hrf-av --eyes 24
    python benchmarks/phantom_maps.py --sheet docs/concepts/images/phantom_maps.png   # eight maps, no table

HRF maps (3504 x 2336, artery/vein labels of Hemelings et al.) are scaled by area so that the field's diameter is 97 %
of 2048 px, and thresholded at half; green pixels (crossing or undecided) count as both kinds. The phantom is drawn at
2048 px in the same field (60 degrees, same cut at top and bottom), without widening thin vessels. Both are then
measured alike, inside the field:

- vessel, artery, vein: share of the field's area, in per cent;
- crossing pieces: 8-connected pieces of at least 8 px where both kinds are set; in HRF they include what the annotator
  left undecided, mostly vessels on the disc;
- length: 8-neighbour steps of the skeleton, in diameters of the field, of all vessels, of arteries, of veins;
- width: twice the distance transform on the skeleton, in permille of the field's diameter, quantiles;
- box dimension: slope of occupied boxes of 4 to 64 px of the skeleton;
- junctions, ends: clusters of skeleton pixels with three or more neighbours; skeleton pixels with one.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

from monai_fundusgen.conventions import ARTERY, FIELD_FILL, VEIN
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise, vessel_map

SIZE, FIELD_DEG = 2048, 60.0
DIAMETER_PX = FIELD_FILL * SIZE
EIGHT = np.ones((3, 3), int)
SMALLEST_PIECE_PX = 8
BOXES = (4, 8, 16, 32, 64)


def steps_length(skeleton):
    """Length of a skeleton in diameters of the field."""
    straight = (skeleton[:, 1:] & skeleton[:, :-1]).sum() + (skeleton[1:] & skeleton[:-1]).sum()
    slanted = (skeleton[1:, 1:] & skeleton[:-1, :-1]).sum() + (skeleton[1:, :-1] & skeleton[:-1, 1:]).sum()
    return (straight + np.sqrt(2) * slanted) / DIAMETER_PX


def box_dimension(skeleton):
    """Slope of the number of occupied boxes against their side."""
    occupied = []
    for side in BOXES:
        rows, columns = (length // side for length in skeleton.shape)
        blocks = skeleton[: rows * side, : columns * side].reshape(rows, side, columns, side)
        occupied.append(blocks.any((1, 3)).sum())
    return -np.polyfit(np.log(BOXES), np.log(occupied), 1)[0]


def crossing_pieces(both):
    """Number of pieces of at least the smallest size."""
    labels, _ = ndimage.label(both, EIGHT)
    return int((np.bincount(labels.ravel())[1:] >= SMALLEST_PIECE_PX).sum())


def figures(vessels, fov):
    """All figures of one map (2, H, W) inside its field (H, W)."""
    vessels = vessels & fov
    every = vessels.any(0)
    skeleton = skeletonize(every)
    neighbours = ndimage.convolve(skeleton.astype(int), EIGHT, mode="constant")[skeleton] - 1
    branching = np.zeros_like(skeleton)
    branching[skeleton] = neighbours >= 3
    out = {
        "vessel %": 100 * every.sum() / fov.sum(),
        "artery %": 100 * vessels[ARTERY].sum() / fov.sum(),
        "vein %": 100 * vessels[VEIN].sum() / fov.sum(),
        "crossing pieces": crossing_pieces(vessels.all(0)),
        "length, all": steps_length(skeleton),
    }
    for kind, name in ((ARTERY, "artery"), (VEIN, "vein")):
        line = skeletonize(vessels[kind])
        width = 2000 * ndimage.distance_transform_edt(vessels[kind])[line] / DIAMETER_PX
        out[f"length, {name}"] = steps_length(line)
        for quantile in (25, 50, 75, 95, 99):
            out[f"width, {name}, {quantile} %"] = np.percentile(width, quantile)
    out["box dimension"] = box_dimension(skeleton)
    out["junctions"] = ndimage.label(ndimage.binary_dilation(branching, EIGHT))[1]
    out["ends"] = int((neighbours == 1).sum())
    return out


def hrf_training(root):
    """Figures of the training rows, and the cut of their field."""
    rows = [row for row in csv.DictReader((root / "manifest.csv").open()) if row["split"] == "training"]
    measured, cuts = [], []
    for row in rows:
        colours = np.asarray(Image.open(root / row["av"]).convert("RGB")) > 127
        fov = np.asarray(Image.open(root / row["fov"]).convert("L")) > 127
        columns, lines = np.flatnonzero(fov.any(0)), np.flatnonzero(fov.any(1))
        diameter = columns[-1] - columns[0] + 1
        size = tuple(round(length * DIAMETER_PX / diameter) for length in fov.shape[::-1])
        planes = [colours[..., 0] | colours[..., 1], colours[..., 2] | colours[..., 1], fov]
        artery, vein, field = (
            np.asarray(Image.fromarray(plane.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)) > 127
            for plane in planes
        )
        measured.append(figures(np.stack([artery, vein]), field))
        cuts.append((lines[-1] - lines[0] + 1) / diameter)
    return measured, float(np.mean(cuts))


def phantom_eyes(count, cut):
    """Figures of phantom eyes in a field cut like HRF's."""
    measured = []
    for seed in range(count):
        retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=FIELD_DEG, cut=cut))
        measured.append(figures(vessel_map(retina, SIZE, clamp=False), retina.field.mask(SIZE)))
    return measured


def sheet(path, columns=4, rows=2, size=400):
    """Write a picture of the first eyes' vessel maps: arteries red, veins blue, both green."""
    tiles = []
    for seed in range(columns * rows):
        retina = grow_retina(seed)
        coverage = np.minimum(1.5 * rasterise(retina, size).coverage, 1)
        both = vessel_map(retina, size).all(0)
        colours = np.stack([coverage[ARTERY], 0.25 * coverage.max(0), coverage[VEIN]], -1)
        colours[both] = 0, 1, 0
        tiles.append(np.where(retina.field.mask(size)[..., None], colours, 0.2))
    picture = np.concatenate([np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)])
    Image.fromarray(np.round(255 * picture).astype(np.uint8)).quantize(64).save(path, optimize=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hrf", type=Path, nargs="?", default=Path("../shared/data/hrf-av"))
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--eyes", type=int, default=24)
    options = parser.parse_args()
    if options.sheet:
        sheet(options.sheet)
        return
    real, cut = hrf_training(options.hrf)
    phantom = phantom_eyes(options.eyes, cut)
    print(f"| figure | HRF training ({len(real)}) | phantom ({len(phantom)}) |\n|---|---|---|")
    for name in real[0]:
        cells = []
        for group in (real, phantom):
            values = np.array([one[name] for one in group], float)
            cells.append(f"{values.mean():.3g} ± {values.std():.2g} ({values.min():.3g} to {values.max():.3g})")
        print(f"| {name} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
