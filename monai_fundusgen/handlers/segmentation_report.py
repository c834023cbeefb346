"""How well a segmenter finds vessels and tells their kind, over a test set and on each photograph."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import FOV, LABEL, UNCERTAIN
from monai_fundusgen.handlers.items import mask_of, plain
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.metrics.segmentation import ArteryVeinMetric, VesselSegmentationMetric
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.transforms.vessel_targets import OUTPUTS

logger = logging.getLogger(__name__)
_VESSEL = OUTPUTS.index("vessel")


class SegmentationReport:
    """Collect scores inside the field of view; at the end write ``segmentation.json`` and log the pooled ones.

    ``vessel`` scores all vessel pixels, uncertain ones included. ``kinds_found`` scores the kind (the more probable
    one) of the vessel pixels that were found, ``kinds_all`` that of all; pixels whose label is both kinds or neither
    are left out of the two. ``oracle`` is ``vessel`` at the threshold of largest Dice on these very pixels. Rules:
    `monai_fundusgen.metrics.protocol.Protocol`.

    The batch holds ``label`` (B, 2, H, W), ``fov`` (B, 1, H, W), ``id``, and ``uncertain`` (B, 1, H, W) where there is
    one; values from 0.5 count. The engine's output holds the probabilities (B, 3, H, W).

    Args:
        directory: where the report goes.
        threshold: probability from which a pixel is called vessel.
        cl_dice: also the Dice of centre lines, which takes seconds for a large photograph.
        field_deg: field of the photographs as it was told, for the record.
    """

    def __init__(
        self, directory: str | Path, threshold: float = 0.5, *, cl_dice: bool = True, field_deg: float | None = None
    ) -> None:
        self.directory, self.threshold, self.cl_dice, self.field_deg = Path(directory), threshold, cl_dice, field_deg
        self._pooled = self._metrics()
        self._images: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Start anew with a run, add every batch, report at its end."""
        engine.add_event_handler(Events.STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def __call__(self, engine: Engine) -> None:
        """Add the photographs of this iteration."""
        batch: Any = engine.state.batch
        output: Any = engine.state.output
        for index, name in enumerate(batch["id"]):
            item = {key: mask_of(batch[key][index]) for key in (LABEL, FOV, UNCERTAIN) if key in batch}
            chance, alone = plain(output[Keys.PRED][index]), self._metrics()
            for metrics in (alone, self._pooled):
                _add(metrics, chance, item)
            self._images.append({"id": str(name), **_scores(alone, lenient=True)})

    def write(self, engine: Engine) -> None:
        """Write and log the report.

        Raises:
            ValueError: no photograph was scored, or none has a vessel.
        """
        pooled = _scores(self._pooled)
        oracle = self._pooled["vessel"].aggregate(Protocol(threshold_from="test_oracle", threshold=None))
        pooled["oracle"] = {"dice": oracle["dice"], "threshold": oracle["threshold"]}
        report = {"threshold": self.threshold, "field_deg": self.field_deg, "pooled": pooled, "images": self._images}
        write_json(self.directory / "segmentation.json", report)
        for part, scores in pooled.items():
            logger.info("%s: %s", part, ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))

    def _reset(self, engine: Engine) -> None:
        self._pooled, self._images = self._metrics(), []

    def _metrics(self) -> dict[str, Any]:
        return {
            "vessel": VesselSegmentationMetric(Protocol(threshold=self.threshold), cl_dice=self.cl_dice),
            "kinds_found": ArteryVeinMetric(Protocol(kinds="intersection", threshold=self.threshold)),
            "kinds_all": ArteryVeinMetric(Protocol(kinds="all_vessels", threshold=0.0)),
        }


def _add(metrics: dict[str, Any], chance: Tensor, item: dict[str, Tensor]) -> None:
    label, fov = item[LABEL], item[FOV][None]
    uncertain = item.get(UNCERTAIN, torch.zeros_like(label[:1]))[None]
    metrics["vessel"](chance[None, _VESSEL : _VESSEL + 1], label.any(dim=0, keepdim=True)[None] | uncertain, fov=fov)
    for part in ("kinds_found", "kinds_all"):
        metrics[part](chance[None], label[None], fov=fov, uncertain=uncertain)


def _scores(metrics: dict[str, Any], *, lenient: bool = False) -> dict[str, Any]:
    """Scores of each metric; of a single photograph that has none, the reason in their place."""
    found: dict[str, Any] = {}
    for part, metric in metrics.items():
        try:
            found[part] = metric.aggregate()
        except ValueError as error:
            if not lenient:
                raise
            found[part] = {"unscored": str(error)}
    return found
