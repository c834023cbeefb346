"""What a segmenter is to learn, pixel by pixel."""

import torch

from monai_fundusgen.transforms.vessel_codes import VesselCodes
from monai_fundusgen.transforms.vessel_targets import UndecidedCrossingsd, VesselTargetd, vessel_target


def row(*values):
    return torch.tensor(values, dtype=torch.float32)[None, None]


def test_what_a_label_calls_both_kinds_is_undecided_but_a_phantoms_crossing_is_not():
    item = {"label": torch.cat([row(1, 1, 0, 0), row(0, 1, 1, 0)]), "uncertain": row(0, 0, 0, 1)}
    decided = UndecidedCrossingsd()(item)
    assert decided["label"].tolist() == torch.cat([row(1, 0, 0, 0), row(0, 0, 1, 0)]).tolist()
    assert decided["uncertain"].tolist() == row(0, 1, 0, 1).tolist()
    phantom = UndecidedCrossingsd()({**item, "seed": 7})
    assert torch.equal(phantom["label"], item["label"]) and torch.equal(phantom["uncertain"], item["uncertain"])


def test_a_label_without_an_uncertain_plane_gets_one():
    assert UndecidedCrossingsd()({"label": torch.ones(2, 1, 2)})["uncertain"].tolist() == row(1, 1).tolist()


def test_maps_and_masks_of_a_hand_made_row():
    #         artery, vein, crossing, uncertain, half a vein, background, outside
    label = torch.cat([row(1, 0, 1, 0, 0, 0, 0), row(0, 1, 1, 0, 0.5, 0, 0)])
    target = vessel_target(label, row(0, 0, 0, 1, 0, 0, 0), row(1, 1, 1, 1, 1, 1, 0))
    artery, vein, vessel, knows_artery, knows_vein, knows_vessel = (plane[0].tolist() for plane in target)
    assert artery == [1, 0, 1, 0, 0, 0, 0] and vein == [0, 1, 1, 0, 0.5, 0, 0]
    assert vessel == [1, 1, 1, 1, 0.5, 0, 0]
    assert knows_artery == knows_vein == [1, 1, 1, 0, 1, 1, 0] and knows_vessel == [1, 1, 1, 1, 1, 1, 0]


def test_the_transform_stacks_the_same():
    item = {"label": torch.rand(2, 4, 4), "uncertain": torch.zeros(1, 4, 4), "fov": torch.ones(1, 4, 4)}
    assert torch.equal(VesselTargetd()(item)["target"], vessel_target(item["label"], item["uncertain"], item["fov"]))


def test_codes_of_hand_made_probabilities():
    #                      nothing artery vein  crossing, a kind without a vessel
    artery = torch.tensor([[0.1, 0.9, 0.3, 0.8, 0.9]])
    vein = torch.tensor([[0.1, 0.2, 0.4, 0.7, 0.9]])
    vessel = torch.tensor([[0.2, 0.9, 0.5, 0.9, 0.4]])
    assert VesselCodes(0.5)(torch.stack([artery, vein, vessel])).tolist() == [[0, 1, 2, 3, 0]]
