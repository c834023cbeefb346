"""Slices of a CT datalist: place, spacing, neighbours, and who is held back."""

import json

import numpy as np
import pytest
import torch

from monai_fundusgen.data.ct_datalist import build_ct_datalist
from monai_fundusgen.data.ct_slices import LoadSliced, placed_slice, slice_items, slice_training_data
from monai_fundusgen.data.ct_volume import read_nifti
from monai_fundusgen.data.datalist import write_datalist
from tests.reference import ct_scans

body_hu, nifti = ct_scans.body_hu, ct_scans.nifti


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    root = tmp_path_factory.mktemp("ct")
    for name in ("anna", "bert", "carl"):
        nifti(root / "scans" / f"{name}.nii.gz", body_hu(name))
    write_datalist(root / "ct.json", build_ct_datalist(root / "scans", root / "ct.json"))
    return root / "ct.json"


def test_at_its_own_spacing_a_slice_keeps_every_value(datalist):
    item = slice_items(datalist, "training")[4]
    volume = read_nifti(item["image"])
    found = LoadSliced(64, 2.0)(item)["image"]
    assert found.shape == (1, 64, 64) and found.dtype == torch.float32
    columns, rows, _ = volume.hu.shape
    top, left = (64 - rows) // 2, (64 - columns) // 2
    inner = np.asarray(found[0, top : top + rows, left : left + columns])
    assert np.array_equal(inner, volume.hu[:, :, 4].T) and float(found[0, 0, 0]) == -1024


def test_a_disc_keeps_its_size_in_mm_whatever_the_spacing():
    rows, columns = np.ogrid[:90, :60]  # 1 mm a row, 1.5 mm a column
    disc = np.where(np.hypot(rows - 44.5, (columns - 29.5) * 1.5) < 30, 40.0, -1000.0)
    for spacing in (1.0, 2.0, 3.0):
        placed = placed_slice(torch.from_numpy(disc)[None], (1.0, 1.5), 48, spacing)[0]
        half = (torch.clamp(placed, -1000, 40) + 1000) / 1040
        assert placed.shape == (48, 48)
        if spacing > 1:
            assert float(half.sum()) * spacing**2 == pytest.approx(np.pi * 30**2, rel=0.02)


def test_a_larger_slice_is_cut_round_its_middle():
    picture = torch.arange(100.0).reshape(1, 10, 10)
    assert torch.equal(placed_slice(picture, (1, 1), 4, 1.0), picture[:, 3:7, 3:7])


def test_neighbours_are_channels_and_the_ends_repeat(datalist):
    items = slice_items(datalist, "training")[:10]
    load = LoadSliced(32, 2.0, neighbours=1)
    single = [LoadSliced(32, 2.0)(item)["image"][0] for item in items]
    assert torch.equal(load(items[5])["image"], torch.stack([single[4], single[5], single[6]]))
    assert torch.equal(load(items[0])["image"], torch.stack([single[0], single[0], single[1]]))


def test_a_person_is_held_back_with_all_slices(datalist):
    for seed in range(3):
        data = slice_training_data(datalist, num_validation=1, seed=seed)
        apart = {item["person"] for item in data.validation}
        assert len(apart) == 1 and len(data.validation) == 10 and len(data.training) == len(data.weights) == 20
        assert apart.isdisjoint(item["person"] for item in data.training)


def test_a_validation_part_of_the_list_is_taken(datalist, tmp_path):
    content = json.loads(datalist.read_text())
    content["validation"] = content["training"][20:]
    content["training"] = content["training"][:20]
    other = datalist.with_name("split.json")
    other.write_text(json.dumps(content))
    assert len(slice_training_data(other, num_validation=0).validation) == 10


@pytest.mark.parametrize(("count", "says"), [(0, "found 0 of 3 persons"), (3, "found 3 of 3 persons")])
def test_a_hold_out_that_is_impossible_is_refused(datalist, count, says):
    with pytest.raises(ValueError, match=says):
        slice_training_data(datalist, num_validation=count)


def test_other_lists_are_refused(datalist, tmp_path):
    with pytest.raises(ValueError, match="none given"):
        slice_training_data(None)
    (tmp_path / "eye.png").write_bytes(b"")
    (tmp_path / "eyes.json").write_text(json.dumps({"training": [{"image": "eye.png"}]}))
    with pytest.raises(ValueError, match="is no CT slice .*fundusgen datalist ct"):
        slice_items(tmp_path / "eyes.json", "training")


def test_a_slice_that_the_volume_has_not_is_told(datalist):
    item = {**slice_items(datalist, "training")[0], "slice": 10}
    with pytest.raises(ValueError, match="slice 10; expected 0 to 9"):
        LoadSliced(32, 2.0)(item)


@pytest.mark.parametrize("options", [(0, 2.0, 0), (32, 0.0, 0), (32, 2.0, -1)])
def test_impossible_settings_are_refused(options):
    with pytest.raises(ValueError, match="expected from 1, above 0, from 0"):
        LoadSliced(*options)
