"""Trainings of a study are begun once, gone on with, and told of where they fail."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from monai_fundusgen.evaluation.study.config import read_study
from monai_fundusgen.evaluation.study.plan import plan_of
from monai_fundusgen.launch.study import RUNS, StudyRun
from monai_fundusgen.storage.folder_lock import FolderLock

TINY = json.loads((Path(__file__).parents[1] / "bundles" / "tiny.json").read_text())["fundus_av_unet"]
OPTIONS = {
    name: value for name, value in TINY.items() if name not in ("num_validation", "val_interval")
}  # fmt: skip


@pytest.fixture
def config(finished_set, tmp_path):
    """Two arms, one of them after another training, and two seeds, on phantom eyes of 256 px."""
    rows = [
        {key: str(finished_set / row[key]) for key in ("image", "label", "fov")}
        for row in json.loads((finished_set / "datalist.json").read_text())["training"]
    ]
    labels = {"0": "background", "1": "artery", "2": "vein", "3": "crossing"}
    content = {"name": "eyes", "labels": labels, "training": rows[:2], "validation": rows[2:3], "testing": rows[3:]}
    (tmp_path / "eyes.json").write_text(json.dumps(content))
    study = {
        "lists": {"eyes": "eyes.json"},
        "validation": {"list": "eyes", "section": "validation"},
        "tests": {"eyes": {"list": "eyes"}},
        "arms": {
            "one": {"data": {"eyes": 1}},
            "later": {"first": {"eyes": 1}, "data": {"eyes": "all"}, "base": "one"},
        },
        "methods": {
            "net": {"bundle": "fundus_av_unet", "options": OPTIONS, "scoring": {"mirrors": 1, "scored_size": 128}}
        },
        "seeds": [0, 1],
        "steps": 8,
        "epoch_steps": 2,
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


class Faked(StudyRun):
    """A study whose processes are a few lines."""

    def __post_init__(self):
        super().__post_init__()
        self.launched, self.fails = [], lambda training, name: False

    def _launch(self, training, folder, name, configs, settings):
        self.launched.append((training.key, name))
        if self.fails(training, name):
            raise ChildProcessError(f"{name} failed")
        if name == "train":
            assert training.first is None or self.weights(training.first).is_file()
            (folder / "train").mkdir(exist_ok=True)
            lines = [json.dumps({"epoch": epoch + 1}) for epoch in range(training.steps // training.epoch_steps)]
            (folder / "train" / "losses.jsonl").write_text("\n".join(lines) + "\n")
            (folder / "train" / "last.pt").touch()
            (folder / "train" / "checkpoint.pt").touch()
        else:
            self._scores_path(training).write_text(json.dumps({"sets": {}}))


def faked(config, tmp_path, processes=1):
    return Faked(plan_of(read_study(config)), tmp_path / "out", processes)


@pytest.mark.parametrize("processes", [1, 3])
def test_every_training_is_launched_once_after_the_one_it_starts_from(config, tmp_path, processes):
    study = faked(config, tmp_path, processes)
    study.run()
    assert len(study.launched) == len(set(study.launched)) == 6 + 4  # what is trained first is not scored
    assert not list((tmp_path / "out").rglob("checkpoint.pt"))
    again = faked(config, tmp_path)
    again.run()
    assert again.launched == []


def test_after_a_failure_what_is_finished_is_kept_and_the_rest_is_done_by_the_same_command(config, tmp_path):
    study = faked(config, tmp_path)
    study.fails = lambda training, name: len(study.launched) == 4
    with pytest.raises(ChildProcessError, match="failed"):
        study.run()
    assert len(study.launched) == 4  # nothing was begun after it
    again = faked(config, tmp_path)
    again.run()
    assert not set(study.launched[:3]) & set(again.launched) and 3 + len(again.launched) == 10


def test_another_test_set_scores_again_and_trains_nothing(config, tmp_path):
    faked(config, tmp_path).run()
    content = yaml.safe_load(config.read_text())
    content["tests"]["again"] = content["tests"]["eyes"]
    config.write_text(yaml.safe_dump(content, sort_keys=False))
    again = faked(config, tmp_path)
    again.run()
    assert [name for _, name in again.launched] == ["score"] * 4


def test_a_training_that_another_process_has_is_waited_for(config, tmp_path):
    told = []
    study = faked(config, tmp_path)
    first = next(study.plan.trainings())
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from monai_fundusgen.storage.folder_lock import FolderLock;"
         "lock = FolderLock(sys.argv[1], 'train').acquire(); print(flush=True); time.sleep(2); lock.release()",
         str(study.folder(first) / "train")], stdout=subprocess.PIPE,
    )  # fmt: skip
    holder.stdout.readline()
    study.tell = told.append
    study.run()
    assert holder.wait() == 0 and len(study.launched) == 10
    assert any("waiting" in line and f"process {holder.pid}" in line for line in told)
    FolderLock(study.folder(first), "study").refuse_if_held()  # nothing is left locked


@pytest.mark.slow
def test_what_a_failed_training_said_is_told(config, tmp_path):
    content = yaml.safe_load(config.read_text())
    (tmp_path / "other.pt").write_bytes(b"no weights")
    content["methods"]["net"]["options"]["pretrained"] = str(tmp_path / "other.pt")
    content["arms"] = {"one": content["arms"]["one"]}
    content["seeds"] = [0]
    config.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ChildProcessError, match="net, seed 0.*train: ended with 2: error: .*other.pt: not a readable"):
        StudyRun(plan_of(read_study(config)), tmp_path / "out").run()


def command(config, output):
    return [sys.executable, "-m", "monai_fundusgen", "study", str(config), "-o", str(output)]


def start(config, output):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(command(config, output), env=environment, stderr=subprocess.PIPE, text=True)


def tables(output):
    return {
        name: (output / "small" / name).read_text() for name in ("tables.md", "table.csv", "images.csv", "curves.csv")
    }


def kill_with_children(process, output):
    """Kill a study and, as a machine that fails would, whatever it started."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(output / RUNS).encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)


@pytest.mark.slow
def test_a_study_killed_in_the_middle_gives_the_same_tables_and_repeats_no_finished_training(config, tmp_path):
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "seeds": [0]}))  # three trainings
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(config, whole)
    assert process.wait(timeout=3600) == 0, process.stderr.read()
    process = start(config, killed)

    def under_way():
        done = {path.parent for path in killed.glob("runs/*/trained.json")}
        return done and [one for one in killed.glob("runs/*/train/checkpoint.pt") if one.parents[1] not in done]

    while process.poll() is None and not under_way():
        time.sleep(0.01)
    kill_with_children(process, killed)
    done = {path: path.stat().st_mtime_ns for path in killed.glob("runs/*/trained.json")}
    assert 0 < len(done) < 3, "the kill came too late"
    process = start(config, killed)
    assert process.wait(timeout=3600) == 0, process.stderr.read()
    assert {path: path.stat().st_mtime_ns for path in done} == done
    began = [json.loads(path.read_text())["epochs_before"] for path in killed.glob("runs/*/trained.json")]
    assert sum(epochs > 0 for epochs in began) == 1, "the training under way did not go on from its checkpoint"
    assert tables(killed) == tables(whole)


NETWORKS = {
    "fundus_vessel_ssanet": ({"network_def#width": 1 / 16, "field_px": 120, "crop_size": 48}, {"roi_size": 64}),
    "fundus_vessel_rvgan": (
        {"network_def#base_channels": 4, "network_def#num_coarse_blocks": 1, "crop_size": 32, "batch_size": 2,
         "discriminators_def#base_channels": 4, "field_px": 120},
        {},
    ),
    "fundus_av_hvgn": ({"features_def#width": 1 / 16, "crop_size": 64, "field_px": 120}, {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bundle", NETWORKS)
def test_published_methods_are_trained_and_scored_by_their_own_bundles(config, tmp_path, bundle):
    if bundle == "fundus_av_hvgn":
        pytest.importorskip("torch_geometric")
    options, scoring = NETWORKS[bundle]
    content = yaml.safe_load(config.read_text())
    content["methods"] = {"net": {"bundle": bundle, "options": options, "scoring": {"scored_size": 128, **scoring}}}
    content.update(arms={"one": content["arms"]["one"]}, seeds=[0], steps=2, epoch_steps=1)
    config.write_text(yaml.safe_dump(content, sort_keys=False))
    study = StudyRun(plan_of(read_study(config)), tmp_path / "out")
    study.run()
    (entry,) = study.plan.entries
    pooled = study.scores(entry.training)["sets"]["eyes"]["pooled"]
    assert ("roc_auc" in pooled) == (bundle != "fundus_av_hvgn") and ("kinds_all" in pooled) == (
        bundle == "fundus_av_hvgn"
    )
    assert [line["validation"] for line in study.curve(entry.training)]
