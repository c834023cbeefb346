import pytest
import torch

from monai_fundusgen.transforms.field_mask import WithinFieldd


@pytest.mark.parametrize("cut", [1.0, 0.716])
def test_the_share_left_is_that_of_the_cut_circle(cut):
    size, radius = 512, 0.97
    kept = WithinFieldd(["label"], cut)({"label": torch.ones(2, size, size)})["label"].mean().item()
    angle = 2 * torch.acos(torch.tensor(cut)).item()  # of each segment that is cut off
    segments = (angle - torch.sin(torch.tensor(angle)).item()) * radius**2
    assert kept == pytest.approx((torch.pi * radius**2 - segments) / 4, abs=0.002)


def test_inside_the_field_nothing_changes():
    array = torch.rand(1, 64, 64)
    masked = WithinFieldd(["x"], 0.7)({"x": array})["x"]
    assert torch.equal(masked[0, 25:39, 10:54], array[0, 25:39, 10:54])
