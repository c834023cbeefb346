"""What an evaluation found, kept with the data set so that its card can tell it; void once the set changes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from monai_fundusgen.dataset.manifest import MANIFEST
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.contained import read_contained
from monai_fundusgen.storage.whole_file import write_json

EVALUATION: Final = "evaluation.json"


@dataclass(frozen=True)
class EvaluationNote:
    """The verdict of a report.

    Attributes:
        report: path of its page, relative to the data set.
        likeness: sentences on how the set differs from real eyes.
        copies: sentences on copies of training eyes.
        warnings: what one must know before quoting either.
        manifest_sha256: of the manifest that was looked at.
    """

    report: str
    likeness: tuple[str, ...]
    copies: tuple[str, ...]
    warnings: tuple[str, ...]
    manifest_sha256: str


def write_note(
    root: Path, page: Path, likeness: Sequence[str], copies: Sequence[str], warnings: Sequence[str]
) -> EvaluationNote:
    """Write the note of an evaluation into the folder of its data set.

    Args:
        root: the data set.
        page: page of the report.
        likeness, copies, warnings: see `EvaluationNote`.
    """
    relative = Path(os.path.relpath(page.resolve(), root.resolve())).as_posix()
    note = EvaluationNote(relative, tuple(likeness), tuple(copies), tuple(warnings), file_sha256(root / MANIFEST))
    write_json(root / EVALUATION, asdict(note))
    return note


def read_note(root: Path) -> EvaluationNote | None:
    """The note of a data set as it is now; None without one, and where samples were made since.

    Raises:
        ValueError: the file is no such note.
    """
    if not os.path.lexists(root / EVALUATION):
        return None
    try:
        found = json.loads(read_contained(root, EVALUATION))
        lists = {name: tuple(map(str, found[name])) for name in ("likeness", "copies", "warnings")}
        note = EvaluationNote(report=str(found["report"]), manifest_sha256=str(found["manifest_sha256"]), **lists)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{root / EVALUATION}: no note of an evaluation ({type(error).__name__}: {error}); delete it, or run "
            "fundusgen evaluate again"
        ) from error
    return note if note.manifest_sha256 == file_sha256(root / MANIFEST) else None
