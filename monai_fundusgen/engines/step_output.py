"""What a handler reads off a training step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
