"""The figures of a study as a page that stands alone, and as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.apps.turing.analysis import Analysis, ArmFigures
from monai_fundusgen.apps.turing.answer import REASONS, ROLES
from monai_fundusgen.apps.turing.study import read_check
from monai_fundusgen.apps.web.page_files import source
from monai_fundusgen.storage.whole_file import write_whole

#: Files of a report.
REPORT, ARMS, READERS, ANSWERS = "report.html", "arms.csv", "readers.csv", "answers.csv"
_COLOURS: Final = ("#1b6ca8", "#c2571a", "#2a8c4a", "#8a3fa0", "#a88a1b", "#b02a4c")
_PLOT: Final = 240  # px, side of the ROC plot


def write_report(analysis: Analysis, folder: Path, output: Path) -> list[str]:
    """Write the page and the tables; the page last.

    Args:
        analysis: the figures.
        folder: of the study, which has its leak check.
        output: folder to write to; files of an earlier report there are replaced.

    Returns:
        Names of the files.

    Raises:
        NotADirectoryError: the output is a file.
        ImportError: Jinja is missing; the message tells how to install it.
    """
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"{output}: found a file, expected a folder for the report; give another")
    page = report_page(analysis, read_check(folder))
    for name, rows in ((ANSWERS, answer_rows(analysis)), (READERS, reader_rows(analysis)), (ARMS, arm_rows(analysis))):
        write_whole(output / name, _table(rows))
    write_whole(output / REPORT, page.encode())
    return [REPORT, ARMS, READERS, ANSWERS]


def _table(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if value is None else value


def arm_rows(analysis: Analysis) -> list[Sequence[Any]]:
    """A row for each arm, its names first."""
    names = (
        "arm", "real", "answers", "correct", "half_width_images", "bootstrap_low", "bootstrap_high", "judged_real",
        "p_half", "p_judged_real_as_real", "fleiss_kappa", "d_prime", "criterion", "roc_area", "roc_area_low",
        "roc_area_high",
    )  # fmt: skip
    return [names, *map(_arm_row, analysis.arms)]


def _arm_row(arm: ArmFigures) -> Sequence[Any]:
    return (
        arm.arm, arm.is_real, arm.answers, arm.correct, arm.half_width, *arm.bootstrap, arm.judged_real, arm.p_half,
        arm.p_real, arm.kappa, *(arm.detection or (None, None)), arm.area, *(arm.area_interval or (None, None)),
    )  # fmt: skip


def reader_rows(analysis: Analysis) -> list[Sequence[Any]]:
    """A row for each reader and arm, its names first."""
    names = (
        "reader", "role", "years", "arm", "answers", "correct", "wilson_low", "wilson_high", "p_half", "judged_real",
        "d_prime", "criterion", "roc_area", "median_response_s",
    )  # fmt: skip
    told = {sheet.reader: (sheet.consent.role, sheet.consent.years) for sheet in analysis.sheets}
    rows = [
        (each.reader, *told[each.reader], each.arm, each.answers, each.correct, *each.interval, each.p_half,
         each.judged_real, *(each.detection or (None, None)), each.area, each.median_s)
        for each in analysis.readers
    ]  # fmt: skip
    return [names, *rows]


def answer_rows(analysis: Analysis) -> list[Sequence[Any]]:
    """A row for each answer that counts, its names first."""
    names = (
        "reader", "position", "picture", "arm", "real", "said_real", "correct", "confidence", "reasons", "mark_left",
        "mark_top", "mark_right", "mark_bottom", "response_ms", "answered_at", "times_shown", "source",
    )  # fmt: skip
    rows = []
    for each in sorted(analysis.judged, key=lambda judged: (judged.reader, judged.position)):
        answer = each.recorded.answer
        rows.append((
            each.reader, each.position, each.picture, each.arm, each.is_real, answer.real, each.correct,
            answer.confidence, " ".join(answer.reasons), *(answer.mark or (None,) * 4), answer.response_ms,
            each.recorded.answered_at, each.recorded.times_shown, analysis.study.pictures[each.picture].source,
        ))  # fmt: skip
    return [names, *rows]


def report_page(analysis: Analysis, check: Sequence[dict[str, str]]) -> str:
    """The page: no script, nothing loaded from elsewhere.

    Args:
        analysis: the figures.
        check: rows of the study's leak check.

    Raises:
        ImportError: Jinja is missing.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ImportError("turing analyse: Jinja is not installed; pip install 'monai-fundusgen[study]'") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=_percent, fixed=_fixed, p=_p_value)
    colours = {arm: _COLOURS[number % len(_COLOURS)] for number, arm in enumerate(analysis.study.arms)}
    curves = [(arm.arm, colours[arm.arm], roc_line(arm.roc)) for arm in analysis.arms if arm.roc is not None]
    return environment.from_string(source("turing", "report.html")).render(
        analysis=analysis, study=analysis.study, arms=analysis.arms, readers=analysis.readers, reasons=REASONS,
        roles=ROLES, colours=colours, curves=curves, plot=_PLOT, check=check, version=__version__,
    )  # fmt: skip


def roc_line(points: NDArray[np.float64]) -> str:
    """Points (N, 2) of a ROC as those of an SVG line."""
    return " ".join(f"{x * _PLOT:.1f},{(1 - y) * _PLOT:.1f}" for x, y in points)


def _percent(value: float, digits: int = 1) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.{digits}f}"


def _fixed(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.2f}"


def _p_value(value: float | None) -> str:
    if value is None or np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
