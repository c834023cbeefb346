from __future__ import annotations

import pytest
import torch

from monai_fundusgen.transforms.vessel_union import UniteVesselsd, kind_codes

FOV = torch.ones(1, 1, 5)


def test_vessels_are_arteries_veins_and_uncertain_ones():
    item = {"label": torch.tensor([[[1, 0, 0, 0, 0.0]], [[0, 1, 0, 0, 0]]]), "fov": FOV}
    item["uncertain"] = torch.tensor([[[0, 0, 1, 0, 0.0]]])
    assert UniteVesselsd()(item)["vessel"].tolist() == [[[1, 1, 1, 0, 0]]]


def test_a_vessel_map_stands_for_itself_and_soft_maps_are_cut_at_one_half():
    item = {"vessel": torch.tensor([[[0.4, 0.5, 1, 0, 1.0]]]), "label": torch.ones(2, 1, 5), "fov": FOV}
    assert UniteVesselsd()(item)["vessel"].tolist() == [[[0, 1, 1, 0, 1]]]


def test_vessels_end_where_the_field_does():
    item = {"vessel": torch.ones(1, 1, 5), "fov": torch.tensor([[[0, 1, 1, 1, 0.0]]])}
    assert UniteVesselsd()(item)["vessel"].tolist() == [[[0, 1, 1, 1, 0]]]


def test_an_item_without_vessels_is_refused():
    with pytest.raises(KeyError, match="neither 'vessel' nor 'label'"):
        UniteVesselsd()({"image": torch.zeros(3, 1, 5), "fov": FOV})


def test_codes_are_those_of_the_likelier_kind():
    scores = torch.tensor([[[0.9, 0.2, 0.3, 0.0]], [[0.1, 0.8, 0.2, 0.0]]])
    assert kind_codes(scores, 0.5).tolist() == [[[1, 2, 0, 0]]]
    assert kind_codes(scores).dtype == torch.uint8
