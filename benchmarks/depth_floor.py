"""How many depth classes of real eyes lie inside the quartiles of other real eyes: what a painter can be asked for.

    python benchmarks/depth_floor.py hrf.json [--splits 300]

In how many classes of kind, width (below 12 px) and channel does the median of the training photographs of a datalist
lie inside the quartiles of its testing photographs? And how often, if all of them are split at random in the same
numbers?
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.data.squared import LabelledEyes
from monai_fundusgen.metrics.functional.vessel_depth import CHANNELS
from monai_fundusgen.metrics.judged_pictures import WIDTHS, JudgedPicturesMetric

SIZE = 1024
CLASSES = [(kind, width, channel) for kind in KINDS for width in WIDTHS[:4] for channel in CHANNELS]


def depths(datalist: str, part: str) -> NDArray[np.float64]:
    """Median depth of each eye in each class (N, C); NaN where the eye has no such vessels."""
    rows = []
    for eye in LabelledEyes(load_datalist(datalist, part, needs=("label",))):
        squared, metric = eye.squared(SIZE), JudgedPicturesMetric()
        label, uncertain, fov = (
            torch.from_numpy(one)[None] for one in (squared.label, squared.uncertain[None], squared.fov[None])
        )
        image = torch.from_numpy(squared.photograph)[None].float() / 255
        metric(torch.zeros_like(image), label, image=image, names=[eye.id], fov=fov, uncertain=uncertain)
        found = metric.aggregate()["depth"]
        rows.append([found[kind][width][channel]["median"] for kind, width, channel in CLASSES])
    return np.array(rows, dtype=np.float64)


def inside(others: NDArray[np.float64], eyes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Classes (C,) in which the median of some eyes lies inside the quartiles of others."""
    low, high = np.nanquantile(eyes, (0.25, 0.75), axis=0)
    middle = np.nanmedian(others, axis=0)
    return (low <= middle) & (middle <= high)


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", help="decided labels, with a training and a testing part")
    parser.add_argument("--splits", type=int, default=300)
    options = parser.parse_args()
    training, testing = (depths(options.datalist, part) for part in ("training", "testing"))
    found = inside(training, testing)
    print(f"training inside testing: {found.sum()} of {len(CLASSES)}; outside: "
          f"{', '.join(' '.join(one) for one, ok in zip(CLASSES, found, strict=True) if not ok)}")  # fmt: skip
    eyes, rng, counts = np.concatenate([training, testing]), np.random.default_rng(0), []
    for _ in range(options.splits):
        order = rng.permutation(len(eyes))
        first, others = eyes[order[: len(testing)]], eyes[order[len(testing) :]]
        counts.append(int(inside(others, first).sum()))
    low, middle, high = np.quantile(counts, (0.05, 0.5, 0.95))
    print(f"random splits into {len(training)} and {len(testing)}: {middle:g} (5 to 95 %: {low:g} to {high:g}), "
          f"all {len(CLASSES)} in {100 * np.mean(np.array(counts) == len(CLASSES)):.0f} %")  # fmt: skip


if __name__ == "__main__":
    main()
