"""Random looks: geometry, black surround and the global random state stay."""

import numpy as np
import pytest
import torch

from monai_fundusgen.transforms.camera_look import RandCameraLookd


def eye():
    image = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    fov = torch.zeros(1, 40, 40)
    fov[:, 5:35, 5:35] = 1
    return {"image": image * fov, "fov": fov}


def look(seed, **options):
    return RandCameraLookd(**options).set_random_state(seed=seed)(eye())["image"]


def test_strength_nought_changes_nothing():
    assert torch.allclose(look(0, strength=0.0), eye()["image"], atol=1e-3)


def test_looks_differ_stay_in_range_and_keep_the_surround_black():
    pictures = [look(seed) for seed in range(8)]
    outside = eye()["fov"][0] == 0
    for picture in pictures:
        assert picture.min() >= 0 and picture.max() <= 1 and not picture[:, outside].any()
        assert (picture - eye()["image"]).abs().max() > 0.02
    assert len({round(float(picture.mean()), 5) for picture in pictures}) == 8


def test_the_same_state_gives_the_same_look_and_the_global_one_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert torch.equal(look(3), look(3))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="strength -1"):
        RandCameraLookd(strength=-1)
