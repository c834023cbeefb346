"""Scores of each photograph and of a set, on rows of six pixels."""

from __future__ import annotations

import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.image_scores import ImageScores

FIELD = torch.tensor([[[1.0, 1, 1, 1, 1, 0]]])
LABEL = torch.tensor([[[1.0, 0, 0, 0, 0, 0]], [[0.0, 1, 0, 0, 0, 1]]])
#                       artery, vein, three of background, the last outside the field
GOOD = torch.tensor([[[0.9, 0.1, 0, 0, 0, 0]], [[0.1, 0.4, 0, 0, 0, 0]], [[0.9, 0.4, 0.3, 0.1, 0.1, 0.9]]])
SWAPPED = GOOD[[1, 0, 2]]


def run(path, rows, *, decollated=False):
    """Report of rows (id, prediction, item)."""

    def step(engine, row):
        name, pred, item = row
        if decollated:
            engine.state.batch = [{"id": name, **item}]
            return [{"pred": pred}]
        engine.state.batch = {"id": [name], **{key: value[None] for key, value in item.items()}}
        return {"pred": pred[None]}

    engine = Engine(step)
    ImageScores(path / "scores.json").attach(engine)
    engine.run(rows, max_epochs=1)
    return json.loads((path / "scores.json").read_text())


@pytest.mark.parametrize("decollated", [False, True])
def test_a_photograph_by_hand_and_the_threshold_of_validation(tmp_path, decollated):
    item = {"label": LABEL, "fov": FIELD}
    report = run(tmp_path, [("validation/a", GOOD, item), ("HRF/b", GOOD, item)], decollated=decollated)
    (image,) = report["sets"]["HRF"]["images"]
    assert image.pop("id") == "b" and image == report["sets"]["HRF"]["pooled"]
    assert image["roc_auc"] == 1 and image["sensitivity"] == 0.5 and image["dice"] == pytest.approx(2 / 3)
    assert report["threshold"] == pytest.approx(0.4)  # the lowest vessel pixel of the validation photograph
    assert image["dice_validated"] == 1 and image["sensitivity_validated"] == 1
    assert image["kinds_found"] == 1 and image["kinds_all"] == 1
    assert "0.4" in report["rules"]["validated"]


def test_a_set_is_pooled_over_pixels_and_kinds(tmp_path):
    item = {"label": LABEL, "fov": FIELD}
    report = run(tmp_path, [("HRF/a", GOOD, item), ("HRF/b", SWAPPED, item), ("other/c", GOOD, item)])
    assert list(report["sets"]) == ["HRF", "other"] and report["threshold"] is None
    assert report["sets"]["HRF"]["pooled"]["kinds_all"] == 0.5
    assert [image["kinds_all"] for image in report["sets"]["HRF"]["images"]] == [1, 0]
    assert "dice_validated" not in report["sets"]["HRF"]["pooled"]


def test_vessel_maps_have_no_kinds_and_two_channels_no_vessels(tmp_path):
    vessel = {"vessel": LABEL.amax(dim=0, keepdim=True), "fov": FIELD}
    found = run(tmp_path, [("HRF/a", GOOD[2:], vessel)])["sets"]["HRF"]["pooled"]
    assert found["roc_auc"] == 1 and "kinds_all" not in found
    found = run(tmp_path, [("HRF/a", GOOD[:2], {"label": LABEL, "fov": FIELD})])["sets"]["HRF"]["pooled"]
    assert found["kinds_all"] == 1 and "roc_auc" not in found


def test_a_photograph_without_vessels_has_no_score_and_counts_in_the_pool(tmp_path):
    item, bare = {"label": LABEL, "fov": FIELD}, {"label": torch.zeros_like(LABEL), "fov": FIELD}
    report = run(tmp_path, [("HRF/a", GOOD, item), ("HRF/bare", GOOD, bare)])["sets"]["HRF"]
    assert report["images"][1] == {"id": "bare"}
    assert report["pooled"]["specificity"] == pytest.approx(7 / 8)  # the artery of the bare one is found in vain
    assert report["pooled"]["roc_auc"] < 1


def test_uncertain_pixels_are_vessels_without_kind(tmp_path):
    uncertain = torch.tensor([[[0.0, 0, 1, 0, 0, 0]]])
    found = run(tmp_path, [("HRF/a", GOOD, {"label": LABEL, "fov": FIELD, "uncertain": uncertain})])["sets"]["HRF"][
        "pooled"
    ]
    assert found["sensitivity"] == pytest.approx(1 / 3) and found["kinds_all"] == 1
