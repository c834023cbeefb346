"""What the repair of traced vessels does: to true maps, to damage planted in them, and to sampled maps.

    python benchmarks/topology.py --hrf ../shared/data/hrf-av --split training
    python benchmarks/topology.py --sampled runs/masks

True maps are HRF-AV cases as in exact_labels.py, 256 px. In the second round every case is damaged: per kind 24 gaps
of 3 to 8 px of course (half of them where a branch leaves) and 8 end branches of 8 to 30 px that change their kind, and
8 specks. Sampled maps are PNGs as the mask bundle writes them. Tables in Markdown:

- anatomy of the labels drawn at 1024 px inside the field (`map_anatomy`), without repair and with it: median over maps
  (least to greatest), then how many pass the gate, and why the others fail;
- Dice: with repair against without, on undamaged maps, per map the lower of both kinds; lost: centre line that is then
  drawn in neither kind (1 px); false: centre line drawn farther than 2 px from any vessel of its kind;
- mended: planted gaps and flips whose middle half is afterwards drawn in its own kind (1.5 px); speck: those left.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from pathlib import Path

import numpy as np
from exact_labels import averaged, read_case
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.sampling.gate import judge
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.tracing.repair import PathRepair
from monai_fundusgen.vessels.tracing.vectorise import vectorise

SIZE = 1024
GAPS, FLIPS, SPECKS = 24, 8, 8
GAP_PX, FLIP_PX = (3.0, 8.0), (8.0, 30.0)


def along(paths):
    """Length from the first point of its path to each point (P,)."""
    steps = np.hypot(*np.diff(paths.points_rc, axis=0).T)
    total = np.append(0.0, np.cumsum(steps))
    return total - np.repeat(total[paths.offsets[:-1]], np.diff(paths.offsets))


def gap_points(paths, rng):
    """Points of planted gaps, one array each."""
    place, path_of = along(paths), np.repeat(np.arange(len(paths.nodes)), np.diff(paths.offsets))
    degree = np.bincount(paths.nodes.ravel())
    found = []
    long = np.flatnonzero(paths.lengths_px >= 14)
    for number, s in enumerate(rng.permutation(long)[:GAPS].tolist()):
        length = rng.uniform(*GAP_PX)
        branching = degree[paths.nodes[s]] >= 3
        start = rng.uniform(4, paths.lengths_px[s] - length - 4) if paths.lengths_px[s] > length + 8 else 4.0
        if number % 2 and branching.any():
            start = 1.0 if branching[0] else paths.lengths_px[s] - length - 1.0
        mine = np.flatnonzero(path_of == s)
        found.append(mine[(place[mine] >= start) & (place[mine] <= start + length)])
    return [one for one in found if len(one)]


def flip_points(paths, taken, rng):
    """Points of end branches that change their kind, one array each."""
    degree, lengths = np.bincount(paths.nodes.ravel()), paths.lengths_px
    fits = (lengths >= FLIP_PX[0]) & (lengths <= FLIP_PX[1]) & (degree[paths.nodes].min(axis=1) == 1)
    fits &= degree[paths.nodes].max(axis=1) >= 3
    ranges = [np.arange(paths.offsets[s], paths.offsets[s + 1]) for s in rng.permutation(np.flatnonzero(fits))]
    return [one for one in ranges if not np.isin(one, taken).any()][:FLIPS]


def damaged(soft, paths, rng):
    """A damaged copy of a soft map, and what was planted: (kind, points_rc) of gaps and flips, places of specks."""
    grid = np.stack(np.mgrid[: soft.shape[1], : soft.shape[2]], axis=-1).reshape(-1, 2)
    out, gaps, flips = soft.copy(), [], []
    for kind, tree in enumerate((paths.artery, paths.vein)):
        cuts = gap_points(tree, rng)
        turned = flip_points(tree, np.concatenate(cuts), rng)
        far, nearest = cKDTree(tree.points_rc).query(grid)
        mine = (far <= tree.radius_px[nearest] + 1.5).reshape(soft.shape[1:])
        nearest = nearest.reshape(soft.shape[1:])
        gone = mine & np.isin(nearest, np.concatenate(cuts))
        change = mine & np.isin(nearest, np.concatenate(turned)) & (soft[kind] > 0)
        moved = np.where(change, soft[kind], 0)
        out[kind][gone | change] = 0
        out[1 - kind] = np.minimum(out[1 - kind] + moved, 1)
        gaps += [(kind, tree.points_rc[one]) for one in cuts]
        flips += [(kind, tree.points_rc[one]) for one in turned]
    empty = np.argwhere(distance_transform_edt(soft.max(axis=0) == 0) > 4)
    specks = rng.permutation(empty)[:SPECKS]
    for number, (r, c) in enumerate(specks):
        out[number % 2, r, max(c - 1, 0) : c + 2] = 0.4
    return out, gaps, flips, specks


def mended(planted, found):
    """Share of planted stretches whose middle half lies in its own kind."""
    trees = [cKDTree(tree.points_rc) for tree in (found.artery, found.vein)]
    hits = []
    for kind, points in planted:
        middle = points[len(points) // 4 : max(len(points) - len(points) // 4, len(points) // 4 + 1)]
        hits.append((trees[kind].query(middle)[0] <= 1.5).mean() >= 0.75)
    return float(np.mean(hits))


def false_px(found, true):
    """Centre line in px that lies off the true vessels of its kind."""
    total = 0.0
    for one, of in ((found.artery, true.artery), (found.vein, true.vein)):
        off = cKDTree(of.points_rc).query(one.points_rc)[0] > 2
        step = np.append(np.hypot(*np.diff(one.points_rc, axis=0).T), 0)
        step[one.offsets[1:] - 1] = 0
        total += float(step[off].sum())
    return total


def speck_share(specks, found):
    """Share of planted specks that are drawn."""
    tree = cKDTree(np.concatenate([found.artery.points_rc, found.vein.points_rc]))
    return float((tree.query(specks)[0] <= 1.5).mean())


def lost_px(found, true):
    """Centre line in px that is drawn in neither kind any more."""
    tree = cKDTree(np.concatenate([found.artery.points_rc, found.vein.points_rc]))
    points = np.concatenate([true.artery.points_rc, true.vein.points_rc])
    return float((tree.query(points)[0] > 1).sum() / 2)


def lower_dice(a, b):
    """Dice of the kind that differs more."""
    return min(2 * (x & y).sum() / (x.sum() + y.sum()) for x, y in zip(a, b, strict=True))


def timed(soft, **options):
    """Vessel paths, and how long they took."""
    start = time.process_time()
    found = vectorise(soft, **options)
    return found, time.process_time() - start


def true_cases(root, split):
    """Soft map, field and name of every case of a split."""
    with (root / "manifest.csv").open() as table:
        names = [row["id"] for row in csv.DictReader(table) if row["split"] == split]
    for name in names:
        label, fov = read_case(root, name)
        yield averaged(label), fov, name


def sampled_cases(folder, cut):
    """The same of sampled maps."""
    fov = Field(cut=cut).mask(SIZE)
    for path in sorted(folder.glob("*.png")):
        pixels = np.asarray(Image.open(path), dtype=np.float32) / 255
        yield np.stack([pixels[..., 0], pixels[..., 2]]), fov, path.stem


def harm_and_mending(soft, before, after, repair, seed):
    """Figures of one true map."""
    broken, gaps, flips, specks = damaged(soft, before, np.random.default_rng(seed))
    traced, mend = vectorise(broken), vectorise(broken, repair=repair)
    return {
        "Dice": lower_dice(after.label(SIZE), before.label(SIZE)),
        "lost, px": lost_px(after, before),
        "added off vessels, px": false_px(after, before),
        "gaps mended, before": mended(gaps, traced),
        "gaps mended": mended(gaps, mend),
        "flips mended, before": mended(flips, traced),
        "flips mended": mended(flips, mend),
        "specks, before": speck_share(specks, traced),
        "specks": speck_share(specks, mend),
        "false centre line, px, before": false_px(traced, before),
        "false centre line, px": false_px(mend, before),
    }


def cell(values):
    """Median (least to greatest)."""
    return f"{np.nanmedian(values):.3g} ({np.nanmin(values):.3g} to {np.nanmax(values):.3g})"


def print_table(columns):
    """Columns of lists of figures."""
    names = list(columns)
    print("| | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for figure in columns[names[0]][0]:
        print(f"| {figure} | " + " | ".join(cell([row[figure] for row in columns[name]]) for name in names) + " |")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hrf", type=Path)
    parser.add_argument("--split", default="training")
    parser.add_argument("--sampled", type=Path)
    parser.add_argument("--field-cut", type=float, default=0.716)
    parser.add_argument("--bridge-px", type=float, default=None, help="0 for true maps, 3 for sampled ones")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="of PathRepair")
    args = parser.parse_args()
    repair = PathRepair(**{name: float(value) for name, value in (one.split("=") for one in args.set)})
    cases = true_cases(args.hrf, args.split) if args.hrf else sampled_cases(args.sampled, args.field_cut)
    bridge_px = args.bridge_px if args.bridge_px is not None else (0.0 if args.hrf else 3.0)
    columns, rows, seconds = {"traced": [], "repaired": []}, [], []
    for seed, (soft, fov, _) in enumerate(cases):
        before, plain_s = timed(soft, bridge_px=bridge_px)
        after, whole_s = timed(soft, bridge_px=bridge_px, repair=repair)
        seconds.append(whole_s - plain_s)
        for name, found in (("traced", before), ("repaired", after)):
            columns[name].append(map_anatomy(found.label(SIZE) & fov, fov))
        if args.hrf:
            rows.append(harm_and_mending(soft, before, after, repair, seed))
    print_table(columns)
    for name, figures in columns.items():
        reasons = [judge(one) for one in figures]
        why = Counter(reason.split()[0] for one in reasons for reason in one)
        print(f"\n{name}: {sum(not one for one in reasons)} of {len(reasons)} pass the gate; fail by {dict(why)}")
    print(f"\nseconds of the repair: {np.median(seconds):.3f}\n")
    if rows:
        print_table({"median (least to greatest)": rows})


if __name__ == "__main__":
    main()
