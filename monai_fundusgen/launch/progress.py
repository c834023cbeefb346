"""How far a run is: samples, rate, time left, maps that the gate refused."""

from __future__ import annotations

import sys
from typing import Any

from ignite.engine import Engine, Events
from tqdm.auto import tqdm

from monai_fundusgen.dataset.writer import FinishedSample
from monai_fundusgen.launch.kernels import KernelCompilation


class GenerationProgress:
    """Progress bar over samples; the figures of this process alone.

    Args:
        total: samples to make.
        mask_source: where vessels come from; what that needs is compiled first, see `KernelCompilation`.
        quiet: count, and show nothing.

    Attributes:
        made: samples made.
        rejected: maps that the gate refused.
    """

    def __init__(self, total: int, *, mask_source: str = "", quiet: bool = False) -> None:
        self.total, self.mask_source, self.quiet = total, mask_source, quiet
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
        KernelCompilation(self.mask_source, self._say)()
        self._bar = tqdm(total=self.total, desc="samples", unit="sample", disable=self.quiet, smoothing=0.05)

    def _say(self, text: str) -> None:
        if not self.quiet:
            tqdm.write(text, file=sys.stderr)

    def __call__(self, engine: Engine) -> None:
        """Count the samples of this iteration."""
        finished: list[FinishedSample] = engine.state.output  # type: ignore[assignment]  # what GenerationStep returned
        self.made += len(finished)
        self.rejected += sum(sample.record.get("rejected", 0) for sample in finished)
        self._bar.set_postfix(rejected=self.rejected, refresh=False)
        self._bar.update(len(finished))

    def _close(self) -> None:
        self._bar.close()
