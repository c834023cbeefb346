"""How far a run is: samples, rate, time left, maps that the gate refused."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events
from tqdm.auto import tqdm

from monai_fundusgen.dataset.writer import FinishedSample


class GenerationProgress:
    """Progress bar over samples; the figures of this process alone.

    Args:
        total: samples to make.
        quiet: count, and show nothing.

    Attributes:
        made: samples made.
        rejected: maps that the gate refused.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self.made = self.rejected = 0
        self._bar: Any = None

    def attach(self, engine: Engine) -> None:
        """Count after every iteration."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        for event in (Events.TERMINATE, Events.COMPLETED):
            engine.add_event_handler(event, self._close)

    def _open(self) -> None:
        self.made = self.rejected = 0
        self._bar = tqdm(total=self.total, desc="samples", unit="sample", disable=self.quiet, smoothing=0.05)

    def __call__(self, engine: Engine) -> None:
        """Count the samples of this iteration."""
        finished: list[FinishedSample] = engine.state.output  # type: ignore[assignment]  # what GenerationStep returned
        self.made += len(finished)
        self.rejected += sum(sample.record.get("rejected", 0) for sample in finished)
        self._bar.set_postfix(rejected=self.rejected, refresh=False)
        self._bar.update(len(finished))

    def _close(self) -> None:
        self._bar.close()
