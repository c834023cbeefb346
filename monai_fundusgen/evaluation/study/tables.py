"""The tables of a study, as Markdown for people and CSV for programs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.evaluation.study.paper import PLACES, STATEMENT, TABLE_III
from monai_fundusgen.evaluation.study.plan import Plan, Training
from monai_fundusgen.evaluation.study.results import SCORES, Cell, Results, learning_curve
from monai_fundusgen.metrics.functional.distribution import Interval
from monai_fundusgen.storage.whole_file import write_whole

#: Scores of the paper's tables, and what else a method that tells kinds is judged by.
PAPER_SCORES: Final = ("roc_auc", "accuracy", "sensitivity", "specificity")
_MAIN: Final = ("roc_auc", "pr_auc", "dice", "dice_validated", "sensitivity", "specificity", "accuracy")
_KINDS: Final = ("kinds_found", "kinds_found_balanced", "kinds_all", "kinds_all_balanced")
_COMPARED: Final = ("roc_auc", "dice", "dice_validated", "kinds_found", "kinds_all")


def write_tables(
    results: Results, plan: Plan, history: Callable[[Training], list[dict[str, Any]]], folder: Path
) -> None:
    """Write ``tables.md``, and as CSV scores (``table``), photographs (``images``) and validations (``curves``).

    Args:
        results: what is finished.
        plan: its trainings.
        history: lines of a training's history.
        folder: where they go.
    """
    write_whole(folder / "tables.md", markdown(results).encode())
    write_whole(folder / "table.csv", _csv(_HEAD, _rows(results)).encode())
    write_whole(folder / "images.csv", _csv(_IMAGES_HEAD, _image_rows(results)).encode())
    write_whole(folder / "curves.csv", _csv(_CURVES_HEAD, _curve_rows(plan, history)).encode())


def markdown(results: Results) -> str:
    """All tables of a study, with the rules of their scores."""
    study = results.study
    parts = [f"# {study.name}", *([study.notes.strip()] if study.notes.strip() else []), _preface(results)]
    for method in study.methods:
        for test in study.tests:
            cells = [cell for cell in results.cells if (cell.method, cell.test) == (method, test)]
            if cells:
                parts.append(f"## {method} on {test}")
                parts += [_scores(cells, _MAIN), _scores(cells, _KINDS), _differences(results, cells)]
    parts += ["## As the paper's Table II", _table_two(results), "## As the paper's Table III", _table_three(results)]
    parts += [STATEMENT, _papers_own(results), "## Rules", *_rules(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _preface(results: Results) -> str:
    study = results.study
    told = (
        f"{study.steps} steps in every training, first and second part together; seeds "
        f"{', '.join(map(str, study.seeds))}; weights of the end. Scores: all pixels of the test photographs together, "
        f"mean over seeds ± their standard deviation. Differences: mean over photographs of each one's score, with the "
        f"interval that holds 95 % of 10,000 draws of photographs and seeds."
    )
    missing = f" **{results.missing} of the trainings are not finished: their figures are missing here.**"
    return told + (missing if results.missing else "")


def _scores(cells: Sequence[Cell], names: Sequence[str]) -> str:
    shown = [name for name in names if any(name in cell.pooled for cell in cells)]
    if not shown:
        return ""
    rows = [[cell.arm, str(len(cell.seeds)), *(_with_spread(cell, name) for name in shown)] for cell in cells]
    return _table(["arm", "seeds", *(SCORES[name] for name in shown)], rows)


def _differences(results: Results, cells: Sequence[Cell]) -> str:
    shown = [name for name in _COMPARED if any(name in cell.pooled for cell in cells)]
    rows = []
    for cell in cells:
        found = [results.difference(cell, name) for name in shown]
        if any(found):
            rows.append([cell.arm, str(results.study.arms[cell.arm].base), *map(_interval, found)])
    return _table(["arm", "against", *(f"Δ {SCORES[name]}" for name in shown)], rows) if rows else ""


def _table_two(results: Results) -> str:
    """Method and test set; without further data, and with it: each arm that has a list which its base has not."""
    rows = []
    for cell in results.cells:
        base = results.base(cell)
        if base is not None and results.study.arms[cell.arm].lists - results.study.arms[base.arm].lists:
            pairs = [f"{_number(base.mean(name))} → {_number(cell.mean(name))}" for name in PAPER_SCORES]
            rows.append([cell.method, cell.test, base.arm, cell.arm, *pairs])
    head = ["method", "tested on", "without", "with", *(SCORES[name] for name in PAPER_SCORES)]
    return _table(head, rows) if rows else "No arm has a list that its base has not."


def _table_three(results: Results) -> str:
    study = results.study
    columns = [(method, test) for method in study.methods for test in study.tests]
    rows = []
    for arm in study.arms:
        cells = [results.cell(arm, method, test) for method, test in columns]
        if any(cells):
            rows.append([arm, *(_joined(cell.mean(name) for name in PAPER_SCORES) if cell else "" for cell in cells)])
    return _table(["training set", *(f"{method}, {test}: AUC / Acc / Se / Sp" for method, test in columns)], rows)


def _papers_own(results: Results) -> str:
    bundles = [method.bundle for method in results.study.methods.values()]
    shown = {bundle: PLACES[bundle] for bundle in dict.fromkeys(bundles) if bundle in PLACES} or PLACES
    names = {"fundus_vessel_ssanet": "SSA-Net", "fundus_av_hvgn": "HVGN"}
    head = ["the paper's training set (FIREFLY)", *(f"{names[bundle]}: AUC / Acc / Se / Sp" for bundle in shown)]
    return _table(head, [[arm, *(_joined(row[place]) for place in shown.values())] for arm, row in TABLE_III.items()])


def _rules(results: Results) -> list[str]:
    rules = [f"- {name}: {text}" for name, text in results.rules.items()]
    return [
        "\n".join(
            [*rules, "- chosen: at the threshold of largest Dice on the validation photographs, of each training"]
        )
    ]


_HEAD: Final = (
    "method", "test", "arm", "score", "seeds", "mean", "sd", "base", "difference", "low", "high",
)  # fmt: skip


def _rows(results: Results) -> Iterable[Sequence[Any]]:
    for cell in results.cells:
        for name in cell.pooled:
            found = results.difference(cell, name)
            against = (results.study.arms[cell.arm].base, found.value, found.low, found.high) if found else ("",) * 4
            yield (
                cell.method, cell.test, cell.arm, name, len(cell.seeds), cell.mean(name), cell.spread(name), *against,
            )  # fmt: skip


_IMAGES_HEAD: Final = ("method", "test", "arm", "seed", "image", *SCORES)


def _image_rows(results: Results) -> Iterable[Sequence[Any]]:
    for cell in results.cells:
        for row, seed in enumerate(cell.seeds):
            for column, image in enumerate(cell.ids):
                scores = [cell.images[name][row, column] if name in cell.images else "" for name in SCORES]
                yield cell.method, cell.test, cell.arm, seed, image, *scores


_CURVES_HEAD: Final = ("method", "arm", "seed", "step", "score", "value")


def _curve_rows(plan: Plan, history: Callable[[Training], list[dict[str, Any]]]) -> Iterable[Sequence[Any]]:
    for entry in plan.entries:
        curve = learning_curve(entry.training, history)
        for step, value in zip(curve.steps, curve.values, strict=True) if curve else ():
            yield entry.method, entry.arm, entry.seed, step, curve.name if curve else "", value


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.5f}"
    return value


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _joined(values: Iterable[float]) -> str:
    return " / ".join(_number(value) for value in values)


def _with_spread(cell: Cell, name: str) -> str:
    spread = cell.spread(name)
    return _number(cell.mean(name)) + ("" if math.isnan(spread) else f" ± {spread:.3f}")


def _interval(found: Interval | None) -> str:
    return "" if found is None else f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
