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


@pytest.mark.parametrize(
    ("steps", "decay", "warmup", "message"),
    [
        (4, 5, 0, "decay_steps: found 5, expected 0 to 4"),
        (4, -1, 0, "decay_steps: found -1, expected 0 to 4"),
        (4, 5, -2, "decay_steps: found 5"),  # warm-ups are cut to what the decay leaves: name the cause
        (4, 2, 3, "warmup_steps: found 3 before a decay of 2; .* at most 4"),
        (4, 0, -1, "warmup_steps: found -1"),
        (0, 0, 0, "num_steps: found 0"),
    ],
)
def test_a_run_without_room_for_its_parts_is_refused(steps, decay, warmup, message):
    with pytest.raises(ValueError, match=message):
        rates(steps, decay, warmup)


def resumed(rate):
    """Rates of steps 2 to 5 of a run that was saved after two, resumed with ``rate``."""
    halves = []
    for lr in (2.0, rate):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        halves.append((optimizer, linear_decay(optimizer, 6, 3, 1)))
    (first, before), (optimizer, schedule) = halves
    for _ in range(2):
        first.step()
        before.step()
    optimizer.load_state_dict(first.state_dict())
    schedule.load_state_dict(before.state_dict())
    seen = []
    for _ in range(4):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_a_resumed_run_goes_on_at_its_step_with_the_rate_that_it_asks_for():
    assert resumed(2.0) == rates(6, 3, 1)[2:6]
    assert resumed(0.5) == pytest.approx([rate / 4 for rate in rates(6, 3, 1)[2:6]])
