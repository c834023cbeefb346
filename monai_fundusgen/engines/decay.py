"""Learning rates over a run."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def linear_decay(optimizer: Optimizer, num_epochs: int, decay_epochs: int) -> LambdaLR:
    """Constant rate, then a straight line to zero over the last ``decay_epochs`` of ``num_epochs``.

    Source: Wang et al. 2018 (arXiv:1711.11585), appendix A: half of the run each.

    Raises:
        ValueError: ``decay_epochs`` is not in [0, num_epochs].
    """
    if not 0 <= decay_epochs <= num_epochs:
        raise ValueError(f"decay_epochs: found {decay_epochs}, expected 0 to {num_epochs}, the epochs of the run")

    def share(epoch: int) -> float:
        return 1.0 if decay_epochs == 0 else min(1.0, max(0.0, (num_epochs - epoch) / decay_epochs))

    return LambdaLR(optimizer, share)
