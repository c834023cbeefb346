"""One frame at random, sometimes reversed."""

import numpy as np
import pytest
import torch

from monai_fundusgen.transforms.angiogram_frame import RandFramed


@pytest.fixture
def item():
    fov = torch.ones(1, 4, 4)
    fov[0, 0] = 0
    frames = (torch.arange(3)[:, None, None] * 50 * torch.ones(3, 4, 4) * fov).to(torch.uint8)
    return {"image": frames, "fov": fov}


def drawn(item, seed, **options):
    return RandFramed(**options).set_random_state(seed=seed)(item)["image"]


def test_every_frame_comes_and_nothing_else(item):
    found = {int(drawn(item, seed, reversal=0.0).max()) for seed in range(20)}
    assert found == {0, 50, 100}


def test_a_reversed_frame_is_its_negative_inside_the_field_and_black_outside(item):
    for seed in range(6):
        plain, negative = drawn(item, seed, reversal=0.0), drawn(item, seed, reversal=1.0)
        assert torch.equal(negative[0, 1:], 255 - plain[0, 1:]) and not negative[0, 0].any()
        assert negative.dtype == torch.uint8 and negative.shape == (1, 4, 4)


def test_floats_are_reversed_about_one(item):
    shares = {**item, "image": item["image"].float() / 255}
    found = drawn(shares, 1, reversal=1.0)
    assert np.allclose(found, drawn(item, 1, reversal=1.0) / 255, atol=1e-6)


def test_an_impossible_probability_is_refused():
    with pytest.raises(ValueError, match=r"reversal: found 1.2"):
        RandFramed(reversal=1.2)
