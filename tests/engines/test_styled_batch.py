import pytest
import torch
from torch import nn

from monai_fundusgen.engines.styled_batch import StyledBatch
from monai_fundusgen.networks.nets.styled_generator import STYLE_DIM, StyledGenerator


def network():
    generator = StyledGenerator(nn.Identity(), bank_size=2)
    generator.fill_bank(torch.eye(STYLE_DIM)[:2])
    return generator


def batch(*names):
    return {"id": list(names), "condition": torch.zeros(len(names), 5, 4, 4), "image": torch.ones(len(names), 3, 4, 4)}


def test_a_drawn_style_belongs_to_the_name_of_the_item():
    prepare = StyledBatch(network())
    *_, together = prepare(batch("a", "b"))
    *_, alone = prepare(batch("b"))
    assert torch.equal(together["style"][1:], alone["style"])
    assert not torch.equal(together["style"][0], together["style"][1])


def test_an_own_style_comes_from_the_photograph_and_the_mean_needs_nothing():
    condition, image, _, given = StyledBatch(network(), "own")(batch("a"))
    assert torch.equal(given["photograph"], image) and condition.shape[1] == 5
    assert StyledBatch(network(), "mean")(batch("a"))[3] == {}


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="'best', expected one of own, drawn, mean"):
        StyledBatch(network(), "best")
