"""What a handler reads off a training step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ignite.engine import Engine
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor


def step_loss(output: Mapping[str, Any]) -> float:
    """The loss of a step, for ``StatsHandler(output_transform=...)``.

    MONAI's ``from_engine(["loss"], first=True)`` gives a tuple where the trainer does not decollate, and the handler
    then logs nothing (MONAI 1.6).

    Raises:
        KeyError: the step returned no loss.
    """
    loss: Tensor = output[Keys.LOSS]
    return float(loss.detach())


def every(number: int) -> Callable[[Engine, int], bool]:
    """True for every ``number``-th event, for ``StatsHandler(iteration_log=...)``, which takes a number for True.

    Raises:
        ValueError: a number below 1.
    """
    if number < 1:
        raise ValueError(f"every: found {number}, expected a number of at least 1")
    return lambda _, event: event % number == 0
