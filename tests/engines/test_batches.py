import pytest
import torch
from torch import nn

from monai_fundusgen.engines.batches import PairedBatch, SeedBatch, StyledBatch
from monai_fundusgen.networks.nets.styled_generator import STYLE_DIM, StyledGenerator


def test_the_named_entries_come_in_order():
    batch = {"low": torch.zeros(1), "image": torch.ones(1)}
    given, wanted = PairedBatch("low", "image")(batch, torch.device("cpu"))
    assert given.item() == 0 and wanted.item() == 1


def test_a_guide_comes_as_the_networks_keyword():
    batch = {"low": torch.zeros(1), "image": torch.ones(1), "label": torch.full((1,), 2.0)}
    given, wanted, arguments, keywords = PairedBatch("low", "image", "label")(batch, torch.device("cpu"))
    assert (given.item(), wanted.item(), arguments, keywords["guide"].item()) == (0, 1, (), 2)


def test_a_missing_entry_is_named():
    with pytest.raises(KeyError, match="the batch holds image but no low"):
        PairedBatch("low", "image")({"image": torch.ones(1)})


def test_seeds_stay_whole_numbers():
    seeds, target = SeedBatch()({"seed": torch.tensor([2**32 - 1, 5])}, "cpu")
    assert seeds.tolist() == [2**32 - 1, 5] and target is None


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
