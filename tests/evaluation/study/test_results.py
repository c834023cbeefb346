"""Tables and pictures from reports by hand: two arms, two seeds, two photographs."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.evaluation.study.config import read_study
from monai_fundusgen.evaluation.study.pictures import write_pictures
from monai_fundusgen.evaluation.study.plan import plan_of
from monai_fundusgen.evaluation.study.results import collect, learning_curve
from monai_fundusgen.evaluation.study.tables import markdown, write_tables

#: Score of each arm, seed and photograph.
SCORES = {("one", 0): (0.80, 0.90), ("one", 1): (0.82, 0.92), ("two", 0): (0.84, 0.94), ("two", 1): (0.90, 1.00)}
#: History of every training.
LINES = [{"iteration": 2, "validation": {"dice": 0.1}}, {"iteration": 3}, {"iteration": 4, "validation": {"dice": 0.4}}]


def report(values):
    images = [{"id": f"eye{place}", "roc_auc": value, "dice": value - 0.2} for place, value in enumerate(values)]
    pooled = {"roc_auc": float(np.mean(values)), "dice": float(np.mean(values)) - 0.2}
    part = {"pooled": pooled, "images": images}
    return {"rules": {"vessels": "inside the field", "validated": "0.4"}, "threshold": 0.4, "sets": {"eyes": part}}


@pytest.fixture
def reported(configured):
    arms = {"one": {"data": {"eyes": 1}}, "two": {"data": {"eyes": 2, "more": 1}, "base": "one"}}
    study = read_study(configured(arms=arms, lists={"eyes": "eyes.json", "more": "eyes.json"}))
    plan = plan_of(study)
    reports = {entry.training.key: report(SCORES[entry.arm, entry.seed]) for entry in plan.entries}
    return study, plan, reports


def collected(reported, without=()):
    study, plan, reports = reported
    return collect(study, plan, lambda one: None if one.key in without else reports[one.key])


def test_means_spreads_and_differences_by_hand(reported):
    results = collected(reported)
    cell = results.cell("two", "net", "eyes")
    assert cell.mean("roc_auc") == pytest.approx(0.92)
    assert cell.spread("roc_auc") == pytest.approx(0.06 / np.sqrt(2))
    found = results.difference(cell, "roc_auc")
    assert found.value == pytest.approx((0.04 + 0.08) / 2) and (found.low, found.high) == pytest.approx((0.04, 0.08))
    assert results.difference(results.cell("one", "net", "eyes"), "roc_auc") is None
    assert results.difference(cell, "kinds_found") is None and np.isnan(cell.mean("kinds_found"))


def test_a_missing_seed_is_told_and_pairs_only_what_both_have(reported):
    study, plan, _ = reported
    gone = next(entry.training.key for entry in plan.entries if (entry.arm, entry.seed) == ("one", 1))
    results = collected(reported, without=[gone])
    assert results.missing == 1 and "1 of the trainings are not finished" in markdown(results)
    found = results.difference(results.cell("two", "net", "eyes"), "roc_auc")
    assert found.value == pytest.approx(0.04)
    assert np.isnan(results.cell("one", "net", "eyes").spread("roc_auc"))
    assert "nan" not in markdown(results)


def test_the_text_and_the_files_say_the_same(reported, tmp_path):
    _, plan, _ = reported
    write_tables(collected(reported), plan, lambda one: LINES, tmp_path)
    text = (tmp_path / "tables.md").read_text()
    assert "| two | 2 | 0.920 ± 0.042 | 0.720 ± 0.042 |" in text
    assert "| two | one | +0.060 (+0.040 to +0.080) |" in text
    assert "| net | eyes | one | two | 0.860 → 0.920 |" in text  # as Table II
    assert "FIREFLY, a private set" in text and "| real 359 | 0.973 / 0.963 / 0.797 / 0.980 |" in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    row = next(row for row in rows if (row["arm"], row["score"]) == ("two", "roc_auc"))
    assert [float(row[name]) for name in ("mean", "difference", "low", "high")] == [0.92, 0.06, 0.04, 0.08]
    images = list(csv.DictReader(io.StringIO((tmp_path / "images.csv").read_text())))
    curves = list(csv.DictReader(io.StringIO((tmp_path / "curves.csv").read_text())))
    assert [(row["step"], row["value"]) for row in curves[:2]] == [("2", "0.10000"), ("4", "0.40000")] and len(
        curves
    ) == 8
    assert len(images) == 8 and {float(one["roc_auc"]) for one in images} == {
        v for pair in SCORES.values() for v in pair
    }


def test_pictures_are_drawn(reported, tmp_path):
    pytest.importorskip("matplotlib")
    _, plan, _ = reported
    write_pictures(collected(reported), plan, lambda one: LINES, tmp_path)
    for name in ("scores.png", "differences.png", "curves.png"):
        assert np.asarray(Image.open(tmp_path / name).convert("L")).std() > 5  # something is on it


def test_the_curve_of_a_training_goes_on_from_the_one_it_starts_from(configured):
    later = next(entry.training for entry in plan_of(read_study(configured())).entries if entry.arm == "later")
    curve = learning_curve(later, lambda one: LINES[:1] if one is later.first else LINES)
    assert curve.steps == (2, later.first.steps + 2, later.first.steps + 4) and curve.values == (0.1, 0.1, 0.4)
    assert learning_curve(later, lambda one: []) is None
