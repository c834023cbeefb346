import pytest
import torch

from monai_fundusgen.engines.paired_batch import PairedBatch
from monai_fundusgen.engines.seed_batch import SeedBatch


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
