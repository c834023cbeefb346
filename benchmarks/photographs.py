"""Generated photographs of 256 px: how many optic discs, where, and how far they are from what the enlarger learnt on.

    python benchmarks/photographs.py [hrf.json] [--samples 100]

First table: maps of the mask model and of the phantom, a look a seed; photographs with exactly one bright spot of a
disc's size (`monai_fundusgen.metrics.functional.optic_disc`), and its distance from the point where the vessels of the
map meet, in disc radii (the bright part of a real disc lies temporal of it); the same of a datalist's photographs.
Second table, with a datalist: Frechet and kernel distance (random features, `monai_fundusgen.metrics.features`) of the
reduced training photographs, as they are and degraded as in the enlarger's training, to photographs generated from the
same labels in the look of each: the nearer, the better the enlarger knows what it gets.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch.nn import functional as F

from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.metrics.features import RandomFeatures
from monai_fundusgen.metrics.functional.distribution import frechet_distance, kernel_distance
from monai_fundusgen.metrics.functional.optic_disc import optic_discs
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import area_average
from monai_fundusgen.transforms.condition import HEAT_MM, eye_points, mm_per_side, photograph_condition
from monai_fundusgen.transforms.degrade import RandFadeVesselsd
from monai_fundusgen.transforms.field import CropFieldd, to_network_range

BUNDLE = Path(__file__).parents[1] / "bundles" / "fundus_dataset_generation"
COARSE, BATCH = 256, 4
Picture = tuple[np.ndarray, np.ndarray, np.ndarray]  # photograph (3, S, S) in [0, 1], soft map (2, S, S), field (S, S)


def opened(**settings: Any) -> ConfigParser:
    """The data set bundle."""
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    config.update({"bundle_root": str(BUNDLE), "photograph_source": "cascade", **settings})
    return config


@torch.inference_mode()
def painted(network: PhotographCascade, soft: torch.Tensor, fov: np.ndarray, style: torch.Tensor) -> np.ndarray:
    """Photograph of a soft map."""
    field = torch.from_numpy(fov)[None].float()
    condition = photograph_condition(soft, field, eye_points(soft.numpy()))[None]
    with torch.autocast("cpu", torch.bfloat16):
        photograph = network.generator(condition, style=style)[0].float()
    return (photograph / 2 + 0.5).clamp(0, 1).numpy() * fov


def sampled(source: str, network: PhotographCascade, count: int) -> Iterator[Picture]:
    """Photographs of fresh maps."""
    maps = opened(mask_source=source).get_parsed_content("map_source")
    planned = GenerationPlan(count, 0).samples()
    for start in range(0, count, BATCH):
        batch = planned[start : start + BATCH]
        for plan, sample in zip(batch, maps(batch), strict=True):
            fov = area_average(sample.fov[None], COARSE)[0].numpy() > 0.5
            yield painted(network, sample.soft, fov, network.styles([plan["seed"]])), sample.soft.numpy(), fov


def real(datalist: str, section: str) -> Iterator[Picture]:
    """Photographs of a datalist."""
    for entry in load_datalist(datalist, section, needs=("label",)):
        item = CropFieldd(("image", "label", "fov"), COARSE)(LoadFundusd(["image", "label", "fov"])(entry))
        image, label, fov = (np.asarray(item[key], dtype=np.float32) for key in ("image", "label", "fov"))
        yield image, label, fov[0] > 0.5


def print_discs(name: str, pictures: Iterator[Picture]) -> None:
    """One row: how many photographs have one disc, and how far from the root."""
    radius = HEAT_MM[0] / mm_per_side(60.0)
    counts, distances = [], []
    for photograph, soft, fov in pictures:
        found = optic_discs(photograph, fov)
        x, y = (eye_points(soft)[0] + 1) / 2
        counts.append(len(found))
        distances.append(np.hypot(found[0].row - y, found[0].column - x) / radius if found else np.inf)
    median, last = np.median(distances), max(distances)
    one = sum(count == 1 for count in counts)
    near = sum(count == 1 and distance < 2 for count, distance in zip(counts, distances, strict=True))
    print(f"| {name} | {len(counts)} | {one} | {near} | {median:.2f} | {last:.2f} |", flush=True)


def print_gap(datalist: str, network: PhotographCascade) -> None:
    """Distances of what the enlarger learnt on to what it gets."""
    degrade = RandFadeVesselsd(["image"], prob=1.0)
    degrade.set_random_state(0)
    rows: dict[str, list[np.ndarray]] = {"generated": [], "reduced": [], "reduced and degraded": []}
    for image, label, fov in real(datalist, "training"):
        true = torch.from_numpy(image)
        rows["reduced"].append(image * fov)
        rows["reduced and degraded"].append(degrade({"image": true, "label": label})["image"].numpy() * fov)
        style = network.styles([0], to_network_range(true))
        rows["generated"].append(painted(network, torch.from_numpy(label * fov), fov, style))
    extract = RandomFeatures()
    features = {
        name: extract(F.interpolate(to_network_range(torch.from_numpy(np.stack(found))), COARSE)).double().numpy()
        for name, found in rows.items()
    }
    count = len(features["generated"])
    print(f"\n| {count} photographs, to as many generated | Frechet | kernel |\n|---|---|---|")
    for name in ("reduced", "reduced and degraded"):
        pair = features["generated"], features[name]
        kernel = kernel_distance(*pair, rng=np.random.default_rng(0), subset_size=count, subsets=1)[0]
        print(f"| {name} | {frechet_distance(*pair):.3f} | {kernel:.3f} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", nargs="?")
    parser.add_argument("--samples", type=int, default=100)
    options = parser.parse_args()
    network = opened(mask_source="phantom").get_parsed_content("network")
    print("| | N | one disc | one, within 2 radii of the root | median distance | largest |\n|---|---|---|---|---|---|")
    for name, source in (("mask model", "ddpm"), ("phantom maps", "phantom")):
        print_discs(name, sampled(source, network, options.samples))
    if options.datalist:
        for section in ("training", "testing"):
            print_discs(f"real, {section}", real(options.datalist, section))
        print_gap(options.datalist, network)


if __name__ == "__main__":
    main()
