"""The report of a segmenter, on a photograph of six pixels."""

import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.segmentation_report import SegmentationReport


def run(tmp_path, batch, pred, **options):
    engine = Engine(lambda *_: {"pred": pred})
    SegmentationReport(tmp_path, cl_dice=False, **options).attach(engine)
    engine.run([batch])
    return json.loads((tmp_path / "segmentation.json").read_text())


def batch():
    #                        artery, vein, vein, both, background, outside the field
    return {
        "id": ["eye"],
        "label": torch.tensor([[[[1, 0, 0, 1, 0, 1]], [[0, 1, 1, 1, 0, 0]]]], dtype=torch.float32),
        "fov": torch.tensor([[[[1, 1, 1, 1, 1, 0]]]], dtype=torch.float32),
    }


def pred():
    artery = torch.tensor([0.9, 0.2, 0.8, 0.9, 0.1, 0.1])
    vein = torch.tensor([0.1, 0.7, 0.3, 0.2, 0.2, 0.9])
    vessel = torch.tensor([0.9, 0.3, 0.8, 0.9, 0.6, 0.9])
    return torch.stack([artery, vein, vessel])[None, :, None]


def test_vessels_and_kinds_of_a_hand_made_case(tmp_path):
    report = run(tmp_path, batch(), pred())
    scores = report["pooled"]
    # vessel: 3 of 4 found, 1 called in vain
    assert scores["vessel"]["dice"] == pytest.approx(6 / 8) and scores["vessel"]["sensitivity"] == pytest.approx(3 / 4)
    assert scores["vessel"]["roc_auc"] == pytest.approx(3 / 4)
    # kinds: the artery and one wrong vein were found, the right vein was not; the crossing counts nowhere
    assert scores["kinds_found"]["accuracy"] == pytest.approx(1 / 2)
    assert scores["kinds_all"]["accuracy"] == pytest.approx(2 / 3)
    assert report["images"][0]["id"] == "eye" and report["images"][0]["vessel"] == scores["vessel"]


def test_uncertain_pixels_are_vessels_without_a_kind(tmp_path):
    uncertain = torch.tensor([[[[0, 0, 0, 0, 1, 0]]]], dtype=torch.float32)
    whole = {**batch(), "uncertain": uncertain, "fov": torch.ones(1, 1, 1, 6)}
    whole["label"][..., 5] = 0
    scores = run(tmp_path, whole, pred())["pooled"]
    assert scores["vessel"]["dice"] == pytest.approx(8 / 10)  # 4 of 5 found, 1 called in vain
    assert scores["kinds_all"]["accuracy"] == pytest.approx(2 / 3)


def test_the_threshold_decides_what_is_found(tmp_path):
    scores = run(tmp_path, batch(), pred(), threshold=0.85)["pooled"]
    assert scores["vessel"]["dice"] == pytest.approx(4 / 6) and scores["kinds_found"]["accuracy"] == 1


def test_the_oracle_is_named_and_a_photograph_without_vessels_says_why_it_has_no_score(tmp_path):
    two = batch()
    two = {
        "id": ["eye", "bare"],
        **{key: torch.cat([two[key], torch.zeros_like(two[key])]) for key in ("label", "fov")},
    }
    two["fov"][1] = 1
    report = run(tmp_path, two, pred().repeat(2, 1, 1, 1))
    assert report["pooled"]["oracle"]["dice"] >= report["pooled"]["vessel"]["dice"]
    assert "no pixel of the class to find" in report["images"][1]["vessel"]["unscored"]
