"""Labels from angiography against the truth, on phantom eyes; seconds of each part.

    python benchmarks/groundtruth_labels.py cases --eyes 8 --rows rows.jsonl      # --first, --times
    python benchmarks/groundtruth_labels.py table rows.jsonl
    python benchmarks/groundtruth_labels.py calibration rows.jsonl                # is the confidence what is right?
    python benchmarks/groundtruth_labels.py learn others.jsonl                    # the map that mends it
    python benchmarks/groundtruth_labels.py frames --eyes 24                       # network against filter

Without arguments: ``frames`` on four eyes. Cases: frames of 1024 px, moved as `phantom_case` moves them, registered by
`register_case`, scored inside the field of the photograph; a later call goes on in the same file. ``photograph``:
vessel probability of fundus_av_unet. ``best frame``: the one registered frame of the highest Dice with the truth, which
nobody could choose without it. Dice at the threshold of each (one half; the chain's own rule for ``chain``), and at the
best of nineteen thresholds. Thin: centre-line pixels of the truth on vessels under 40 um (3 px). Branches: of the
chain's own map, where nine in ten of their pixels are one kind in the truth; weighed by length.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.data.angiograms import phantom_angiogram
from monai_fundusgen.groundtruth.aggregation import RULES, aggregate
from monai_fundusgen.groundtruth.kinds import LEAST_CONFIDENCE, calibrated, combined_kinds, timing_evidence
from monai_fundusgen.groundtruth.networks import frame_reader, photograph_reader
from monai_fundusgen.groundtruth.phantom_case import TWELVE_TIMES_S, phantom_case
from monai_fundusgen.groundtruth.pipeline import as_recorded
from monai_fundusgen.groundtruth.register import register_case
from monai_fundusgen.groundtruth.ridges import ridge_probability
from monai_fundusgen.groundtruth.truth import TruthSettings, case_truth
from monai_fundusgen.metrics.functional.segmentation import centre_line_counts
from monai_fundusgen.vessels.skeleton import thin

THIN_UM = 40.0
LEVELS = np.arange(0.05, 1.0, 0.05)
LEAST, MOST = 0.51, 0.99  # shares right that are believed: above one half, so that no kind is lost
KNOTS = (1.0, 2.0, 2.5, 3.0, 3.5, 4.0)


def auc(score, truth):
    """Area under the ROC curve of two flat arrays."""
    ranks, positive = rankdata(score), int(truth.sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (truth.size - positive)))


def dice(found, truth):
    """Dice of two masks."""
    return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))


def scored(probability, truth, fov, fine, mask=None):
    """Scores of a map by name; ``mask`` in place of a threshold of one half."""
    mask = (probability >= 0.5) & fov if mask is None else mask
    return {
        "auc": auc(probability[fov], truth[fov]),
        "dice": dice(mask & fov, truth & fov),
        "best_dice": max(dice((probability >= level) & fov, truth & fov) for level in LEVELS),
        "cl_dice": centre_line_counts(mask, truth, fov).cl_dice(),
        "thin": float(mask[fine & fov].mean()),
    }


def true_branches(truth_map, graph):
    """Whether each branch (S,) is an artery in the truth, and its length in px, 0 where it is not one kind there."""
    rows, columns = np.rint(graph.points_rc).astype(int).T
    branch = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    counts = [truth_map[kind][rows, columns] * graph.clear for kind in (ARTERY, VEIN)]
    on = [np.bincount(branch, count, graph.num_segments) for count in counts]
    points = np.bincount(branch, graph.clear, graph.num_segments)
    pure = (np.maximum(*on) >= 0.9 * points) & (np.minimum(*on) <= 0.1 * points) & (points > 0)
    return on[0] > on[1], graph.lengths_px * pure


def odds_of(evidence, mapped=calibrated):
    """Log-odds of artery (S,) by source; of timing as they are `calibrated`, or as filling states them."""
    timing, network = mapped(np.array(evidence["timing"])), np.array(evidence["network"])
    return {"timing": timing, "network": network, "both": timing + network}


def branch_scores(evidence):
    """By source: share of the branches' length left open, right among the rest, and right were none left open."""
    length, found = np.array(evidence["length_px"]), {}
    for name, odds in odds_of(evidence).items():
        kinds = combined_kinds(odds)
        right, told = kinds.kind == np.where(evidence["artery"], ARTERY, VEIN), ~kinds.uncertain
        found[name] = {
            "branches": len(length),
            "open": float(length[~told].sum() / length.sum()),
            "right_of_told": float((length * right)[told].sum() / max(length[told].sum(), 1e-9)),
            "right_of_all": float((length * right).sum() / length.sum()),
        }
    return found


def one_case(seed, readers, times_s):
    """Every score of one eye, and processor seconds by part."""
    known = phantom_case(seed, times_s)
    truth, fov = known.raster.label.any(axis=0), known.raster.fov
    diameter = known.raster.diameter_um.max(axis=0)
    fine = thin(truth) & (diameter > 0) & (diameter < THIN_UM)
    seconds, start = {}, time.process_time()

    def lap(name):
        nonlocal start
        seconds[name], start = time.process_time() - start, time.process_time()

    frames, photographs = readers
    registered = register_case(known.case, frames)
    lap("register")
    registered = as_recorded(registered, frames)
    lap("frames read as recorded")
    chance = photographs(known.case.photograph, fov)
    lap("photograph read")
    made = case_truth(registered, TruthSettings(), chance)
    lap("merge and label")
    seen = [one.on_photograph() for one in registered.kept]
    probabilities, valid = np.stack([one.probability for one in seen]), np.stack([one.valid for one in seen])
    maps = {"photograph": chance[2], **{rule: aggregate(probabilities, valid, rule) for rule in RULES}}
    best = max(probabilities, key=lambda one: dice(one >= 0.5, truth & fov))
    rows = {name: scored(plane, truth, fov, fine) for name, plane in {**maps, "best frame": best}.items()}
    rows["chain"] = scored(made.probability, truth, fov, fine, made.mask)
    artery, length = true_branches(known.raster.label, made.graph)
    pure = length > 0
    evidence = {
        "artery": artery.astype(int),
        "length_px": length,
        "timing": timing_evidence(made.graph, made.filling),
        "network": made.network,
    }
    return {
        "seed": seed,
        "frames": len(times_s),
        "times_s": list(times_s),
        "kept": len(registered.kept),
        "maps": rows,
        "evidence": {name: values[pure].round(3).tolist() for name, values in evidence.items()},
        "cpu_s": seconds,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def cases(options):
    """Add a line a case to a file; eyes that are in it already are not measured again."""
    readers = frame_reader(options.frames), photograph_reader()
    began, done = time.perf_counter(), {row["seed"] for row in read(options.rows)} if options.rows.is_file() else set()
    for seed in range(options.first, options.first + options.eyes):
        if seed in done or time.perf_counter() - began > options.seconds:
            continue
        line = json.dumps(one_case(seed, readers, options.times)) + "\n"
        with options.rows.open("a") as file:
            file.write(line)


def read(path):
    """Lines of a file of cases."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(options):
    """Means over the lines of a file; kinds by the rules as they are now, from the evidence that was kept."""
    rows = [{**row, "kinds": branch_scores(row["evidence"])} for row in read(options.rows)]
    print(f"{len(rows)} eyes, {sum(row['kept'] for row in rows)} of {sum(row['frames'] for row in rows)} frames kept")
    for part, names in (("maps", ("auc", "dice", "best_dice", "cl_dice", "thin")),
                        ("kinds", ("branches", "open", "right_of_told", "right_of_all"))):  # fmt: skip
        print("| | " + " | ".join(names) + " |")
        for entry in rows[0][part]:
            values = [np.mean([row[part][entry][name] for row in rows]) for name in names]
            print(f"| {entry} | " + " | ".join(f"{one:.3f}" if one <= 1 else f"{one:.0f}" for one in values) + " |")
    for name in rows[0]["cpu_s"]:
        print(f"{name}: {np.mean([row['cpu_s'][name] for row in rows]):.1f} s of processor time")
    print(f"peak memory {max(row['peak_gib'] for row in rows):.1f} GiB")


def pooled(paths, mapped):
    """Of all branches of files of cases, by source: size of the log-odds, whether right, length in px."""
    found = {}
    for row in (row for path in paths for row in read(path)):
        for name, odds in odds_of(row["evidence"], mapped).items():
            right = (odds > 0) == np.array(row["evidence"]["artery"], dtype=bool)
            found.setdefault(name, []).append((np.abs(odds), right, row["evidence"]["length_px"]))
    return {name: [np.concatenate(one) for one in zip(*parts, strict=True)] for name, parts in found.items()}


def calibration(options):
    """By source: what the confidence states by tenth between one half and one, and what is right, by length."""
    for how, mapped in (("as stated", lambda odds: odds), ("calibrated", calibrated)):
        for name, (size, right, length) in pooled(options.rows, mapped).items():
            stated = combined_kinds(size).confidence
            place = np.minimum((stated - 0.5) * 20, 9).astype(int)
            weight = np.bincount(place, length, 10)
            says, is_right = (np.bincount(place, length * one, 10) / np.maximum(weight, 1) for one in (stated, right))
            off, told = float((weight * np.abs(says - is_right)).sum() / weight.sum()), stated >= LEAST_CONFIDENCE
            print(f"{name}, timing {how}: expected calibration error {off:.4f}, "
                  f"open {np.average(~told, weights=length):.3f}, "
                  f"right among the rest {np.average(right[told], weights=length[told]):.3f}, "
                  f"of all {np.average(right, weights=length):.3f}\n| from | share | states | right |")  # fmt: skip
            for k in np.flatnonzero(weight):
                print(f"| {0.5 + k / 20:.2f} | {weight[k] / weight.sum():.3f} | {says[k]:.3f} | {is_right[k]:.3f} |")


def learn(options):
    """What log-odds of timing are worth: share right by their size, made monotone, as log-odds at some of them."""
    size, right, length = pooled(options.rows, lambda odds: odds)["timing"]
    order = np.argsort(size, kind="stable")
    level = isotonic_regression(right[order].astype(float), weights=length[order]).x
    for knot in KNOTS:
        near = np.abs(size[order] - knot) <= 0.25
        share = np.average(level[near], weights=length[order][near]) if near.any() else np.nan
        share = float(np.clip(share, LEAST, MOST))
        print(f"{knot}: {near.sum()} branches, right {share:.4f}, log-odds {np.log(share / (1 - share)):.2f}")


def frames(options):
    """The network of frames beside the filter, one frame an eye."""
    network = frame_reader("network")
    found = {"network": [], "filter": []}
    for seed in range(options.first, options.first + options.eyes):
        eye = phantom_angiogram(seed, 1024, 1)
        image, truth, fov = eye["image"][0].astype(np.float32) / 255, eye["vessel"][0], eye["fov"][0]
        for name, reader in (("network", network), ("filter", ridge_probability)):
            plane = reader(image, fov)
            best = max(dice((plane >= level) & fov, truth & fov) for level in LEVELS)
            found[name].append((auc(plane[fov], truth[fov]), dice((plane >= 0.5) & fov, truth & fov), best))
    for name, values in found.items():
        print(name, "AUC, Dice at one half, best Dice:", *(f"{value:.3f}" for value in np.mean(values, axis=0)))


def main():
    """Run one of the verbs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(action=frames, eyes=4, first=2_000_000)
    verbs = parser.add_subparsers()
    for name, action in (("cases", cases), ("frames", frames)):
        verb = verbs.add_parser(name)
        verb.set_defaults(action=action)
        verb.add_argument("--eyes", type=int, default=4)
        verb.add_argument("--first", type=int, default=2_000_000)
        if name == "cases":
            verb.add_argument("--rows", type=Path, required=True)
            verb.add_argument("--seconds", type=float, default=float("inf"), help="begin no further eye after so many")
            verb.add_argument("--times", type=float, nargs="+", default=TWELVE_TIMES_S)
            verb.add_argument("--frames", default="network", choices=("network", "ridges"))
    for name, action in (("calibration", calibration), ("learn", learn)):
        verb = verbs.add_parser(name)
        verb.set_defaults(action=action)
        verb.add_argument("rows", type=Path, nargs="+")
    verb = verbs.add_parser("table")
    verb.set_defaults(action=table)
    verb.add_argument("rows", type=Path)
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    main()
