"""Samples of a run, kept until it ends: what reports on all of them together stand on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor


class CollectedSamples(ABC):
    """Keep the samples of every iteration, and report when the run is over.

    Args:
        pred_key: entry of the engine's output with samples (B, C, H, W) in [0, 1].

    Attributes:
        samples: those of the run, (C, H, W) in [-1, 1] each.
    """

    def __init__(self, pred_key: str = Keys.PRED) -> None:
        self.pred_key = pred_key
        self.samples: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, report at the end of the run."""
        engine.add_event_handler(Events.STARTED, lambda _: self.samples.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.report)

    def __call__(self, engine: Engine) -> None:
        """Keep the samples of this iteration."""
        output: Any = engine.state.output
        self.samples += list(output[self.pred_key].float().cpu() * 2 - 1)

    @abstractmethod
    def report(self, _: Engine) -> None:
        """Say what the samples are like."""
