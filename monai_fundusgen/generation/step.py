"""One batch of planned samples made and written: the iteration of the generating evaluator."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ignite.engine import Engine, Events

from monai_fundusgen.generation.map_sources import MapSource
from monai_fundusgen.generation.painters import Painter
from monai_fundusgen.generation.plan import PlannedSample
from monai_fundusgen.generation.writer import DatasetWriter, FinishedSample

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerationStep:
    """Draw vessels, paint photographs; pass it to an evaluator as ``iteration_update``."""

    map_source: MapSource
    painter: Painter

    def __call__(self, engine: Engine, batch: Mapping[str, Any]) -> list[FinishedSample]:
        """Finished samples of a collated batch of `PlannedSample`."""
        columns = zip(batch["id"], batch["index"], batch["seed"], strict=True)
        planned = [PlannedSample(id=one, index=int(index), seed=int(seed)) for one, index, seed in columns]
        vessels = self.map_source(planned)
        photographs = self.painter(vessels, planned)
        return [
            FinishedSample(plan["id"], photograph, sample.label, sample.fov, {"seed": plan["seed"], **sample.origin})
            for plan, sample, photograph in zip(planned, vessels, photographs, strict=True)
        ]


@dataclass(frozen=True)
class WriteSamples:
    """Handler that writes what the step returns, batch by batch."""

    writer: DatasetWriter

    def attach(self, engine: Engine) -> None:
        """Write after every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the samples of this iteration."""
        finished: list[FinishedSample] = engine.state.output  # type: ignore[assignment]  # what GenerationStep returned
        for sample in finished:
            self.writer.write(sample)
