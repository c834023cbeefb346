"""From a set on disk to a datalist: verify every file, split by person, write what MONAI reads.

The datalist is a decathlon file. Its items hold paths and integers only, because ``load_decathlon_datalist`` turns any
string that happens to exist on disk into a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import FOV, IMAGE, LABEL, LABEL_NAMES, VESSEL
from monai_fundusgen.data.cases import Case, survey
from monai_fundusgen.data.exported import layout_of_export
from monai_fundusgen.data.layouts import Layout, SectionName
from monai_fundusgen.data.reading import label_coding, read_av, read_fov, read_rgb, read_vessel
from monai_fundusgen.data.splitting import SECTIONS, sections_by_person, shuffled_persons
from monai_fundusgen.storage.whole_file import write_whole

#: What opens the files of a datalist: labels come in colours, codes or levels, and as codes out of it.
READER: Final = "monai_fundusgen.data.loading.LoadFundusd"
#: The same for datalists of CT slices.
CT_READER: Final = "monai_fundusgen.data.ct_slices.LoadSliced"
_DARK: Final = 16  # a photograph has brighter pixels than this
VESSEL_LABEL_NAMES: Final = {0: "background", 1: "vessel"}


def _checked_av(path: Path) -> NDArray[np.bool_]:
    planes = read_av(path)
    if not (planes.artery.any() or planes.vein.any()):
        found = "only uncertain (white) pixels: is it a binary vessel map?" if planes.uncertain.any() else "all black"
        raise ValueError(f"{path}: no artery and no vein; the label is {found}")
    return planes.artery


def _checked_vessel(path: Path) -> NDArray[np.bool_]:
    vessel = read_vessel(path)
    if not vessel.any():
        raise ValueError(f"{path}: the vessel map is all black")
    return vessel


def _checked_photograph(path: Path) -> NDArray[np.uint8]:
    rgb = read_rgb(path)
    if rgb.max() < _DARK:
        raise ValueError(
            f"{path}: the photograph is black (no value above {rgb.max()} of 255); take it from the original"
        )
    return rgb[0]


_READERS: Final = {IMAGE: _checked_photograph, LABEL: _checked_av, VESSEL: _checked_vessel, FOV: read_fov}


def verify_case(case: Case, size: tuple[int, int] | None = None) -> list[str]:
    """Read every file of a case to its end; one line per file that is unreadable, mislabelled or of the wrong size.

    Args:
        case: the case.
        size: (width, height) that the set promises; left out, the photograph's own size holds for its labels.
    """
    problems = []
    expected = case.size or size
    for key, path in sorted(case.files.items(), key=lambda entry: entry[0] != IMAGE):
        try:
            height, width = _READERS[key](path).shape
        except (OSError, ValueError) as error:
            problems.append(str(error))
            continue
        if expected is None and key == IMAGE:
            expected = (width, height)
        elif expected is not None and (width, height) != expected:
            whose = "the set" if case.size or size else "its photograph"
            problems.append(f"{path}: {width} x {height} px; {whose} has {expected[0]} x {expected[1]}")
    return problems


def _item(case: Case, base_dir: Path) -> dict[str, Any]:
    files = dict(case.files)
    if LABEL not in files and VESSEL in files:
        files[LABEL] = files[VESSEL]
    return {key: _portable(files[key], base_dir) for key in (IMAGE, LABEL, VESSEL, FOV) if key in files}


def _portable(path: Path, base_dir: Path) -> str:
    return path.relative_to(base_dir).as_posix() if path.is_relative_to(base_dir) else path.as_posix()


def _absolute(path: str | Path) -> Path:
    """Absolute path; links are followed only where a ``..`` makes that necessary."""
    path = Path(path)
    return path.resolve() if ".." in path.parts else path.absolute()


def _verified(layout: Layout, root: Path, threads: int) -> list[Case]:
    found = survey(layout, root)
    with ThreadPoolExecutor(threads) as pool:
        for problems in pool.map(partial(verify_case, size=layout.size), found.cases):
            found.problems += problems
    if found.problems:
        raise ValueError(_complaint(layout, root, found.problems))
    return found.cases


def _complaint(layout: Layout, root: Path, problems: Iterable[str]) -> str:
    lines = list(dict.fromkeys(problems))
    head = f"{root}: {len(lines)} thing{'s' * (len(lines) > 1)} wrong with it as layout {layout.name}; nothing written"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def build_datalist(
    layout: Layout,
    directory: str | Path,
    base_dir: str | Path,
    *,
    validation: float = 0.0,
    testing: float = 0.0,
    folds: int = 5,
    seed: int = 0,
    threads: int = 2,
) -> dict[str, Any]:
    """Datalist of a public set, every one of its files read and checked.

    Args:
        layout: see `monai_fundusgen.data.layouts.find_layout`.
        directory: folder the set was unpacked to.
        base_dir: folder the datalist will lie in; paths below it are written relative to it, others absolute.
        validation: share of the training persons that becomes the validation part.
        testing: share of all persons that becomes the testing part, for sets without one.
        folds: training items get ``fold`` 0..folds-1, persons kept together and groups spread evenly.
        seed: of both draws and of the folds.
        threads: files read at a time.

    Raises:
        ValueError: anything is wrong with the set; the message lists everything.
        OSError: no such folder.
    """
    root, base_dir = _absolute(directory), _absolute(base_dir)
    if folds < 1:
        raise ValueError(f"folds {folds}; expected at least 1")
    layout = layout_of_export(layout, root)
    if seed < 0:
        raise ValueError(f"seed {seed}; expected at least 0")
    sections = sections_by_person(_verified(layout, root, threads), validation, testing, seed)
    fold = {person: place % folds for place, person in enumerate(shuffled_persons(sections["training"], seed + 2))}
    labels = _label_names([case for name in ("training", "validation") for case in sections[name]])
    items: dict[str, list[dict[str, Any]]] = {
        name: [_item(case, base_dir) for case in cases] for name, cases in sections.items()
    }
    for item, case in zip(items["training"], sections["training"], strict=True):
        item["fold"] = fold[case.patient]
    told = {
        "name": layout.name if layout.reference else root.name,
        "description": f"{layout.title}. Labels: {layout.annotator}. Split: {layout.split}.",
        "licence": layout.licence,
        "reference": layout.reference,
    }
    return photograph_datalist(told, items, label_files=_label_files(sections), labels=labels)


def photograph_datalist(
    told: Mapping[str, str],
    items: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    label_files: str,
    labels: Mapping[int, str] = LABEL_NAMES,
) -> dict[str, Any]:
    """A datalist of photographs in MONAI's decathlon form.

    Args:
        told: ``name`` and ``description``, and what else there is to tell.
        items: of the sections; one that is missing is empty.
        label_files: how the label files are to be read, in words.
        labels: name of each code.
    """
    sections = {name: list(items.get(name, ())) for name in ("training", "validation", "testing")}
    return {
        **told,
        "tensorImageSize": "2D",
        "modality": {"0": "CFP"},
        "labels": {str(code): name for code, name in labels.items()},
        "label_files": label_files,
        "reader": READER,
        "numTraining": len(sections["training"]),
        "numValidation": len(sections["validation"]),
        "numTest": len(sections["testing"]),
        **sections,
    }


def _label_names(cases: Sequence[Case]) -> dict[int, str]:
    """What the labels of the training cases mean: artery/vein codes, or vessel and background."""
    count = sum(LABEL in case.files for case in cases)
    if count == len(cases):
        return LABEL_NAMES
    if count == 0 and all(VESSEL in case.files for case in cases):
        return VESSEL_LABEL_NAMES
    bare = next(case for case in cases if LABEL not in case.files)
    raise ValueError(
        f"{count} of {len(cases)} training cases have an artery/vein label, {bare.files[IMAGE]} has none; "
        f"give every case one, or give none and every case a vessel map"
    )


def _label_files(sections: Mapping[SectionName, Sequence[Case]]) -> str:
    """How the label files hold their codes: as such, in colours, or as two levels; of all cases that have a label."""
    found = {
        "two levels, black and vessel" if LABEL not in case.files else label_coding(case.files[LABEL])
        for cases in sections.values() for case in cases if LABEL in case.files or VESSEL in case.files
    }  # fmt: skip
    return " or ".join(sorted(found))


def refuse_other_file(path: str | Path) -> None:
    """Raise unless ``path`` is free, or holds a datalist that this program wrote (it names `READER` or `CT_READER`).

    Raises:
        FileExistsError: the file is something else, which nobody asked to lose.
        IsADirectoryError: a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name the file to write, for instance {path / 'datalist.json'}")
    if not path.exists():
        return
    try:
        ours = json.loads(path.read_text(encoding="utf-8")).get("reader") in (READER, CT_READER)
    except (OSError, ValueError, AttributeError):
        ours = False
    if not ours:
        raise FileExistsError(
            f'{path}: is there, and no datalist that `fundusgen datalist` wrote (its "reader" would be {READER}, or '
            f"{CT_READER}); move it away, or name another file with -o"
        )


def refuse_missing_folder(path: str | Path) -> None:
    """Raise FileNotFoundError unless the folder that ``path`` shall be written to exists."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; make it first, or name another output file")


def write_datalist(path: str | Path, datalist: dict[str, Any]) -> None:
    """Write a datalist, whole or not at all, in ASCII, so that it reads the same whatever the locale.

    Raises:
        FileNotFoundError: the folder does not exist.
        FileExistsError, IsADirectoryError: something else is there.
    """
    refuse_missing_folder(path)
    refuse_other_file(path)
    write_whole(path, (json.dumps(datalist, indent=1) + "\n").encode("ascii"))


def describe(datalist: dict[str, Any], path: str | Path) -> str:
    """Summary of a datalist for the console."""
    items = [item for name in SECTIONS for item in datalist[name]]
    counts = ", ".join(f"{len(datalist[name])} {name}" for name in SECTIONS)
    having = ", ".join(f"{key} {sum(key in item for item in items)}" for key in (IMAGE, LABEL, VESSEL, FOV))
    labels = ", ".join(f"{code} {name}" for code, name in datalist["labels"].items())
    return "\n".join(
        [
            f"{path}: {datalist['name']}, every file read and checked",
            f"  cases: {counts}",
            f"  files: {having}",
            f"  labels: {labels}",
            f"  in the files: {datalist['label_files']}; read them with {READER}",
            f"  load_decathlon_datalist({str(path)!r}, True, 'training')",
        ]
    )
