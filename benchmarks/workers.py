"""Does a fast device wait? Samples a second with the network stages replaced by a pause, by the number of workers.

    python benchmarks/workers.py [--workers 0 1 2] [--samples 24] [--pause-ms 5]

The data set bundle as it runs, PNG writing included; maps and painted photographs are made once by the real networks,
and handed out after the pause. What is left is the work of processors: tracing, anatomy, finish, PNG. From it follows
how many cores a device needs that takes so many milliseconds a map and a photograph.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from cascade import opened
from numpy.typing import NDArray

from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.writer import DatasetWriter
from monai_fundusgen.sampling.ahead import MadeAhead
from monai_fundusgen.sampling.judged import JudgedMaps
from monai_fundusgen.sampling.painters import CascadePainter
from monai_fundusgen.sampling.plan import GenerationPlan, PlannedSample
from monai_fundusgen.sampling.sources import SampledMaps, VesselSample
from monai_fundusgen.sampling.step import GenerationStep, WriteSamples
from monai_fundusgen.sampling.workers import Workers
from monai_fundusgen.vessels.eye import Retina

BATCH = 4


@dataclass(frozen=True)
class PausingSampler:
    """The same maps again and again, after the pause of a batch."""

    maps: torch.Tensor
    pause_s: float

    def __call__(self, seeds: Sequence[int], network: Any) -> torch.Tensor:
        """Maps of a batch."""
        time.sleep(self.pause_s)
        return self.maps[: len(seeds)]


@dataclass(frozen=True)
class PausingPainter:
    """The same painted photographs, each after a pause; the finish is the real one."""

    painter: CascadePainter
    painted: Sequence[NDArray[np.uint8]]
    pause_s: float
    workers: Workers

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Painted and finished photographs."""
        with self.workers.turns.on("cpu"):
            time.sleep(self.pause_s * len(vessels))
        given = [picture for picture, _ in zip(itertools.cycle(self.painted), vessels, strict=False)]
        assert self.painter.finish is not None
        return self.workers.map(self.painter.finish, given, vessels, [plan["seed"] for plan in planned])

    def shown(self, eye: Retina, seed: int) -> Retina:
        """As the real painter tells it."""
        return self.painter.shown(eye, seed)


def rate(maps: SampledMaps, painter: PausingPainter, count: int, ahead: int) -> tuple[float, float]:
    """Samples a second, and seconds of processor time that this process took for one."""
    step = GenerationStep(JudgedMaps(maps, None, 1, painter.workers), painter)
    batches = [list(GenerationPlan(count, 0).samples())[at : at + BATCH] for at in range(0, count, BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(Journal(folder, {}, num_samples=count).start())
        write = WriteSamples(writer, workers=painter.workers)
        start, busy = time.perf_counter(), time.process_time()
        for finished in MadeAhead(batches, step.samples, ahead):
            write.submit(finished)
        write.drain()
        return count / (time.perf_counter() - start), (time.process_time() - busy) / count


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--pause-ms", type=float, default=5.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    config, pause = opened(), options.pause_ms / 1000
    maps, painter = config.get_parsed_content("maps"), config.get_parsed_content("painter")
    planned = list(GenerationPlan(BATCH, 0).samples())
    soft = maps.sampler([one["seed"] for one in planned], maps.network).float().cpu().clamp(0, 1)
    painted = replace(painter, finish=None)(maps(planned), planned)
    still = replace(maps, sampler=PausingSampler(soft, pause * BATCH))
    print(f"pause {options.pause_ms:g} ms a network and sample, {options.samples} samples\n")
    print("| workers | samples/s | of none | s of the main process a sample |\n|---|---|---|---|")
    first = 0.0
    for count in options.workers:
        workers = Workers(count)
        pausing = PausingPainter(painter, painted, pause, workers)
        rate(still, pausing, max(2 * count, BATCH), 0)  # starts the processes, compiles
        found, busy = rate(still, pausing, options.samples, 2 if count else 0)
        workers.close()
        first = first or found
        print(f"| {count} | {found:.2f} | {found / first:.2f} | {busy:.3f} |", flush=True)


if __name__ == "__main__":
    main()
