"""A training or generation that is killed at any moment, and started again, ends as one that never was."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from monai_fundusgen.dataset.manifest import finished
from monai_fundusgen.handlers.run_record import read_history

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


def command(bundle, config, **overrides):
    arguments = [f"--{name}={value}" for name, value in overrides.items()]
    return [
        sys.executable, "-m", "monai.bundle", "run", "--config_file", str(bundle / "configs" / config),
        "--meta_file", str(bundle / "configs/metadata.json"), "--bundle_root", str(bundle), *arguments,
    ]  # fmt: skip


def run(arguments, *, kill_when=None):
    """Run to the end, or kill without warning a random moment after ``kill_when()`` first holds."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if kill_when is None:
        assert process.wait(timeout=600) == 0
        return
    while process.poll() is None and not kill_when():
        time.sleep(0.01)
    time.sleep(random.Random(time.monotonic_ns()).uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)


def changes(path):
    """A condition that holds once ``path`` differs from what it is now."""

    def stamp():
        return path.stat().st_mtime_ns if path.exists() else 0

    before = stamp()
    return lambda: stamp() != before


@pytest.mark.slow
def test_a_training_killed_five_times_gives_the_same_curve_and_weights(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_av_mask_ddpm"
    whole, killed = (
        command(bundle, "train.yaml", output_dir=str(tmp_path / name), **TINY) for name in ("whole", "killed")
    )
    run(whole)
    for _ in range(KILLS):
        run(killed, kill_when=changes(tmp_path / "killed" / "checkpoint.pt"))
        if (tmp_path / "killed" / "checkpoint.pt").exists():
            torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)  # never half written
    run(killed)
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
    engine = [] if processes == 1 else ["--engine", "torchrun", "--processes", str(processes)]
    arguments = ["generate", "-n", str(count), "-o", str(root), "--batch-size", "2", "--option", "size=256", *engine]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "monai_fundusgen", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def kill_all(root):
    """Kill whatever writes to a folder, until nothing does."""
    while numbers := processes_of(str(root)):
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def wait_for(root, process):
    """The moment at which a run has taken its folder, or ended."""
    while process.poll() is None:
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
    while whole.poll() is None and not list((tmp_path / "whole").glob("images/*.png")):
        time.sleep(0.01)
    first = time.monotonic()
    while whole.poll() is None and len(list((tmp_path / "whole").glob("images/*.png"))) < count:
        time.sleep(0.01)
    last_sample = time.monotonic()
    assert whole.wait(timeout=600) == 0
    longest = first - started + (last_sample - first) * min(1, 3 / KILLS)  # of many kills each lets a few samples pass
    moments = []
    for _ in range(KILLS):
        running = generate(tmp_path / "killed", count, processes)
        wait_for(tmp_path / "killed", running)
        time.sleep(rng.uniform(0, longest))
        kill_all(tmp_path / "killed")
        running.wait(timeout=60)
        moments.append(len(finished(tmp_path / "killed")))
    last = generate(tmp_path / "killed", count, processes)
    assert last.wait(timeout=900) == 0, last.stderr.read()
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
