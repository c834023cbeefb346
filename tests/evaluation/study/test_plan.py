"""Which trainings a study comes to, on which rows, and what decides that two are one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_fundusgen.evaluation.study.config import read_study
from monai_fundusgen.evaluation.study.plan import plan_of, subset


def plan(path):
    return plan_of(read_study(path))


def images(training):
    return [item["image"] for _, items in training.lists for item in items]


def by_place(made):
    return {(entry.arm, entry.seed): entry.training for entry in made.entries}


def test_fewer_rows_lie_within_more_and_another_seed_draws_others():
    items = [{"row": row} for row in range(24)]
    drawn = {seed: [{item["row"] for item in subset(items, rows, seed)} for rows in (6, 12, 24)] for seed in range(3)}
    for six, twelve, all_ in drawn.values():
        assert six < twelve < all_ and (len(six), len(twelve), len(all_)) == (6, 12, 24)
    assert drawn[0][0] != drawn[1][0]
    assert [item["row"] for item in subset(items, 6, 0)] == sorted(drawn[0][0])


def test_trainings_come_seed_by_seed_and_after_the_one_they_start_from(configured):
    made = plan(configured())
    order = list(made.trainings())
    assert [one.seed for one in order] == sorted(one.seed for one in order)
    keys = [one.key for one in order]
    assert all(keys.index(one.first.key) < keys.index(one.key) for one in order if one.first)
    later = by_place(made)["later", 0]
    assert later.first.steps + later.steps == by_place(made)["two", 0].steps
    assert len(images(later.first)) == 1 and len(images(later)) == 2


def test_equal_trainings_of_two_arms_or_two_studies_are_one(configured, listed, tmp_path):
    arms = {name: {"data": {"eyes": "all"}} for name in ("a", "b")}
    made = plan(configured(arms=arms))
    assert len({one.key for one in made.trainings()}) == 2 == len(list(made.trainings()))  # one for each seed
    other = tmp_path / "other.json"
    other.write_text(listed.read_text())
    again = plan(configured(name="another", lists={"eyes": "other.json"}, arms=arms))
    assert [one.key for one in again.trainings()] == [one.key for one in made.trainings()]


@pytest.mark.parametrize("change", [
    {"steps": 6}, {"epoch_steps": 1}, {"validate_every": 2}, {"seeds": [2]},
    {"methods": {"net": {"bundle": "fundus_av_unet", "options": {"learning_rate": 0.01}}}},
    {"methods": {"net": {"bundle": "fundus_vessel_ssanet"}}},
    {"arms": {"one": {"data": {"eyes": {"rows": 1, "weight": 2}}}}},
    {"arms": {"one": {"data": {"eyes": 2}}}},
])  # fmt: skip
def test_whatever_decides_the_weights_decides_the_key(configured, change):
    before = by_place(plan(configured()))["one", 0]
    after = plan(configured(**change)).entries[0].training
    assert after.key != before.key


def test_a_changed_file_is_another_training(configured, listed, tmp_path):
    before = by_place(plan(configured()))["one", 0].key
    content = json.loads(listed.read_text())
    for row in content["training"]:
        (tmp_path / "fov.png").write_bytes(Path(row["fov"]).read_bytes() + b" ")
        row["fov"] = str(tmp_path / "fov.png")
    listed.write_text(json.dumps(content))
    assert by_place(plan(configured()))["one", 0].key != before


def test_held_back_rows_are_trained_on_in_no_arm(configured):
    made = plan(configured(validation={"list": "eyes", "rows": 1}, arms={"all": {"data": {"eyes": "all"}}}))
    held_back = {item["image"] for item in made.validation}
    assert len(held_back) == 1
    assert all(not held_back & set(images(entry.training)) for entry in made.entries)


def change_list(listed, change):
    content = json.loads(listed.read_text())
    change(content)
    listed.write_text(json.dumps(content))


def test_a_photograph_that_is_tested_on_is_trained_on_nowhere(configured, listed, tmp_path):
    def leak(content):
        copy = tmp_path / "renamed.png"
        copy.write_bytes(Path(content["testing"][0]["image"]).read_bytes())
        content["training"].append({**content["training"][0], "image": str(copy)})

    change_list(listed, leak)
    with pytest.raises(ValueError, match="tests: eyes: .* is in eyes too"):
        plan(configured())


def test_more_rows_than_there_are_vessel_maps_and_missing_files_are_refused(configured, listed):
    with pytest.raises(ValueError, match="arms: a: eyes: found 9 rows asked for, expected at most 2"):
        plan(configured(arms={"a": {"data": {"eyes": 9}}}))
    change_list(listed, lambda content: content.update(labels={"0": "background", "1": "vessel"}))
    with pytest.raises(ValueError, match="artery/vein labels are needed"):
        plan(configured())
    plan(configured(methods={"net": {"bundle": "fundus_vessel_ssanet"}}))  # vessels alone do for this one
    change_list(listed, lambda content: [row.update(image="gone.png", fov="lost.png") for row in content["training"]])
    with pytest.raises(FileNotFoundError, match=r"4 of its files are missing: .*gone.png.*lost.png"):
        plan(configured(methods={"net": {"bundle": "fundus_vessel_ssanet"}}))
    change_list(listed, lambda content: [row.pop("label") for row in content["validation"]])
    with pytest.raises(ValueError, match="item 0 of validation has no label"):
        plan(configured(methods={"net": {"bundle": "fundus_vessel_ssanet"}}))
