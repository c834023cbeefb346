"""The card of an export: the files that are really there, and what the data set's own card tells of their making."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from monai_fundusgen import __version__
from monai_fundusgen.data.exported import PROMISE
from monai_fundusgen.export.formats import Format
from monai_fundusgen.export.options import OPTIONS
from monai_fundusgen.export.source import SourceDataset
from monai_fundusgen.storage.contained import read_contained

CARD: Final = "README.md"
#: Sections of the data set's card that speak of its own folder.
_OF_THE_FOLDER: Final = ("Files", "Made by")
_PICTURE: Final = re.compile(r"^!\[.*\]\(.*\)$", re.MULTILINE)
_FRONT: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_TITLE: Final = re.compile(r"^# .*$", re.MULTILINE)


def export_card(name: str, form: Format, source: SourceDataset, folder: Path, values: Mapping[str, Any]) -> str:
    """README of an export.

    Args:
        name: of the format.
        form: the format.
        source: the data set; its card is read, and the sections on its making, figures, limits and licence are kept.
        folder: what was written, but for the card.
        values: options of the export.

    Raises:
        FileNotFoundError: the data set has no card.
    """
    front, opening, sections = _read(source)
    parts = [
        *([front] if name == "huggingface" else []),
        f"# {_title(opening)}: {name}",
        _TITLE.sub("", opening, count=1),
        _layout(name, form, folder),
        _split(source),
        f"## Use\n\n{form.use}",
        *(text for title, text in sections if title not in _OF_THE_FOLDER),
        _made(name, values),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _read(source: SourceDataset) -> tuple[str, str, list[tuple[str, str]]]:
    """Metadata block, opening, and sections (title, text) of the data set's card, without its pictures."""
    try:
        text = read_contained(source.root, CARD).decode()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; run fundusgen verify on the data set") from error
    front = _FRONT.match(text)
    opening, *rest = re.split(r"^## ", _PICTURE.sub("", _FRONT.sub("", text)), flags=re.MULTILINE)
    sections = [(section.split("\n", 1)[0].strip(), f"## {section}") for section in rest]
    return front.group() if front else "", opening, sections


def _title(opening: str) -> str:
    found = _TITLE.search(opening)
    return found.group().removeprefix("# ") if found else "Data set"


def _layout(name: str, form: Format, folder: Path) -> str:
    """The rows of the format that some file belongs to."""
    texts = {**form.files, PROMISE: "format, samples of each part, side of the photographs"}
    patterns = {path: pattern_of(path) for path in texts}
    found = dict.fromkeys(texts, 0)
    for file in _files(folder):
        found[next(path for path, pattern in patterns.items() if pattern.fullmatch(file))] += 1
    rows = [f"| `{path}` | {count:,} | {texts[path]} |" for path, count in found.items() if count]
    return "\n".join([f"## Files\n\nLayout `{name}`.\n", "| file | number | content |", "|---|---|---|", *rows])


def pattern_of(path: str) -> re.Pattern[str]:
    """Names that a path of `Format.files` stands for."""
    return re.compile(re.sub("<[a-z]+>", "[^/]+", re.escape(path)))


def _files(folder: Path) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        for file in names:
            yield (Path(where) / file).relative_to(folder).as_posix()


def _split(source: SourceDataset) -> str:
    counts = ", ".join(f"{count:,} {part}" for part, count in source.counts.items() if count)
    return f"Samples: {counts}."


def _made(name: str, values: Mapping[str, Any]) -> str:
    shown = [f"{OPTIONS[key].flag}{'' if value is True else f' {value}'}" for key, value in values.items() if value]
    flags = "".join(f" {one}" for one in shown)
    return (
        f"## Made by\n\n    fundusgen export SET OUT --to {name}{flags}\n\nof monai_fundusgen {__version__}. Seeds, "
        "settings and hashes of all samples are in the folder of the data set itself (`run.json`, `manifest.jsonl`), "
        "which this export does not hold."
    )
