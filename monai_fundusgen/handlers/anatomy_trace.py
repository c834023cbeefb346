"""How the anatomy of sampled maps develops over a training: fragments fall slowly, and the loss does not show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from ignite.engine import Engine, Events
from torch import Tensor

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.handlers.epoch_lines import write_line
from monai_fundusgen.metrics.functional.vessel_structure import figures_of, summarise

TRACE = "anatomy.jsonl"
_DRAWN: Final = ("density", "components", "loops")


class AnatomyTrace:
    """Sample every few epochs and add a line with the median of every figure to ``anatomy.jsonl``.

    Args:
        sample: () -> soft maps (N, 2, H, W) or (N, 1, H, W) in [0, 1], of the same seeds every time.
        directory: where the file goes.
        interval: epochs between two lines.
        threshold: level of a soft map from which a pixel counts as vessel.
    """

    def __init__(
        self, sample: Callable[[], Tensor], directory: str | Path, interval: int = 1, threshold: float = 0.25
    ) -> None:
        self.sample, self.path = sample, Path(directory) / TRACE
        self.interval, self.threshold = interval, threshold

    def attach(self, engine: Engine) -> None:
        """Act at the end of every ``interval``-th epoch."""
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self)

    def __call__(self, engine: Engine) -> None:
        """Sample, measure, write; lines of epochs that a resumed run repeats are replaced."""
        maps = np.asarray(self.sample().float().cpu())
        medians = {
            name: one["median"] for name, one in summarise([figures_of(one, self.threshold) for one in maps]).items()
        }
        write_line(self.path, {"epoch": engine.state.epoch, "maps": len(maps), **medians})


class MapAnatomy:
    """Medians of the main figures of vessel maps, beside those of real ones; pass it to `SampleDistances`.

    Args:
        threshold: level of a soft map from which a pixel counts as vessel.
        most_real: real maps that are measured, from the first.
    """

    def __init__(self, threshold: float = 0.25, most_real: int = 64) -> None:
        self.threshold, self.most_real = threshold, most_real
        self._real: dict[str, float] | None = None

    def __call__(self, samples: Tensor, real: Tensor) -> dict[str, float]:
        """Density, components, loops of maps in [-1, 1]; ``_floor``: of the real ones.

        Maps (N, 2, H, W) have the figures of either kind, maps (N, 1, H, W) those of their one plane.
        """
        if self._real is None:
            self._real = self._medians(real[: self.most_real])
        floors = {f"{name}_floor": value for name, value in self._real.items()}
        return {**self._medians(samples), **floors}

    def _medians(self, maps: Tensor) -> dict[str, float]:
        rows = [figures_of(one, self.threshold) for one in ((maps.float() + 1) / 2).cpu().numpy()]
        found = summarise(rows)
        planes = KINDS if maps.shape[1] == len(KINDS) else ("vessel",)
        return {f"{plane}_{figure}": found[f"{plane}.{figure}"]["median"] for plane in planes for figure in _DRAWN}
