"""Tell the data which epoch begins, so that what is drawn depends on the epoch and not on what ran before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ignite.engine import Engine, Events


class HasEpoch(Protocol):
    """Data sets and samplers whose order depends on the epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Turn to an epoch."""


class EpochStart:
    """Call ``set_epoch`` of each target with the number of epochs done, before the epoch's data is fetched."""

    def __init__(self, targets: Sequence[HasEpoch]) -> None:
        self.targets = list(targets)

    def attach(self, engine: Engine) -> None:
        """Act at the start of every epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Pass the number of finished epochs on."""
        for target in self.targets:
            target.set_epoch(engine.state.epoch - 1)
