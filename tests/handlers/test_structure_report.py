import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.structure_report import StructureReport
from monai_fundusgen.metrics.functional.vessel_structure import summarise


def cross():
    """An artery across a vein, each one straight line."""
    vessels = torch.zeros(2, 64, 64)
    vessels[0, 30:33, 8:56] = 1
    vessels[1, 8:56, 30:33] = 1
    return vessels


def report_of(tmp_path, batches, **options):
    engine = Engine(lambda _, batch: {"pred": batch})
    StructureReport(tmp_path, **options).attach(engine)
    engine.run(batches)
    return json.loads((tmp_path / "structure.json").read_text())


def test_every_map_is_measured_and_the_reference_in_the_same_way(tmp_path):
    batches = [torch.stack([cross(), cross()]), torch.stack([cross()])]
    report = report_of(tmp_path, batches, references={"real": [{"label": cross()}], "none": []})
    assert len(report["maps"]) == 3
    assert report["sampled"]["av_crossings"]["median"] == 1
    assert report["sampled"]["artery.components"] == {**report["sampled"]["artery.components"], "median": 1, "count": 3}
    assert list(report["references"]) == ["real"]
    assert report["references"]["real"]["vein.density"]["median"] == report["sampled"]["vein.density"]["median"]


def test_empty_maps_are_counted(tmp_path):
    report = report_of(tmp_path, [torch.stack([cross(), torch.zeros(2, 64, 64)])])
    assert report["sampled"]["artery.empty"]["mean"] == 0.5


def test_the_threshold_decides_what_a_faint_vessel_is(tmp_path):
    batches = [torch.stack([cross() * 0.4])]
    assert report_of(tmp_path, batches)["sampled"]["artery.empty"]["mean"] == 0
    assert report_of(tmp_path, batches, threshold=0.5)["sampled"]["artery.empty"]["mean"] == 1


def test_quartiles_leave_out_what_could_not_be_measured():
    summary = summarise([{"a": value} for value in (1.0, 2.0, 3.0, float("nan"))])
    assert summary["a"]["median"] == pytest.approx(2) and summary["a"]["count"] == 3


def test_another_measure_takes_the_place_of_the_structure(tmp_path, caplog):
    with caplog.at_level("INFO"):
        report = report_of(
            tmp_path,
            [torch.stack([cross()])],
            measure=lambda vessels: {"artery.sum": float(vessels[0].sum())},
            references={"real": [{"label": cross()}]},
        )
    assert report["sampled"]["artery.sum"]["median"] == report["references"]["real"]["artery.sum"]["median"] == 144
    assert "| artery sum | 144 (144-144) | 144 (144-144) |" in caplog.text


def test_references_may_have_a_measure_of_their_own(tmp_path):
    report = report_of(
        tmp_path,
        [cross()[None]],
        references={"real": [{"label": cross()}]},
        measure=lambda vessels: {"artery.sum": float(vessels[0].sum())},
        measure_reference=lambda vessels: {"artery.sum": 2 * float(vessels[0].sum())},
    )
    assert report["sampled"]["artery.sum"]["median"] == float(cross()[0].sum())
    assert report["references"]["real"]["artery.sum"]["median"] == 2 * float(cross()[0].sum())
