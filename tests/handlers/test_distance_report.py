from __future__ import annotations

import json

import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.distance_report import DistanceReport
from monai_fundusgen.metrics.features import RandomFeatures


def images(count, level, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, 16, 16, generator=rng) * 0.5 + level


def reported(folder, samples, **references):
    items = {name: [{"image": one * 2 - 1} for one in real] for name, real in references.items()}
    report = DistanceReport(folder, RandomFeatures(), items)
    engine = Engine(lambda engine, batch: {"pred": batch})
    report.attach(engine)
    engine.run(samples.split(3))
    path = folder / "distances.json"
    return json.loads(path.read_text())["distances"] if path.is_file() else None


def test_samples_like_the_real_ones_reach_the_floor_and_others_do_not(tmp_path):
    found = reported(tmp_path, images(12, 0.2, 0), alike=images(24, 0.2, 1), other=images(24, 0.5, 2))
    assert {name: row["n"] for name, row in found.items()} == {"alike": 12, "other": 12}
    assert found["alike"]["fid"] < 1.5 * found["alike"]["fid_floor"]
    assert found["other"]["fid"] > 10 * found["other"]["fid_floor"]


def test_a_second_run_does_not_keep_the_samples_of_the_first(tmp_path):
    first = reported(tmp_path, images(12, 0.2, 0), alike=images(24, 0.2, 1))
    assert reported(tmp_path, images(12, 0.2, 0), alike=images(24, 0.2, 1)) == first


def test_without_enough_real_images_or_samples_there_is_no_report(tmp_path):
    assert reported(tmp_path, images(6, 0.2, 0), few=images(3, 0.2, 1)) is None
    assert reported(tmp_path, images(1, 0.2, 0), alike=images(8, 0.2, 1)) is None
