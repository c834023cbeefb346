"""Score segmentations while an evaluator runs: prediction, label and masks go to a metric together."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.handlers.best_weights import BestWeights
from monai_fundusgen.handlers.items import plain
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.storage.whole_file import write_json, write_whole

logger = logging.getLogger(__name__)


class SegmentationMetric(Interface):
    """`VesselSegmentationMetric`, `ArteryVeinMetric`, and what acts like them.

    Attributes:
        protocol: the rules of its scores.
    """

    protocol: Protocol

    def __call__(self, y_pred: Tensor, y: Tensor, **masks: Tensor) -> None:
        """Take in a batch."""

    def aggregate(self, protocol: Protocol | None = None) -> dict[str, float]:
        """Scores by name, under other rules if they are given."""

    def rules(self, protocol: Protocol | None = None) -> str:
        """The rules in a sentence."""

    def reset(self) -> None:
        """Forget everything."""


class Scores:
    """Feed a metric after every iteration, and put its scores into the evaluator's metrics after every epoch.

    MONAI's ``IgniteMetricHandler`` hands a metric prediction and label alone, no field of view. Attach it as
    ``key_val_metric`` under the name of one of its scores, or as an additional metric under any name.

    Args:
        metric: the metric.
        target_key: entry of the batch with the label.
        masks: keyword of the metric to entry of the batch, as far as the batch has it.
        prefix: before the names of the scores.
        pred_key: entry of the output with the prediction.
        also: other rules to score the same pixels by, by name, for `ScoreReport`.
    """

    def __init__(
        self,
        metric: SegmentationMetric,
        target_key: str,
        *,
        masks: Mapping[str, str] | None = None,
        prefix: str = "",
        pred_key: str = Keys.PRED,
        also: Mapping[str, Protocol] | None = None,
    ) -> None:
        self.metric, self.target_key, self.prefix, self.pred_key = metric, target_key, prefix, pred_key
        self.masks = dict(masks or {"fov": "fov"})
        self.also = dict(also or {})
        self.found: dict[str, float] = {}

    def attach(self, engine: Engine, name: str) -> None:
        """Act through an epoch; ``name`` is that of a score, or of the whole."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self.metric.reset())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish)

    def __call__(self, engine: Engine) -> None:
        """Take in this iteration."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        rows = zip(output, batch, strict=True) if isinstance(output, list) else [(output, batch)]
        for found, item in rows:
            batched = not isinstance(output, list)
            masks = {word: _batch(item[key], batched) for word, key in self.masks.items() if key in item}
            pred, target = _batch(found[self.pred_key], batched), _batch(item[self.target_key], batched)
            self.metric(pred.cpu(), target, **masks)

    def finish(self, engine: Engine) -> None:
        """Put the scores where MONAI's handlers look for them."""
        self.found = self.metric.aggregate()
        engine.state.metrics.update({self.prefix + name: value for name, value in self.found.items()})


def _batch(array: Any, batched: bool) -> Tensor:
    """(B, C, H, W) without meta data."""
    found = plain(array)
    return found if batched else found[None]


class ScoreHistory:
    """Add a line to a JSON Lines file after every validation: epoch and scores, whole at any time.

    A resumed run drops the lines of epochs that it does again.

    Args:
        path: the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def attach(self, engine: Engine) -> None:
        """Act when the evaluator has finished."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now."""
        epoch = engine.state.epoch
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        kept = [line for line in lines if json.loads(line)["epoch"] < epoch]
        scores = {name: value for name, value in engine.state.metrics.items() if isinstance(value, float)}
        kept.append(json.dumps({"epoch": epoch, "scores": scores}))
        write_whole(self.path, ("\n".join(kept) + "\n").encode())


class ScoreReport:
    """Write scores with the rules behind them, and log them.

    Args:
        path: the JSON file.
        scores: by the name they go by in the report.
        best: write only after validations whose weights it kept; it must stand before this among the handlers.
    """

    def __init__(self, path: str | Path, scores: Mapping[str, Scores], best: BestWeights | None = None) -> None:
        self.path, self.scores, self.best = Path(path), dict(scores), best
        self._reported: float | None = None

    def attach(self, engine: Engine) -> None:
        """Act when the evaluator has finished."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now."""
        if self.best is not None:
            value = engine.state.metrics[self.best.metric]
            if value != self.best.best or value == self._reported:  # an equal one later is not kept
                return
            self._reported = value
        report: dict[str, Any] = {"epoch": engine.state.epoch} if self.best is not None else {}
        for name, scores in self.scores.items():
            report[name] = self._entry(name, scores.metric, scores.metric.protocol, scores.found)
            for other, protocol in scores.also.items():
                report[other] = self._entry(other, scores.metric, protocol, scores.metric.aggregate(protocol))
        write_json(self.path, report)

    def _entry(
        self, name: str, metric: SegmentationMetric, protocol: Protocol, found: Mapping[str, float]
    ) -> dict[str, Any]:
        """Rules and scores, logged."""
        rules = metric.rules(protocol)
        logger.info("%s (%s): %s", name, rules, ", ".join(f"{score} {value:.4f}" for score, value in found.items()))
        return {"rules": rules, "protocol": protocol.as_json(), "scores": dict(found)}


def validated_threshold(weights: str | Path, name: str = "validation") -> float:
    """The threshold of largest Dice that the training found on its validation images, from the report beside weights.

    Raises:
        FileNotFoundError: there is no report.
        ValueError: the report holds no threshold.
    """
    path = Path(weights).with_suffix(".json")
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no report of a validation beside the weights, so no threshold was chosen; copy it there with the "
            f"weights, or give one by --threshold 0.5"
        )
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))[name]["scores"]["best_threshold"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: no report of a validation ({error!r}); give --threshold 0.5") from error
