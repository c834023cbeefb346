"""What the instruments of an evaluation cost, and how true they are.

    python benchmarks/metrics.py                    # Frechet distance against MONAI's, anatomy of a map of 1024 px
    python benchmarks/metrics.py --phantoms 20      # figures of the raster against the true graph of phantoms
    python benchmarks/metrics.py --copies hrf.json  # planted copies among the maps of a datalist

On one core (OMP_NUM_THREADS=1), process time.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.evaluation.measurements import FINE_SIDE, SMALL_SIDE
from monai_fundusgen.evaluation.populations import DatalistEyes
from monai_fundusgen.evaluation.privacy import COLUMNS, FALSE_ALARMS, MapGallery
from monai_fundusgen.metrics.functional.distribution import frechet_distance
from monai_fundusgen.metrics.functional.patches import PatchGallery
from monai_fundusgen.metrics.functional.privacy import likeness_bound
from monai_fundusgen.metrics.functional.vessel_structure import field_diameter_px, vessel_structure
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.vessels.calibre import weighted_quantiles
from monai_fundusgen.vessels.central_calibre import calibres_on_circle, knudtson
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.segments import eye_segments
from monai_fundusgen.vessels.topology import junctions

ROWS, WIDTH, SIZE = 3000, 2048, 1024
KINDS = {"artery": ARTERY, "vein": VEIN}


def seconds(run, repeats=1):
    """Process time of the fastest of some runs, and the result."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        best = min(best, time.process_time() - start)
    return best, result


def speed():
    """Both costs that have a limit."""
    from monai.metrics import FIDMetric

    rng = np.random.default_rng(0)
    decay = np.arange(1, WIDTH + 1) ** -0.45
    x, y = (rng.normal(size=(ROWS, WIDTH)) * decay + shift for shift in (0.0, 0.02))
    ours, distance = seconds(lambda: frechet_distance(x, y))
    theirs, other = seconds(lambda: FIDMetric()(torch.from_numpy(y), torch.from_numpy(x)).item())
    print(
        f"Frechet distance, {ROWS} x {WIDTH}: {ours:.2f} s, MONAI {theirs:.1f} s: {theirs / ours:.0f} times;", end=" "
    )
    print(f"{distance:.8g} and {other:.8g}, {abs(distance - other) / other:.1e} apart")
    retina = grow_retina(0)
    drawn = rasterise(retina, SIZE)
    disc = tuple(map(float, retina.landmarks_rc(SIZE)[0]))
    radius = retina.landmarks.disc_radius_mm / retina.field.pixel_mm(SIZE)

    def measure():
        return vessel_structure(drawn.label, drawn.fov, disc_rc=disc, disc_radius_px=radius)

    measure()  # compiles
    print(f"anatomy of one map of {SIZE} px, arteries, veins and both: {seconds(measure, 5)[0]:.3f} s")


def true_figures(retina):
    """Figures of the graph that the map of an eye is drawn from, inside the field."""
    found = {}
    diameter = field_diameter_px(retina.field.mask(SIZE))
    marks = retina.landmarks
    for name, kind in KINDS.items():
        graph = eye_segments(retina, kind, SIZE)
        lengths, chords, step = graph.lengths_px, graph.chords_px, graph.step_px
        long = (lengths >= 8) & (chords > 0)
        wide = weighted_quantiles(graph.width_px, step, [0.5, 0.95])
        circle = calibres_on_circle(retina.graph, marks.disc_mm, 2.5 * marks.disc_radius_mm, kind)
        equivalent = knudtson(circle, {ARTERY: 0.88, VEIN: 0.95}[kind])
        found |= {
            f"{name}.length_fd": step.sum() / diameter,
            f"{name}.bifurcations": junctions(graph).num_bifurcations,
            f"{name}.tortuosity": weighted_quantiles(lengths[long] / chords[long], lengths[long], [0.5])[0],
            f"{name}.angle_deg": np.median(junctions(graph).angles_deg),
            f"{name}.width_median_permille": 1000 * wide[0] / diameter,
            f"{name}.width_p95_permille": 1000 * wide[1] / diameter,
            "crae_permille" if kind == ARTERY else "crve_permille": 1000 * equivalent
            / (1000 * retina.field.pixel_mm(SIZE)) / diameter,
        }  # fmt: skip
    found["avr"] = found["crae_permille"] / found["crve_permille"]
    found["av_crossings"] = float(retina.field.holds(retina.crossings.xy_mm).sum())
    return {name: float(value) for name, value in found.items()}


def against_the_graph(count):
    """Mean over eyes of each figure of the raster and of the graph, and how far they lie apart."""
    rows = []
    for seed in range(count):
        retina = grow_retina(seed)
        drawn = rasterise(retina, SIZE)
        disc = tuple(map(float, retina.landmarks_rc(SIZE)[0]))
        radius = retina.landmarks.disc_radius_mm / retina.field.pixel_mm(SIZE)
        raster = vessel_structure(drawn.label, drawn.fov, disc_rc=disc, disc_radius_px=radius).figures()
        rows.append((true_figures(retina), raster))
    print(f"{count} phantoms at {SIZE} px\n| figure | graph | raster | apart |\n|---|---|---|---|")
    for name in rows[0][0]:
        true, found = (np.nanmean([row[side][name] for row in rows]) for side in (0, 1))
        print(f"| {name} | {true:.4g} | {found:.4g} | {100 * (found - true) / true:+.1f} % |")


def planted(maps, kind, place, rng):
    """A copy of a map (2, S, S) as a generator might hide it, and the map that a patch was put into, or None."""
    one = maps[place].astype(np.float32)
    if kind == "flipped":
        return one[..., ::-1], None
    if kind == "turned":
        return ndimage.rotate(one, 7, axes=(-1, -2), reshape=False, order=1), None
    if kind == "shifted":
        return np.stack([ndimage.shift(plane, (9, -9), order=0) for plane in one]), None
    if kind == "patch":
        host = int(place + 1 + rng.integers(len(maps) - 1)) % len(maps)
        other = maps[host].astype(np.float32)
        half = one.shape[-1] // 2
        row, column = (int(corner) * half for corner in rng.integers(2, size=2))
        other[:, row : row + half, column : column + half] = one[:, row : row + half, column : column + half]
        return other, host
    return one, None


def reduced(one):
    """A map at the side of the search."""
    return area_resize(one, SMALL_SIDE, SMALL_SIDE).astype(np.float64)


def copies(path, count):
    """How many planted copies are found first, and how many held-out maps are flagged."""
    maps = {}
    for section in ("training", "testing"):
        eyes = DatalistEyes(section, section, load_datalist(path, section, needs=("label",)))
        maps[section] = np.stack([eyes.eye(place, FINE_SIDE).vessels for place in range(len(eyes))])
    seen, rng = maps["training"], np.random.default_rng(0)
    small = np.stack([reduced(one) for one in seen])
    gallery = MapGallery(small, seen, PatchGallery(small))
    bounds = {}
    own = [gallery.without(place).likeness(small[place], seen[place]) for place in range(len(seen))]
    for column in ("dice", "patch"):
        bounds[column] = likeness_bound([row[COLUMNS.index(column)] for row in own], FALSE_ALARMS)
    for kind in ("exact", "flipped", "turned", "shifted", "patch"):
        column, index = ("patch", "patch_index") if kind == "patch" else ("dice", "index")
        first = flagged = 0
        for turn in range(count):
            place = turn % len(seen)
            copy, host = planted(seen, kind, place, rng)
            searched = gallery if host is None else gallery.without(host)  # the rest of the host is a copy as well
            row = searched.likeness(reduced(copy), copy > 0.5)
            found = int(row[COLUMNS.index(index)])
            found += host is not None and found >= host
            first += found == place
            flagged += row[COLUMNS.index(column)] > bounds[column]
        print(f"{kind}: found first {first} of {count}, above the bound {flagged}")
    rows = [gallery.likeness(reduced(one), one) for one in maps["testing"]]
    for column, bound in bounds.items():
        values = [row[COLUMNS.index(column)] for row in rows]
        print(
            f"held out, {column}: {sum(np.array(values) > bound)} of {len(rows)} above {bound:.3f}, rate {FALSE_ALARMS}"
        )


def main():
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, help="figures of the raster against the graph of so many phantoms")
    parser.add_argument("--copies", type=Path, help="datalist whose training maps are the gallery")
    parser.add_argument("--count", type=int, default=20, help="planted copies of each sort")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.phantoms:
        against_the_graph(asked.phantoms)
    if asked.copies:
        copies(asked.copies, asked.count)
    if not asked.phantoms and not asked.copies:
        speed()


if __name__ == "__main__":
    main()
