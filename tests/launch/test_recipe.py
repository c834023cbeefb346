"""The recipe of all weights: time is shared, every bundle with weights is in it, bad input is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from monai_fundusgen.launch.recipe import RECIPE, RecipeRun, chosen_stages, minutes_of
from monai_fundusgen.launch.train import BUNDLES


def test_every_weights_file_that_is_shipped_has_a_stage():
    shipped = {path.relative_to(BUNDLES).as_posix() for path in BUNDLES.glob("*/models/*.pt")}
    made = {f"{stage.bundle}/models/{'judge' if stage.preset == 'judge' else 'model'}.pt" for stage in RECIPE}
    assert shipped == made


def test_presets_exist():
    for stage in RECIPE:
        assert stage.preset is None or (BUNDLES / stage.bundle / "configs" / f"preset_{stage.preset}.yaml").is_file()


def test_stages_share_all_of_the_time():
    left, total, stages = 60.0, 0.0, list(RECIPE)
    while stages:
        minutes = minutes_of(stages, left)
        left, total, stages = left - minutes, total + minutes, stages[1:]
    assert total == pytest.approx(60)
    assert minutes_of(RECIPE, 60) == pytest.approx(60 * RECIPE[0].share / sum(stage.share for stage in RECIPE))


def test_a_stage_that_ends_early_leaves_its_time(monkeypatch, tmp_path):
    given = {}

    def train(self, stage, minutes):
        given[stage.name] = minutes
        (tmp_path / stage.name).mkdir()
        (tmp_path / stage.name / "model.pt").touch()

    monkeypatch.setattr(RecipeRun, "_train", train)
    said: list[str] = []
    RecipeRun(tmp_path, None, 100).run(RECIPE, said.append)
    assert given["guided_masks"] == pytest.approx(100, rel=0.01)  # the others took no time at all
    assert len(said) == len(RECIPE)


def test_a_stage_begins_with_the_weights_of_another_and_waits_for_them(monkeypatch, tmp_path):
    commands, said = [], []
    monkeypatch.setattr(
        "subprocess.run", lambda command, check: commands.append(command) or subprocess.CompletedProcess(command, 0)
    )
    stages = chosen_stages(["guided_masks"])
    RecipeRun(tmp_path, None, 100).run(stages, said.append)
    assert not commands and said == ["guided_masks: needs the weights of masks, so train that stage first"]
    (tmp_path / "masks").mkdir()
    for content in (b"first", b"trained on"):  # the teacher stays the same when its own stage goes on
        (tmp_path / "masks" / "model.pt").write_bytes(content)
        RecipeRun(tmp_path, None, 100).run(stages, said.append)
        command = commands.pop()
        assert Path(command[command.index("--pretrained") + 1]).read_bytes() == b"first"
    assert all(
        stage.start is None or stage.start in [one.name for one in RECIPE[:place]] for place, stage in enumerate(RECIPE)
    )


def test_stages_are_chosen_by_name_in_the_order_of_the_recipe():
    assert [stage.name for stage in chosen_stages(["masks", "enlarger"])] == ["enlarger", "masks"]
    assert chosen_stages([]) == list(RECIPE)
    with pytest.raises(ValueError, match="found mask, expected some of segmenter"):
        chosen_stages(["mask"])


def test_what_it_takes_is_said_beforehand(tmp_path):
    lines = list(RecipeRun(tmp_path, None, 10).described(RECIPE))
    assert len(lines) == len(RECIPE)
    assert "at most 2.5 min" in lines[0] and "GiB" in lines[0]
    assert "last epoch" in next(iter(RecipeRun(tmp_path, None, None).described(RECIPE)))


def test_bad_input_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(ValueError, match="max_minutes: found 0"):
        RecipeRun(tmp_path, None, 0)
    with pytest.raises(FileNotFoundError, match=r"gone\.json: no such datalist"):
        RecipeRun(tmp_path, tmp_path / "gone.json", 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        RecipeRun(tmp_path / "file", None, 1)


@pytest.mark.slow
def test_two_minutes_train_on_phantoms_and_go_on(tmp_path):
    said: list[str] = []
    RecipeRun(Path(tmp_path), None, 2).run(RECIPE, said.append)
    assert (tmp_path / RECIPE[0].name / "run.json").is_file()
    assert [line.split(":")[0] for line in said] == [stage.name for stage in RECIPE]
