"""Finding the cases of a set on disk: which files belong together, and what is missing."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monai_fundusgen.conventions import FOV, IMAGE, LABEL, VESSEL
from monai_fundusgen.data.layouts import LAYOUTS, PAIRED, Layout, Section, SectionName

MANIFEST: Final = "manifest.csv"
_MANIFEST_KEYS: Final = {"image": IMAGE, "av": LABEL, "vessel": VESSEL, "fov": FOV}
_MANIFEST_SPLITS: Final[dict[str, SectionName]] = {
    "": "training", "train": "training", "training": "training",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "testing", "testing": "testing",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One eye on disk: its section, its person, and its files by item key."""

    id: str
    section: SectionName
    files: dict[str, Path]
    patient: str
    group: str = ""
    size: tuple[int, int] | None = None  # (width, height) that the manifest promises


@dataclass
class Survey:
    """What a folder holds: the cases found, one line per thing that is wrong, and whether it may be another set."""

    cases: list[Case] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    foreign: bool = False


def _names(folder: Path) -> list[str]:
    """Names in a folder, sorted, hidden ones left out; [] where there is no such folder."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _partner(root: Path, templates: tuple[str, ...], groups: dict[str, str]) -> Path | None:
    """The first alternative that exists; a link that leads nowhere counts, so that reading it can complain."""
    candidates = (root / template.format(**groups) for template in templates)
    return next((path for path in candidates if os.path.lexists(path)), None)


def _folder_is_missing(root: Path, templates: tuple[str, ...]) -> bool:
    return not any(_names((root / template).parent) for template in templates)


def _photographs(root: Path, section: Section) -> list[re.Match[str]]:
    pattern = re.compile(section.pattern)
    return [match for name in _names(root / section.folder) if (match := pattern.fullmatch(name))]


def _survey_section(root: Path, section: Section) -> Survey:
    survey = Survey()
    wanted = {
        key: templates
        for key, templates in section.templates.items()
        if not (key in section.optional and _folder_is_missing(root, templates))
    }
    missing: dict[str, list[str]] = {key: [] for key in wanted}
    for match in _photographs(root, section):
        groups = {name: value or "" for name, value in match.groupdict().items()}
        files = {IMAGE: root / section.folder / match.string}
        for key, templates in wanted.items():
            path = _partner(root, templates, groups)
            if path is not None:
                files[key] = path
                continue
            other = " or another image format" if len(templates) > 1 else ""
            missing[key].append(
                f"{files[IMAGE]}: no {key} file; expected {root / templates[0].format(**groups)}{other}"
            )
        patient = groups.get("patient") or f"{section.name} {groups['id']}"  # ids may begin anew in the test half
        survey.cases.append(Case(groups["id"], section.name, files, patient, groups.get("group", "")))
    for key, lines in missing.items():
        if 1 < len(lines) == len(survey.cases):
            lines[:] = [f"{root / section.folder}: not one of {len(lines)} photographs has its {key} file; {lines[0]}"]
            survey.foreign = True
        survey.problems += lines
    if section.num_cases is not None and len(survey.cases) != section.num_cases:
        survey.problems.append(
            f"{root / section.folder}: found {len(survey.cases)} photographs named like {section.pattern}, "
            f"expected {section.num_cases}; unpack the original archive there, whole and with its own names"
        )
        survey.foreign = survey.foreign or not survey.cases
    return survey


def _orphans(root: Path, survey: Survey) -> list[str]:
    """Labels of a paired folder that belong to no photograph."""
    stems = {case.files[IMAGE].stem for case in survey.cases}
    return [
        f"{root / folder / name}: no photograph {root / 'images' / Path(name).stem} belongs to it"
        for folder in ("av", "vessel", "fov")
        for name in _names(root / folder)
        if Path(name).stem not in stems and Path(name).suffix
    ]


def _manifest_case(root: Path, row: dict[str, str]) -> Case:
    split = row.get("split", "").strip().lower()
    if split not in _MANIFEST_SPLITS:
        raise ValueError(f"split {split!r}; expected training, validation or testing")
    files = {key: root / row[column] for column, key in _MANIFEST_KEYS.items() if row.get(column)}
    if not row.get("id") or IMAGE not in files:
        raise ValueError("no id or no image; both columns must be filled")
    missing = [str(path) for path in files.values() if not os.path.lexists(path)]
    if missing:
        raise ValueError("no such file: " + ", ".join(missing))
    sides = [row[name] for name in ("width", "height") if row.get(name)]
    if not all(side.isdecimal() for side in sides):
        raise ValueError(f"width and height {' x '.join(sides)}; expected whole numbers of pixels, or nothing")
    size = (int(sides[0]), int(sides[1])) if len(sides) == 2 else None
    return Case(row["id"], _MANIFEST_SPLITS[split], files, row.get("patient") or row["id"], row.get("group", ""), size)


def _survey_manifest(root: Path) -> Survey:
    survey = Survey()
    try:
        with open(root / MANIFEST, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{root / MANIFEST}: no table ({error}); save it as CSV in UTF-8") from error
    if not rows:
        survey.problems.append(f"{root / MANIFEST}: lists no case; fill it or delete it")
    for line, row in enumerate(rows, start=2):
        cells = {str(key).strip(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
        try:
            survey.cases.append(_manifest_case(root, cells))
        except ValueError as error:
            survey.problems.append(f"{root / MANIFEST}, line {line}: {error}")
    return survey


def _doubles(cases: list[Case]) -> list[str]:
    counts = Counter((case.section, case.id) for case in cases)
    return [f"{id}: {count} photographs bear this name; keep one" for (_, id), count in counts.items() if count > 1]


def _fitting(layout: Layout, root: Path) -> str:
    """Which other layout the files look like, or an empty string."""
    names = [other.name for other in LAYOUTS.values() if other is not layout and _holds(other, root)]
    return f"the files look like layout {' or '.join(names)}: try that" if names else ""


def _hint(layout: Layout, root: Path) -> str:
    """Which set this is, or where the set probably is, or what is there."""
    if fitting := _fitting(layout, root):
        return fitting
    nested = [name for name in _names(root) if _holds(layout, root / name)]
    if nested:
        return f"the set lies one folder down: give {root / nested[0]}"
    found = ", ".join(_names(root)[:8]) or "nothing"
    expected = ", ".join(f"{section.folder or '.'}/" for section in layout.sections)
    return f"it holds {found}; layout {layout.name} keeps its photographs in {expected} (docs/reference/layouts.md)"


def _holds(layout: Layout, root: Path) -> bool:
    """True if every section has photographs, and the first of them a partner."""
    for section in layout.sections:
        matches = _photographs(root, section)
        if not matches:
            return False
        groups = {name: value or "" for name, value in matches[0].groupdict().items()}
        if not any(_partner(root, templates, groups) for templates in section.templates.values()):
            return False
    return True


def _sections_of(layout: Layout, root: Path) -> tuple[Section, ...]:
    """The layout's parts, by the folders of its split where those are there."""
    return layout.halves if any((root / half.folder).is_dir() for half in layout.halves) else layout.sections


def survey(layout: Layout, root: Path) -> Survey:
    """Cases of a set below ``root``, and everything that is missing, double or left over.

    Raises:
        FileNotFoundError: no such folder.
        NotADirectoryError: a file.
        ValueError: not one photograph; the message says which layout fits, if any does.
    """
    if not root.exists():
        raise FileNotFoundError(f"{root}: no such folder")
    if not root.is_dir():
        raise NotADirectoryError(f"{root}: a file; give the folder that layout {layout.name} was unpacked to")
    if layout is PAIRED and (root / MANIFEST).is_file():
        found = _survey_manifest(root)
    else:
        parts = [_survey_section(root, section) for section in _sections_of(layout, root)]
        found = Survey([c for part in parts for c in part.cases], [p for part in parts for p in part.problems])
        if not found.cases:
            raise ValueError(f"{root}: not one photograph of layout {layout.name}; {_hint(layout, root)}")
        if any(part.foreign for part in parts) and (fitting := _fitting(layout, root)):
            found.problems.append(fitting)
        found.problems += _orphans(root, found) if layout is PAIRED else []
    found.problems += _doubles(found.cases)
    return found
