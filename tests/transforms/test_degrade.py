import pytest
import torch

from monai_fundusgen.transforms.degrade import RandFadeVesselsd, faded, gaussian_blur, shifted


def patch():
    """A dark vessel three pixels wide on a bright slope, and its map at four times the size."""
    slope = torch.linspace(0.5, 0.7, 48).expand(3, 48, 48).clone()
    label = torch.zeros(2, 192, 192)
    label[0, 90:102] = 1
    photograph = slope.clone()
    photograph[:, 22:26] -= 0.2
    return photograph, slope, label


def test_a_vessel_that_fades_whole_leaves_the_background():
    photograph, slope, _ = patch()
    vessel = torch.zeros(1, 48, 48)
    vessel[:, 22:26] = 1
    gone = faded(photograph, vessel, 1.0)
    assert (gone - slope).abs()[:, 21:27, 8:-8].max() < 0.02
    assert torch.equal(gone[:, :20], photograph[:, :20])
    half = faded(photograph, vessel, 0.5)
    assert torch.allclose(half, (photograph + gone) / 2, atol=1e-6)


def test_a_shift_is_as_large_as_told_and_zero_is_none():
    ramp = torch.arange(96.0).expand(3, 96, 96) / 96
    rng = torch.Generator().manual_seed(0)
    assert torch.allclose(shifted(ramp, 0.0, rng), ramp, atol=1e-5)
    moved = (shifted(ramp, 1.0, rng) - ramp)[0, 8:-8, 8:-8] * 96
    assert 0.5 < moved.std() < 1.5


def test_blur_keeps_the_mean_and_spreads_by_its_sigma():
    image = torch.zeros(1, 41, 41)
    image[0, 20, 20] = 1
    out = gaussian_blur(image, 2.0)[0]
    offsets = torch.arange(41.0) - 20
    assert out.sum().item() == pytest.approx(1, abs=1e-4)
    assert (out.sum(0) * offsets**2).sum().item() == pytest.approx(4, rel=0.05)
    assert gaussian_blur(image, 0.0) is image


def test_the_same_state_degrades_alike_and_the_range_is_kept():
    photograph, _, label = patch()
    item = {"low": photograph, "label": label}
    one, again, other = (RandFadeVesselsd("low", prob=1).set_random_state(seed)(item)["low"] for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.min() >= 0 and one.max() <= 1 and item["low"] is photograph
    assert torch.equal(RandFadeVesselsd("low", prob=0).set_random_state(1)(item)["low"], photograph)


@pytest.mark.parametrize("wrong", [{"fade": 2.0}, {"noise": -1.0}, {"prob": 1.5}])
def test_strengths_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected none negative"):
        RandFadeVesselsd("low", **wrong)
