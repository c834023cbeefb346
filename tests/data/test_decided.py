"""``fundusgen datalist --decide``: decided labels beside the datalist, read back as what they mean."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.data.loading import LoadFundusd, load_datalist


@pytest.fixture
def eyes(tmp_path):
    """One eye: an artery that becomes undecided, a vein, and an undecided line that touches nothing."""
    label = np.zeros((96, 128, 3), dtype=np.uint8)
    label[20:24, 5:60, 0] = 255
    label[20:24, 60:120, 1] = 255
    label[50:54, 5:120, 2] = 255
    label[80:83, 40:90, 1] = 255
    for folder, pixels in (("images", np.full_like(label, 90)), ("av", label)):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "a.png")
    return tmp_path


def datalist(eyes, *options):
    """Run the verb on a folder; its exit code."""
    with pytest.raises(SystemExit) as end:
        main(["datalist", "paired", str(eyes), "-o", str(eyes / "list.json"), *options])
    return end.value.code or 0


def test_the_datalist_points_to_decided_labels_whose_open_pixels_are_uncertain(eyes, capsys):
    assert datalist(eyes, "--decide") == 0
    assert "a: 390 px undecided; 62% given a kind, 0% crossing, 38% masked; 2 branches" in capsys.readouterr().out
    assert "255 (white)" in json.loads((eyes / "list.json").read_text())["label_files"]
    (item,) = load_datalist(eyes / "list.json", needs=("label",))
    assert item["label"] == str(eyes / "list_decided" / "a.png")
    codes = np.asarray(Image.open(item["label"]))
    assert codes.shape == (96, 128) and set(np.unique(codes)) == {0, 1, 2, 255}
    loaded = LoadFundusd(("label", "uncertain", "fov"))(item)
    artery, vein = np.asarray(loaded["label"]) > 0
    assert artery[20:24, 5:120].all() and artery.sum() == 4 * 115 and vein.sum() == 4 * 115
    uncertain = np.asarray(loaded["uncertain"])[0] > 0
    assert uncertain[80:83, 40:90].all() and uncertain.sum() == 150


def test_previews_and_a_table_with_every_branch_lie_beside_them(eyes):
    assert datalist(eyes, "--decide") == 0
    assert Image.open(eyes / "list_decided" / "previews" / "a.png").size == (3 * 640, 2 * 640)
    rows = list(csv.DictReader((eyes / "list_decided" / "branches.csv").open()))
    assert [(row["id"], row["kind"]) for row in rows] == [("a", "artery"), ("a", "open")]
    assert float(rows[0]["confidence"]) > 0.8 > 0.3 > float(rows[1]["confidence"])


def test_without_the_option_labels_stay(eyes):
    assert datalist(eyes) == 0
    assert json.loads((eyes / "list.json").read_text())["training"][0]["label"] == "av/a.png"
    assert not (eyes / "list_decided").exists()


def test_vessel_maps_without_kinds_are_refused_and_nothing_is_written(eyes, capsys):
    (eyes / "av").rename(eyes / "vessel")
    pixels = np.asarray(Image.open(eyes / "vessel" / "a.png")).max(axis=-1)
    Image.fromarray(pixels).save(eyes / "vessel" / "a.png")
    assert datalist(eyes, "--decide") == 2 and "without arteries and veins" in capsys.readouterr().err
    assert not (eyes / "list.json").exists() and not (eyes / "list_decided").exists()
