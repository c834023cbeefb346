"""What a study found: per arm, method and test set the scores of every seed and photograph, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.evaluation.study.config import Study
from monai_fundusgen.evaluation.study.plan import Entry, Plan, Training
from monai_fundusgen.metrics.functional.distribution import Interval
from monai_fundusgen.metrics.functional.paired_bootstrap import paired_bootstrap
from monai_fundusgen.streams import stream

#: Scores of a report: name -> how a table calls it.
SCORES: Final = {
    "roc_auc": "AUC", "pr_auc": "PR-AUC", "dice": "Dice", "accuracy": "Acc", "sensitivity": "Se", "specificity": "Sp",
    "dice_validated": "Dice (chosen)", "accuracy_validated": "Acc (chosen)", "sensitivity_validated": "Se (chosen)",
    "specificity_validated": "Sp (chosen)", "kinds_found": "A/V found", "kinds_found_balanced": "A/V found (bal.)",
    "kinds_all": "A/V all", "kinds_all_balanced": "A/V all (bal.)",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """The scores of one arm, method and test set.

    Attributes:
        arm, method, test: names.
        seeds: those that are finished.
        pooled: score -> (S,) over all photographs' pixels together, of each seed.
        images: score -> (S, N) of each photograph; NaN where there is none.
        ids: names of the photographs.
    """

    arm: str
    method: str
    test: str
    seeds: tuple[int, ...]
    pooled: dict[str, NDArray[np.float64]]
    images: dict[str, NDArray[np.float64]]
    ids: tuple[str, ...]

    def mean(self, score: str) -> float:
        """Mean over seeds of a pooled score; NaN where there is none."""
        return float(self.pooled[score].mean()) if score in self.pooled else float("nan")

    def spread(self, score: str) -> float:
        """Standard deviation over seeds (n - 1) of a pooled score; NaN with fewer than two seeds."""
        found = self.pooled.get(score, np.zeros(0))
        return float(found.std(ddof=1)) if len(found) > 1 else float("nan")


@dataclass(frozen=True)
class Results:
    """All that is finished of a study.

    Attributes:
        study: as configured.
        cells: one for each arm, method and test set with at least one finished seed.
        rules: the protocol of each kind of score, in words.
        missing: how many trainings of the table are not scored yet.
    """

    study: Study
    cells: tuple[Cell, ...]
    rules: dict[str, str]
    missing: int

    def cell(self, arm: str | None, method: str, test: str) -> Cell | None:
        """One cell; None where nothing is finished."""
        found = [one for one in self.cells if (one.arm, one.method, one.test) == (arm, method, test)]
        return found[0] if found else None

    def base(self, cell: Cell) -> Cell | None:
        """The cell that a cell is compared with."""
        return self.cell(self.study.arms[cell.arm].base, cell.method, cell.test)

    def difference(self, cell: Cell, score: str) -> Interval | None:
        """What a cell has above its base, as a mean over photographs, by the seeds that both have; None: no base."""
        base = self.base(cell)
        if base is None or score not in cell.images or score not in base.images:
            return None
        both = [seed for seed in cell.seeds if seed in base.seeds]
        if not both:
            return None
        ours, theirs = (one.images[score][[one.seeds.index(seed) for seed in both]] for one in (cell, base))
        try:
            return paired_bootstrap(ours, theirs, stream(0, "bootstrap"))
        except ValueError:  # no photograph has this score everywhere
            return None


def collect(study: Study, plan: Plan, scores: Callable[[Training], dict[str, Any] | None]) -> Results:
    """Gather what is finished.

    Args:
        study: as configured.
        plan: its trainings.
        scores: report of a training's scores, None where it is not finished.
    """
    reports = [(entry, scores(entry.training)) for entry in plan.entries]
    found = [(entry, report) for entry, report in reports if report is not None]
    cells = []
    for method in study.methods.values():
        for test in study.tests:
            for arm in method.arms:
                rows = [
                    (entry, report["sets"][test])
                    for entry, report in found
                    if (entry.arm, entry.method) == (arm, method.name)
                ]
                if rows:
                    cells.append(_cell(arm, method.name, test, rows))
    rules = {
        name: text for _, report in found for name, text in report["rules"].items() if text and name != "validated"
    }
    return Results(study, tuple(cells), rules, len(reports) - len(found))


def _cell(arm: str, method: str, test: str, rows: list[tuple[Entry, dict[str, Any]]]) -> Cell:
    ids = tuple(image["id"] for image in rows[0][1]["images"])
    pooled = {
        name: np.array([part["pooled"][name] for _, part in rows])
        for name in _common(part["pooled"] for _, part in rows)
    }
    images = {
        name: np.array([[image.get(name, np.nan) for image in part["images"]] for _, part in rows], dtype=np.float64)
        for name in pooled
    }
    return Cell(arm, method, test, tuple(entry.seed for entry, _ in rows), pooled, images, ids)


def _common(rows: Iterable[dict[str, float]]) -> list[str]:
    """Names of scores that all have, in the order of `SCORES`."""
    kept = list(rows)
    return [name for name in SCORES if all(name in row for row in kept)]


@dataclass(frozen=True)
class LearningCurve:
    """What a training's validations found.

    Attributes:
        steps: after how many, those of what it began with included.
        values: of the bundle's own validation score.
        name: of that score.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]
    name: str


def learning_curve(training: Training, history: Callable[[Training], list[dict[str, Any]]]) -> LearningCurve | None:
    """The curve of a training, after that of the training it starts from; None: nothing was validated yet.

    Args:
        training: the training.
        history: lines of a training's history.
    """
    before = learning_curve(training.first, history) if training.first else None
    start = training.first.steps if training.first else 0
    lines = [line for line in history(training) if line.get("validation")]
    if not lines:
        return before
    name = next(iter(lines[0]["validation"]))
    steps = tuple(start + line["iteration"] for line in lines)
    values = tuple(float(line["validation"][name]) for line in lines)
    return LearningCurve((before.steps if before else ()) + steps, (before.values if before else ()) + values, name)
