"""When a frame was taken: from a table beside the frames, or from their names."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

TABLE: Final = "times.csv"
_NUMBER: Final = r"\d+(?:\.\d+)?"
#: ``1m05s`` or ``0m12.5s``, then ``12.5s`` or ``t012.5``; a letter or digit before or after makes it another word.
_MINUTES: Final = re.compile(rf"(?<![A-Za-z0-9.])(\d+)m(?:in)?[ _-]?({_NUMBER})s(?:ec)?(?![A-Za-z0-9])", re.IGNORECASE)
_SECONDS: Final = re.compile(
    rf"(?<![A-Za-z0-9.])(?:t[=_-]?({_NUMBER})(?:s(?:ec)?)?|({_NUMBER})s(?:ec)?)(?![A-Za-z0-9])", re.IGNORECASE
)


def time_in_name(name: str) -> float | None:
    """Seconds in a file name such as ``eye_0m12.5s.png``, ``12.5s.jpg`` or ``fa_t012.5.tif``, else None."""
    stem = name.rsplit(".", 1)[0] if not re.fullmatch(r"\d+s?", name.rsplit(".", 1)[-1], re.IGNORECASE) else name
    if found := _MINUTES.search(stem):
        return 60 * float(found[1]) + float(found[2])
    found = _SECONDS.search(stem)
    return float(found[1] or found[2]) if found else None


def read_times(path: Path, names: set[str]) -> dict[str, float]:
    """Seconds by file name, from a CSV with the columns ``file`` and ``time_s``.

    Args:
        path: the table.
        names: of the frames beside it; a row may lack the ending.

    Raises:
        ValueError: columns are missing, a row names no frame, or a time is no number of at least 0.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error.reason}); save the table as CSV in UTF-8") from error
    columns = set(rows[0]) if rows else set()
    if not {"file", "time_s"} <= columns:
        raise ValueError(f"{path}: found the columns {sorted(map(str, columns))}, expected file and time_s")
    stems = {Path(name).stem: name for name in names}
    times = {}
    for line, row in enumerate(rows, start=2):
        name = row["file"] if row["file"] in names else stems.get(row["file"] or "")
        if name is None:
            raise ValueError(
                f"{path}: line {line}: no frame is named {row['file']!r}; expected a file in {path.parent}"
            )
        times[name] = _seconds(path, line, row["time_s"])
    return times


def _seconds(path: Path, line: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(f"{path}: line {line}: found time_s={text!r}, expected seconds of at least 0")
    return value
