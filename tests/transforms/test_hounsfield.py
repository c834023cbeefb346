"""Windows of CT, and the condition that is measured on a slice."""

import pytest
import torch

from monai_fundusgen.transforms.hounsfield import WINDOWS, shown, to_hu, to_network, unit_shown, window_hu
from monai_fundusgen.transforms.tissue import MeasureTissued, TissueRequest, tissue_shares


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_has_its_ends_at_the_ends_and_is_undone(window):
    low, high = window_hu(window)
    hu = torch.tensor([low - 50, low, (low + high) / 2, high, high + 50])
    assert to_network(hu, window).tolist() == pytest.approx([-1, -1, 0, 1, 1])
    inside = torch.linspace(low, high, 101)
    assert torch.allclose(to_hu((to_network(inside, window) + 1) / 2, window), inside, atol=1e-3)


def test_no_such_window_is_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"'lungs'.*lung, soft_tissue, bone, full"):
        window_hu("lungs")


def test_pictures_are_grey_of_the_middle_slice():
    hu = torch.stack([torch.full((2, 2), value) for value in (-160.0, 40.0, 240.0)])[None]
    picture = shown(hu, "soft_tissue")
    assert picture.shape == (1, 3, 2, 2) and picture.unique().tolist() == [128]
    assert unit_shown(torch.ones(1, 1, 2, 2), "full").unique().tolist() == [255]


def test_shares_are_those_of_a_drawing():
    hu = torch.full((10, 10), -1000.0)
    hu[:4] = 40  # 40 of body
    hu[0] = 500  # of which 10 are bone
    hu[4, :] = -800  # 10 of lung
    assert tissue_shares(hu).tolist() == pytest.approx([10 / 50, 10 / 40, 0.4])
    assert (
        MeasureTissued()({"image": torch.stack([hu * 0, hu, hu * 0])})["context"].tolist() == tissue_shares(hu).tolist()
    )


def test_a_request_is_a_function_of_the_seed_and_open_where_nothing_is_asked():
    request = TissueRequest(lung=(0.2, 0.4), body=0.5)
    first, second = request.vectors([5, 9]), request.vectors([9, 5])
    assert torch.equal(first[:, :1], second.flip(0)[:, :1]) and first[:, 1].isnan().all()
    assert ((first[:, 0] >= 0.2) & (first[:, 0] <= 0.4)).all() and first[0, 0] != first[1, 0]
    assert first[:, 2].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("asked", [1.2, (0.4, 0.2), (0.1,), -0.1])
def test_impossible_requests_are_refused(asked):
    with pytest.raises(ValueError, match="lung: found"):
        TissueRequest(lung=asked)
