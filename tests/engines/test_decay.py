import pytest
import torch

from monai_fundusgen.engines.decay import linear_decay


def rates(num_steps, decay_steps, warmup_steps=0):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule, seen = linear_decay(optimizer, num_steps, decay_steps, warmup_steps), []
    for _ in range(num_steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_half_constant_then_a_line_to_zero():
    assert rates(6, 3) == pytest.approx([2, 2, 2, 2, 4 / 3, 2 / 3, 0])


def test_a_warm_up_rises_to_the_rate_and_stays():
    assert rates(5, 0, 2) == pytest.approx([0.02, 1.01, 2, 2, 2, 2])


def test_no_decay_is_constant():
    assert rates(3, 0) == [2, 2, 2, 2]


@pytest.mark.parametrize(("decay", "warmup"), [(5, 0), (2, 3), (-1, 0)])
def test_a_decay_longer_than_the_run_is_refused(decay, warmup):
    with pytest.raises(ValueError, match=f"found {decay} after a warm-up of {warmup}; .* at most 4"):
        rates(4, decay, warmup)
