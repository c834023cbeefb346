"""Keep the weights that a validation liked best."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from monai_fundusgen.weights.files import save_weights

logger = logging.getLogger(__name__)


class BestWeights:
    """Write a network's weights as fp16 after every validation whose key metric is the best so far.

    Its state goes into the checkpoint, so that a resumed run does not overwrite better weights with worse ones. In a
    distributed run every process validates and keeps the best value, and one writes.

    Args:
        network: usually the ``averaged`` one of ``EMA``.
        path: the file, whole or as it was before.
        metric: name of the metric in the evaluator's state.
        smaller_is_better: for a loss; else the larger value is better.
        writes: whether this process writes.
    """

    def __init__(
        self, network: nn.Module, path: str | Path, metric: str, *, smaller_is_better: bool = False, writes: bool = True
    ) -> None:
        self.network, self.path, self.metric, self.writes = network, path, metric, writes
        self.sign = -1.0 if smaller_is_better else 1.0
        self.best = -math.inf

    def attach(self, engine: Engine) -> None:
        """Act when the evaluator has finished."""
        engine.add_event_handler(Events.COMPLETED, self)

    def score(self, engine: Engine) -> float:
        """The metric, or its negative where smaller is better; pass it to ignite's ``EarlyStopping``.

        Raises:
            KeyError: the evaluator has no such metric.
        """
        if self.metric not in engine.state.metrics:
            raise KeyError(
                f"BestWeights: no metric {self.metric!r} after validation; there is {', '.join(engine.state.metrics)}"
            )
        return self.sign * float(engine.state.metrics[self.metric])

    def __call__(self, engine: Engine) -> None:
        """Write if this validation is the best, as `score` counts."""
        self.offer(self.sign * self.score(engine))

    def offer(self, value: float) -> None:
        """Write if this value of the metric is the best so far; for what is measured without an evaluator."""
        if self.sign * value > self.best:
            if self.writes:
                save_weights(self.network.state_dict(), self.path)
            self.best = self.sign * value
            logger.info("%s %.4f: best weights so far, written to %s", self.metric, value, self.path)

    def state_dict(self) -> dict[str, float]:
        """The best value so far."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a best value."""
        self.best = float(state["best"])
