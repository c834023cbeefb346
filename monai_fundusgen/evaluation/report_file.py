"""The files of an evaluation: what its folder may hold, and how ``report.json`` is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

SCHEMA: Final = "monai_fundusgen evaluation"
SCHEMA_VERSION: Final = 1
REPORT: Final = "report.json"
PAGE: Final = "index.html"
CACHE: Final = "cache"


def refuse_other_output(output: Path) -> None:
    """Refuse a folder that holds something else than a report.

    Raises:
        NotADirectoryError: a file.
        FileExistsError: a folder with other files.
    """
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"{output}: a file, expected the folder of the report; choose another with -o")
    found = sorted(path.name for path in output.iterdir()) if output.is_dir() else []
    if found and not {REPORT, PAGE, CACHE} & set(found):
        raise FileExistsError(
            f"{output}: holds {', '.join(found[:3])}, which is no report; expected a new folder, or that of an earlier "
            "report; choose another with -o"
        )


def plain(value: Any) -> Any:
    """As JSON holds it: numbers that are none become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (np.floating, np.integer)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
