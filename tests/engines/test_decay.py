import pytest
import torch

from monai_fundusgen.engines.decay import linear_decay


def rates(num_epochs, decay_epochs):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule, seen = linear_decay(optimizer, num_epochs, decay_epochs), []
    for _ in range(num_epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_half_constant_then_a_line_to_zero():
    assert rates(6, 3) == pytest.approx([2, 2, 2, 2, 4 / 3, 2 / 3, 0])


def test_no_decay_is_constant():
    assert rates(3, 0) == [2, 2, 2, 2]


def test_a_decay_longer_than_the_run_is_refused():
    with pytest.raises(ValueError, match="found 5, expected 0 to 4"):
        rates(4, 5)
