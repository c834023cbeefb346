"""What an export of ours promises of itself, so that the reader of a public layout can check it by its own numbers.

A layout knows the sizes and counts of the archive that it describes. An export in that layout has others; they stand in
``export.json`` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from monai_fundusgen import __version__
from monai_fundusgen.data.layouts import Layout
from monai_fundusgen.storage.contained import read_contained
from monai_fundusgen.storage.whole_file import write_json

PROMISE: Final = "export.json"
_TOOL: Final = "monai_fundusgen"
_SECTIONS: Final = {"training": "train", "validation": "val", "testing": "test"}


def write_promise(folder: Path, layout: str, counts: Mapping[str, int], side: int | None) -> None:
    """Write ``export.json``: format, samples of each part (``train``, ``val``, ``test``), side in px, program."""
    content = {"tool": _TOOL, "version": __version__, "format": layout, "samples": dict(counts), "side_px": side}
    write_json(folder / PROMISE, content)


def layout_of_export(layout: Layout, folder: Path) -> Layout:
    """The layout with the numbers of an export of ours, where the folder is one in it; else the layout as it is.

    Raises:
        ValueError: ``export.json`` is there, and is not what an export writes.
    """
    try:
        text = read_contained(folder, PROMISE)
    except FileNotFoundError:
        return layout
    try:
        content: dict[str, Any] = json.loads(text)
        counts = {section: int(content["samples"][part]) for section, part in _SECTIONS.items()}
        side = content["side_px"]
        if content["tool"] != _TOOL or not (side is None or type(side) is int):
            raise ValueError("another tool, or no size")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / PROMISE}: not what an export writes ({type(error).__name__}: {error}); make the export again"
        ) from error
    if content["format"] != layout.name:
        return layout
    return replace(
        layout,
        title=f"Synthetic photographs in the layout of {layout.name}",
        sections=tuple(replace(section, num_cases=counts[section.name]) for section in layout.sections),
        size=None if side is None else (side, side),
        annotator=_TOOL,
        split="of the export",
        field_deg=None,
        reference="",
        licence="",
    )
