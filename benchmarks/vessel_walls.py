"""How even the walls, how smooth the courses, how wide the vessels of labels are: real ones, and those of a data set.

    python benchmarks/vessel_walls.py hrf.json [dataset] [--limit 24]

Labels of 1024 px. By the median width of the stretch between two junctions (60 px long at least): the standard
deviation of the width over its median, of what varies within 8 px (``fine``) and beyond, about a straight taper
(``slow``), the distance of the centre line from its average over 12 px (``course``, px), and by how much it turns from
one chord of 12 px to the next (``turn``, degrees), medians over stretches. Then quantiles of the width along all centre
lines, px.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.vessels.graph import vessel_graph

CLASSES = ((1.5, 2.5), (2.5, 4.0), (4.0, 7.0), (7.0, 14.0))
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
SHORTEST, ENDS, FINE_PX, COURSE_PX = 60, 6, 8, 12
FloatArray = NDArray[np.float64]


def labels(datalist: str | Path, limit: int) -> Iterable[NDArray[np.bool_]]:
    """Labels (2, 1024, 1024) of the training part."""
    opened = Compose([LoadFundusd(keys=["label", "fov"]), CropFieldd(keys=["label"], size=1024)])
    for item in islice(load_datalist(datalist, "training", needs=("label",)), limit):
        yield np.asarray(opened(item)["label"]) > 0.5


def stretch(points_rc: FloatArray, width_px: FloatArray) -> tuple[float, float, float, float, float]:
    """Median width, fine and slow variation over it, unrest of the course, and its turns."""
    width, points = width_px[ENDS:-ENDS], points_rc[ENDS:-ENDS]
    median, even, place = float(np.median(width)), gaussian_filter1d(width, FINE_PX), np.arange(len(width))
    slow = even - np.polyval(np.polyfit(place, even, 1), place)
    away = np.hypot(*(points - gaussian_filter1d(points, COURSE_PX, axis=0))[COURSE_PX:-COURSE_PX].T)
    fine, course = float((width - even).std()) / median, float(np.sqrt(np.mean(away**2)))
    return median, fine, float(slow.std()) / median, course, turn(points)


def turn(points_rc: FloatArray) -> float:
    """Mean angle between neighbouring chords of `COURSE_PX` of a centre line, degrees."""
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(points_rc, axis=0).T)))
    at = np.arange(0.0, along[-1], COURSE_PX)
    chords = np.diff(np.stack([np.interp(at, along, axis) for axis in points_rc.T]), axis=1)
    angles = np.diff(np.arctan2(*chords))
    return float(np.degrees(np.abs((angles + np.pi) % (2 * np.pi) - np.pi)).mean())


def report(name: str, found: Iterable[NDArray[np.bool_]]) -> None:
    """Print the figures of a set."""
    rows, widths, steps = [], ([], []), ([], [])
    for label in found:
        for kind in (0, 1):
            graph = vessel_graph(label[kind])
            widths[kind].append(graph.width_px)
            steps[kind].append(graph.step_px)
            for first, after in zip(graph.offsets[:-1], graph.offsets[1:], strict=True):
                if after - first >= SHORTEST:
                    rows.append(stretch(graph.points_rc[first:after], graph.width_px[first:after]))
    table = np.array(rows)
    print(name)
    for low, high in CLASSES:
        chosen = table[(table[:, 0] >= low) & (table[:, 0] < high)]
        fine, slow, course, turns = np.median(chosen[:, 1:], axis=0)
        print(
            f"  {low:4.1f} to {high:4.1f} px  {len(chosen):5d}  fine {fine:.3f}  slow {slow:.3f}  "
            f"course {course:.2f}  turn {turns:.1f}"
        )
    for kind, letter in enumerate("av"):
        width, step = np.concatenate(widths[kind]), np.concatenate(steps[kind])
        order = np.argsort(width)
        share = np.cumsum(step[order]) / step.sum()
        found_at = [width[order][np.searchsorted(share, q)] for q in QUANTILES]
        print(f"  {letter}  " + "  ".join(f"{q:.0%} {w:.2f}" for q, w in zip(QUANTILES, found_at, strict=True)))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist")
    parser.add_argument("dataset", nargs="?", type=Path)
    parser.add_argument("--limit", type=int, default=24)
    options = parser.parse_args()
    report("real", labels(options.datalist, options.limit))
    if options.dataset:
        report(options.dataset.name, labels(options.dataset / "datalist.json", options.limit))


if __name__ == "__main__":
    main()
