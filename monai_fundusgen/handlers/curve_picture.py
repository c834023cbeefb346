"""A curve over the epochs of a training as a picture: one panel for each figure, with its floor where it has one."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.storage.whole_file import write_whole

logger = logging.getLogger(__name__)
_NOT_SHOWN: Final = ("epoch", "iteration", "n")
_COLUMNS: Final = 3
_TITLES: Final = {
    "fid": "Frechet distance", "kid": "kernel distance", "histogram_hu": "HU histogram, earth mover's, HU",
    "spectrum_db": "power spectrum, dB", "nearest_correlation": "nearest training slice, correlation",
}  # fmt: skip


@functools.cache
def _tell_once() -> None:
    logger.warning("matplotlib is not installed: the curve is not drawn, only written; pip install matplotlib")


def draw_curve(path: str | Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Draw the lines of a `DistributionCurve` as PNG, whole or not at all; without matplotlib tell so, once.

    Args:
        path: the file.
        lines: of equal keys, with ``iteration``; ``NAME_std`` becomes bars, ``NAME_floor`` a band.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        _tell_once()
        return
    names = [name for name in lines[-1] if name not in _NOT_SHOWN and not name.endswith(("_std", "_floor"))]
    columns = min(len(names), _COLUMNS)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.3 * columns, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, name, lines)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    write_whole(path, buffer.getvalue())


def _panel(axes: Any, name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    known = [line for line in lines if name in line]
    steps = [line["iteration"] for line in known]
    axes.errorbar(steps, [line[name] for line in known], [line.get(f"{name}_std", 0) for line in known], marker=".")
    if f"{name}_floor" in known[-1]:
        floor, spread = known[-1][f"{name}_floor"], known[-1].get(f"{name}_floor_std", 0)
        axes.axhspan(floor - spread, floor + spread, color="0.85")
        axes.axhline(floor, color="0.4", linestyle="--", label="real")
        axes.legend(fontsize="small", frameon=False)
    axes.set_title(_TITLES.get(name, name.replace("_", " ")), fontsize="medium")
    axes.set_xlabel("training step")
