import torch

from monai_fundusgen.transforms.condition import (
    CONDITION,
    CONDITION_CHANNELS,
    PhotographConditiond,
    photograph_condition,
)


def test_each_plane_keeps_its_channel_and_becomes_network_range():
    vessels = torch.stack([torch.zeros(4, 5), torch.full((4, 5), 0.25)])
    condition = photograph_condition(vessels, torch.ones(1, 4, 5))
    assert condition.shape == (CONDITION_CHANNELS, 4, 5)
    assert condition[:, 0, 0].tolist() == [-1.0, -0.5, 1.0]


def test_the_item_and_the_batch_give_the_same():
    item = {"label": torch.rand(2, 4, 4), "fov": torch.ones(1, 4, 4), "id": "a"}
    made = PhotographConditiond()(item)
    assert made["id"] == "a" and CONDITION not in item
    assert torch.equal(made[CONDITION], photograph_condition(item["label"][None], item["fov"][None])[0])
