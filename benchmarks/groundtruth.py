"""Registration of an angiogram to a photograph, on phantom eyes of which every motion is known.

    python benchmarks/groundtruth.py errors --eyes 30         # distances on centre lines, three ways, seconds a stage
    python benchmarks/groundtruth.py refusals --trials 30     # mirrored and foreign frames, swapped pairs
    python benchmarks/groundtruth.py splines --eyes 2         # the package's spline beside ITK's, from one start

Vessel probability is `ridge_probability`, no network. Errors: 12 frames of 1024 px an eye (choroidal flush to late),
every frame but the first moved by similarity, quadratic and elastic parts (``draw_deformation``: elastic up to 0.16 mm,
12 px; a frame is 45 degrees wide); distance between where a point of the photograph's centre lines is found in a frame
and where it is, in pixels of the photograph. ``rigid`` is the affine start photograph to frame alone, ``intensity`` the
same spline driven by the prepared images in place of vessel maps, ``ours`` is `register_case`. ``--first`` is the first
seed; ``--rows FILE`` keeps every frame's distances, and a later call goes on from there; ``table`` pools files.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_fundusgen.groundtruth.pair import begin, bend, carried, polish, pyramid
from monai_fundusgen.groundtruth.phantom_case import phantom_case
from monai_fundusgen.groundtruth.preparation import green_of, prepared
from monai_fundusgen.groundtruth.register import register_case
from monai_fundusgen.groundtruth.registered import RegistrationError
from monai_fundusgen.groundtruth.ridges import ridge_probability
from monai_fundusgen.groundtruth.rigid import FRAME_SIZES, FRAME_TURNS
from monai_fundusgen.groundtruth.warp import Stage, Warp

QUANTILES = np.linspace(0, 1, 201)
COMPARED = (2, 5, 9)  # frames that are also registered rigidly and by intensity


def rivals(known, index, photograph, probability):
    """Rigid alone, and the intensity-driven spline from the same start."""
    frame = known.case.frames[index]
    moving = pyramid(probability, frame.valid)
    start = begin(photograph, moving, FRAME_TURNS, FRAME_SIZES)
    green = green_of(known.case.photograph)
    grey = [pyramid(prepared(image, valid), valid)
            for image, valid in ((green, known.case.photograph_valid), (frame.image, frame.valid))]  # fmt: skip
    bent = polish(*grey, bend(*grey, start))
    return {"rigid": Warp((start,)), "intensity": Warp((bent,))}


def errors(args):
    """The table of eyes, those that ``--rows`` holds already not measured again."""
    lines, began = read([args.rows] if args.rows and args.rows.is_file() else []), time.perf_counter()
    done = {one["eye"] for one in lines}
    for seed in range(args.first, args.first + args.eyes):
        if seed in done or time.perf_counter() - began > args.seconds:
            continue
        found = measured(seed)
        lines += found
        if args.rows:
            with args.rows.open("a") as file:
                file.writelines(json.dumps(line) + "\n" for line in found)
    show(lines)


def measured(seed):
    """A line for an eye, then one a frame and way."""
    known = phantom_case(seed)
    start = time.perf_counter()
    result = register_case(known.case, ridge_probability)
    total = time.perf_counter() - start
    lines = [{"eye": seed, "seconds": result.seconds | {"all": total}, "kept": len(result.kept),
              "jacobian": min(one.minimum_jacobian for one in result.kept), "order": list(result.order),
              "photograph": result.photograph_agreement,
              "agreement": [round(one.agreement, 3) for one in result.frames],
              "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}]  # fmt: skip
    photograph = pyramid(result.photograph_probability, known.case.photograph_valid)
    for i, one in enumerate(result.frames):
        ways = {"ours": one.warp} if one.kept else {}
        if i in COMPARED:
            ways |= rivals(known, i, photograph, one.probability)
        for way, warp in ways.items():
            apart = known.errors_px(i, warp)
            lines.append({"eye": seed, "frame": i, "way": way, "under_2": float((apart < 2).mean()),
                          "quantiles": np.quantile(apart, QUANTILES).round(3).tolist()})  # fmt: skip
    return lines


def read(paths):
    """Lines of files of rows."""
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def show(lines):
    """Tables of pooled distances (every frame counts alike), and of seconds."""
    eyes, frames = [one for one in lines if "kept" in one], [one for one in lines if "way" in one]
    print(f"{len(eyes)} eyes, {sum(one['kept'] for one in eyes)} of {12 * len(eyes)} frames kept, "
          f"least Jacobian {min(one['jacobian'] for one in eyes):.2f}, "
          f"frames in their order in {sum(one['order'] == sorted(one['order']) for one in eyes)} eyes")  # fmt: skip
    print("\n| frames | way | frames | median px | 95th percentile px | under 2 px |\n|---|---|---|---|---|---|")
    groups = {"all": range(12), "10.8 s": (0,), "12.2 to 14 s": (1, 2, 3), "15.5 s and later": range(4, 12),
              "13, 17.5, 90 s": COMPARED}  # fmt: skip
    for name, indices in groups.items():
        for way in ("rigid", "intensity", "ours"):
            rows = [one for one in frames if one["way"] == way and one["frame"] in indices]
            if not rows or (way != "ours" and indices is not COMPARED):
                continue
            pooled = np.concatenate([one["quantiles"] for one in rows])
            print(f"| {name} | {way} | {len(rows)} | {np.median(pooled):.2f} | {np.percentile(pooled, 95):.2f} "
                  f"| {np.mean([one['under_2'] for one in rows]):.1%} |")  # fmt: skip
    print("\n| stage | seconds a case, median (greatest) |\n|---|---|")
    for stage in eyes[0]["seconds"]:
        values = [one["seconds"][stage] for one in eyes]
        print(f"| {stage} | {np.median(values):.1f} ({max(values):.1f}) |")
    print(f"\nmemory {max(one['mib'] for one in eyes):.0f} MiB; correlation of the photograph "
          f"{min(one['photograph'] for one in eyes):.2f} at least, of a frame "
          f"{min(min(one['agreement']) for one in eyes):.2f} at least")  # fmt: skip


def table(args):
    """The table of rows that were kept in files."""
    show(read(args.files))


def refusals(args):
    """Cases of two true frames, one mirrored and one foreign; then its photograph with the frames of another eye."""
    times, shown = (15.5, 24.0), []
    made: dict = {}
    began = time.perf_counter()
    for trial in range(args.first, args.first + args.trials):
        for seed in (trial, trial + 1):
            made[seed] = made.get(seed) or phantom_case(seed, times, size=384).case
        own, other = made[trial], made[trial + 1]
        pick = trial % len(times)
        mirror = replace(own.frames[pick], name="mirror", image=own.frames[pick].image[:, ::-1].copy())
        foreign = replace(other.frames[pick], name="foreign")
        line = {"trial": trial}
        try:
            result = register_case(replace(own, frames=(*own.frames, mirror, foreign)), ridge_probability)
            line |= {one.frame.name: not one.kept for one in result.frames[2:]}
            line |= {"good kept": [one.kept for one in result.frames[:2]],
                     "agreement": [round(one.agreement, 3) for one in result.frames],
                     "photograph": round(result.photograph_agreement, 3)}  # fmt: skip
        except RegistrationError as error:
            line["error"] = str(error)
        try:
            wrong = register_case(replace(own, frames=other.frames), ridge_probability)
            line |= {"swapped": False, "swapped correlation": round(wrong.photograph_agreement, 3)}
        except RegistrationError as error:
            line |= {"swapped": True, "swapped message": str(error)}
        shown.append(line)
        print(json.dumps(line), flush=True)
        if args.rows:
            with args.rows.open("a") as file:
                file.write(json.dumps(line) + "\n")
        if time.perf_counter() - began > args.seconds:
            break
    good = sum(sum(one.get("good kept", [False] * 2)) for one in shown)
    print(f"refused of {len(shown)}: " + ", ".join(
        f"{name} {sum(one.get(name, False) for one in shown)}" for name in ("mirror", "foreign", "swapped")
    ) + f"; good frames kept {good} of {2 * len(shown)}")  # fmt: skip


def itk_spline(fixed, moving, start, mesh):
    """ITK's B-spline by LBFGS on the correlation of two vessel planes of one step, from an affine start: a stage."""
    import itk

    shown = carried(moving, start, fixed)  # the start is applied, the spline acts before it
    images = [itk.image_from_array(np.ascontiguousarray(plane.level)) for plane in (fixed, shown)]
    kind = type(images[0])
    spline = itk.BSplineTransform[itk.D, 2, 3].New()
    rows, columns = fixed.level.shape
    spline.SetTransformDomainOrigin([-0.1 * columns, -0.1 * rows])
    spline.SetTransformDomainPhysicalDimensions([1.2 * columns, 1.2 * rows])
    spline.SetTransformDomainMeshSize([mesh, mesh])
    spline.SetIdentity()
    metric = itk.CorrelationImageToImageMetricv4[kind, kind].New()
    optimizer = itk.LBFGSOptimizerv4.New(
        GradientConvergenceTolerance=1e-4, MaximumNumberOfFunctionEvaluations=100, LineSearchAccuracy=0.9
    )
    method = itk.ImageRegistrationMethodv4[kind, kind].New(
        FixedImage=images[0], MovingImage=images[1], Metric=metric, Optimizer=optimizer, InitialTransform=spline
    )
    method.InPlaceOn()
    method.SetNumberOfLevels(1)
    method.SetShrinkFactorsPerLevel([1])
    method.SetSmoothingSigmasPerLevel([0])
    method.Update()
    values = spline.GetParameters()
    flat = np.array([values[i] for i in range(values.Size())]).reshape(2, mesh + 3, mesh + 3)
    origin = fixed.to_image(np.array([[-0.1 * columns, -0.1 * rows]]))[0]
    pitch = np.array([1.2 * columns, 1.2 * rows]) * fixed.step / mesh
    return Stage(start.matrix, start.offset_px, flat * fixed.step, origin, pitch)


def splines(args):
    """The package's spline beside ITK's: photograph to three frames, one start, distances and seconds."""
    print("| eye | frame | rigid px | ours px | seconds | ITK px | seconds |\n|---|---|---|---|---|---|---|")
    for seed in range(args.first, args.first + args.eyes):
        known = phantom_case(seed)
        case = known.case
        fixed, *moving = (
            pyramid(ridge_probability(prepared(image, valid), valid), valid)
            for image, valid in [(green_of(case.photograph), case.photograph_valid)]
            + [(case.frames[i].image, case.frames[i].valid) for i in COMPARED]
        )
        for i, there in zip(COMPARED, moving, strict=True):
            start = begin(fixed, there, FRAME_TURNS, FRAME_SIZES)
            began = time.perf_counter()
            ours = polish(fixed, there, bend(fixed, there, start))
            between = time.perf_counter()
            theirs = itk_spline(fixed.levels[2], there.levels[2], start, 12)
            seconds = {"ours": between - began, "itk": time.perf_counter() - between}
            found = {"rigid": start, "ours": ours, "itk": theirs}
            cells = {}
            for way, stage in found.items():
                apart = known.errors_px(i, Warp((stage,)))
                cells[way] = f"{np.median(apart):.2f} / {np.percentile(apart, 95):.2f}"
            print(f"| {seed} | {case.frames[i].time_s:g} s | {cells['rigid']} | {cells['ours']} "
                  f"| {seconds['ours']:.1f} | {cells['itk']} | {seconds['itk']:.1f} |", flush=True)  # fmt: skip


def main():
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for name, run in (("errors", errors), ("refusals", refusals), ("splines", splines)):
        verb = verbs.add_parser(name)
        verb.add_argument("--first", type=int, default=100)
        verb.add_argument("--trials" if run is refusals else "--eyes", type=int, default=3)
        verb.add_argument("--rows", type=Path)
        verb.add_argument(
            "--seconds", type=float, default=float("inf"), help="begin no further eye or trial after so many"
        )
        verb.set_defaults(run=run)
    verb = verbs.add_parser("table")
    verb.add_argument("files", type=Path, nargs="+")
    verb.set_defaults(run=table)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
