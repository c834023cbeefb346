"""Samplers against an exact oracle: total variation by number of network evaluations.

    python benchmarks/samplers.py [--samples 16000] [--seed 0]

An ideal denoiser of 59 binary vessel patches takes the network's place, so whatever is wrong with the samples is the
sampler's doing. `floor` is the distance of exact samples; a sampler cannot do better. The last table asks what a noisy
end does to large maps: an ideal denoiser of independent pixels, vessel fraction 0.06 or 0.16, half each.
About two minutes on one core.
"""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

import torch
import torch.nn.functional as F

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.samplers import num_levels, sampler_of
from monai_fundusgen.diffusion.schedule import NoiseSchedule

ORACLE = Path(__file__).parents[1] / "tests" / "reference" / "patch_mixture.py"
PatchMixture = runpy.run_path(str(ORACLE))["PatchMixture"]

ROWS = [
    ("ddpm", "uniform_t"), ("ddim", "uniform_t"), ("ddim", "log_snr"), ("dpm_solver", "uniform_t"),
    ("dpm_solver", "log_snr"), ("dpm_solver", "karras"), ("unipc", "uniform_t"), ("unipc", "log_snr"),
    ("heun", "uniform_t"), ("heun", "log_snr"),
]  # fmt: skip
EVALUATIONS = [5, 9, 15, 21, 31, 51, 101, 251, 1000]
SCHEDULES = {"linear": NoiseSchedule.linear(), "cosine - 1.4": NoiseSchedule.cosine(log_snr_shift=-1.4)}


def measure(mixture, schedule, solver, spacing, evaluations, samples, seed):
    """Total variation and spread of one run."""
    levels = schedule.levels(num_levels(solver, evaluations), spacing)
    noise = SeededNoise([seed])
    x_0 = sampler_of(solver)(mixture.denoise, noise.normal(samples, mixture.patches.shape[1]), levels, noise)
    return mixture.total_variation(x_0), mixture.spread(x_0)


def ideal_density(x, abar, fractions=(0.06, 0.16)):
    """E[x_0 | x_t] for maps (B, N) of independent pixels whose vessel fraction is one of two."""
    u = (abar.sqrt() / (1 - abar)).to(x) * x
    odds = torch.logit(torch.tensor(fractions))
    evidence = [(F.logsigmoid(-z) + F.softplus(2 * u + z)).sum(1) for z in odds]
    share = torch.softmax(torch.stack(evidence, 1), 1)
    return sum(share[:, k : k + 1] * torch.tanh(u + odds[k] / 2) for k in range(len(fractions)))


def print_densities(num_maps=100, pixels=2 * 128 * 128):
    """Share of dense maps by chain: half of them is right."""
    compact, linear = SCHEDULES["cosine - 1.4"], SCHEDULES["linear"]
    cut = torch.sigmoid(torch.linspace(-8, 6, 20, dtype=torch.float64))
    chains = {
        "linear, uniform_t": linear.levels(20, "uniform_t"),
        "linear.noisier_end(), uniform_t": linear.noisier_end().levels(20, "uniform_t"),
        "cosine - 1.4, uniform_t": compact.levels(20, "uniform_t"),
        "cosine - 1.4, log_snr": compact.levels(20, "log_snr"),
        "log-snr -8 to 6, no noisier level": torch.cat([cut, cut.new_ones(1)]),
    }
    x_T = SeededNoise(range(num_maps)).normal(pixels)
    print(f"\nshare of dense maps, {num_maps} maps of {pixels} pixels, dpm_solver, 20 evaluations (0.5 is right)\n")
    print("| chain | first log-snr | dense maps |\n|---|---|---|")
    for name, levels in chains.items():
        density = (sampler_of("dpm_solver")(ideal_density, x_T, levels) > 0).float().mean(1)
        print(f"| {name} | {torch.logit(levels[0]).item():.1f} | {(density > 0.11).float().mean().item():.2f} |")


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
    print_densities()


if __name__ == "__main__":
    main()
