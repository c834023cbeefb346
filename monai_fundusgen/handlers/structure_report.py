"""Anatomy of sampled vessel maps beside that of reference maps, as a table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from numpy.typing import NDArray

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.metrics.functional.vessel_structure import Figures, figures_of, summarise
from monai_fundusgen.storage.whole_file import write_json

logger = logging.getLogger(__name__)
_SHOWN = ("empty", "density", "length_fd", "components", "largest_share", "loops", "bifurcations", "crossings")
_TITLES = {"crossings": "same-kind crossings"}
_PLANES = ("artery", "vein")


class StructureReport:
    """Measure every predicted map; at the end write ``structure.json`` and log a table.

    Only maps of one size, made binary by one threshold, compare: the reference is measured as the predictions are.

    Args:
        directory: where the report goes.
        threshold: level of a soft map from which a pixel counts as vessel; 0.25 at 256 px keeps thin vessels.
        references: by name, items whose ``label`` is a soft map of the same shape; each name is a column.
        key: entry of the engine's output with soft maps (B, 2, H, W), or (B, 1, H, W) without kinds, in [0, 1].
        measure: figures of a soft map (2, H, W), in place of the structure of what lies above the threshold.
        measure_reference: the same for references, where predictions are mended first; left out: as predictions.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        threshold: float = 0.25,
        references: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        key: str = Keys.PRED,
        measure: Callable[[NDArray[np.floating]], Figures] | None = None,
        measure_reference: Callable[[NDArray[np.floating]], Figures] | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.measure = measure or partial(figures_of, threshold=threshold)
        self.measure_reference = measure_reference or self.measure
        self.threshold = threshold
        self.references = {name: items for name, items in (references or {}).items() if len(items)}
        self.key = key
        self.rows: list[Figures] = []

    def attach(self, engine: Engine) -> None:
        """Measure after every iteration, report at the end of the run."""
        engine.add_event_handler(Events.STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.report)

    def __call__(self, engine: Engine) -> None:
        """Measure the maps of this iteration."""
        output: Any = engine.state.output
        self.rows += [self.measure(vessels) for vessels in output[self.key].float().cpu().numpy()]

    def report(self, engine: Engine) -> None:
        """Write the summaries."""
        sampled = summarise(self.rows)
        references = {
            name: summarise([self.measure_reference(np.asarray(item[LABEL])) for item in items])
            for name, items in self.references.items()
        }
        report = {"threshold": self.threshold, "sampled": sampled, "references": references, "maps": self.rows}
        write_json(self.directory / "structure.json", report)
        for line in table({"sampled": sampled, **references}).splitlines():
            logger.info(line)


def table(columns: Mapping[str, dict[str, dict[str, float]]]) -> str:
    """Markdown table of the main figures: median and quartiles of each named summary, side by side.

    Of figures that are no `VesselStructure` all are shown.
    """
    found = next(iter(columns.values()))
    of_structure = {
        f"{plane}.{figure}": f"{plane} {_TITLES.get(figure, figure)}" for plane in _PLANES for figure in _SHOWN
    }
    of_structure["av_crossings"] = "A/V crossings"
    shown = of_structure if of_structure.keys() <= found.keys() else {name: name.replace(".", " ") for name in found}
    lines = ["| figure | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, title in shown.items():
        cells = [_cell(summary.get(name), name.rsplit(".", 1)[-1]) for summary in columns.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(summary: dict[str, float] | None, figure: str) -> str:
    if summary is None:
        return "-"
    if figure == "empty":
        return f"{summary['mean']:.1%}"
    return f"{summary['median']:.3g} ({summary['q25']:.3g}-{summary['q75']:.3g})"
