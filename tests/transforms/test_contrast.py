"""Normalised contrast does not know the exposure."""

import torch

from monai_fundusgen.networks.blocks.normalised_contrast import normalised_contrast
from monai_fundusgen.transforms.contrast import NormalisedContrastd


def eye(side=160):
    rng = torch.Generator().manual_seed(0)
    image = torch.rand(3, side, side, generator=rng)
    axis = torch.linspace(-1, 1, side)
    fov = ((axis[:, None] ** 2 + axis[None] ** 2) < 0.9).float()[None]
    return image * fov, fov


def test_gain_and_offset_of_each_channel_change_nothing():
    image, fov = eye()
    other = image * torch.tensor([0.5, 2.0, 0.1])[:, None, None] + torch.tensor([0.1, 0.0, 0.3])[:, None, None]
    assert torch.allclose(normalised_contrast(image, fov), normalised_contrast(other, fov), atol=1e-3)


def test_inside_the_field_the_first_three_have_mean_nought_and_deviation_one():
    image, fov = eye()
    inside = normalised_contrast(image, fov)[:3, fov[0] > 0]
    assert torch.allclose(inside.mean(dim=1), torch.zeros(3), atol=1e-3)
    assert torch.allclose(inside.std(dim=1), torch.ones(3), atol=1e-2)


def test_outside_the_field_all_is_nought_and_what_is_there_does_not_count():
    image, fov = eye()
    out = normalised_contrast(image, fov)
    assert out.shape == (6, 160, 160) and not out[:, fov[0] == 0].any()
    assert torch.equal(out, normalised_contrast(torch.where(fov > 0, image, 9.0), fov))


def test_slow_light_is_taken_out_of_the_local_half():
    image, fov = eye(320)
    slope = torch.linspace(0, 3, 320)[None, None] + image * 0.2
    whole, local = normalised_contrast(slope, torch.ones_like(fov)).chunk(2)
    ends = [part[:, :, 60].mean() - part[:, :, 260].mean() for part in (whole, local)]
    assert abs(ends[0]) > 1.5 and abs(ends[1]) < 0.15


def test_a_black_field_gives_no_nan_and_the_transform_is_the_function():
    image, fov = eye(64)
    assert torch.isfinite(normalised_contrast(image * 0, fov)).all()
    item = NormalisedContrastd()({"image": image, "fov": fov})
    assert torch.equal(item["image"], normalised_contrast(image, fov))
