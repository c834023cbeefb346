"""Names are names: what MONAI's configuration or a command line would read as syntax is a folder here."""

import shlex

import pytest

NAMES = ["me@host#1", "$x", "%x", "2024", "a,b", "@num_samples", "#", "1e5", "[1]", "None", "it's", "$import os", "a b"]


def said(name):
    return shlex.quote(name)


CASES = [
    *[(f"no style {one}", f"generate -n 1 -o new --mask-source ddpm --style {said(one)}", [one, "no such file"])
      for one in NAMES],
    *[(f"no maps {one}", f"generate -n 1 -o new --mask-source folder --mask-folder {said(one)}", [one, "no such folder"])
      for one in NAMES],
    *[(f"no bundle {one}", f"generate -n 1 -o new --bundle {said(one)}", [one, "configs/inference.yaml"]) for one in NAMES],
    *[(f"no mask bundle {one}", f"generate -n 1 -o new --mask-source ddpm --option {said('mask_bundle=' + one)}",
       ["bundle", "configs/inference.yaml" if one not in ("2024", "1e5", "[1]", "None", "#", "$x") else "bundle"])
      for one in ("me@host#1", "a b", "@num_samples", "%x", "$x")],
    *[(f"a dry run into {one}", f"generate -n 1 -o {said(one)} --dry-run", ['"folder": ', one], None, 0) for one in NAMES],
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


@pytest.mark.parametrize("name", ["me@host#1", "$x", "%a,b"])
def test_a_data_set_is_made_there(name, world):
    answer = world.run(f"generate -n 1 -o {said(name)} --option size=64 --quiet")
    assert answer.code == 0, answer.err
    assert (world.root / name / "images" / "eye000000.png").is_file()
    assert {path.name for path in world.root.iterdir()} == {name, "set"}
    assert world.run(f"verify {said(name)}").code == 0
