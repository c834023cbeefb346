"""Samplers against an exact oracle: total variation by number of network evaluations.

    python benchmarks/samplers.py [--samples 16000] [--seed 0]

An ideal denoiser of 59 binary vessel patches takes the network's place, so whatever is wrong with the samples is the
sampler's doing. `floor` is the distance of exact samples; a sampler cannot do better. Below a minute on one core.
"""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

import torch

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.samplers import num_levels, sampler_of
from monai_fundusgen.diffusion.schedule import NoiseSchedule

ORACLE = Path(__file__).parents[1] / "tests" / "reference" / "patch_mixture.py"
PatchMixture = runpy.run_path(str(ORACLE))["PatchMixture"]

ROWS = [
    ("ddpm", "uniform_t"), ("ddim", "uniform_t"), ("ddim", "log_snr"), ("dpm_solver", "uniform_t"),
    ("dpm_solver", "log_snr"), ("dpm_solver", "karras"), ("unipc", "uniform_t"), ("unipc", "log_snr"),
    ("heun", "log_snr"), ("heun", "karras"),
]  # fmt: skip
EVALUATIONS = [5, 9, 15, 21, 31, 51, 101, 251, 1000]
SCHEDULES = {"linear": NoiseSchedule.linear(), "cosine - 1.4": NoiseSchedule.cosine(log_snr_shift=-1.4)}


def measure(mixture, schedule, solver, spacing, evaluations, samples, seed):
    """Total variation and spread of one run."""
    levels = schedule.levels(num_levels(solver, evaluations), spacing)
    noise = SeededNoise([seed])
    x_0 = sampler_of(solver)(mixture.denoise, noise.normal(samples, mixture.patches.shape[1]), levels, noise)
    return mixture.total_variation(x_0), mixture.spread(x_0)


def main() -> None:
    """Print one table per schedule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    mixture = PatchMixture()
    draws = (mixture.draw(options.samples, torch.Generator().manual_seed(seed)) for seed in range(50))
    floor = torch.tensor([mixture.total_variation(draw) for draw in draws])
    print(f"{options.samples} samples; floor {floor.mean():.4f} (largest of 50 draws {floor.max():.4f})")
    for name, schedule in SCHEDULES.items():
        print(f"\n{name}: total variation (std / true)\n")
        print("| solver | levels | " + " | ".join(map(str, EVALUATIONS)) + " |")
        print("|---" * (len(EVALUATIONS) + 2) + "|")
        for solver, spacing in ROWS:
            cells = []
            for evaluations in EVALUATIONS:
                if (evaluations > 101 and solver != "ddpm") or (solver == "heun" and evaluations % 2 == 0):
                    cells.append("")
                    continue
                distance, spread = measure(
                    mixture, schedule, solver, spacing, evaluations, options.samples, options.seed
                )
                cells.append(f"{distance:.3f} ({spread:.2f})")
            print(f"| {solver} | {spacing} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
