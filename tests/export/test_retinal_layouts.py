"""Layouts of retinal programs, read by the rules of each program's loader, and compared with the samples themselves.

The rules are facts of the loaders (what they list, sort, match and open), written down here anew.
"""

import csv
import json
import re

import numpy as np
import pytest

from monai_fundusgen.__main__ import main
from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.data.reading import read_av
from monai_fundusgen.export.rrwnet import enhance


def photograph(one):
    return one.photograph.transpose(1, 2, 0)


def test_a_reader_that_sorts_drives_folders_meets_equal_lists(written, made, pixels):
    """As VesselSeg-Pytorch reads: three sorted listings side by side, pixels as they are, 0 and 255 in both masks."""
    root = written("drive", testing=0.25)
    for part, samples in (("training", made[:3]), ("test", made[3:])):
        lists = [sorted((root / part / kind).iterdir()) for kind in ("images", "1st_manual", "mask")]
        assert [len(found) for found in lists] == [len(samples)] * 3
        for image, label, field, one in zip(*lists, samples, strict=True):
            assert (pixels(image) == photograph(one)).all()
            assert (pixels(label) == one.label.any(0) * 255).all() and pixels(label).max() == 255
            assert (pixels(field) == one.fov * 255).all()


def test_a_reader_that_knows_drives_names_finds_them(written, made, pixels):
    """As RV-GAN's own preparation reads: a number of two digits makes the three names."""
    root = written("drive", testing=0.25) / "training"
    for number, one in enumerate(made[:3], 1):
        assert (pixels(root / "images" / f"{number:02d}_training.tif") == photograph(one)).all()
        assert (pixels(root / "1st_manual" / f"{number:02d}_manual1.gif") > 0).any()
        assert ((pixels(root / "mask" / f"{number:02d}_training_mask.gif") > 0) == one.fov).all()


def test_ssanet_zips_sorted_folders_of_train_and_test(written, made, pixels):
    root = written("ssanet", testing=0.25)
    for part, samples in (("train", made[:3]), ("test", made[3:])):
        lists = [
            sorted(path.name for path in (root / part / kind).iterdir()) for kind in ("images", "1st_manual", "mask")
        ]
        assert lists[0] == lists[1] == lists[2] == [f"{one.id}.png" for one in samples]
        for one in samples:
            label = pixels(root / part / "1st_manual" / f"{one.id}.png")
            assert ((label / 255).round() == one.label.any(0)).all() and set(np.unique(label)) == {0, 255}
            assert (pixels(root / part / "images" / f"{one.id}.png") == photograph(one)).all()
            assert ((pixels(root / part / "mask" / f"{one.id}.png") != 0) == one.fov).all()


@pytest.mark.parametrize("part, places", [("training", slice(0, 3)), ("test", slice(3, 4))])
def test_a_reader_of_rite_finds_tif_photographs_and_labels_of_the_same_number(written, made, pixels, part, places):
    """As simplepytorch reads: ``images/*.tif``, ``av/*png``, ``vessel/*png``, joined by the number before the part."""
    root = written("rite", testing=0.25) / part
    found = {}
    for kind, ending in (("images", "*.tif"), ("av", "*png"), ("vessel", "*png")):
        for path in sorted((root / kind).glob(ending)):
            number = re.search(r"(\d+)_(training|test).(tif|png)$", str(path)).group(1)
            found.setdefault(number, {})[kind] = path
    samples = made[places]
    assert [len(files) for files in found.values()] == [3] * len(samples)
    for files, one in zip(found.values(), samples, strict=True):
        assert (pixels(files["images"]) == photograph(one)).all()
        planes = read_av(files["av"])
        assert (np.stack([planes.artery, planes.vein]) == one.label).all() and not planes.uncertain.any()
        assert (pixels(files["vessel"]) == one.label.any(0) * 255).all()


def datalist_of(layout, root):
    """Exit code of ``fundusgen datalist``."""
    with pytest.raises(SystemExit) as stop:
        main(["datalist", layout, str(root), "-o", str(root / "list.json")])
    return stop.value.code


@pytest.mark.parametrize("layout, testing", [("rite", 0.25), ("rite", None), ("drive", 0.25)])
def test_our_own_reader_of_the_layout_takes_the_export(written, layout, testing):
    root = written(layout, testing=testing)
    assert datalist_of(layout, root) == 0
    told = json.loads((root / "list.json").read_text())
    assert (told["numTraining"], told["numTest"]) == ((3, 1) if testing else (4, 0))
    assert all("fov" in item and "vessel" in item for item in told["training"])


def test_a_datalist_of_the_export_tells_no_other_persons_name_and_terms(written):
    root = written("rite", testing=0.25)
    assert datalist_of("rite", root) == 0
    told = json.loads((root / "list.json").read_text())
    assert (told["numTraining"], told["numTest"], told["licence"], told["reference"]) == (3, 1, "", "")
    assert "Synthetic photographs" in told["description"] and "monai_fundusgen" in told["description"]
    items = load_datalist(root / "list.json", "training", needs=("label", "fov"))
    assert len(items) == 3


def test_an_export_that_lost_a_photograph_is_noticed_by_our_reader(written, capsys):
    root = written("rite", testing=0.25)
    for kind, name in (("images", "02_training.tif"), ("av", "02_training.png"), ("vessel", "02_training.png")):
        (root / "training" / kind / name).unlink()
    assert (
        datalist_of("rite", root) == 2
        and "found 2 photographs" in (told := capsys.readouterr().err)
        and "expected 3" in told
    )


def test_rrwnet_finds_targets_and_fields_by_the_first_number_of_a_name(written, made, pixels):
    root = written("rrwnet", testing=0.25) / "RITE" / "train"
    found = {}
    for kind in ("av3", "enhanced", "enhanced_masks"):
        for path in (root / kind).iterdir():
            if re.match("[0-9]+[.]png", path.name):
                found.setdefault(int(re.findall("[0-9]+", path.name)[0]), {})[kind] = pixels(path)
    assert sorted(found) == [1, 2, 3]  # images = list(range(1, 4)), as the export says
    for number, one in enumerate(made[:3], 1):
        planes = found[number]["av3"].transpose(2, 0, 1) > 127
        assert (planes[:2] == one.label).all() and (planes[2] == one.label.any(0)).all()
        inside = found[number]["enhanced_masks"] > 127
        assert 0 < (one.fov & ~inside).sum() < 0.2 * one.fov.sum() and not (inside & ~one.fov).any()
        assert not found[number]["enhanced"][~inside].any()


def test_enhancement_keeps_detail_takes_the_background_away_and_stretches(made):
    """A slow ramp goes, a thin line stays, whatever the exposure; the values reach from 0 to 255."""
    rows, columns = np.mgrid[:200, :200]
    field = np.hypot(rows - 100, columns - 100) < 90
    ramp = np.repeat((60 + columns[..., None] * 0.5), 3, axis=-1)
    ramp[:, 100] -= 30
    found, inside = enhance((ramp * field[..., None]).astype(np.uint8), field)
    middle = found[60:140, 40:160].astype(float)
    assert inside.sum() == pytest.approx(np.pi * 85**2, rel=0.01)
    assert found[inside].min() == 0 and found.max() == 255
    beside = np.delete(middle[..., 0], range(40, 81), axis=1)  # columns away from the line
    assert beside.std() < 3 and beside.mean() - middle[:, 60, 0].mean() > 100
    again, _ = enhance((ramp * 0.5 * field[..., None]).astype(np.uint8), field)
    assert np.abs(again.astype(float) - found)[inside].mean() < 6  # half the exposure: the same picture, up to rounding


def test_lwnet_finds_its_three_lists_from_the_first_and_every_path_from_its_root(written, codes, pixels):
    """As ``train_cyclical.py`` reads: the list for validation by replacing ``train``, arteries and veins by ``av``."""
    root = written("lwnet", testing=0.25, validation=0.25)
    train = "data/synthetic_fundus/train_av.csv"
    assert "av" in train
    seen = []
    for name, count in ((train, 2), (train.replace("train", "val"), 1), (train.replace("train", "test"), 1)):
        rows = list(csv.DictReader((root / name).open()))
        assert len(rows) == count and list(rows[0]) == ["im_paths", "gt_paths", "mask_paths"]
        seen += rows
    for row, code in zip(seen, codes.values(), strict=True):
        levels = pixels(root / row["gt_paths"])
        classes = np.searchsorted([0, 85, 170, 255], levels)  # its label_values become 0 to 3
        assert (np.array([0, 3, 1, 2])[classes] == code).all() and set(np.unique(levels)) <= {0, 85, 170, 255}
        assert set(np.unique(pixels(root / row["mask_paths"]))) == {0, 255}
        assert pixels(root / row["im_paths"]).shape == (256, 256, 3)


def test_hvgn_has_its_size_and_every_vessel_pixel_has_a_kind(written, made, pixels):
    root = written("hvgn", testing=0.25)
    names = (root / "train.csv").read_text().split() + (root / "test.csv").read_text().split()
    assert names == [f"{one.id}.png" for one in made]
    for name, one in zip(names, made, strict=True):
        mask, fundus = pixels(root / "mask" / name), pixels(root / "fundus" / name)
        assert mask.shape == fundus.shape == (1024, 1536, 3)
        red, green, blue = (mask[384:640, 640:896, channel] for channel in range(3))
        assert (np.stack([red, blue]) // 255 == one.label).all() and not green.any()
        assert mask.sum() == mask[384:640, 640:896].sum()
        assert (fundus[384:640, 640:896] == photograph(one)).all()


def test_vgn_reads_lists_of_prefixes_from_its_folder_code(written, made, pixels):
    """As its data layer reads: DRIVE in the prefix says which endings; a list each for training and test."""
    root = written("vgn", testing=0.25)
    (root / "code").mkdir()
    prefixes = [
        line.strip() for name in ("train.txt", "test.txt") for line in (root / "DRIVE" / name).read_text().splitlines()
    ]
    assert len(prefixes) == 4
    for prefix, one in zip(prefixes, made, strict=True):
        assert "DRIVE" in prefix
        label, field = (pixels(root / "code" / f"{prefix}_{kind}.gif") for kind in ("label", "mask"))
        assert (pixels(root / "code" / f"{prefix}_image.tif") == photograph(one)).all()
        assert (label.reshape(256, 256, 1)[..., 0] == one.label.any(0) * 255).all() and (field == one.fov * 255).all()


def test_rvgan_crops_are_those_of_the_photograph_row_by_row(written, made):
    archive = np.load(written("rvgan", testing=0.25) / "train.npz")
    images, masks, labels = (archive[f"arr_{number}"] for number in range(3))
    per_row = (256 - 128) // 32 + 1
    assert images.shape == (3 * per_row**2, 128, 128, 3)
    assert masks.shape == labels.shape == (3 * per_row**2, 128, 128, 1)
    place = per_row**2 + 2 * per_row + 3  # second photograph, third row, fourth crop
    rows, columns = slice(64, 192), slice(96, 224)
    assert (images[place] == photograph(made[1])[rows, columns]).all()
    assert (labels[place][..., 0] == made[1].label.any(0)[rows, columns] * 255).all()
    assert (masks[place][..., 0] == made[1].fov[rows, columns] * 255).all()


def test_fewer_crops_of_rvgan_are_some_of_all_and_the_same_every_time(written, dataset, tmp_path):
    from monai_fundusgen.export.export_dataset import export_dataset

    whole = np.load(written("rvgan") / "train.npz")["arr_0"].reshape(4, 25, -1)
    for name in ("a", "b"):
        export_dataset(dataset, tmp_path / name, "rvgan", crops=5)
    few = np.load(tmp_path / "a" / "train.npz")["arr_0"].reshape(4, 5, -1)
    assert (tmp_path / "a" / "train.npz").read_bytes() == (tmp_path / "b" / "train.npz").read_bytes()
    chosen = [[int((whole[eye] == crop).all(-1).argmax()) for crop in few[eye]] for eye in range(4)]
    assert all((whole[eye][places] == few[eye]).all() for eye, places in enumerate(chosen))
    assert all(places == sorted(set(places)) for places in chosen) and len({tuple(places) for places in chosen}) > 1
    with pytest.raises(ValueError, match="--crops: found 26, a photograph of 256 x 256 px has 25"):
        export_dataset(dataset, tmp_path / "c", "rvgan", crops=26)
