"""What a configuration may say, and what each mistake is answered."""

from __future__ import annotations

import json

import pytest

from monai_fundusgen.evaluation.study.config import read_study

NET = {"bundle": "fundus_av_unet"}


def test_a_configuration_is_read_with_paths_beside_it(configured, listed):
    study = read_study(configured())
    assert study.lists["eyes"] == listed and list(study.arms) == ["one", "two", "later"]
    assert study.arms["two"].base == "one" and study.arms["one"].base is None
    assert (study.first_steps, study.steps) == (2, 4)
    assert study.methods["net"].arms == ("one", "two", "later") and study.methods["net"].kinds


def test_json_is_yaml_and_a_list_is_named_on_the_command_line(configured, tmp_path):
    import yaml

    path = tmp_path / "small.json"
    path.write_text(json.dumps(yaml.safe_load(configured().read_text())))
    assert str(read_study(path, {"eyes": "elsewhere.json"}).lists["eyes"]) == "elsewhere.json"


def test_the_base_of_the_study_is_that_of_arms_that_name_none(configured):
    arms = {name: {"data": {"eyes": "all"}} for name in ("a", "b")}
    study = read_study(configured(arms=arms, base="a"))
    assert study.arms["b"].base == "a" and study.arms["a"].base is None


@pytest.mark.parametrize(("changes", "says"), [
    ({"arm": {}}, "no entry 'arm' there; did you mean arms"),
    ({"steps": "many"}, "steps: found 'many', expected a whole number from 1"),
    ({"steps": 3}, "steps: found 3, expected a multiple of epoch_steps"),
    ({"steps": 2}, "steps: found 2, expected a multiple of epoch_steps \\(2\\) from 4"),
    ({"first_share": 1.5}, "first_share: found 1.5, expected a number between 0 and 1"),
    ({"first_share": 0.9}, "leaves no epoch"),
    ({"seeds": [0, 0]}, "seeds: found \\[0, 0\\], expected a list of different whole numbers"),
    ({"seeds": []}, "seeds: found \\[\\]"),
    ({"tests": {}}, "tests: found none, expected at least one"),
    ({"arms": {"a": {"data": {"eyse": 1}}}}, "no list of that name; did you mean eyes"),
    ({"arms": {"a": {"data": {"eyes": 0}}}}, "rows: found 0, expected a whole number from 1"),
    ({"arms": {"a": {"data": {"eyes": {"weight": 0}}}}}, "weight: found 0, expected a number above 0"),
    ({"arms": {"a": {"data": {"eyes": 1}, "base": "b"}}}, "base: found 'b', expected one of a"),
    ({"arms": {"a": {"data": {"eyes": 1}, "base": "a"}}}, "base: found the arm itself"),
    ({"arms": {"a": {}}}, "no entry 'data'"),
    ({"methods": {"n": {"bundle": "fundus_av_unt"}}}, "did you mean fundus_av_unet"),
    ({"methods": {"n": {**NET, "arms": ["tow"]}}}, "no arm 'tow'; did you mean two"),
    ({"methods": {"n": {**NET, "options": {"window_sise": 3}}}}, "window_sise: .* did you mean window_size"),
    ({"methods": {"n": {**NET, "options": {"seed": 3}}}}, "seed: the study sets this one itself"),
    ({"methods": {"n": {**NET, "options": {"pretrained": "a.pt"}}}}, "some arms have a 'first'"),
    ({"methods": {"n": {**NET, "scoring": {"miror": 1}}}}, "did you mean mirrors"),
    ({"validation": {"list": "eyes", "section": "valid"}}, "section: found 'valid', expected one of training"),
    ({"lists": ["a"]}, "lists: found \\['a'\\], expected entries"),
])  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_the_way_out(configured, changes, says):
    path = configured(**changes)
    with pytest.raises(ValueError, match=says) as told:
        read_study(path)
    assert str(path) in str(told.value)


def test_a_list_of_the_command_line_must_be_one_of_the_configuration(configured):
    with pytest.raises(ValueError, match="--list eye: .* did you mean eyes"):
        read_study(configured(), {"eye": "a.json"})
