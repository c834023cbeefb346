"""From a folder of CT to a datalist: volumes upright and cut to the body, written beside it; an item for each slice.

The volumes are written once, as NIfTI in HU, so that a training reads no DICOM and one kind of file. Their names hold
a hash of their content: the datalist that was there before stays true until the new one is in its place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.data.cases import Case
from monai_fundusgen.data.ct_persons import Trace, persons, trace_of
from monai_fundusgen.data.ct_survey import CTSurvey, FoundVolume
from monai_fundusgen.data.ct_volume import nifti_bytes
from monai_fundusgen.data.datalist import CT_READER
from monai_fundusgen.data.splitting import SECTIONS, sections_by_person, shuffled_persons
from monai_fundusgen.storage.whole_file import write_whole

_VOLUME_NAME: Final = re.compile(r"v\d{4}-[0-9a-f]{12}\.nii\.gz")


@dataclass(frozen=True)
class StoredVolume:
    """A volume that was written.

    Attributes:
        name: its file.
        source, kind, identity, remarks: as of `FoundVolume`.
        spacing_mm: (left, back, head).
        heights_mm: of its slices.
        trace: to know its person by.
    """

    name: str
    source: str
    kind: str
    identity: str
    remarks: list[str]
    spacing_mm: tuple[float, float, float]
    heights_mm: list[float]
    trace: Trace

    def told(self, person: int) -> dict[str, Any]:
        """Its line in the datalist; an identity is not told."""
        return {
            "file": self.name, "source": self.source, "kind": self.kind, "person": person,
            "slices": len(self.heights_mm), "spacing_mm": [round(side, 4) for side in self.spacing_mm],
            "remarks": self.remarks,
        }  # fmt: skip


def volumes_folder(datalist: str | Path) -> Path:
    """Folder beside a datalist that its volumes go to: ``ct_volumes`` for ``ct.json``."""
    path = Path(datalist)
    return path.absolute().parent / f"{path.stem}_volumes"


def refuse_other_volumes(datalist: str | Path) -> None:
    """Raise FileExistsError where the folder of the volumes holds files that this program did not write."""
    folder = volumes_folder(datalist)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if not (_VOLUME_NAME.fullmatch(name) or name.startswith("."))]
    if foreign or (folder.exists() and not folder.is_dir()):
        raise FileExistsError(
            f"{folder}: the volumes go there; found {', '.join(foreign[:3]) or 'a file'}, expected nothing, or volumes "
            "of an earlier run; move that away, or name another datalist with -o"
        )


def drop_stale_volumes(datalist: dict[str, Any], path: str | Path) -> None:
    """Delete volumes that the datalist, now in its place, does not name."""
    kept = {volume["file"] for volume in datalist["volumes"]}
    for found in volumes_folder(path).glob("v*.nii.gz"):
        if _VOLUME_NAME.fullmatch(found.name) and found.name not in kept:
            found.unlink()


def _stored(found: FoundVolume, number: int, folder: Path) -> StoredVolume:
    content = nifti_bytes(found.volume)
    name = f"v{number:04d}-{hashlib.sha256(content).hexdigest()[:12]}.nii.gz"
    write_whole(folder / name, content)
    volume = found.volume
    heights = [round(volume.height_mm(index), 3) for index in range(volume.hu.shape[2])]
    return StoredVolume(
        name, found.source, found.kind, found.identity, found.remarks, volume.spacing_mm, heights, trace_of(volume)
    )


def build_ct_datalist(
    directory: str | Path,
    output: str | Path,
    *,
    validation: float = 0.0,
    testing: float = 0.0,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Write the volumes of a folder beside a datalist, and return the datalist with an item for each slice.

    An item holds ``image`` (path of the volume), ``slice`` (index along its third axis), ``position_mm`` (height in the
    scanner), ``volume`` and ``person`` (numbers), and in training ``fold``. What was left out, and why, is under
    ``left_out``.

    Args:
        directory: folder with NIfTI files and DICOM series, in any order below it.
        output: the datalist's file; nothing is written there.
        validation: share of the training persons that becomes the validation part.
        testing: share of all persons that becomes the testing part.
        folds: training items get ``fold`` 0..folds-1, persons kept together.
        seed: of the choice of persons.

    Raises:
        ValueError: not one volume; everything that was left out is listed.
        OSError: no such folder, or the folder for the volumes holds something else.
        ImportError: there is DICOM, and pydicom is not installed.
    """
    if folds < 1 or seed < 0:
        raise ValueError(f"folds {folds}, seed {seed}; expected at least 1, and at least 0")
    refuse_other_volumes(output)
    survey, folder = CTSurvey(Path(directory).absolute()), volumes_folder(output)
    stored = [_stored(found, number, folder) for number, found in enumerate(survey.volumes())]
    if not stored:
        reasons = [f"  {source}: {reason}" for source, reason in survey.left_out[:20]] or ["  nothing"]
        raise ValueError("\n".join([f"{directory}: not one CT volume, in NIfTI or DICOM; it holds", *reasons]))
    whose = persons([one.identity for one in stored], [one.trace for one in stored])
    cases = [Case(str(number), "training", {}, f"{person:05d}") for number, person in enumerate(whose)]
    sections = sections_by_person(cases, validation, testing, seed)
    fold = {person: place % folds for place, person in enumerate(shuffled_persons(sections["training"], seed + 2))}
    items: dict[str, list[dict[str, Any]]] = {
        name: _items(sections[name], stored, whose, folder.name) for name in SECTIONS
    }
    for item in items["training"]:
        item["fold"] = fold[f"{item['person']:05d}"]
    return {
        "name": Path(directory).absolute().name,
        "description": "CT slices in HU. Volumes upright and cut to the body; split by person.",
        "licence": "", "reference": "",
        "tensorImageSize": "2D",
        "modality": {"0": "CT"},
        "labels": {},
        "reader": CT_READER,
        "volumes": [one.told(person) for one, person in zip(stored, whose, strict=True)],
        "left_out": [list(one) for one in survey.left_out],
        "numTraining": len(items["training"]), "numValidation": len(items["validation"]),
        "numTest": len(items["testing"]),
        **items,
    }  # fmt: skip


def _items(
    cases: Sequence[Case], stored: Sequence[StoredVolume], whose: Sequence[int], folder: str
) -> list[dict[str, Any]]:
    """One item for each slice of the volumes of a section."""
    return [
        {
            IMAGE: f"{folder}/{stored[number].name}", "slice": index, "position_mm": height, "volume": number,
            "person": whose[number],
        }
        for number in (int(case.id) for case in cases) for index, height in enumerate(stored[number].heights_mm)
    ]  # fmt: skip


def describe_ct(datalist: dict[str, Any], path: str | Path) -> str:
    """Summary of a CT datalist for the console: every volume, and everything that was left out."""
    volumes, left_out = datalist["volumes"], datalist["left_out"]
    count = len({volume["person"] for volume in volumes})
    lines = [f"{path}: {len(volumes)} volumes of {count} persons, every file read and checked"]
    lines += [f"  slices: {', '.join(f'{len(datalist[name])} {name}' for name in SECTIONS)}"]
    for volume in volumes:
        sides = " x ".join(f"{side:g}" for side in volume["spacing_mm"])
        told = "; ".join([f"person {volume['person']}", f"{volume['slices']} slices of {sides} mm", *volume["remarks"]])
        lines.append(f"  {volume['file'][:5]} {volume['kind']} {volume['source']}: {told}")
    lines += [f"  left out: {source}: {reason}" for source, reason in left_out]
    return "\n".join([*lines, f"  read them with {CT_READER}"])
