import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.anatomy_trace import AnatomyTrace, MapAnatomy


def bars(width):
    vessels = torch.zeros(3, 2, 64, 64)
    vessels[:, :, 20 : 20 + width, 8:56] = 1
    return vessels


def run(tmp_path, epochs, width):
    engine = Engine(lambda *_: None)
    AnatomyTrace(lambda: bars(width), tmp_path, interval=2).attach(engine)
    engine.run([0], max_epochs=epochs)
    return [json.loads(line) for line in (tmp_path / "anatomy.jsonl").read_text().splitlines()]


def test_a_line_an_interval_with_medians_over_the_maps(tmp_path):
    lines = run(tmp_path, 5, 4)
    assert [line["epoch"] for line in lines] == [2, 4] and lines[0]["maps"] == 3
    assert lines[0]["artery.components"] == 1
    assert run(tmp_path / "wide", 2, 8)[0]["vein.density"] == pytest.approx(2 * lines[0]["vein.density"], rel=0.01)


def test_epochs_that_are_run_again_replace_their_lines(tmp_path):
    run(tmp_path, 4, 4)
    lines = run(tmp_path, 2, 8)
    assert [line["epoch"] for line in lines] == [2]


def test_the_curve_tells_the_anatomy_of_samples_beside_that_of_real_maps():
    """Two bars of an artery, one ring of a vein: counted as drawn; the real maps have a bar of each."""
    maps = torch.full((3, 2, 64, 64), -1.0)
    maps[:, 0, 20:24, 12:52] = maps[:, 0, 40:44, 12:52] = 1
    maps[:, 1, 24:40, 24:40] = 1
    maps[:, 1, 28:36, 28:36] = -1
    real = torch.full((2, 2, 64, 64), -1.0)
    real[:, :, 30:34, 12:52] = 1
    found = MapAnatomy()(maps, real)
    assert [found[f"{kind}_{name}"] for kind in ("artery", "vein") for name in ("components", "loops")] == [2, 0, 1, 1]
    assert [found[f"{kind}_{name}_floor"] for kind in ("artery", "vein") for name in ("components", "loops")] == [
        1,
        0,
        1,
        0,
    ]


def test_maps_without_kinds_have_the_figures_of_their_one_plane():
    maps = torch.full((3, 1, 64, 64), -1.0)
    maps[:, :, 20:24, 12:52] = maps[:, :, 40:44, 12:52] = 1
    found = MapAnatomy()(maps, maps[:2, :, :32].repeat(1, 1, 2, 1))
    assert (found["vessel_components"], found["vessel_loops"]) == (2, 0) and "artery_loops" not in found
