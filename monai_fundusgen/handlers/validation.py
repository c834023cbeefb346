"""Validate during a training, and at its end whenever that comes."""

from __future__ import annotations

from typing import Protocol

from ignite.engine import Engine, Events


class Validator(Protocol):
    """What MONAI's evaluators can do."""

    state: object

    def run(self, global_epoch: int = 1) -> None:
        """Validate once."""


class Validation:
    """Run an evaluator every few epochs, and once more at the end if the last epoch was not validated.

    MONAI's ``ValidationHandler`` leaves the end out (1.6.1): a run that is shorter than the interval, or stopped by the
    clock, would have no best weights. What was measured stays in ``engine.state.validation``.

    Args:
        validator: MONAI's evaluator.
        interval: epochs between two validations.

    Raises:
        ValueError: an interval below 1.
    """

    def __init__(self, validator: Validator, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f"val_interval: found {interval}, expected at least 1 epoch")
        self.validator, self.interval = validator, interval
        self._iteration = -1

    def attach(self, engine: Engine) -> None:
        """Act after epochs, and when the run ends."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._after_epoch)
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate, unless that was done after this very iteration."""
        if engine.state.iteration != self._iteration:
            self._iteration = engine.state.iteration
            self.validator.run(engine.state.epoch)
            metrics = getattr(self.validator.state, "metrics", {})
            vars(engine.state)["validation"] = {name: float(value) for name, value in metrics.items()}

    def _after_epoch(self, engine: Engine) -> None:
        if engine.state.epoch % self.interval == 0 or engine.state.epoch == engine.state.max_epochs:
            self(engine)

    def _start(self, engine: Engine) -> None:
        """What was measured before is not of this run."""
        vars(engine.state)["validation"] = {}
