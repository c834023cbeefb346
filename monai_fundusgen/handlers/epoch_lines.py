"""Files with a line of JSON for an epoch: a resumed run continues them, and no epoch stands there twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fundusgen.storage.whole_file import write_whole


def read_lines(path: str | Path) -> list[dict[str, Any]]:
    """The lines of such a file; empty where there is none."""
    path = Path(path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def write_line(path: str | Path, line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Add the line of an epoch, in place of lines of that epoch and later ones, which the run does again.

    Args:
        path: the file, whole at any time.
        line: has ``epoch``.

    Returns:
        All lines that stand there now.
    """
    lines = [*(one for one in read_lines(path) if one["epoch"] < line["epoch"]), dict(line)]
    write_whole(path, "".join(json.dumps(one) + "\n" for one in lines).encode("utf-8"))
    return lines
