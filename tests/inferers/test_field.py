"""A photograph goes to the working geometry and its probabilities come back to their place."""

import numpy as np
import pytest
import torch

from monai_fundusgen.inferers.field import FieldInferer
from monai_fundusgen.transforms.fov import field_circle, square_crop, square_paste


def photograph(height=300, width=400, row=140, column=220, radius=120):
    """A red disc with a dark cross in its middle, as (1, 3, H, W) in [0, 1], and where the cross is."""
    y, x = np.mgrid[:height, :width]
    inside = (y - row) ** 2 + (x - column) ** 2 <= radius**2
    cross = inside & ((abs(y - row) < 6) | (abs(x - column) < 6))
    pixels = np.stack([inside * 0.8, inside * 0.5, inside * 0.2]) * np.where(cross, 0.5, 1.0)
    return torch.from_numpy(pixels.astype(np.float32))[None], inside, cross


def dark_is_vessel(x):
    """A network: what lies below the field's mean, in each channel."""
    return -4 * x[:, :3]


@pytest.mark.parametrize("size", [128, 512])
def test_what_is_found_lies_where_it_is_in_the_photograph(size):
    image, inside, cross = photograph()
    chance = FieldInferer(size, autocast=None)(image, dark_is_vessel)
    assert chance.shape == image.shape
    found = chance[0, 1].numpy() > 0.5
    assert (found & cross).sum() * 2 / (found.sum() + cross.sum()) > 0.9
    assert not chance[0, :, ~torch.from_numpy(inside)].any()


@pytest.mark.parametrize(("field_deg", "size"), [(None, 1024), (60, 1024), (45, 768), (30, 512), (90, 1536)])
def test_the_field_in_degrees_sets_the_working_size(field_deg, size):
    assert FieldInferer(1024, field_deg=field_deg).working_size == size


def test_the_field_of_view_may_be_handed_in():
    image, inside, _ = photograph()
    found = FieldInferer(128, autocast=None)(image, dark_is_vessel)
    given = FieldInferer(128, autocast=None)(image, dark_is_vessel, fov=torch.from_numpy(inside)[None, None])
    assert torch.allclose(found, given, atol=0.05)


def test_a_black_photograph_and_an_impossible_field_are_refused():
    with pytest.raises(ValueError, match="no field of view"):
        FieldInferer(64)(torch.zeros(1, 3, 50, 50), dark_is_vessel)
    with pytest.raises(ValueError, match="field_deg: found 5"):
        FieldInferer(field_deg=5)


def test_pasting_undoes_the_crop_inside_the_square():
    _, inside, _ = photograph()
    circle = field_circle(inside)
    array = np.random.default_rng(0).random((2, *inside.shape)) * inside
    assert (square_paste(square_crop(array, circle), circle, *inside.shape) == array).all()
    with pytest.raises(ValueError, match="bring it to that size first"):
        square_paste(array[:, :10, :10], circle, *inside.shape)
