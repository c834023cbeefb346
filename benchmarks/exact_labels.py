"""How exact are labels that come back from a soft map? Prints tables in Markdown.

    python benchmarks/exact_labels.py ../shared/data/hrf-av --split test

Every HRF-AV case is squared to 1024 px, its label binary (area above one half, and every pixel that the native centre
line passes, so that thin vessels stay whole), averaged to 256 px, and brought back to 1024 px by `exact_label` and, to
compare, by cubic interpolation and the threshold 0.4. Measured inside the field, arteries and veins together:

- Dice by width: a pixel belongs to the band of the nearest point of the true centre lines (width there, a running
  median of 9 points); pooled over cases;
- clDice, Betti numbers less those of the truth (mean over planes of the error and of its size);
- swaps: the longest stretch of true centre line of one kind alone that is drawn as the other alone, px;
- crossings: places where a vessel of either kind passes straight through one of the other, at most 24 px wide; in one
  piece afterwards? Also with what lies behind erased from the map (pixels of the crossing, one kind at a time).
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from monai_fundusgen.data.reading import read_av, read_fov
from monai_fundusgen.metrics.functional.segmentation import centre_line_counts
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.vessels.graph import centre_lines, segment_graph
from monai_fundusgen.vessels.skeleton import centre_line_on
from monai_fundusgen.vessels.topology import betti_numbers
from monai_fundusgen.vessels.tracing.vectorise import exact_label, vectorise

SIZE, COARSE = 1024, 256
BANDS_PX = (0, 1.5, 3, 5, 8, np.inf)
EIGHT = np.ones((3, 3))


def read_case(root, name):
    """Label (2, 1024, 1024) and field of one case, bool."""
    item = {
        "fov": read_fov(root / "fov" / f"{name}.png")[None],
        "label": np.stack(read_av(root / "av" / f"{name}.png")[:2]),
    }
    native = CropFieldd(("label", "fov"), None)(item)
    small = CropFieldd(("label", "fov"), SIZE)(item)
    lines = np.stack([centre_line_on(plane.numpy() > 0, SIZE, SIZE) for plane in native["label"]])
    return (small["label"].numpy() > 0.5) | lines, small["fov"].numpy()[0] > 0.5


def averaged(label):
    """Soft map of a label, as a network is trained on."""
    step = SIZE // COARSE
    return label.reshape(2, COARSE, step, COARSE, step).mean(axis=(2, 4)).astype(np.float32)


def by_cubic(soft):
    """Label by cubic interpolation and a threshold."""
    grown = torch.nn.functional.interpolate(torch.from_numpy(soft)[None], size=(SIZE, SIZE), mode="bicubic")
    return (grown[0] > 0.4).numpy()


def nearest_width(plane):
    """Width (H, W) at the nearest point of the centre lines, and the centre lines."""
    line, distance = centre_lines(plane)
    graph = segment_graph(plane, line, distance)
    width = np.zeros(plane.shape)
    for start, stop in zip(graph.offsets[:-1], graph.offsets[1:], strict=True):
        rows, columns = np.rint(graph.points_rc[start:stop]).astype(int).T
        width[rows, columns] = ndimage.median_filter(graph.width_px[start:stop], 9, mode="nearest")
    nearest = ndimage.distance_transform_edt(width == 0, return_distances=False, return_indices=True)
    return width[tuple(nearest)], line


def band_counts(pred, truth, width):
    """Hits, predicted and true pixels of each band (bands, 3)."""
    band = np.digitize(width, BANDS_PX[1:-1])
    return np.stack([np.bincount(band[m], minlength=len(BANDS_PX) - 1) for m in (pred & truth, pred, truth)], axis=1)


def longest_swap(pred, truth, lines):
    """Longest stretch of centre line that changed its kind, px."""
    longest = 0
    for kind, line in enumerate(lines):
        wrong = line & ~truth[1 - kind] & ~pred[kind] & pred[1 - kind]
        longest = max(longest, np.bincount(ndimage.label(wrong, EIGHT)[0].ravel())[1:].max(initial=0))
    return longest


def window(place, reach=14):
    """A piece's bounding box with its surroundings."""
    return tuple(slice(max(0, side.start - reach), side.stop + reach) for side in place)


def branches_at(truth, line, piece):
    """Centre-line stretches (label image, count) that leave a crossing piece, of the vessel that runs through it."""
    distance = ndimage.distance_transform_edt(~piece)
    near, _ = ndimage.label(truth & (distance <= 10), EIGHT)
    inside = np.bincount(near[piece])[1:]
    if not inside.any():
        return piece * 0, 0
    return ndimage.label(line & (distance >= 4) & (distance <= 8) & (near == inside.argmax() + 1), EIGHT)


def opposite(stretches, count, piece):
    """Whether two of the stretches lie on opposite sides of the piece."""
    centre = np.argwhere(piece).mean(axis=0)
    away = [np.argwhere(stretches == i).mean(axis=0) - centre for i in range(1, count + 1)]
    unit = np.array([v / np.hypot(*v) for v in away]).reshape(-1, 2)
    return count >= 2 and (unit @ unit.T).min() <= -0.7


def crossings(truth, lines):
    """Image of the places where both kinds go straight through, numbered, and their places."""
    pieces, _ = ndimage.label(truth[0] & truth[1], EIGHT)
    real = np.zeros_like(pieces)
    for number, place in enumerate(ndimage.find_objects(pieces), 1):
        at = window(place)
        piece = pieces[at] == number
        small = max(side.stop - side.start for side in place) <= 24
        if small and all(opposite(*branches_at(truth[k][at], lines[k][at], piece), piece) for k in (0, 1)):
            real[at][piece] = number
    return real


def continuous(pred, truth, line, real):
    """How many of the crossings hold together in one plane, and how many there are."""
    whole = 0
    numbers = np.unique(real)[1:]
    for number, place in ((n, p) for n, p in enumerate(ndimage.find_objects(real), 1) if p is not None):
        at = window(place)
        piece = real[at] == number
        stretches, count = branches_at(truth[at], line[at], piece)
        drawn, _ = ndimage.label(pred[at] & (ndimage.distance_transform_edt(~piece) <= 10), EIGHT)
        gap, nearest = ndimage.distance_transform_edt(drawn == 0, return_indices=True)
        found = set()
        for i in range(1, count + 1):
            on = np.flatnonzero(stretches == i)
            best = on[gap.ravel()[on].argmin()]
            found.add(
                int(drawn[tuple(nearest[:, best // gap.shape[1], best % gap.shape[1]])]) if gap.flat[best] <= 3 else -i
            )
        whole += len(found) == 1 and min(found) > 0
    return np.array([whole, len(numbers)])


def erased_counts(truth, lines, real):
    """Crossings held together without and with bridging where one kind was erased under the other."""
    counts = np.zeros((2, 2), int)
    for kind in (0, 1):
        cut = truth.copy()
        cut[kind] &= real == 0
        for row, crossing_px in enumerate((0.0, 8.0)):
            pred = vectorise(averaged(cut), crossing_px=crossing_px).label(SIZE)[kind]
            counts[row] += continuous(pred, truth[kind], lines[kind], real)
    return counts


def measure(method, truth, fov, widths, lines, real):
    """Figures of one case and method."""
    start = time.process_time()
    pred = method(averaged(truth)) & fov
    seconds = time.process_time() - start
    betti = [np.subtract(betti_numbers(pred[k]), betti_numbers(truth[k])) for k in (0, 1)]
    return {
        "bands": sum(band_counts(pred[k], truth[k], widths[k]) for k in (0, 1)),
        "cldice": np.mean([centre_line_counts(pred[k], truth[k]).cl_dice() for k in (0, 1)]),
        "betti": np.stack([np.mean(betti, axis=0), np.mean(np.abs(betti), axis=0)]),
        "swap": longest_swap(pred, truth, lines),
        "whole": sum(continuous(pred[k], truth[k], lines[k], real) for k in (0, 1)),
        "seconds": seconds,
    }


def dice(counts):
    """Dice of (..., 3) hits, predicted and true pixels."""
    return 2 * counts[..., 0] / (counts[..., 1] + counts[..., 2])


def report(name, found):
    """Print the figures of one method."""
    bands = np.array([case["bands"] for case in found])
    pooled = bands.sum(axis=0)
    wide = dice(bands[:, 2:].sum(axis=1))
    betti = np.mean([case["betti"] for case in found], axis=0)
    names = [f"{low}-{high} px" for low, high in zip(BANDS_PX[:-1], BANDS_PX[1:], strict=True)]
    rows = [
        *zip(names, dice(pooled), strict=True),
        ("over 3 px", dice(pooled[2:].sum(axis=0))),
        ("all", dice(pooled.sum(axis=0))),
    ]
    print(f"## {name}\n\n" + "\n".join(f"- Dice {label}: {value:.3f}" for label, value in rows))
    print(f"- Dice over 3 px by case: mean {wide.mean():.4f}, least {wide.min():.4f}")
    print(f"- area over true area: {pooled[:, 1].sum() / pooled[:, 2].sum():.3f}")
    print(
        f"- clDice {np.mean([case['cldice'] for case in found]):.3f}; "
        f"Betti errors (mean, size) {betti.round(1).tolist()}"
    )
    print(f"- longest swap {max(case['swap'] for case in found)} px")
    print(f"- crossings in one piece: {sum(case['whole'] for case in found).tolist()}")
    print(f"- seconds: median {np.median([case['seconds'] for case in found]):.3f}\n")


def main():
    """Measure a split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--split", default="training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = csv.DictReader((arguments.root / "manifest.csv").open(encoding="utf-8"))
    names = [row["id"] for row in rows if row["split"] == arguments.split]
    methods = {"cubic, threshold 0.4": by_cubic, "exact_label": lambda soft: exact_label(soft, SIZE)}
    methods["exact_label"](np.zeros((2, COARSE, COARSE), np.float32))  # compile
    found = {name: [] for name in methods}
    erased = np.zeros((2, 2), int)
    for name in names:
        truth, fov = read_case(arguments.root, name)
        widths, lines = zip(*(nearest_width(plane) for plane in truth), strict=True)
        real = crossings(truth, lines)
        for label, method in methods.items():
            found[label].append(measure(method, truth, fov, widths, lines, real))
        erased += erased_counts(truth, lines, real)
    for label, cases in found.items():
        report(f"{label}, {len(names)} cases of {arguments.split}", cases)
    print(f"One kind erased at crossings, in one piece without and with bridging: {erased.tolist()}")


if __name__ == "__main__":
    main()
