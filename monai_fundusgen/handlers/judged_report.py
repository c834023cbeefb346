"""What a network trained on real photographs reads in those that a generator made, beside the true ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import FOV, LABEL, UNCERTAIN
from monai_fundusgen.handlers.items import items_of, plain
from monai_fundusgen.metrics.judged_pictures import JudgedPicturesMetric
from monai_fundusgen.metrics.judged_table import described, judged_report
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.transforms.pixels import photograph_pixels

logger = logging.getLogger(__name__)
GENERATED, TRUE = "generated", "real"


class JudgedReport:
    """Judge predicted and true photographs; at the end write ``judged.json`` and log its tables.

    The batch holds ``id``, the vessel map ``label`` (B, 2, S, S), ``fov`` (B, 1, S, S) and, where there is one,
    ``uncertain`` (B, 1, S, S), squared round the field of view; values from 0.5 count.

    Args:
        directory: where the report goes.
        reader: photograph (3, S, S) uint8 and field of view (S, S) to probabilities (3, S, S) of artery, vein, vessel.
        judge: what the report tells of the reader; ``threshold`` is the probability from which a pixel is a vessel.
        pred_key: entry of the engine's output with predictions (B, 3, S, S) in [-1, 1].
        true_key: the same of the true photographs.
    """

    def __init__(
        self,
        directory: str | Path,
        reader: Callable[[NDArray[np.uint8], NDArray[np.bool_]], Tensor],
        judge: Mapping[str, Any],
        *,
        pred_key: str = Keys.PRED,
        true_key: str = Keys.LABEL,
    ) -> None:
        self.directory, self.reader, self.judge = Path(directory), reader, judge
        self.keys = {TRUE: true_key, GENERATED: pred_key}
        self.metrics = {name: JudgedPicturesMetric(judge["threshold"]) for name in self.keys}
        self._size = 0

    def attach(self, engine: Engine) -> None:
        """Start anew with a run, read after every iteration, report at its end."""
        engine.add_event_handler(Events.STARTED, self._forget)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.report)

    def _forget(self, _: Engine) -> None:
        for metric in self.metrics.values():
            metric.reset()

    def __call__(self, engine: Engine) -> None:
        """Read the photographs of this iteration."""
        batch: Any = engine.state.batch
        output: Any = engine.state.output
        for given, made in zip(items_of(batch), items_of(output), strict=True):
            fov = plain(given[FOV]).float()
            uncertain = plain(given[UNCERTAIN]).float()[None] if UNCERTAIN in given else None
            told: dict[str, Any] = {"names": [given["id"]], "fov": fov[None], "uncertain": uncertain}
            for name, metric in self.metrics.items():
                pixels = photograph_pixels(plain(made[self.keys[name]]).float())
                chance = self.reader(pixels.numpy(), (fov[0] >= 0.5).numpy())
                metric(chance[None], plain(given[LABEL]).float()[None], image=pixels[None] / 255, **told)
            self._size = fov.shape[-1]

    def report(self, engine: Engine) -> None:
        """Write the report.

        Raises:
            ValueError: no photograph was judged, or no label has a vessel.
        """
        found = {name: metric.aggregate() for name, metric in self.metrics.items()}
        report = judged_report(found, self.judge, self._size)
        write_json(self.directory / "judged.json", report)
        for line in described(report).splitlines():
            logger.info(line)
