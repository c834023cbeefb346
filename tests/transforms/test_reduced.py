import pytest
import torch

from monai_fundusgen.transforms.reduced import Reducedd


def test_a_flat_photograph_stays_flat_and_a_quarter_of_the_size():
    item = Reducedd(["image"], 4)({"image": torch.full((3, 32, 48), 0.3)})
    assert item["low"].shape == (3, 8, 12) and torch.allclose(item["low"], torch.tensor(0.3))
    assert item["image"].shape == (3, 32, 48)


def test_two_photographs_are_refused():
    with pytest.raises(ValueError, match="expected one photograph"):
        Reducedd(["image", "other"])
