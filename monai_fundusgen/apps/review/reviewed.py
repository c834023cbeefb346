"""The datalist of the final labels, for training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fundusgen.apps.review.source import REVIEWED, ReviewItem, ReviewSource
from monai_fundusgen.conventions import FOV, IMAGE, LABEL, LABEL_NAMES
from monai_fundusgen.data.datalist import READER
from monai_fundusgen.data.splitting import SECTIONS
from monai_fundusgen.storage.whole_file import write_json

_COUNTS = {"training": "numTraining", "validation": "numValidation", "testing": "numTest"}


def write_reviewed(source: ReviewSource, folder: Path, finals: Mapping[str, str]) -> None:
    """Write ``reviewed.json``: the items of the source whose label is final, each in its section; none, no file.

    Args:
        source: what is reviewed.
        folder: of the review.
        finals: id of an item -> file of its final label, in the folder.
    """
    if not finals:
        return
    done = [item for item in source.items if item.id in finals]
    lists = {
        section: [_item(source, folder, item, finals[item.id]) for item in done if item.section == section]
        for section in SECTIONS
    }
    head = {
        "name": f"{source.place.stem} reviewed",
        **source.head,
        "labels": {str(code): name for code, name in LABEL_NAMES.items()},
        "label_files": "codes 0 to 3, or colours where a kind is left open",
        "reader": READER,
        **{_COUNTS[section]: len(items) for section, items in lists.items()},
    }
    write_json(folder / REVIEWED, {**head, **lists})


def _item(source: ReviewSource, folder: Path, item: ReviewItem, final: str) -> dict[str, Any]:
    """An item with the final label; paths into the reviewed folder are relative, so that it can be moved whole."""
    paths = {key: _portable(Path(item.files[key]), source, folder) for key in (IMAGE, FOV) if key in item.files}
    return {**item.files, **paths, LABEL: final}


def _portable(path: Path, source: ReviewSource, folder: Path) -> str:
    home = source.place if source.place.is_dir() else source.place.parent
    inside = path.is_relative_to(home) and folder.absolute().is_relative_to(home)
    return Path(os.path.relpath(path, folder.absolute())).as_posix() if inside else path.as_posix()
