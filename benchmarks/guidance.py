"""Sampled maps by solver and guidance: pieces, medians of the label, vessel round the fovea.

    python benchmarks/guidance.py hrf.json [--maps 40] [--rows 0 1 7] [--untapered]

Run seed 0, request and weights of the mask bundle. Largest piece: share of the vessel pixels (above .25 at 256 px),
median.
Medians: how many of the label's 17 lie inside the quartiles of the datalist's training labels, drawn in the same way.
Fovea: vessel within 2 mm of it over that of the field, median; it is taken 4.7 mm temporal of the disc, .4 mm below.
Disc: of the label's vessel pixels, brought to 256 px, within .9 mm of where the vessels meet, the share that are both
kinds, median; for real eyes of the labels themselves, and drawn as sampled ones are. Flips: median and mean of the
label's vessels that change kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray

from monai_fundusgen.conventions import DISC_RADIUS_MM
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.metrics.functional.map_anatomy import LEVEL, map_anatomy
from monai_fundusgen.sampling.label_drawing import EVENING, LabelDrawing
from monai_fundusgen.streams import sample_seed
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.transforms.traits import trait_places
from monai_fundusgen.vessels.convergence import find_disc, reduced
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.weights.bundles import bundle
from monai_fundusgen.weights.stages import Stage, load_stage

DISC = ["disc_x", "disc_y"]
#: Solver, steps, guidance scale, guided traits, levels.
ROWS = (
    ("dpm_solver", 20, 1.0, DISC, (0.0, 1.0)),
    ("unipc", 12, 1.0, DISC, (0.0, 1.0)),
    ("unipc", 12, 2.0, DISC, (0.0, 1.0)),
    ("unipc", 12, 3.0, DISC, (0.0, 1.0)),
    ("unipc", 12, 3.0, DISC, (0.0, 0.6)),
    ("unipc", 12, 2.5, DISC, (0.5, 1.0)),
    ("unipc", 10, 2.5, DISC, (0.0, 1.0)),
    ("unipc", 10, 2.25, DISC, (0.45, 1.0)),
    ("unipc", 12, 1.5, None, (0.0, 1.0)),
    ("unipc", 10, 1.0, DISC, (0.0, 1.0)),
    ("unipc", 8, 1.0, DISC, (0.0, 1.0)),
    ("unipc", 7, 1.0, DISC, (0.0, 1.0)),
    ("unipc", 6, 1.0, DISC, (0.0, 1.0)),
)
LEFT_OUT = ("disc_row", "disc_column")
FOVEA_MM, BELOW_MM, REACH_MM, BATCH = 4.7, 0.4, 2.0, 4
#: Wide ends: their least width, over how much of the vessel, and the share of the field that is its border.
WIDE_UM, TIP_MM, BORDER_SHARE = 70.0, 0.56, 0.05
SoftMap = NDArray[np.float32]


def sampled(
    stage: Stage, row: tuple[str, int, float, list[str] | None, tuple[float, float]], count: int
) -> list[SoftMap]:
    """Maps (2, 256, 256) with the settings of a row."""
    solver, steps, scale, traits, levels = row
    sampler = replace(
        stage.inferer.sampler, solver=solver, num_evaluations=steps, guidance_scale=scale,
        guided_entries=trait_places(traits), guidance_levels=levels,
    )  # fmt: skip
    inferer, seeds = replace(stage.inferer, sampler=sampler), [sample_seed(0, place) for place in range(count)]
    return [
        np.asarray(one, np.float32)
        for start in range(0, count, BATCH)
        for one in inferer(seeds[start : start + BATCH], stage.network).float().clamp(0, 1)
    ]


def real(datalist: str) -> Iterable[SoftMap]:
    """Training maps (2, 256, 256) of a datalist."""
    opened = Compose([LoadFundusd(keys=["label", "fov"]), CropFieldd(keys=["label"], size=256)])
    return (
        np.asarray(opened(item)["label"], np.float32) for item in load_datalist(datalist, "training", needs=("label",))
    )


def fovea_share(soft: SoftMap, drawing: LabelDrawing) -> float:
    """Mean of the map within `REACH_MM` of the fovea over that of the field."""
    size, vessel = soft.shape[-1], soft.max(axis=0)
    pixel_mm, (row, column) = drawing.field.pixel_mm(size), find_disc(soft, drawing.field_deg)
    temporal = 1 if column < size / 2 else -1
    rows, columns = np.ogrid[:size, :size]
    away_mm = np.hypot(
        rows - row - BELOW_MM / pixel_mm, columns - column - temporal * FOVEA_MM / pixel_mm
    ) * pixel_mm  # fmt: skip
    return float(vessel[away_mm < REACH_MM].mean() / vessel[drawing.field.mask(size)].mean())


def both_kinds(soft: SoftMap, drawing: LabelDrawing) -> float:
    """Share of the vessel pixels of a map (2, 256, 256) on the disc that are both kinds."""
    vessel, (row, column) = soft > LEVEL, find_disc(soft, drawing.field_deg)
    rows, columns = np.ogrid[: soft.shape[-2], : soft.shape[-1]]
    near = np.hypot(rows - row, columns - column) * drawing.field.pixel_mm(soft.shape[-1]) < DISC_RADIUS_MM
    return float(vessel.all(axis=0)[near].sum() / max(vessel.any(axis=0)[near].sum(), 1))


def wide_ends(eye: Retina) -> int:
    """Vessels of an eye that end wide inside the field."""
    graph, count = eye.graph, 0
    branches = np.bincount(graph.parent[graph.parent >= 0], minlength=len(graph.parent))
    inner = replace(eye.field, diameter_deg=eye.field.diameter_deg * (1 - BORDER_SHARE))
    away_mm = np.hypot(*(graph.xy_mm - np.asarray(eye.landmarks.disc_mm)).T)
    tips = np.setdiff1d(np.flatnonzero(graph.parent >= 0), graph.parent)
    for tip in tips[inner.holds(graph.xy_mm[tips]) & (away_mm[tips] > 1.8 * DISC_RADIUS_MM)].tolist():
        node, way, widths = tip, 0.0, []
        while node >= 0 and way < TIP_MM and branches[node] < 2:
            above = int(graph.parent[node])
            widths.append(2 * graph.radius_um[node])
            way += float(np.hypot(*(graph.xy_mm[node] - graph.xy_mm[above]))) if above >= 0 else 0.0
            node = above
        count += float(np.median(widths)) > WIDE_UM
    return count


def labels(
    maps: list[SoftMap], drawing: LabelDrawing
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], float]:
    """Figures of the labels that maps become, each (N,); what is both kinds on their discs (N,); wide ends a label."""
    found, both, ends = [], [], []
    for one in maps:
        label, eye = drawing.traced(one)
        found.append(map_anatomy(label, drawing.fov, eye=eye))
        both.append(both_kinds(reduced(label, one.shape[-1]).astype(np.float32), drawing))
        ends.append(wide_ends(eye))
    figures = {name: np.array([one[name] for one in found]) for name in found[0] if name not in LEFT_OUT}
    return figures, np.array(both), float(np.mean(ends))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", help="decided labels, trees carried on")
    parser.add_argument("--maps", type=int, default=40)
    parser.add_argument("--rows", type=int, nargs="+", default=list(range(len(ROWS))))
    parser.add_argument("--untapered", action="store_true", help="labels whose vessels end as wide as traced")
    options = parser.parse_args()
    stage = load_stage(bundle("fundus_av_mask_ddpm"))
    drawing = LabelDrawing(1024, **stage.maps)
    true = list(real(options.datalist))
    untapered = replace(drawing, evening=replace(EVENING, tip_px=0.0))
    drawn, both, ends = labels(true, replace(untapered, excess_px=0.0))
    quartiles = {name: np.nanquantile(values, (0.25, 0.75)) for name, values in drawn.items()}
    fovea, itself = (np.median([measure(one, drawing) for one in true]) for measure in (fovea_share, both_kinds))
    print(f"real: fovea {fovea:.2f}, disc {itself:.3f}, {np.median(both):.3f} drawn, wide ends {ends:.1f}\n")
    pieces = "largest piece, artery / vein"
    print(f"| solver | steps | scale | traits | levels | {pieces} | medians | fovea | disc | flips | wide ends |")
    print("|" + "---|" * 11)
    for place in options.rows:
        row = ROWS[place]
        maps = sampled(stage, row, options.maps)
        raw = [map_anatomy(one) for one in maps]
        artery, vein = (np.median([one[f"{kind}.largest_share"] for one in raw]) for kind in ("artery", "vein"))
        figures, both, ends = labels(maps, untapered if options.untapered else drawing)
        medians, flips = {name: np.nanmedian(values) for name, values in figures.items()}, figures["kind_flips"]
        inside = sum(low <= medians[name] <= high for name, (low, high) in quartiles.items())
        solver, steps, scale, traits, levels = row
        print(
            f"| {solver} | {steps} | {scale:g} | {'all' if traits is None else 'disc'} | {levels[0]:g}-{levels[1]:g} | "
            f"{artery:.2f} / {vein:.2f} | {inside} of {len(quartiles)} | "
            f"{np.median([fovea_share(one, drawing) for one in maps]):.2f} | {np.median(both):.3f} | "
            f"{np.median(flips):g}, {flips.mean():.2f} | {ends:.1f} |", flush=True
        )  # fmt: skip


if __name__ == "__main__":
    main()
