"""Does the picture show what its label says? Real photographs, and pairs of every kind the cascade can make.

    python benchmarks/agreement.py hrf.json [--samples 12] [--sheet agreement.png]

For the test photographs of a datalist (`fundusgen datalist paired ../shared/data/hrf-av -o hrf.json`): contrast along
the label's vessels, the same for thin vessels (at most 4 px at 1024), and the Dice of a ridge filter's strongest
answers with the label (`monai_fundusgen.metrics.functional.picture_agreement`); medians over photographs. Rows:

- real: photograph and expert label;
- guided: the test labels, averaged to 256 px, traced and drawn at 1024 px; photograph by generator and enlarger, which
  follows that label; the look of the true photograph;
- unguided: the same without a guide, label as before;
- cubic: the generator's photograph enlarged by cubic interpolation, label as before;
- unguided, nearest: the enlarger without a guide, and the 256 px map above one half blown up, as label;
- maps of the mask model: guided, look drawn by seed;
- phantom maps: guided, look drawn by seed; phantom optics: its own photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch.nn import functional as F

from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.metrics.functional.picture_agreement import picture_agreement
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.painted_labels import cascade_painter
from monai_fundusgen.sampling.painters import CascadePainter, PhantomPainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import VesselSample, area_average
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.condition import eye_points, photograph_condition
from monai_fundusgen.transforms.field import CropFieldd, to_network_range

BUNDLE = Path(__file__).parents[1] / "bundles" / "fundus_dataset_generation"
SIZE, COARSE, CROP = 1024, 256, slice(280, 680)
Pair = tuple[np.ndarray, np.ndarray, np.ndarray]  # photograph (3, S, S) in [0, 1], vessels and field (S, S)


def opened(**settings: Any) -> ConfigParser:
    """The data set bundle."""
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    config.update({"bundle_root": str(BUNDLE), **settings})
    return config


def real_cases(datalist: str) -> list[dict[str, np.ndarray]]:
    """Test cases, squared to 1024 px: image, label, fov."""
    cases = []
    for entry in load_datalist(datalist, "testing", needs=("label",)):
        item = CropFieldd(("image", "label", "fov"), SIZE)(LoadFundusd(["image", "label", "fov"])(entry))
        cases.append({key: np.asarray(item[key], dtype=np.float32) for key in ("image", "label", "fov")})
    return cases


def real_pairs(cases: list[dict[str, np.ndarray]]) -> Iterator[Pair]:
    """Photographs and expert labels."""
    for case in cases:
        fov = case["fov"][0] > 0.5
        yield case["image"], (case["label"].max(0) >= 0.5) & fov, fov


def traced(case: dict[str, np.ndarray]) -> VesselSample:
    """The label of a case by way of 256 px."""
    fov = case["fov"][0] > 0.5
    soft = F.adaptive_avg_pool2d(torch.from_numpy(case["label"] * fov), COARSE)
    label, eye = LabelDrawing(SIZE).traced(soft.numpy())
    return VesselSample(area_average(label & fov, COARSE), label & fov, fov, eye)


@torch.inference_mode()
def coarse_photograph(painter: CascadePainter, sample: VesselSample, style: torch.Tensor) -> torch.Tensor:
    """The generator's photograph (1, 3, 256, 256) in the look of a photograph."""
    fov = F.adaptive_avg_pool2d(torch.from_numpy(sample.fov)[None].float(), COARSE)
    condition = photograph_condition(sample.soft, fov, eye_points(sample.soft.numpy()))[None]
    device = next(painter.network.parameters()).device
    styles = painter.network.styles([0], style)
    with torch.autocast(device.type, torch.bfloat16):
        return painter.network.generator(condition.to(device), style=styles).float()


@torch.inference_mode()
def pairs_of(cases: list[dict[str, np.ndarray]], painter: CascadePainter, kind: str) -> Iterator[Pair]:
    """Pairs painted from the test labels."""
    for case in cases:
        sample = traced(case)
        coarse = coarse_photograph(painter, sample, to_network_range(torch.from_numpy(case["image"])))
        guide = torch.from_numpy(sample.label)[None].float().to(coarse.device)
        with torch.autocast(coarse.device.type, torch.bfloat16):
            if kind == "cubic":
                fine = F.interpolate(coarse, scale_factor=SIZE // COARSE, mode="bicubic")
            else:
                fine = painter.network.enlarger(coarse, guide if kind == "guided" else torch.zeros_like(guide))
        label = sample.label
        if kind == "unguided, nearest":
            soft = F.adaptive_avg_pool2d(torch.from_numpy(case["label"]), COARSE)
            label = (soft >= 0.5).numpy().repeat(SIZE // COARSE, 1).repeat(SIZE // COARSE, 2) & sample.fov
        yield (fine[0].float().cpu().numpy() / 2 + 0.5).clip(0, 1) * sample.fov, label.any(0), sample.fov


def sampled_pairs(source: str, optics: str, count: int) -> Iterator[Pair]:
    """Pairs of the data set bundle."""
    config = opened(mask_source=source, photograph_source=optics, num_samples=count)
    maps, planned = config.get_parsed_content("map_source"), GenerationPlan(count, 0).samples()
    painter = PhantomPainter() if optics == "phantom" else config.get_parsed_content("painter")
    for plan in planned:
        (sample,) = maps([plan])
        (photograph,) = painter([sample], [plan])
        yield photograph.astype(np.float32) / 255, sample.label.any(0), sample.fov


def main() -> None:
    """Print the table; write the middle of one photograph of every kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist")
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    cases = real_cases(options.datalist)
    painter = cascade_painter()
    kinds: dict[str, Callable[[], Iterator[Pair]]] = {"real": lambda: real_pairs(cases)}
    for kind in ("guided", "unguided", "cubic", "unguided, nearest"):
        kinds[kind] = lambda kind=kind: pairs_of(cases, painter, kind)
    kinds["mask model, guided"] = lambda: sampled_pairs("ddpm", "cascade", options.samples)
    kinds["phantom maps, guided"] = lambda: sampled_pairs("phantom", "cascade", options.samples)
    kinds["phantom maps and optics"] = lambda: sampled_pairs("phantom", "phantom", options.samples)
    print(
        "| | N | contrast | over real | thin vessels | over real | filter Dice | over real |\n|---" + "|---" * 7 + "|"
    )
    crops, reference = [], None
    for kind, pairs in kinds.items():
        rows = []
        for place, (photograph, vessel, fov) in enumerate(pairs()):
            found = picture_agreement(photograph, vessel, fov)
            rows.append((found.contrast, found.thin_contrast, found.filter_dice))
            if place == 0:
                view = np.stack([photograph[:, CROP, CROP], np.repeat(vessel[None, CROP, CROP], 3, 0)])
                crops.append((view * 255).round().astype(np.uint8))
        medians = np.nanmedian(rows, axis=0)
        reference = medians if reference is None else reference
        cells = " | ".join(f"{value:.3f} | {value / real:.2f}" for value, real in zip(medians, reference, strict=True))
        print(f"| {kind} | {len(rows)} | {cells} |", flush=True)
    if options.sheet:
        rows_of_sheet = [np.concatenate([crop[part] for crop in crops], axis=2) for part in (0, 1)]
        write_png(options.sheet, np.concatenate(rows_of_sheet, axis=1).transpose(1, 2, 0))


if __name__ == "__main__":
    main()
