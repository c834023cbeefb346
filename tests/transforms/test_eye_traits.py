import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.data.loading import LoadFundusd
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.augment import RandVesselWarpd
from monai_fundusgen.transforms.eye_traits import MeasureTraitsd, RandTraitContextd
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.transforms.traits import TRAITS
from monai_fundusgen.vessels.drawing import vessel_map

ANATOMY = Anatomy(diameter_deg=60, cut=0.716, laterality="right")


@pytest.fixture(scope="module")
def eye():
    steps = [
        LoadFundusd(("label", "fov"), phantom_size=512, phantom_anatomy=ANATOMY),
        CropFieldd(("label",), size=512),
        MeasureTraitsd(),
    ]
    return Compose(steps)(phantom_items(1, 4)[0])


def test_a_phantom_is_drawn_from_the_anatomy_asked_for(eye):
    assert np.array_equal(eye["label"], vessel_map(grow_retina(4, anatomy=ANATOMY), 512))


def test_traits_are_those_of_the_eye(eye):
    retina = grow_retina(4, anatomy=ANATOMY)
    disc = (retina.field.to_pixels(np.array([retina.landmarks.disc_mm]), 512) + 0.5) / 256 - 1
    assert np.abs(eye["disc"] - disc).max() < retina.landmarks.disc_radius_mm / retina.field.pixel_mm(512) / 256
    assert eye["real"] == 0 and 0.4 < eye["avr"] < 1.1


def test_a_mirror_image_has_its_disc_on_the_other_side(eye):
    context = Compose(
        [RandVesselWarpd(("label",), 256, point_keys="disc", flip=[1, 0]), RandTraitContextd(0.716, drop=0, drop_all=0)]
    )
    plain = RandTraitContextd(0.716, drop=0, drop_all=0)(eye)["context"]
    mirrored = context(eye)["context"]
    names = list(TRAITS)
    x, y, density = (names.index(name) for name in ("disc_x", "disc_y", "density"))
    assert mirrored[x].item() == pytest.approx(-plain[x].item(), abs=0.01) and plain[x] > 0.5
    assert mirrored[y].item() == pytest.approx(plain[y].item(), abs=0.01)
    assert mirrored[density].item() == pytest.approx(plain[density].item(), abs=0.3)
    assert plain[names.index("real")] == -1


def test_entries_are_dropped_as_often_as_told(eye):
    transform = RandTraitContextd(0.716, drop=0.25, drop_all=0.1)
    transform.set_random_state(0)
    missing = torch.stack([transform(eye)["context"].isnan() for _ in range(400)]).float()
    assert missing.mean(0).sub(1 - 0.75 * 0.9).abs().max() < 0.08
    assert missing.all(1).float().mean().item() == pytest.approx(0.1, abs=0.05)


def test_a_map_without_vessels_is_refused_by_name():
    label = MetaTensor(torch.zeros(2, 64, 64), meta={"filename_or_obj": "eye 7.png"})
    with pytest.raises(ValueError, match=r"eye 7.png: no vessel in the map \(largest value 0.00\)"):
        MeasureTraitsd()({"label": label})


@pytest.mark.parametrize(("plane", "missing"), [(0, "vein"), (1, "artery")])
def test_a_vessel_map_that_passes_for_one_kind_is_refused(plane, missing):
    label = torch.zeros(2, 64, 64)
    label[plane, 30:34] = 1
    with pytest.raises(ValueError, match=f"no {missing} in the map; .*'vessel'"):
        MeasureTraitsd()({"label": label})


@pytest.mark.parametrize("options", [{"drop": 2}, {"drop_all": 1.5}, {"drop_all": -1}, {"drop": float("nan")}])
def test_shares_that_are_none_are_refused(options):
    with pytest.raises(ValueError, match="drop: found .*probabilities"):
        RandTraitContextd(**options)
