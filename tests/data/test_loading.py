import json

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, set_track_meta

from monai_fundusgen.data.datalist import build_datalist, write_datalist
from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.data.layouts import find_layout
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.transforms.field import CropFieldd


@pytest.fixture
def datalist(paired_set):
    root = paired_set()
    path = root / "datalist.json"
    write_datalist(path, build_datalist(find_layout("paired"), root, root))
    return path


def rewritten(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def test_items_have_absolute_paths_whatever_the_working_directory(datalist, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    items = load_datalist(datalist.relative_to(tmp_path), needs=("label", "fov"))
    assert len(items) == 4
    for item in items:
        for key in ("image", "label", "vessel", "fov"):
            assert item[key] == str(
                datalist.parent / {"image": "images", "label": "av"}.get(key, key) / f"{item[key][-9:]}"
            )
        assert isinstance(item["fold"], int)


def test_arrays_are_upright_channel_first_and_in_range(datalist):
    loaded = LoadFundusd()(load_datalist(datalist)[0])
    assert {key: tuple(loaded[key].shape) for key in ("image", "label", "vessel", "fov", "uncertain")} == {
        "image": (3, 40, 60), "label": (2, 40, 60), "vessel": (1, 40, 60), "fov": (1, 40, 60), "uncertain": (1, 40, 60)
    }  # fmt: skip
    assert loaded["image"].dtype == loaded["label"].dtype == torch.float32
    assert loaded["image"][:, 20, 28].tolist() == pytest.approx([180 / 255, 90 / 255, 40 / 255])
    assert loaded["label"][:, 12, 20].tolist() == [1, 0] and loaded["label"][:, 20, 31].tolist() == [0, 1]
    assert loaded["label"][:, 12, 31].tolist() == [1, 1]
    assert torch.equal(loaded["vessel"][0], loaded["label"].amax(dim=0).as_tensor())
    assert not loaded["uncertain"].any()


def test_eight_bit_images_stay_eight_bit_and_keys_can_be_chosen(datalist):
    item = load_datalist(datalist)[0]
    loaded = LoadFundusd(("image",), image_dtype=torch.uint8)(item)
    assert loaded["image"].dtype == torch.uint8 and loaded["image"].max() == 180
    assert loaded["label"] == item["label"]
    assert "uncertain" not in loaded


def test_a_missing_field_of_view_is_found_on_the_photograph(datalist):
    item = load_datalist(datalist)[0]
    drawn = LoadFundusd()(item)["fov"]
    found = LoadFundusd()({key: value for key, value in item.items() if key != "fov"})["fov"]
    assert torch.equal(found, drawn)
    alone = LoadFundusd(("label", "fov"))({key: value for key, value in item.items() if key != "fov"})
    assert torch.equal(alone["fov"], drawn) and isinstance(alone["image"], str)


def test_white_is_uncertain_and_neither_artery_nor_vein(tmp_path, datalist):
    from PIL import Image

    item = load_datalist(datalist)[0]
    pixels = np.array(Image.open(item["label"]))
    pixels[5:7, 28] = 255
    Image.fromarray(pixels).save(item["label"])
    loaded = LoadFundusd(("label", "uncertain"))(item)
    assert loaded["uncertain"].sum() == 2 and not loaded["label"][:, 5:7, 28].any()


def test_a_vessel_only_datalist_gives_vessels_and_no_label(paired_set):
    root = paired_set(folders=("vessel", "fov"))
    path = root / "datalist.json"
    write_datalist(path, build_datalist(find_layout("paired"), root, root))
    items = load_datalist(path)
    assert "label" not in items[0] and items[0]["vessel"].endswith("vessel/eye_0.png")
    assert "label" not in LoadFundusd()(items[0])
    with pytest.raises(ValueError, match="no label.*sets of vessel maps alone"):
        load_datalist(path, needs=("label",))


def test_a_binary_map_under_label_is_an_error(datalist):
    item = load_datalist(datalist)[0]
    with pytest.raises(ValueError, match=r"vessel/eye_0\.png: a binary vessel map"):
        LoadFundusd()({**item, "label": item["vessel"]})


def test_sizes_that_differ_are_named(datalist, tmp_path):
    from PIL import Image

    Image.fromarray(np.full((40, 59), 255, dtype=np.uint8)).save(tmp_path / "narrow.png")
    with pytest.raises(ValueError, match=r"narrow\.png 40 x 59"):
        LoadFundusd()({**load_datalist(datalist)[0], "fov": str(tmp_path / "narrow.png")})


def test_meta_data_tell_the_file_where_monai_tracks_them(datalist):
    item = load_datalist(datalist)[0]
    assert LoadFundusd()(item)["image"].meta["filename_or_obj"] == item["image"]
    set_track_meta(False)
    try:
        assert not isinstance(LoadFundusd()(item)["image"], MetaTensor)
    finally:
        set_track_meta(True)


def test_a_batch_can_be_made_of_squared_items(datalist):
    from monai.transforms import Compose

    chain = Compose([LoadFundusd(("image", "label", "fov")), CropFieldd(("image", "label", "fov"), 16)])
    batch = next(iter(DataLoader(Dataset(load_datalist(datalist), chain), batch_size=3)))
    assert batch["image"].shape == (3, 3, 16, 16) and batch["label"].shape == (3, 2, 16, 16)


@pytest.mark.parametrize("content, complaint", [
    ("{", "not even JSON"),
    ("[1, 2]", "expected an object"),
    ("{}", "no list at all"),
    ('{"testing": [{"image": "a.png"}]}', r"holds testing \(1\)"),
    ('{"training": [], "testing": [{"image": "a.png"}]}', "its training list is empty"),
    ('{"training": ["a.png"]}', "no list of items 'training'"),
    ('{"training": [{"label": "a.png"}]}', "item 0 of training has no path under 'image'"),
    ('{"training": [{"image": "a.png"}]}', "1 of its files are missing: .*a.png"),
])  # fmt: skip
def test_a_bad_datalist_is_explained(tmp_path, content, complaint):
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises((ValueError, OSError), match=complaint) as caught:
        load_datalist(path)
    assert str(path) in str(caught.value)


def test_a_folder_in_place_of_a_datalist_is_named(tmp_path):
    with pytest.raises(OSError, match=f"{tmp_path}: cannot be read as a datalist"):
        load_datalist(tmp_path)


def test_a_missing_datalist_tells_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="fundusgen datalist"):
        load_datalist(tmp_path / "none.json")


def test_a_missing_key_is_named(datalist):
    items = [{"image": "images/eye_0.png", "fov": "fov/eye_0.png"}]
    with pytest.raises(ValueError, match="item 0 of training has no label; it has fov, image"):
        load_datalist(rewritten(datalist, training=items), needs=("label",))


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="keys are image"):
        LoadFundusd(("mask",))
    with pytest.raises(ValueError, match="image_dtype"):
        LoadFundusd(image_dtype=torch.float64)


def test_a_phantom_item_gives_the_keys_shapes_and_types_of_a_photograph(datalist):
    loaded = LoadFundusd()(load_datalist(datalist)[0])
    drawn = LoadFundusd(phantom_size=128)(phantom_items(1, 3)[0])
    for key in ("image", "label", "vessel", "fov", "uncertain"):
        assert drawn[key].shape == (loaded[key].shape[0], 128, 128), key
        assert drawn[key].dtype == loaded[key].dtype and type(drawn[key]) is type(loaded[key])
    assert 0 <= drawn["image"].min() < drawn["image"].max() <= 1
    assert set(drawn["label"].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(drawn["vessel"][0], drawn["label"].amax(dim=0))


def test_a_phantom_is_a_function_of_its_seed_and_maps_come_without_a_photograph():
    seeds = [item["seed"] for item in phantom_items(3, 7)]
    assert seeds == [7, 8, 9]
    load = LoadFundusd(("label", "fov"), phantom_size=96)
    one, again, other = (load({"seed": seed}) for seed in (7, 7, 8))
    assert set(one) == {"seed", "label", "fov"} and torch.equal(one["label"], again["label"])
    assert not torch.equal(one["label"], other["label"])
    for wrong in (-1, 1.5, "abc"):
        with pytest.raises(ValueError, match="phantom eyes: count .*expected neither below 0"):
            phantom_items(wrong)


def test_squaring_leaves_a_phantom_as_it_is():
    drawn = LoadFundusd(("label", "fov"), phantom_size=128)({"seed": 1})
    squared = CropFieldd(("label", "fov"), 128)(drawn)
    assert torch.equal(squared["label"], drawn["label"]) and torch.equal(squared["fov"], drawn["fov"])
