"""Traits asked for against traits obtained: correlation and error, by guidance scale.

    python benchmarks/control.py [--maps 96] [--guidance 1 2] [--weights model.pt]

Every map asks for a density and an arteriole-to-venule ratio drawn at random, and for either laterality. Density is
that of the soft map inside the field; ratio and disc are measured on the vessel graph of the map, as in training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser

from monai_fundusgen.transforms.eye_traits import vessel_density
from monai_fundusgen.transforms.traits import TraitRequest, trait_vector
from monai_fundusgen.vessels.central_calibre import arteriole_venule_ratio
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.weights.files import load_weights

BUNDLE = Path(__file__).parents[1] / "bundles" / "fundus_av_mask_ddpm"
RANGES = {"density": (0.06, 0.13), "avr": (0.55, 0.95)}
BATCH = 8


def requests(count: int) -> list[dict[str, float]]:
    """Traits asked for, a function of the place alone; every second eye is a left one."""
    wishes = [TraitRequest(density=RANGES["density"], avr=RANGES["avr"], laterality=side) for side in ("right", "left")]
    return [wishes[place % 2].draw(place) for place in range(count)]


def obtained(soft: np.ndarray, field: Field) -> dict[str, float]:
    """The same traits of a sampled map (2, S, S)."""
    row, column = find_disc(soft)
    return {
        "density": vessel_density(torch.from_numpy(soft), field),
        "avr": arteriole_venule_ratio(soft, (row, column)),
        "disc_x": (column + 0.5) * 2 / soft.shape[-1] - 1,
        "disc_y": (row + 0.5) * 2 / soft.shape[-1] - 1,
    }


def main() -> None:
    """Print a table for each guidance scale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=int, default=96)
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--weights", default=str(BUNDLE / "models" / "model.pt"))
    options = parser.parse_args()
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    network = load_weights(config.get_parsed_content("network_def"), options.weights)
    network = network.to(memory_format=torch.channels_last)
    sampler = config.get_parsed_content("inferer").sampler
    asked = requests(options.maps)
    for guidance in options.guidance:
        sampler.guidance_scale, sampler.batch_size, found = guidance, BATCH, []
        for first in range(0, options.maps, BATCH):
            part = asked[first : first + BATCH]
            context = torch.stack([trait_vector(one) for one in part])
            maps = sampler(list(range(first, first + len(part))), network, context=context)
            found += [obtained(soft, Field(cut=config["maps#field_cut"])) for soft in maps.numpy()]
        print(f"\nguidance {guidance:g}, {options.maps} maps\n")
        print("| trait | asked, mean and sd | obtained, mean and sd | correlation | median absolute error |")
        print("|---|---|---|---|---|")
        for name in found[0]:
            pairs = np.array([(one[name], other[name]) for one, other in zip(asked, found, strict=True) if name in one])
            pairs = pairs[np.isfinite(pairs).all(axis=1)] if len(pairs) else pairs
            if len(pairs):
                a, b = pairs.T
                print(
                    f"| {name} | {a.mean():.3f} {a.std():.3f} | {b.mean():.3f} {b.std():.3f} "
                    f"| {np.corrcoef(a, b)[0, 1]:.2f} | {np.median(np.abs(a - b)):.3f} |"
                )
        sides = [np.sign(one["disc_x"]) == np.sign(other["disc_x"]) for one, other in zip(asked, found, strict=True)]
        print(f"\nlaterality as asked: {sum(sides)} of {len(sides)}")


if __name__ == "__main__":
    main()
