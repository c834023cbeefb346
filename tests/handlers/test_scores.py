from __future__ import annotations

import json

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator

from monai_fundusgen.handlers.best_weights import BestWeights
from monai_fundusgen.handlers.label_writer import LabelWriter
from monai_fundusgen.handlers.scores import ScoreHistory, ScoreReport, Scores, validated_threshold
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.metrics.segmentation import VesselSegmentationMetric


def items(count=3):
    rng = torch.Generator().manual_seed(0)
    for place in range(count):
        vessel = (torch.rand(1, 16, 12, generator=rng) < 0.3).float()
        fov = (torch.rand(1, 16, 12, generator=rng) < 0.8).float()
        image = vessel * 0.3 + torch.rand(1, 16, 12, generator=rng) * 0.7
        yield {"id": f"eye{place}", "image": image, "vessel": vessel, "fov": fov}


def evaluate(handlers, scores, *, decollate, epochs=(1,)):
    engine = SupervisedEvaluator(
        device=torch.device("cpu"), val_data_loader=DataLoader(Dataset(list(items())), batch_size=1),
        network=torch.nn.Identity(), key_val_metric={"roc_auc": scores}, val_handlers=handlers, decollate=decollate,
        prepare_batch=lambda batch, *_, **__: (batch["image"], batch["vessel"]),
    )  # fmt: skip
    for epoch in epochs:
        engine.run(epoch)
    return engine


def direct(protocol=None):
    metric = VesselSegmentationMetric(protocol)
    for item in items():
        metric(item["image"][None], item["vessel"][None], fov=item["fov"][None])
    return metric


@pytest.mark.parametrize("decollate", [True, False])
def test_field_and_label_reach_the_metric(decollate):
    engine = evaluate([], Scores(VesselSegmentationMetric(), "vessel"), decollate=decollate)
    assert engine.state.metrics == pytest.approx(direct().aggregate())
    assert engine.state.best_metric == pytest.approx(direct().aggregate()["roc_auc"])


def test_a_report_holds_rules_and_scores_of_every_protocol(tmp_path):
    mean = Protocol(pooling="per_image")
    scores = Scores(VesselSegmentationMetric(), "vessel", also={"mean": mean})
    evaluate([ScoreReport(tmp_path / "scores.json", {"field": scores})], scores, decollate=True)
    report = json.loads((tmp_path / "scores.json").read_text())
    assert report["field"]["scores"] == pytest.approx(direct().aggregate())
    assert report["mean"]["scores"] == pytest.approx(direct().aggregate(mean))
    assert report["mean"]["rules"] == mean.describe() and report["mean"]["protocol"]["pooling"] == "per_image"


def test_only_the_best_validation_is_reported_and_every_one_recorded(tmp_path):
    scores = Scores(VesselSegmentationMetric(), "vessel")
    best = BestWeights(torch.nn.Linear(1, 1), tmp_path / "model.pt", "roc_auc")
    report, history = (
        ScoreReport(tmp_path / "model.json", {"validation": scores}, best),
        ScoreHistory(tmp_path / "v.jsonl"),
    )
    evaluate([best, report, history], scores, decollate=True, epochs=(1, 3))
    assert json.loads((tmp_path / "model.json").read_text())["epoch"] == 1  # the third is no better
    assert [json.loads(line)["epoch"] for line in (tmp_path / "v.jsonl").read_text().splitlines()] == [1, 3]
    evaluate([history], Scores(VesselSegmentationMetric(), "vessel"), decollate=True, epochs=(3,))  # done again
    assert [json.loads(line)["epoch"] for line in (tmp_path / "v.jsonl").read_text().splitlines()] == [1, 3]
    assert validated_threshold(tmp_path / "model.pt") == pytest.approx(direct().aggregate()["best_threshold"])


def test_a_threshold_that_nobody_chose_is_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="give one by --threshold"):
        validated_threshold(tmp_path / "model.pt")
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ValueError, match="no report of a validation"):
        validated_threshold(tmp_path / "model.pt")


def test_label_maps_are_written_upright(tmp_path):
    from PIL import Image

    class Engine:
        class state:
            output = [{"pred": torch.tensor([[1, 0], [0, 0], [0, 1]], dtype=torch.uint8)}]  # (W, H) = (3, 2)
            batch = [{"id": "eye"}]

    LabelWriter(tmp_path, scale=255)(Engine())
    picture = Image.open(tmp_path / "eye.png")
    assert picture.size == (3, 2)
    assert [picture.getpixel(at) for at in ((0, 0), (2, 1), (1, 0))] == [255, 255, 0]
