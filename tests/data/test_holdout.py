"""Items held back for validation."""

import pytest

from monai_fundusgen.data.holdout import held_out


def test_every_item_is_on_one_side_and_order_stays():
    training, validation = held_out(list("abcdefgh"), 3, seed=1)
    assert len(validation) == 3 and sorted(training + validation) == list("abcdefgh")
    assert training == sorted(training) and validation == sorted(validation)


def test_the_choice_is_the_seeds():
    items = list(range(24))
    assert held_out(items, 4, seed=5) == held_out(items, 4, seed=5)
    assert len({tuple(held_out(items, 4, seed=seed)[1]) for seed in range(10)}) > 5


@pytest.mark.parametrize("count", [-1, 3, 4])
def test_an_item_must_be_left_to_train_on(count):
    with pytest.raises(ValueError, match="num_validation"):
        held_out([1, 2, 3], count)


def test_nothing_is_held_back_of_nothing():
    assert held_out([], 0) == ([], [])
