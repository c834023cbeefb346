"""What depth and width alone tell of a vessel's kind, learnt from one set and asked of another; how the ground varies.

    python benchmarks/kind_cues.py hrf.json [dataset ...] [--limit 24]

A network that learns kinds leans on what tells them in its training set. Where that is another thing than in real
photographs, it reads real ones worse, though every median may agree. So gradient-boosted trees are trained on the
pixels of the centre lines of a set, and read those of the testing part of the real datalist; area under the curve,
pixels weighted by width. Depths are those below the surroundings in red, green and blue, where green is deepest within
3 px (labels miss the vessel by a pixel or two), averaged over 15 px of vessel of the kind.

Then the ground away from vessels: standard deviation of the depth in red, green and blue, and the correlation of red
and green, red and blue, green and blue, after a Gaussian of 1 px and of 3 px; medians over photographs of 1024 px.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.vessels.surroundings import ground_and_depth

KEYS = ("image", "label", "uncertain", "fov")
NEAR_PX, ALONG_PX, APART_PX, POINTS = 3, 15, 3, 1500
CUES = {"R": [0], "G": [1], "R, G": [0, 1], "R, G, B": [0, 1, 2], "R, G, B of the eye's median": [3, 4, 5]}
SCALES_PX = (1.0, 3.0)
FloatArray = NDArray[np.float64]


class Points(NamedTuple):
    """Depths (P, 6), absolute and from the eye's median, widths in px (P,), kinds (P,)."""

    depth: FloatArray
    width_px: FloatArray
    kind: NDArray[np.int64]


def photographs(datalist: Path, section: str, limit: int) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Photograph in [0, 1], label, undecided pixels and field of view, 1024 px, evenly spread over the list."""
    opened = Compose([LoadFundusd(keys=KEYS), CropFieldd(keys=KEYS, size=1024)])
    items = load_datalist(datalist, section, needs=("label",))
    for place in np.unique(np.linspace(0, len(items) - 1, min(limit, len(items))).astype(int)):
        item = opened(items[place])
        yield tuple(np.asarray(item[key], dtype=np.float32) for key in KEYS)


def centre_points(
    depth: NDArray[np.float32], own: NDArray[np.bool_], others: NDArray[np.bool_]
) -> tuple[FloatArray, ...]:
    """Depths (P, 3) and widths (P,) along the centre lines of one kind, away from other vessels."""
    radius = ndimage.distance_transform_edt(own)
    ridge = (
        own
        & ~ndimage.binary_dilation(others, iterations=APART_PX)
        & (radius >= ndimage.maximum_filter(radius, 3) - 0.01)
    )
    ridge[: NEAR_PX + 1], ridge[-NEAR_PX - 1 :], ridge[:, : NEAR_PX + 1], ridge[:, -NEAR_PX - 1 :] = (False,) * 4
    rows, columns = np.nonzero(ridge)
    ways = np.array(
        [(r, c) for r in range(-NEAR_PX, NEAR_PX + 1) for c in range(-NEAR_PX, NEAR_PX + 1) if r * r + c * c <= 9]
    )
    deepest = depth[1][rows[:, None] + ways[:, 0], columns[:, None] + ways[:, 1]].argmax(axis=1)
    found = depth[:, rows + ways[deepest, 0], columns + ways[deepest, 1]]
    there = ndimage.uniform_filter(ridge.astype(np.float64), ALONG_PX)[rows, columns]
    plane, along = np.zeros(own.shape), []
    for channel in found:
        plane[rows, columns] = channel
        along.append(ndimage.uniform_filter(plane, ALONG_PX)[rows, columns] / there)
    return np.stack(along, axis=1), 2 * radius[rows, columns]


def measured(datalist: Path, section: str, limit: int) -> tuple[Points, FloatArray]:
    """Points of all photographs, and the medians of the ground (2, 6)."""
    parts, grounds = [], []
    for number, (photograph, soft, undecided, inside) in enumerate(photographs(datalist, section, limit)):
        label, fov = soft > 0.5, inside[0] > 0.5
        vessels = label.any(axis=0) | (undecided[0] > 0.5)
        _, depth = ground_and_depth(photograph, vessels, fov)
        smooth = [np.stack([ndimage.gaussian_filter(channel, scale) for channel in depth]) for scale in SCALES_PX]
        free = ndimage.binary_erosion(fov, iterations=20) & ~ndimage.binary_dilation(vessels, iterations=6)
        grounds.append([np.r_[s[:, free].std(axis=1), np.corrcoef(s[:, free])[np.triu_indices(3, 1)]] for s in smooth])
        kinds = [centre_points(smooth[0], label[k], label[1 - k] | (undecided[0] > 0.5)) for k in (0, 1)]
        depths, widths = (np.concatenate([kind[i] for kind in kinds]) for i in (0, 1))
        kind = np.repeat([0, 1], [len(kind[1]) for kind in kinds])
        depths = np.concatenate([depths, depths - np.median(depths, axis=0)], axis=1)
        some = np.random.default_rng(number).permutation(len(kind))[: 2 * POINTS]
        parts.append(Points(depths[some], widths[some], kind[some]))
    return Points(*(np.concatenate(values) for values in zip(*parts, strict=True))), np.median(grounds, axis=0)


def read(cues: list[int], taught: Points, asked: Points) -> float:
    """Area under the curve of trees that learnt from one set and read another."""
    trees = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=15, random_state=0)
    trees.fit(np.c_[taught.depth[:, cues], taught.width_px], taught.kind)
    likely = trees.predict_proba(np.c_[asked.depth[:, cues], asked.width_px])[:, 1]
    return float(roc_auc_score(asked.kind, likely, sample_weight=asked.width_px))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, help="datalist of real photographs with a training and a testing part")
    parser.add_argument("datasets", type=Path, nargs="*", help="folders of data sets")
    parser.add_argument("--limit", type=int, default=24, help="photographs of each set at most")
    options = parser.parse_args()
    asked, ground = measured(options.real, "testing", options.limit)
    sets = {"real": (options.real, "training")}
    sets |= {folder.name: (folder / "datalist.json", "training") for folder in options.datasets}
    grounds = {"real, testing": ground}
    print("learnt from           " + "  ".join(CUES))
    for name, (datalist, section) in sets.items():
        taught, grounds[name] = measured(datalist, section, options.limit)
        areas = [read(cues, taught, asked) for cues in CUES.values()]
        print(
            f"{name:22s}" + "  ".join(f"{area:{max(len(cue), 4)}.3f}" for cue, area in zip(CUES, areas, strict=True)),
            flush=True,
        )
    for name, figures in grounds.items():
        for scale, row in zip(SCALES_PX, figures, strict=True):
            print(
                f"ground, {scale:.0f} px  {name:22s}"
                + "  ".join(f"{value:.4f}" for value in row[:3])
                + "   "
                + "  ".join(f"{value:.2f}" for value in row[3:])
            )


if __name__ == "__main__":
    main()
