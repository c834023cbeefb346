import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_fundusgen.conventions import FIELD_FILL
from monai_fundusgen.transforms.field import (
    CropFieldd,
    RestoreSized,
    ScaleFieldd,
    to_network_range,
)
from monai_fundusgen.transforms.fov import field_circle


@pytest.fixture
def item():
    rows, columns = np.ogrid[:120, :200]
    fov = torch.from_numpy(np.hypot(rows - 60, columns - 90) <= 70)[None].float()
    rng = torch.Generator().manual_seed(0)
    label = (torch.rand(2, 120, 200, generator=rng) < 0.1).float() * fov
    return {"image": torch.rand(3, 120, 200, generator=rng) * fov, "label": label, "fov": fov, "fold": 3}


def test_the_field_fills_the_square_as_everywhere_in_the_package(item):
    out = CropFieldd(("image", "label", "fov"), 64)(item)
    assert {key: tuple(out[key].shape) for key in ("image", "label", "fov")} == {
        "image": (3, 64, 64), "label": (2, 64, 64), "fov": (1, 64, 64)
    }  # fmt: skip
    circle = field_circle(out["fov"][0].numpy() > 0.5)
    assert circle == pytest.approx((31.5, 31.5, FIELD_FILL * 32), abs=0.5)
    assert out["fold"] == 3


def test_no_vessel_is_lost(item):
    out = CropFieldd(("label",), 64)(item)
    side = round(2 * 70 / FIELD_FILL)
    assert out["label"].sum() * (side / 64) ** 2 == pytest.approx(float(item["label"].sum()), rel=1e-3)
    assert out["label"].min() >= 0 and out["label"].max() <= 1


def test_type_and_meta_data_stay(item):
    item["image"] = MetaTensor((item["image"] * 255).to(torch.uint8), meta={"filename_or_obj": "eye.png"})
    out = CropFieldd(("image",), 64)(item)
    assert out["image"].dtype == torch.uint8
    assert out["image"].meta["filename_or_obj"] == "eye.png"


def test_without_a_size_pixels_are_only_moved(item):
    out = CropFieldd(("label", "fov"), None)(item)
    assert set(out["label"].unique().tolist()) <= {0.0, 1.0}
    assert out["label"].sum() == item["label"].sum()


def test_errors_name_what_is_wrong(item):
    with pytest.raises(KeyError, match="LoadFundusd"):
        CropFieldd(("label",), 64)({"label": item["label"]})
    with pytest.raises(ValueError, match="one size"):
        CropFieldd(("label",), 64)({**item, "label": item["label"][:, 1:]})
    with pytest.raises(KeyError):
        CropFieldd(("vessel",), 64)(item)
    assert "vessel" not in CropFieldd(("vessel",), 64, allow_missing_keys=True)(item)


def test_the_network_range_is_twice_as_wide_and_about_zero():
    assert to_network_range(torch.tensor([0.0, 0.25, 1.0])).tolist() == [-1.0, -0.5, 1.0]


def test_a_field_of_any_camera_comes_to_one_width_and_back():
    y, x = np.mgrid[:80, :110]
    for radius in (20, 36):
        disc = (y - 40) ** 2 + (x - 55) ** 2 <= radius**2
        image = torch.rand(3, 80, 110, generator=torch.Generator().manual_seed(0))
        item = ScaleFieldd(["image", "fov"], 30)({"image": image, "fov": torch.from_numpy(disc[None])})
        assert 2 * field_circle(item["fov"][0].numpy() > 0.5).radius == pytest.approx(30, abs=1.5)
        assert item["image"].shape[1:] == item["fov"].shape[1:]
        assert item["image"].mean() == pytest.approx(float(image.mean()), abs=2e-3)
        assert RestoreSized("image")(item)["image"].shape == image.shape
    untouched = ScaleFieldd("image", None)({"image": image, "fov": torch.from_numpy(disc[None])})
    assert torch.equal(untouched["image"], image) and untouched["size"].tolist() == [80, 110]


def test_a_field_width_must_be_positive_and_a_field_there():
    with pytest.raises(ValueError, match="field_px 0"):
        ScaleFieldd("image", 0)
    with pytest.raises(KeyError, match="no field of view"):
        ScaleFieldd("image", 30)({"image": np.zeros((3, 4, 4))})
