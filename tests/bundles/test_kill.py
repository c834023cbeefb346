"""A training or generation that is killed at any moment, and started again, ends as one that never was."""

import contextlib
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from monai_fundusgen.dataset.manifest import finished
from monai_fundusgen.handlers.run_record import read_history
from tests.processes import start

KILLS = int(os.environ.get("FUNDUSGEN_KILLS", 5))  # `make stress` sets 50
TINY = {
    **json.loads(Path(__file__).with_name("tiny.json").read_text())["fundus_av_mask_ddpm"],
    "num_phantoms": 1,
    "num_validation": 1,
    "val_interval": 1,
    "batch_size": 2,
    "iterations_per_epoch": 20,
    "max_epochs": 12,
}


def trained(bundle, output_dir):
    """Start the command of a training; its messages go to a file beside its folder."""
    files = ["--config_file", bundle / "configs/train.yaml", "--meta_file", bundle / "configs/metadata.json"]
    options = [f"--{name}={value}" for name, value in {**TINY, "output_dir": output_dir}.items()]
    words = ["run", *files, "--bundle_root", bundle, *options]
    return start("monai.bundle", words, output_dir.with_suffix(".log"))


def ended_well(process, root, seconds=600):
    """Wait for the end of a process that must not fail."""
    process.join(seconds)
    assert process.exitcode == 0, root.with_suffix(".log").read_text()[-3000:]


def changes(path):
    """A condition that holds once ``path`` differs from what it is now."""

    def stamp():
        return path.stat().st_mtime_ns if path.exists() else 0

    before = stamp()
    return lambda: stamp() != before


@pytest.mark.slow
def test_a_training_killed_five_times_gives_the_same_curve_and_weights(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_av_mask_ddpm"
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    ended_well(trained(bundle, whole), whole)
    for _ in range(KILLS):
        saved, process = changes(killed / "checkpoint.pt"), trained(bundle, killed)
        while process.is_alive() and not saved():
            time.sleep(0.01)
        time.sleep(random.Random(time.monotonic_ns()).uniform(0, 0.5))
        process.kill()
        process.join()
        if (killed / "checkpoint.pt").exists():
            torch.load(killed / "checkpoint.pt", weights_only=True)  # never half written
    ended_well(trained(bundle, killed), killed)
    curves = [[epoch["losses"]["loss"] for epoch in read_history(tmp_path / name)] for name in ("whole", "killed")]
    assert curves[0] == curves[1] and len(curves[0]) == TINY["max_epochs"]
    first, second = (torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("whole", "killed"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def processes_of(word):
    """Numbers of all processes whose command line has the word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found


def generate(root, count, processes):
    """Start the command line; a killed one is started again by these very words."""
    engine = [] if processes == 1 else ["--engine", "torchrun", "--processes", processes]
    words = ["generate", "-n", count, "-o", root, "--batch-size", 2, "--option", "size=256", *engine]
    return start("monai_fundusgen", words, root.with_suffix(".log"))


def kill_all(process, root):
    """Kill a run, and whatever else writes to its folder, until nothing does."""
    process.kill()
    process.join()
    while numbers := processes_of(str(root)):
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def wait_for(root, process):
    """The moment at which a run has taken its folder, or ended."""
    while process.is_alive():
        for holder in root.glob(".*.holder"):  # one of a killed run may lie there still
            with contextlib.suppress(ValueError, OSError):
                if Path(f"/proc/{json.loads(holder.read_text())['pid']}").exists():
                    return time.monotonic()
        time.sleep(0.01)
    return time.monotonic()


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_generation_killed_at_random_moments_is_byte_for_byte_one_that_was_not(tmp_path, processes):
    count, rng = max(8, 2 * KILLS), random.Random(processes)
    whole = generate(tmp_path / "whole", count, processes)
    started = wait_for(tmp_path / "whole", whole)
    while whole.is_alive() and not list((tmp_path / "whole").glob("images/*.png")):
        time.sleep(0.01)
    first = time.monotonic()
    while whole.is_alive() and len(list((tmp_path / "whole").glob("images/*.png"))) < count:
        time.sleep(0.01)
    last_sample = time.monotonic()
    ended_well(whole, tmp_path / "whole")
    longest = first - started + (last_sample - first) * min(1, 3 / KILLS)  # of many kills each lets a few samples pass
    moments = []
    for _ in range(KILLS):
        running = generate(tmp_path / "killed", count, processes)
        wait_for(tmp_path / "killed", running)
        time.sleep(rng.uniform(0, longest))
        kill_all(running, tmp_path / "killed")
        moments.append(len(finished(tmp_path / "killed")))
    ended_well(generate(tmp_path / "killed", count, processes), tmp_path / "killed", seconds=900)
    print("samples that were there after each kill:", moments)  # noqa: T201  # make stress shows it
    assert min(moments) < count, "no kill came before the last sample"
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("whole", "killed")
    ]
    assert files[0].keys() == files[1].keys()
    assert files[0] == files[1]
