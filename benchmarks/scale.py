"""What a sample costs in a small run and in a large one, what a resume costs, and what a second process gains.

    python benchmarks/scale.py growth [--counts 100 1000 10000]
    python benchmarks/scale.py processes [--samples 40] [--source phantom]

growth: label maps of 64 px from a folder and a generator of one convolution, so that next to nothing is computed and
planning, writing, hashing and journal are what is measured. Time a sample of the first and of the last tenth (at most a
thousand), resident memory after each; then, with all samples but the last there, what starting again takes.

processes: the same data set by one process on one core and by two on two, each with one thread; a run of 8 samples is
subtracted, so that imports and the loading of networks are left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "fundus_dataset_generation"
SIDE = 64
TINY = {
    "_target_": "monai_fundusgen.networks.nets.cascade.PhotographCascade",
    "generator": {"_target_": "torch.nn.Conv2d", "in_channels": 5, "out_channels": 3, "kernel_size": 1},
    "enlarger": {"_target_": "torch.nn.Identity"},
}


def resident_mib():
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def tiny_maps(folder):
    """Four label maps with a few vessels."""
    from monai_fundusgen.storage.picture_file import write_png

    for number in range(4):
        codes = np.zeros((SIDE, SIDE), np.uint8)
        codes[20 + 3 * number, 8:56] = 1
        codes[8:56, 30 + number] = 2
        write_png(folder / f"{number}.png", codes)


def one_run(maps, output, count, extend=False):
    """Times and memory after each batch of a run in this process."""
    begun = time.perf_counter()
    from ignite.engine import Events

    from monai_fundusgen.launch.workflow import opened

    imported = time.perf_counter()
    options = {
        "output_dir": str(output), "num_samples": count, "mask_source": "folder", "mask_folder": str(maps),
        "size": SIDE,
        "network_def": TINY, "stages": {}, "quiet": True, "batch_size": 8, "extend": extend, "autocast": None,
        "maps": {"_target_": "monai_fundusgen.sampling.sources.FolderMaps", "folder": str(maps), "size": SIDE,
                 "coarse_size": SIDE},
    }  # fmt: skip
    workflow = opened(options, BUNDLE)
    start = time.perf_counter()
    pending = len(workflow.parser.get_parsed_content("dataset"))
    planned = time.perf_counter()
    evaluator = workflow.parser.get_parsed_content("evaluator")
    trace = []
    note = lambda engine: trace.append((time.perf_counter(), engine.state.iteration * 8, resident_mib()))  # noqa: E731
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, note)
    ready = time.perf_counter()
    workflow.run()
    ended = time.perf_counter()
    waited = workflow.parser.get_parsed_content("write").waited_s
    figures = {"imports": imported - begun, "lock, journal, plan": planned - start, "pending": pending}
    figures |= {"to first batch": (trace[0][0] - ready) if trace else 0, "finish": ended - trace[-1][0] if trace else 0}
    return trace, figures, waited / (ended - ready)


def print_growth(counts):
    """A table over run sizes, and the resume of the largest."""
    with tempfile.TemporaryDirectory() as folder:
        maps = Path(folder) / "maps"
        maps.mkdir()
        tiny_maps(maps)
        one_run(maps, Path(folder) / "warm", 64)
        print(
            "| samples | ms, first tenth | ms, last tenth | MiB after both | waited for the disk | lists and cards, s |"
        )
        print("|---|---|---|---|---|---|")
        for count in counts:
            output = Path(folder) / str(count)
            trace, figures, waited = one_run(maps, output, count)
            part = min(max(count // 10, 8), 1000)
            times, done, memory = (np.array(column, dtype=float) for column in zip(*trace, strict=True))
            first = np.searchsorted(done, part)
            last = np.searchsorted(done, count - part)
            early = (times[first] - times[0]) / (done[first] - done[0])
            late = (times[-1] - times[last]) / (done[-1] - done[last])
            print(
                f"| {count} | {1e3 * early:.1f} | {1e3 * late:.1f} | {memory[first]:.0f}, {memory[-1]:.0f} | "
                f"{waited:.1%} | {figures['finish']:.2f} |",
                flush=True,
            )
        unfinish(output, count - 1)
        command = [sys.executable, __file__, "resume", str(maps), str(output), str(count)]
        begun = time.perf_counter()
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        print(f"\nresume with {count - 1} done: {told}; the whole process {time.perf_counter() - begun:.1f} s")


def unfinish(output, index):
    """The folder as a kill before the last sample leaves it."""
    lines = (output / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (output / "journal").mkdir()
    (output / "journal" / "part-0000-rank-0000.jsonl").write_bytes(b"".join(lines[:index]))
    for name in ("manifest.jsonl", "datalist.json", "contact_sheet.png", "README.md", "croissant.json", "summary.json"):
        (output / name).unlink()
    for folder in ("images", "labels", "av", "fov"):
        (output / folder / f"eye{index:06d}.png").unlink()


def seconds(command, output, count):
    """Wall time of a whole run."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    subprocess.run([*command, "-n", str(count), "-o", str(output)], env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def print_processes(count, source):
    """Rates of one process and of two: a long run less a short one, so that starting up is left out."""
    base = [sys.executable, "-m", "monai_fundusgen", "generate", "--mask-source", source, "-q", "--batch-size", "4"]
    arms = {
        "one": ["taskset", "-c", "0", *base],
        "two": [*base, "--engine", "torchrun", "--processes", "2"],
    }
    with tempfile.TemporaryDirectory() as folder:
        root, rates = Path(folder), {}
        for name, command in arms.items():
            short, long = (seconds(command, root / f"{name}{size}", size) for size in (8, count))
            rates[name] = (count - 8) / (long - short)
        one, two = root / f"one{count}", root / f"two{count}"
        same = all(
            path.read_bytes() == (two / path.relative_to(one)).read_bytes() for path in one.rglob("*") if path.is_file()
        )
    ratio = rates["two"] / rates["one"]
    print(f"{source}: one process {rates['one']:.2f} samples a second, two {rates['two']:.2f}, ratio {ratio:.2f}")
    print(f"byte for byte the same data set of {count}: {same}")


def main():
    """Run one of the two measurements."""
    if sys.argv[1:2] == ["resume"]:
        maps, output, count = sys.argv[2:]
        trace, figures, _ = one_run(Path(maps), Path(output), int(count))
        assert len(trace) == 1
        print(
            ", ".join(f"{name} {value:.2f} s" for name, value in figures.items() if name not in ("pending", "finish"))
        )
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb")
    growth = verbs.add_parser("growth")
    growth.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10000])
    processes = verbs.add_parser("processes")
    processes.add_argument("--samples", type=int, default=40)
    processes.add_argument("--source", default="phantom")
    options = parser.parse_args()
    if options.verb == "processes":
        print_processes(options.samples, options.source)
    else:
        print_growth(getattr(options, "counts", [100, 1000, 10000]))


if __name__ == "__main__":
    main()
