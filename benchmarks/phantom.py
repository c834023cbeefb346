"""Cost of a phantom eye by stage: medians over eyes, and the peak of memory.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/phantom.py [--eyes 20] [--size 1024]

Compiled code is warmed up on two eyes first. On a busy machine read the processor's time, not the clock's.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise, vessel_map

WARM_UP = 2
MAP_SIZE = 256


def main():
    """Print one line per stage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--eyes", type=int, default=20)
    parser.add_argument("--size", type=int, default=1024)
    options = parser.parse_args()
    clock: dict[str, list[float]] = defaultdict(list)
    processor: dict[str, list[float]] = defaultdict(list)

    def timed(stage: str, call: Callable[[], Any]) -> Any:
        start, start_processor = time.perf_counter(), time.process_time()
        result = call()
        clock[stage].append(1000 * (time.perf_counter() - start))
        processor[stage].append(1000 * (time.process_time() - start_processor))
        return result

    for seed in range(WARM_UP + options.eyes):
        retina = timed("growth", lambda seed=seed: grow_retina(seed))
        timed(f"map {MAP_SIZE}", lambda eye=retina: vessel_map(eye, MAP_SIZE))
        raster = timed(f"raster {options.size}", lambda eye=retina: rasterise(eye, options.size))
        timed(
            f"photograph {options.size}",
            lambda eye=retina, drawn=raster, seed=seed: render_photograph(eye, drawn, seed=seed),
        )
    print(f"{'median ms':<18}{'clock':>10}{'processor':>12}")
    for stage in clock:
        wall, own = (statistics.median(times[stage][WARM_UP:]) for times in (clock, processor))
        print(f"{stage:<18}{wall:>10.1f}{own:>12.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
