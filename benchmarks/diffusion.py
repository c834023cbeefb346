"""Mask diffusion: seconds a map and peak memory of the presets, and the training step against MONAI's own U-Net.

    python benchmarks/diffusion.py [--rounds 3] [--threads 2] [--curve-steps 60]

The paper's preset samples with 1000 evaluations in float32; a few of them are timed and scaled, for all cost the same.
Presets compact and fast sample whole maps with 20 evaluations under bfloat16 autocast, channels last. All arms take
turns within a round; figures are medians over rounds, so read the ratios. Peak memory is that of an own process.
The training step compares the same width with and without this package: MONAI's `DiffusionModelUNet` in float32 against
`ADMUNet` in bfloat16, channels last, same threads and batch; the curves are those of one network trained both ways.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from monai.networks.nets import DiffusionModelUNet
from torch.nn import functional as F

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import DiffusionSampler, NetworkDenoiser
from monai_fundusgen.losses.denoising import LogitLoss
from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import vessel_map

CONFIGS = Path(__file__).parents[1] / "bundles" / "fundus_av_mask_ddpm" / "configs"
EVALUATIONS, PAPER_EVALUATIONS, TIMED = 20, 1000, 2


def preset(name: str) -> tuple[torch.nn.Module, str]:
    """Network of a preset with random weights, and what it predicts."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.yaml")] + ([str(CONFIGS / f"preset_{name}.yaml")] * (name != "compact")))
    torch.manual_seed(0)
    return parser.get_parsed_content("network_def").eval(), parser.get_parsed_content("kind")


@torch.no_grad()
def paper_map(network: torch.nn.Module, kind: str) -> float:
    """Seconds for one map, scaled from a few evaluations."""
    schedule = NoiseSchedule.linear(1000)
    denoise = NetworkDenoiser(network, schedule, kind)
    x, abar = torch.randn(1, 2, 256, 256), schedule.at(torch.tensor([500]))[0]
    start = time.perf_counter()
    for _ in range(TIMED):
        denoise(x, abar)
    return (time.perf_counter() - start) / TIMED * PAPER_EVALUATIONS


def fast_map(network: torch.nn.Module, kind: str, batch: int) -> float:
    """Seconds a map, of a whole batch sampled."""
    schedule = NoiseSchedule.cosine(log_snr_shift=-1.4)
    sampler = DiffusionSampler(
        schedule, kind, num_evaluations=EVALUATIONS, autocast="bfloat16", channels_last=True, shape=(2, 256, 256)
    )
    network = network.to(memory_format=torch.channels_last)
    start = time.perf_counter()
    sampler(list(range(batch)), network)
    return (time.perf_counter() - start) / batch


def arm(name: str) -> Callable[[], float]:
    """What one round of an arm runs; returns seconds a map."""
    preset_name, _, batch = name.partition(" ")
    network, kind = preset(preset_name)
    return partial(paper_map, network, kind) if preset_name == "paper" else partial(fast_map, network, kind, int(batch))


ARMS = ("paper", "compact 1", "compact 4", "fast 1", "fast 4")


def peak_mib(name: str) -> float:
    """Peak resident memory of a process that runs one round of an arm ("" only imports)."""
    command = [sys.executable, __file__, "--peak", name, "--threads", str(torch.get_num_threads())]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def high_water_mib() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")  # getrusage would count the parent's pages that a fork starts with
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def print_sampling(rounds: int) -> None:
    """Seconds a map, ratio to the paper, peak memory."""
    runs = {name: arm(name) for name in ARMS}
    seconds: dict[str, list[float]] = {name: [] for name in ARMS}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            taken = run()
            if turn:  # the first round warms up
                seconds[name].append(taken)
    print(f"\nsampling, medians of {rounds} rounds, {torch.get_num_threads()} threads\n")
    print(
        "| preset, batch | evaluations | s a map | paper / this, median of rounds | peak MiB |\n|---|---|---|---|---|"
    )
    idle = peak_mib("")
    for name in ARMS:
        ratios = [paper / own for paper, own in zip(seconds["paper"], seconds[name], strict=True)]
        evaluations = f"{PAPER_EVALUATIONS} ({TIMED} timed)" if name == "paper" else str(EVALUATIONS)
        print(
            f"| {name} | {evaluations} | {statistics.median(seconds[name]):.2f} | {statistics.median(ratios):.0f} "
            f"| {peak_mib(name):.0f} |"
        )
    print(f"\nA process that imports the same and samples nothing peaks at {idle:.0f} MiB.")


_COMPACT = {"channels": (48, 96, 128, 160), "attention_levels": (False, False, True, True), "norm_num_groups": 16}
_PAPER = {"channels": (64, 64, 128, 128, 256, 256), "attention_levels": (False, False, False, True, True, True)}
#: Widths, side, channels and batch of the training steps.
WIDTHS = {
    "compact: 32 x 64 x 64, batch 8": (_COMPACT, 64, 32, 8),
    "paper: 2 x 256 x 256, batch 1": (_PAPER, 256, 2, 1),
}


def training_step(network: torch.nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, *, fast: bool) -> float:
    """Seconds of one forward, backward and optimiser step."""
    start = time.perf_counter()
    x = x.contiguous(memory_format=torch.channels_last) if fast else x
    with torch.autocast("cpu", torch.bfloat16, enabled=fast):
        loss = F.mse_loss(network(x, torch.full((len(x),), 500)).float(), x)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return time.perf_counter() - start


def print_training(rounds: int) -> None:
    """Training step of MONAI's network in float32 over that of ours."""
    print(f"\ntraining step, medians of {rounds} rounds\n")
    print("| width | MONAI float32 s | ADMUNet bfloat16 s | ratio |\n|---|---|---|---|")
    for title, (width, side, channels, batch) in WIDTHS.items():
        shared = {"num_res_blocks": 2, "num_head_channels": 32, "resblock_updown": False, **width}
        host = DiffusionModelUNet(spatial_dims=2, in_channels=channels, out_channels=channels, **shared)
        ours = ADMUNet(in_channels=channels, out_channels=channels, **shared).to(memory_format=torch.channels_last)
        optimizers = [torch.optim.AdamW(network.parameters(), lr=1e-4) for network in (host, ours)]
        x = torch.randn(batch, channels, side, side)
        pairs = [
            (training_step(host, optimizers[0], x, fast=False), training_step(ours, optimizers[1], x, fast=True))
            for _ in range(rounds + 1)
        ][1:]
        slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {title} | {slow:.2f} | {fast:.2f} | {statistics.median(a / b for a, b in pairs):.2f} |")


def loss_curve(maps: torch.Tensor, steps: int, *, fast: bool) -> torch.Tensor:
    """Loss of each step of a small network, batch 8, one seed for weights, levels and noise."""
    torch.manual_seed(0)
    network = ADMUNet(2, 2, channels=(32, 64), attention_levels=(False, True), num_res_blocks=1, num_head_channels=16,
                      norm_num_groups=8, patch=2)  # fmt: skip
    network = network.to(memory_format=torch.channels_last) if fast else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=6e-4)
    schedule, loss_of, rng = NoiseSchedule.cosine(log_snr_shift=-1.4), LogitLoss(), torch.Generator().manual_seed(1)
    curve = []
    for _ in range(steps):
        x_0 = maps[torch.randint(len(maps), (8,), generator=rng)]
        t, eps = torch.randint(len(schedule), (8,), generator=rng), torch.randn(x_0.shape, generator=rng)
        abar = schedule.at(t)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            output = network(diffuse(x_0, eps, abar), t)
        loss = loss_of(output, x_0, eps, abar)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        curve.append(loss.detach())
    return torch.stack(curve)


def print_curves(steps: int) -> None:
    """Loss curves in float32 and in bfloat16 with channels last, same seeds."""
    planes = torch.stack([torch.from_numpy(vessel_map(grow_retina(seed), 64)).float() for seed in range(32)]) * 2 - 1
    plain, fast = (loss_curve(planes, steps, fast=fast) for fast in (False, True))
    print(f"\nloss curves, {steps} steps of batch 8, 64 px phantoms\n\n| steps | float32 | bfloat16 |\n|---|---|---|")
    for first in range(0, steps, max(steps // 5, 1)):
        part = slice(first, first + max(steps // 5, 1))
        print(f"| {first + 1}- | {plain[part].mean().item():.4f} | {fast[part].mean().item():.4f} |")
    print(f"\nlargest difference of one step: {(plain - fast).abs().max().item():.4f}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--curve-steps", type=int, default=60)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak is not None:
        if options.peak:
            arm(options.peak)()
        print(high_water_mib())
        return
    print_sampling(options.rounds)
    print_training(options.rounds)
    print_curves(options.curve_steps)


if __name__ == "__main__":
    main()
