"""Seconds per labelled photograph of 1024 px, stage by stage, beside the chain of the paper.

    python benchmarks/cascade.py [--rounds 3] [--threads 2] [--pairs 24] [--no-paper]

The chain of this package stage by stage, PNG writing included: maps four at a time, everything else one by one, each
network on one thread. Then pairs as the data set bundle makes them, a batch on each thread. The paper's chain has the
sizes that it names or that its sources publish: 1000 steps of the diffusion model (64 channels, 256 px; two are timed
and scaled), pix2pixHD's global generator (182.5 M parameters), EDSR with 32 blocks of 256 channels (43 M), all float32,
random weights; it makes no label at 1024 px. Figures are medians over rounds.
"""

from __future__ import annotations

import argparse
import runpy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.writer import DatasetWriter, FinishedSample
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.networks.nets.pix2pixhd import GlobalGenerator
from monai_fundusgen.sampling.ahead import MadeAhead
from monai_fundusgen.sampling.judged import JudgedMaps
from monai_fundusgen.sampling.painters import CascadePainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import SampledMaps
from monai_fundusgen.sampling.step import GenerationStep, WriteSamples

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "fundus_dataset_generation"
BATCH = 4


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, its time added to a stage."""

        def run(*arguments: Any, **keywords: Any) -> Any:
            with self.stage(name):
                return call(*arguments, **keywords)

        return run


def opened() -> ConfigParser:
    """The data set bundle, with maps from the mask model."""
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    config.update({"bundle_root": str(BUNDLE), "mask_source": "ddpm"})
    return config


def our_round(maps: SampledMaps, painter: CascadePainter, seed: int) -> dict[str, float]:
    """Seconds a sample of each stage, over one batch."""
    clock, planned = Clock(), GenerationPlan(BATCH, seed).samples()
    sampler = clock.timed("map", maps.sampler)
    timed = SampledMaps(maps.network, sampler, maps.drawing)
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(Journal(folder, {}).start())
        with clock.stage("map to label: trace, repair, draw"):
            vessels = timed(planned)
        with clock.stage("anatomy"):
            JudgedMaps(lambda *_: vessels, None, 1)(planned)
        with clock.stage("photograph: generator and enlarger"):
            photographs = painter(vessels, planned)
        with clock.stage("four PNG files and the journal"):
            for plan, sample, photograph in zip(planned, vessels, photographs, strict=True):
                record = {"seed": plan["seed"]}
                writer.write(FinishedSample(plan["id"], photograph, sample.label, sample.fov, sample.eye, record))
    clock.seconds["map to label: trace, repair, draw"] -= clock.seconds["map"]
    return {name: taken / BATCH for name, taken in clock.seconds.items()}


@torch.no_grad()
def paper_round(
    paper_map: Callable[[], float], generator: torch.nn.Module, enlarger: torch.nn.Module
) -> dict[str, float]:
    """Seconds a sample of each stage of the paper's chain."""
    clock = Clock()
    clock.seconds["map, 1000 evaluations (2 timed)"] = paper_map()
    with clock.stage("photograph: generator"):
        coarse = generator(torch.zeros(1, 3, 256, 256))
    with clock.stage("photograph: enlarger"):
        enlarger(coarse)
    return clock.seconds


def as_run(maps: SampledMaps, painter: CascadePainter, pairs: int) -> float:
    """Seconds a pair of a run, warm, from the first batch to the last file."""
    step = GenerationStep(JudgedMaps(maps, None, 1, painter.workers), painter)
    planned = list(GenerationPlan(pairs, 1).samples())
    batches = [planned[at : at + BATCH] for at in range(0, pairs, BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        write = WriteSamples(DatasetWriter(Journal(folder, {}, num_samples=pairs).start()))
        start = time.perf_counter()
        for finished in MadeAhead(batches, step.samples, painter.workers.turns.count - 1):
            write.submit(finished)
        write.drain()
        return (time.perf_counter() - start) / pairs


def print_table(title: str, rounds: list[dict[str, float]]) -> float:
    """Median of every stage; returns their sum."""
    print(f"\n{title}\n\n| stage | s a sample |\n|---|---|")
    medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    for name, taken in medians.items():
        print(f"| {name} | {taken:.2f} |")
    print(f"| **all** | **{sum(medians.values()):.2f}** |")
    return sum(medians.values())


def main() -> None:
    """Print both tables and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--no-paper", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    diffusion = runpy.run_path(str(ROOT / "benchmarks" / "diffusion.py"))
    config = opened()
    maps, painter = config.get_parsed_content("maps"), config.get_parsed_content("painter")
    our_round(maps, painter, 0)  # warms up
    ours: list[dict[str, float]] = []
    paper: list[dict[str, float]] = []
    networks = (
        None if options.no_paper else (diffusion["arm"]("paper"), GlobalGenerator(3).eval(), EDSR(4, 256, 32, 0.1))
    )
    for seed in range(1, options.rounds + 1):
        ours.append(our_round(maps, painter, seed))
        if networks is not None:
            paper.append(paper_round(*networks))
    print_table(f"this package, one thread, batch {BATCH}, median of {options.rounds} rounds", ours)
    total = as_run(maps, painter, options.pairs)
    at_once = painter.workers.turns.count
    print(f"\n{options.pairs} pairs as a run makes them, {at_once} networks at once: {total:.2f} s a pair")
    if paper:
        reference = print_table("the paper's chain, float32, no label at 1024 px", paper)
        print(f"\npaper, {options.threads} threads, over a run of this: {reference / total:.0f}")
    status = diffusion["high_water_mib"]()
    print(f"\npeak memory of this process: {status:.0f} MiB" + (" (both chains)" if paper else ""))


if __name__ == "__main__":
    main()
