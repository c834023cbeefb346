"""Learning rates over a run."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

_START = 0.01  # share of the rate that a warm-up begins with


def linear_decay(optimizer: Optimizer, num_steps: int, decay_steps: int, warmup_steps: int = 0) -> LambdaLR:
    """Warm-up, constant rate, then a straight line to zero over the last ``decay_steps`` of ``num_steps``.

    A step is whatever the scheduler is stepped after, epoch or iteration.

    Source: Wang et al. 2018 (arXiv:1711.11585), appendix A: half of the run constant, half decay.

    Raises:
        ValueError: warm-up and decay are negative or longer than the run.
    """
    if min(decay_steps, warmup_steps) < 0 or decay_steps + warmup_steps > num_steps:
        raise ValueError(
            f"decay_steps: found {decay_steps} after a warm-up of {warmup_steps}; expected none negative and both "
            f"together at most {num_steps}, the steps of the run"
        )

    def share(step: int) -> float:
        rise = 1.0 if step >= warmup_steps else _START + (1 - _START) * step / warmup_steps
        fall = 1.0 if decay_steps == 0 else min(1.0, max(0.0, (num_steps - step) / decay_steps))
        return min(rise, fall)

    return LambdaLR(optimizer, share)
