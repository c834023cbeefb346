from __future__ import annotations

import torch

from monai_fundusgen.transforms.standardise import CentreOnVesselsd, StandardiseFieldd


def item():
    rng = torch.Generator().manual_seed(0)
    fov = torch.zeros(1, 12, 10)
    fov[:, 2:10, 2:8] = 1
    vessel = (torch.rand(1, 12, 10, generator=rng) < 0.2).float()
    return {"image": torch.rand(3, 12, 10, generator=rng), "fov": fov, "vessel": vessel}


def test_pixels_inside_the_field_have_mean_0_and_spread_1():
    given = item()
    found = StandardiseFieldd()(given)["image"]
    inside = found[:, given["fov"][0] > 0]
    assert torch.allclose(inside.mean(dim=1), torch.zeros(3), atol=1e-6)
    assert torch.allclose(inside.std(dim=1, unbiased=False), torch.ones(3), atol=1e-6)


def test_what_lies_outside_the_field_has_no_say():
    given, other = item(), item()
    other["image"] = torch.where(other["fov"] > 0, other["image"], 0.0)
    inside = given["fov"][0] > 0
    assert torch.equal(StandardiseFieldd()(given)["image"][:, inside], StandardiseFieldd()(other)["image"][:, inside])


def test_a_channel_without_variation_becomes_zero():
    given = item()
    given["image"][1] = 0.25
    assert (StandardiseFieldd()(given)["image"][1] == 0).all()


def test_vessel_pixels_have_mean_0_in_bytes():
    given = item()
    found = CentreOnVesselsd()(given)["image"]
    vessel = given["vessel"][0] > 0
    assert torch.equal(found[0], given["vessel"][0])
    assert torch.allclose(found[1:, vessel].mean(dim=1), torch.zeros(3), atol=1e-4)
    assert torch.allclose(found[1:, 0, 0] - found[1:, 1, 1], 255 * (given["image"][:, 0, 0] - given["image"][:, 1, 1]))


def test_a_picture_without_vessels_is_centred_on_itself():
    given = item()
    given["vessel"] = given["vessel"] * 0
    found = CentreOnVesselsd()(given)["image"]
    assert torch.allclose(found[1:].mean(dim=(1, 2)), torch.zeros(3), atol=1e-4)
