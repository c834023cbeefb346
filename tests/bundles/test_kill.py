"""A training or generation that is killed at any moment, and started again, ends as one that never was."""

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

from monai_fundusgen.handlers.run_record import read_history

KILLS = 5
TINY = {
    **json.loads(Path(__file__).with_name("tiny.json").read_text())["fundus_av_mask_ddpm"],
    "num_phantoms": 1,
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
    whole, killed = (command(bundle, "train.yaml", output_dir=str(tmp_path / name), **TINY) for name in ("whole", "killed"))
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


@pytest.mark.slow
def test_a_generation_killed_five_times_writes_the_same_files(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_dataset_generation"
    options = {"num_samples": 10, "size": 256, "batch_size": 1}
    whole, killed = (command(bundle, "inference.yaml", output_dir=str(tmp_path / name), **options) for name in ("whole", "killed"))
    run(whole)
    for _ in range(KILLS):
        run(killed, kill_when=changes(tmp_path / "killed" / "manifest.jsonl"))
    run(killed)
    files = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("whole", "killed")
    ]
    assert files[0].keys() == files[1].keys()
    assert files[0] == files[1]
