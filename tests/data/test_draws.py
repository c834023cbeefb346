import numpy as np
import pytest
import torch
from monai.transforms import Compose, Randomizable
from torch.utils.data import DataLoader

from monai_fundusgen.data.draws import Draws, source_weights


class AddNoise(Randomizable):
    def __call__(self, item):
        return {"item": item, "noise": float(self.R.random())}


def draws(length=64, **options):
    return Draws([10, 20, 30], Compose([AddNoise()]), length=length, **options)


def collected(dataset, **options):
    return [
        (int(i), float(n)) for b in DataLoader(dataset, **options) for i, n in zip(b["item"], b["noise"], strict=True)
    ]


def test_draws_do_not_depend_on_batch_size_or_workers():
    alone = collected(draws(), batch_size=1)
    assert alone == collected(draws(), batch_size=7)
    assert alone == collected(draws(), batch_size=4, num_workers=2)


def test_an_epoch_can_be_drawn_without_the_one_before():
    straight = draws()
    for epoch in (0, 1):
        straight.set_epoch(epoch)
        drawn = collected(straight, batch_size=8)
    resumed = draws()
    resumed.set_epoch(1)
    assert drawn == collected(resumed, batch_size=8)
    assert drawn != collected(draws(), batch_size=8)


def test_items_are_drawn_as_often_as_their_weights_say():
    weights = source_weights(1, 2, 0.5)
    items = [item for item, _ in collected(draws(4000, weights=weights), batch_size=100)]
    shares = np.array([items.count(value) for value in (10, 20, 30)]) / len(items)
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


def test_one_source_alone_is_drawn_evenly():
    assert source_weights(3, 0, 0.5) == [1, 1, 1] and source_weights(0, 2, 0.1) == [1, 1]


def test_nothing_to_draw_from_is_an_error():
    with pytest.raises(ValueError, match="no items to draw from"):
        Draws([], Compose([AddNoise()]), length=1)


def test_weights_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="expected 3"):
        draws(weights=[1.0, torch.inf])
