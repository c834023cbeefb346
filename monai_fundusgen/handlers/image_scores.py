"""Scores of every photograph of several sets, at a fixed threshold and at one chosen on validation photographs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import FOV, LABEL, UNCERTAIN, VESSEL
from monai_fundusgen.handlers.items import items_of, mask_of, plain
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.metrics.score_tally import ScoreTally
from monai_fundusgen.metrics.segmentation import ArteryVeinMetric
from monai_fundusgen.storage.whole_file import write_json

#: Name of the set that the threshold is chosen on.
VALIDATION: Final = "validation"
_FIXED: Final = Protocol()
_AREAS: Final = ("roc_auc", "pr_auc")
_CALLED: Final = ("dice", "sensitivity", "specificity", "accuracy")
_KINDS: Final = {
    "kinds_found": Protocol(kinds="intersection"),
    "kinds_all": Protocol(kinds="all_vessels", threshold=0.0),
}


class ImageScores:
    """Collect while an evaluator runs; at the end write a report with pooled scores and those of each photograph.

    Vessels (uncertain ones included) inside the field: ``roc_auc``, ``pr_auc``, and at 0.5 ``dice``, ``sensitivity``,
    ``specificity``, ``accuracy``; the same with ``_validated`` at the threshold of largest Dice on the rows of the set
    ``validation``. Kinds: ``kinds_found`` (accuracy on labelled vessel pixels that were found at 0.5), ``kinds_all``
    (on all), and both with ``_balanced``. A prediction of one channel has no kinds, one of two no vessels. A photograph
    without the class in question has no such score.

    Ids are ``SET/NAME``. A batch, or each item of a decollated one, holds ``id``, ``fov`` and ``label`` with
    ``uncertain`` (2 and 1, H, W), or ``vessel`` (1, H, W); the output holds probabilities (K, H, W).

    Memory: 4 bytes for each pixel inside a field.

    Args:
        path: the JSON file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._rows: list[tuple[str, dict[str, Any]]] = []

    def attach(self, engine: Engine) -> None:
        """Start anew with a run, add every photograph, report at its end."""
        engine.add_event_handler(Events.STARTED, lambda _: self._rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def __call__(self, engine: Engine) -> None:
        """Add the photographs of this iteration."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        for found, item in zip(items_of(output), items_of(batch), strict=True):
            self._rows.append((str(item["id"]), _metrics(plain(found[Keys.PRED]).float(), item)))

    def write(self, engine: Engine) -> None:
        """Write the report."""
        threshold = self._threshold()
        sets: dict[str, Any] = {}
        for name in dict.fromkeys(name.split("/")[0] for name, _ in self._rows):
            rows = [(one.split("/", 1)[1], metrics) for one, metrics in self._rows if one.split("/")[0] == name]
            images = [{"id": one, **_scores([metrics], threshold)} for one, metrics in rows]
            sets[name] = {"pooled": _scores([metrics for _, metrics in rows], threshold), "images": images}
        chosen = None if threshold is None else Protocol(threshold_from="validation", threshold=threshold).describe()
        kinds = {name: protocol.describe(kinds=True) for name, protocol in _KINDS.items()}
        rules = {"vessels": _FIXED.describe(), "validated": chosen, **kinds}
        write_json(self.path, {"rules": rules, "threshold": threshold, "sets": sets})

    def _threshold(self) -> float | None:
        chosen_on = [metrics["vessel"] for name, metrics in self._rows if name.split("/")[0] == VALIDATION]
        tallies = [tally for tally in chosen_on if tally is not None]
        joined = _joined(tallies)
        return joined.figures(_FIXED)["best_threshold"] if any(len(found) for found, _ in joined.images()) else None


def _metrics(chance: Tensor, item: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted on one photograph."""
    field = mask_of(item[FOV])
    label = mask_of(item[LABEL]) if LABEL in item else None
    uncertain = mask_of(item[UNCERTAIN]) if UNCERTAIN in item else torch.zeros_like(field)
    vessel = mask_of(item[VESSEL]) if label is None else label.any(dim=0, keepdim=True) | uncertain
    found: dict[str, Any] = {"vessel": None}
    if len(chance) in (1, 3):
        found["vessel"] = ScoreTally()
        found["vessel"].add(chance[-1:], vessel, field)
    if len(chance) in (2, 3) and label is not None:
        for name, protocol in _KINDS.items():
            found[name] = ArteryVeinMetric(protocol)
            found[name](chance[None], label[None], fov=field[None], uncertain=uncertain[None])
    return found


def _scores(rows: list[dict[str, Any]], threshold: float | None) -> dict[str, float]:
    """Pooled scores of photographs by name; those that cannot be had are left out."""
    found: dict[str, float] = {}
    tallies = [row["vessel"] for row in rows if row["vessel"] is not None]
    tally = _joined(tallies)
    if any(len(positives) for positives, _ in tally.images()):
        fixed = tally.figures(_FIXED)
        found |= {name: fixed[name] for name in (*_AREAS, *_CALLED)}
        if threshold is not None:
            chosen = tally.figures(Protocol(threshold_from="validation", threshold=threshold))
            found |= {f"{name}_validated": chosen[name] for name in _CALLED}
    for name in _KINDS:
        found |= _kind_scores(name, [row[name] for row in rows if name in row])
    return {name: value for name, value in found.items() if value == value}


def _kind_scores(name: str, metrics: list[ArteryVeinMetric]) -> dict[str, float]:
    pooled = ArteryVeinMetric(_KINDS[name])
    for metric in metrics:
        pooled.join(metric)
    try:
        scores = pooled.aggregate()
    except ValueError:  # no vessel pixel whose kind is known
        return {}
    return {name: scores["accuracy"], f"{name}_balanced": scores["balanced_accuracy"]}


def _joined(tallies: list[ScoreTally]) -> ScoreTally:
    joined = ScoreTally()
    for tally in tallies:
        joined.join(tally)
    return joined
