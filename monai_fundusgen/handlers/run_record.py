"""What a training run was and how it went: versions and settings, and the losses of every epoch."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from monai_fundusgen.handlers.epoch_lines import read_lines, write_line
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.versions import versions

RECORD, HISTORY = "run.json", "losses.jsonl"


def settings_hash(settings: Mapping[str, Any]) -> str:
    """SHA-256 of settings, the same whatever their order."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def read_history(directory: str | Path) -> list[dict[str, Any]]:
    """Epochs of a run as written by ``RunRecord``; empty where there are none."""
    return read_lines(Path(directory) / HISTORY)


class RunRecord:
    """Write ``run.json`` when a run starts and a line of ``losses.jsonl`` after every epoch.

    ``run.json`` holds one session for every start of the run: versions, device, settings and their hash. A line of the
    history holds epoch, iteration, seconds, learning rate, the mean of every scalar that the step returned, and what
    a `Validation` found after that epoch. Both are whole at any time. A resumed run drops the lines of epochs that it
    does again: the curve has no double points.

    Args:
        directory: where both files go.
        settings: what a reader needs to repeat the run, JSON types.
    """

    def __init__(self, directory: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        self.directory, self.settings = Path(directory), dict(settings or {})
        self._sums: dict[str, torch.Tensor] = {}
        self._count, self._started_s = 0, time.monotonic()

    def attach(self, engine: Engine) -> None:
        """Act when the run starts, after iterations and after epochs."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.EPOCH_STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.write_epoch)

    def start(self, engine: Engine) -> None:
        """Add this session to ``run.json``."""
        path = self.directory / RECORD
        sessions = json.loads(path.read_text(encoding="utf-8"))["sessions"] if path.is_file() else []
        session = {
            "versions": versions(),
            "device": str(getattr(engine.state, "device", "cpu")),
            "settings": self.settings,
            "settings_sha256": settings_hash(self.settings),
        }
        write_json(path, {"sessions": [*sessions, session]})

    def write_epoch(self, engine: Engine) -> None:
        """Write the line of the epoch that ended."""
        line = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "seconds": round(time.monotonic() - self._started_s, 3),
            "learning_rate": _learning_rate(engine),
            "losses": {name: _finite(total.item() / self._count) for name, total in self._sums.items()},
        }
        measured = getattr(engine.state, "validation", None)
        if measured:
            line["validation"] = {name: _finite(value) for name, value in measured.items()}
            vars(engine.state)["validation"] = {}
        write_line(self.directory / HISTORY, line)

    def _reset(self, engine: Engine) -> None:
        self._sums, self._count, self._started_s = {}, 0, time.monotonic()

    def _add(self, engine: Engine) -> None:
        """Add the scalars of this iteration; nothing waits for the device."""
        output = engine.state.output
        first = output[0] if isinstance(output, list) and output else output  # decollated: scalars are in every item
        self._count += 1
        scalars: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
        for name, value in scalars.items():
            if isinstance(value, (int, float)) or (isinstance(value, torch.Tensor) and value.numel() == 1):
                scalar = torch.as_tensor(value).detach().float().reshape(())
                self._sums[str(name)] = self._sums.get(str(name), torch.zeros_like(scalar)) + scalar


def _learning_rate(engine: Engine) -> float | None:
    """Of the first parameter group, where the trainer has an optimiser."""
    optimizer = getattr(engine, "optimizer", None)
    return None if optimizer is None else optimizer.param_groups[0]["lr"]


def _finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if math.isfinite(value) else None
