"""End a run in time, with everything written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)


class WallClock:
    """Stop after the iteration in which the time is up; handlers of the run's end (checkpoint, weights) then act.

    A run resumed from that checkpoint finishes the interrupted epoch on the epoch's first batches.

    Args:
        max_minutes: from the start of the run; None: no limit.
        clock: seconds from any origin.

    Raises:
        ValueError: a limit that is not above 0.
    """

    def __init__(self, max_minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        if max_minutes is not None and not max_minutes > 0:
            raise ValueError(f"max_minutes: found {max_minutes}, expected a number above 0, or nothing for no limit")
        self.max_minutes, self.clock = max_minutes, clock
        self._started_s = clock()

    def attach(self, engine: Engine) -> None:
        """Look at the clock after every iteration."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """End the run if the time is up."""
        minutes = (self.clock() - self._started_s) / 60
        if self.max_minutes is not None and minutes >= self.max_minutes:
            logger.info("%.1f minutes are over after iteration %d: ending the run", minutes, engine.state.iteration)
            engine.terminate()

    def _start(self, engine: Engine) -> None:
        self._started_s = self.clock()
