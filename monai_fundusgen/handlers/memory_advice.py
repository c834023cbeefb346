"""Say what to do when a step does not fit into memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import torch
from ignite.engine import Engine, Events
from torch import Tensor

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch raises on a GPU, on a processor, and what Python raises."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
    )


class MemoryAdvice:
    """Put the sizes of the batch and the options to lower before the message of an allocation that failed.

    Attach it before MONAI's handlers, which raise whatever they are given.

    Args:
        options: names of the options that make a step smaller.
    """

    def __init__(self, options: str = "crop_size or batch_size") -> None:
        self.options = options

    def attach(self, engine: Engine) -> None:
        """Act when an iteration fails."""
        engine.add_event_handler(Events.EXCEPTION_RAISED, self)

    def __call__(self, engine: Engine, error: Exception) -> NoReturn:
        """Raise the error, or one that says more.

        Raises:
            MemoryError: memory was short.
        """
        if not is_out_of_memory(error):
            raise error
        raise MemoryError(
            f"out of memory at iteration {engine.state.iteration} with {_sizes(engine.state.batch)}; lower "
            f"{self.options} and repeat the command"
        ) from error


def _sizes(batch: Any) -> str:
    """Name and shape of every array of a batch."""
    first = batch[0] if isinstance(batch, list) and batch else batch
    if not isinstance(first, Mapping):
        return "a batch of unknown size"
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in first.items() if isinstance(value, Tensor))
