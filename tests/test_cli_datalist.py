import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.data.datalist import READER
from tests.verbs import run


@pytest.fixture
def eyes(tmp_path):
    """Two photographs with artery/vein labels, in a folder whose name has a space and an accent."""
    root = tmp_path / "mes yeux é"
    label = np.zeros((8, 12, 3), dtype=np.uint8)
    label[2, 1:9, 0] = label[4, 2:7, 2] = 255
    for name in ("a", "b"):
        for folder, pixels in (("images", np.full_like(label, 90)), ("av", label)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / folder / f"{name}.png")
    return root


def test_a_good_set_gives_a_datalist_and_a_summary(eyes, capsys):
    code, told, _ = run(capsys, "datalist", "paired", eyes, "-o", eyes / "list.json")
    assert code == 0
    assert "2 training, 0 validation, 0 testing" in told and str(eyes / "list.json") in told
    assert [item["image"] for item in json.loads((eyes / "list.json").read_text())["training"]] == [
        "images/a.png", "images/b.png"
    ]  # fmt: skip


@pytest.mark.parametrize("arguments, complaint", [
    (["piared", "EYES", "-o", "EYES/list.json"], "did you mean paired"),
    (["paired", "EYES/absent", "-o", "EYES/list.json"], "no such folder"),
    (["drive", "EYES", "-o", "EYES/list.json"], "the files look like layout paired"),
    (["paired", "EYES", "-o", "EYES/absent/list.json"], "no such folder; make it first"),
    (["paired", "EYES", "-o", "EYES/list.json", "--validation", "2"], "share 2.0"),
])  # fmt: skip
def test_a_mistake_ends_with_code_2_and_nothing_written(eyes, capsys, arguments, complaint):
    code, told, complained = run(capsys, "datalist", *(argument.replace("EYES", str(eyes)) for argument in arguments))
    assert code == 2 and not told
    assert complained.startswith("error: ") and complaint in complained
    assert not list(eyes.rglob("*.json"))


def test_all_offenders_are_told_at_once_and_an_older_datalist_stays(eyes, capsys):
    older = json.dumps({"reader": READER})
    (eyes / "list.json").write_text(older)
    (eyes / "av" / "a.png").unlink()
    (eyes / "images" / "b.png").write_bytes(b"no image")
    code, _, complained = run(capsys, "datalist", "paired", eyes, "-o", eyes / "list.json")
    assert code == 2
    assert "a.png: no label file" in complained and "b.png: cannot be read" in complained
    assert (eyes / "list.json").read_text() == older
    assert sorted(path.name for path in eyes.iterdir()) == ["av", "images", "list.json"]


def test_the_verb_works_as_a_program_from_anywhere(eyes, tmp_path):
    command = [sys.executable, "-m", "monai_fundusgen", "datalist", "paired", str(eyes)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    items = json.loads((tmp_path / "datalist.json").read_text())["training"]
    assert items[0]["label"] == "mes yeux é/av/a.png"
