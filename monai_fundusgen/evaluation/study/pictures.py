"""The pictures of a study: scores of the arms with their seeds, differences with intervals, learning curves."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from monai_fundusgen.evaluation.study.plan import Plan, Training
from monai_fundusgen.evaluation.study.results import SCORES, Cell, Results, learning_curve
from monai_fundusgen.storage.whole_file import write_whole

_SHOWN: Final = ("roc_auc", "dice", "kinds_found", "kinds_all")
_ROW_IN, _PANEL_IN, _DPI = 0.3, 3.4, 100


def require_matplotlib() -> None:
    """Refuse to go on without what draws.

    Raises:
        ImportError: matplotlib is missing; with the line that installs it.
    """
    if find_spec("matplotlib") is None:
        raise ImportError(
            'study: matplotlib is missing, which draws its pictures; pip install "monai-fundusgen[plots]"'
        )


def write_pictures(
    results: Results, plan: Plan, curve: Callable[[Training], list[dict[str, Any]]], folder: Path
) -> None:
    """Write ``scores.png``, ``differences.png`` and ``curves.png``; one without content is not written.

    Args:
        results: what is finished.
        plan: its trainings.
        curve: lines of a training's history.
        folder: where they go.
    """
    require_matplotlib()
    rows = [(method, test) for method in results.study.methods for test in results.study.tests]
    groups = {
        f"{method} on {test}": [cell for cell in results.cells if (cell.method, cell.test) == (method, test)]
        for method, test in rows
    }
    groups = {title: cells for title, cells in groups.items() if cells}
    if groups:
        _panels(groups, folder / "scores.png", lambda axes, cells, name: _points(axes, cells, name))
        _panels(groups, folder / "differences.png", lambda axes, cells, name: _intervals(axes, cells, name, results))
        _curves(results, plan, curve, folder / "curves.png")


def _panels(groups: Mapping[str, Sequence[Cell]], path: Path, draw: Callable[[Any, Sequence[Cell], str], None]) -> None:
    """A row of panels for each method and test set, a panel for each score."""
    from matplotlib.figure import Figure

    heights = [_ROW_IN * len(cells) + 0.9 for cells in groups.values()]
    figure = Figure(figsize=(_PANEL_IN * len(_SHOWN) + 1.5, sum(heights)), layout="constrained")
    grid = figure.subplots(len(groups), len(_SHOWN), squeeze=False, height_ratios=heights)
    for axes, (title, cells) in zip(grid, groups.items(), strict=True):
        for panel, name in zip(axes, _SHOWN, strict=True):
            if not any(name in cell.pooled for cell in cells):
                panel.set_visible(False)
                continue
            draw(panel, cells, name)
            panel.set_yticks(range(len(cells)), [cell.arm for cell in cells] if panel is axes[0] else [""] * len(cells))
            panel.set_ylim(len(cells) - 0.5, -0.5)
            panel.grid(axis="x", alpha=0.3)
        axes[0].set_title(title, loc="left", fontsize=9)
    _save(figure, path)


def _points(axes: Any, cells: Sequence[Cell], name: str) -> None:
    for place, cell in enumerate(cells):
        values = cell.pooled.get(name, np.zeros(0))
        axes.plot(values, [place] * len(values), "o", color="0.6", markersize=4)
        axes.plot(cell.mean(name), place, "|", color="C0", markersize=14, markeredgewidth=2)
    axes.set_xlabel(f"{SCORES[name]}: seeds and mean")


def _intervals(axes: Any, cells: Sequence[Cell], name: str, results: Results) -> None:
    axes.axvline(0, color="0.5", linewidth=0.8)
    for place, cell in enumerate(cells):
        found = results.difference(cell, name)
        if found is not None:
            axes.plot([found.low, found.high], [place, place], color="C0", linewidth=2)
            axes.plot(found.value, place, "o", color="C0", markersize=5)
    axes.set_xlabel(f"{SCORES[name]}: difference to the arm's base")
    axes.locator_params(axis="x", nbins=5)


def _curves(results: Results, plan: Plan, curve: Callable[[Training], list[dict[str, Any]]], path: Path) -> None:
    """Validation against steps; mean over seeds, a panel for each method."""
    from matplotlib.figure import Figure

    methods = list(results.study.methods)
    figure = Figure(figsize=(6.5 * len(methods) + 1.5, 4.5), layout="constrained")
    (panels,) = figure.subplots(1, len(methods), squeeze=False)
    for panel, method in zip(panels, methods, strict=True):
        for number, arm in enumerate(results.study.methods[method].arms):
            found = [
                learning_curve(entry.training, curve)
                for entry in plan.entries
                if (entry.arm, entry.method) == (arm, method)
            ]
            whole = [
                one for one in found if one and len(one.steps) == max(len(other.steps) for other in found if other)
            ]
            if whole:
                steps, name = whole[0].steps, whole[0].name
                panel.plot(
                    steps, np.mean([one.values for one in whole], axis=0), label=arm, color=f"C{number % 10}",
                    linestyle=("-", "--", ":")[number // 10 % 3], marker=".",
                )  # fmt: skip
                panel.set_ylabel(f"{name} on validation photographs")
        panel.set_xlabel("steps")
        panel.set_title(method, fontsize=9)
        panel.legend(fontsize=6)
        panel.grid(alpha=0.3)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    write_whole(path, content.getvalue())
