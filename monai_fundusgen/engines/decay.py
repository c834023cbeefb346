"""Learning rates over a run."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

_START = 0.01  # share of the rate that a warm-up begins with


class _ResumedDecay(LambdaLR):
    """A checkpoint tells how far the run is; the rate is the one that this run asks for."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue at the checkpoint's step; load the optimiser, which holds the rate of then, before."""
        asked = list(self.base_lrs)
        super().load_state_dict(dict(state_dict))
        self.base_lrs = asked
        self._last_lr = [rate * share(self.last_epoch) for rate, share in zip(asked, self.lr_lambdas, strict=True)]
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate


def linear_decay(optimizer: Optimizer, num_steps: int, decay_steps: int, warmup_steps: int = 0) -> LambdaLR:
    """Warm-up, constant rate, then a straight line to zero over the last ``decay_steps`` of ``num_steps``.

    A step is whatever the scheduler is stepped after, epoch or iteration. A run that is resumed with another learning
    rate goes on with that one.

    Source: Wang et al. 2018 (arXiv:1711.11585), appendix A: half of the run constant, half decay.

    Raises:
        ValueError: the run has no steps, or warm-up and decay are negative or longer than the run.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps: found {num_steps}, expected at least 1; give the run epochs and iterations")
    if not 0 <= decay_steps <= num_steps:
        raise ValueError(
            f"decay_steps: found {decay_steps}, expected 0 to {num_steps}, the steps of the run; decay over fewer "
            f"epochs, or train for more"
        )
    if warmup_steps < 0 or decay_steps + warmup_steps > num_steps:
        raise ValueError(
            f"warmup_steps: found {warmup_steps} before a decay of {decay_steps}; expected none negative and both "
            f"together at most {num_steps}, the steps of the run"
        )

    def share(step: int) -> float:
        rise = 1.0 if step >= warmup_steps else _START + (1 - _START) * step / warmup_steps
        fall = 1.0 if decay_steps == 0 else min(1.0, max(0.0, (num_steps - step) / decay_steps))
        return min(rise, fall)

    return _ResumedDecay(optimizer, share)
