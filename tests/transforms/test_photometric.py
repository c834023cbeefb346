from __future__ import annotations

import pytest
import torch

from monai_fundusgen.transforms.photometric import RandBrightnessContrastd


def photograph():
    return torch.rand(3, 12, 10, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3


def test_no_strength_changes_nothing():
    change = RandBrightnessContrastd("image", brightness=0, contrast=(1, 1))
    assert torch.allclose(change({"image": photograph()})["image"], photograph())


def test_contrast_keeps_each_channels_mean_and_scales_its_spread():
    change = RandBrightnessContrastd("image", brightness=0, contrast=(0.5, 0.5))
    found = change({"image": photograph()})["image"]
    assert torch.allclose(found.mean(dim=(1, 2)), photograph().mean(dim=(1, 2)), atol=1e-6)
    assert torch.allclose(found.std(dim=(1, 2)), photograph().std(dim=(1, 2)) / 2, atol=1e-6)


def test_the_same_state_gives_the_same_picture_within_the_range():
    change = RandBrightnessContrastd("image")
    found = [change.set_random_state(seed)({"image": photograph()})["image"] for seed in (1, 1, 2)]
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    for seed in range(20):
        one = change.set_random_state(seed)({"image": photograph()})["image"]
        assert one.min() >= 0 and one.max() <= 1


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="brightness -1"):
        RandBrightnessContrastd("image", brightness=-1)
