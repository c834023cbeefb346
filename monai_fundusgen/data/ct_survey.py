"""What a folder of CT holds: NIfTI volumes and DICOM series, made upright, cut to the body; and what was left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monai_fundusgen.data.ct_body import body_box
from monai_fundusgen.data.ct_series import SliceFile, even_runs, read_run, remarks, slice_file, stacks
from monai_fundusgen.data.ct_volume import CTVolume, read_nifti

_NIFTI: Final = (".nii", ".nii.gz")
_LABEL_FOLDERS: Final = frozenset({"segmentations", "segmentation", "labels", "masks"})
_LABEL_ENDINGS: Final = ("_seg", "_label", "_labels", "_mask", "_segmentation")
_OTHER: Final = (".json", ".txt", ".csv", ".md", ".pdf", ".png", ".jpg", ".jpeg", ".xml", ".html", ".zip")


@dataclass(frozen=True)
class FoundVolume:
    """One volume of a folder.

    Attributes:
        source: the file, or the folder of the series, below the folder that was searched.
        kind: NIfTI or DICOM.
        identity: of the patient, as the header tells it; empty where it does not.
        volume: upright, cut to the body.
        remarks: what was done to it.
    """

    source: str
    kind: str
    identity: str
    volume: CTVolume
    remarks: list[str]


@dataclass
class CTSurvey:
    """What was found below a folder.

    Attributes:
        root: the folder.
        left_out: (source, reason) of all that is no CT volume, one for each series or file.
    """

    root: Path
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def volumes(self) -> Iterator[FoundVolume]:
        """Every volume, one after the other; `left_out` is complete at the end.

        Raises:
            FileNotFoundError, NotADirectoryError: no such folder.
            ImportError: there is DICOM, and pydicom is not installed.
        """
        if not self.root.exists():
            raise FileNotFoundError(f"{self.root}: no such folder")
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root}: a file; give the folder that holds the scans")
        paths = sorted(Path(folder) / name for folder, _, names in os.walk(self.root) for name in names)
        shown = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(self.root).parts)]
        for path in shown:
            if path.name.lower().endswith(_NIFTI):
                yield from self._of_file(path)
        yield from self._of_series([path for path in shown if not path.name.lower().endswith((*_NIFTI, *_OTHER))])

    def _below(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _of_file(self, path: Path) -> Iterator[FoundVolume]:
        source, stem = self._below(path), path.name.lower().split(".nii")[0]
        if stem.endswith(_LABEL_ENDINGS) or _LABEL_FOLDERS & {part.lower() for part in Path(source).parts[:-1]}:
            self.left_out.append((source, "named as a label map; expected CT in HU"))
            return
        try:
            volume = read_nifti(path)
            yield FoundVolume(source, "NIfTI", "", volume.crop(body_box(volume)), [])
        except (OSError, ValueError) as error:
            self.left_out.append((source, str(error).removeprefix(f"{path}: ")))

    def _of_series(self, paths: list[Path]) -> Iterator[FoundVolume]:
        for stack in stacks(self._slices(paths)):
            folder = self._below(stack[0].path.parent)
            try:
                runs = even_runs(stack)
            except ValueError as error:
                self.left_out.append((f"{folder} ({len(stack)} slices)", str(error)))
                continue
            for number, run in enumerate(runs, 1):
                part = (
                    [f"part {number} of {len(runs)}: slices are missing, or the step changes"] if len(runs) > 1 else []
                )
                try:
                    volume = read_run(run)
                    cut = volume.crop(body_box(volume))
                except (OSError, ValueError) as error:
                    self.left_out.append((f"{folder} ({len(run)} slices)", str(error)))
                    continue
                yield FoundVolume(folder, "DICOM", run[0].person, cut, [*part, *remarks(run)])

    def _slices(self, paths: list[Path]) -> list[SliceFile]:
        """Headers of CT slices; of other DICOM files one line for each folder and reason."""
        found, reasons = [], dict[tuple[str, str], int]()
        for path in paths:
            try:
                one = slice_file(path)
            except (OSError, ValueError) as error:
                key = self._below(path.parent), str(error)
                reasons[key] = reasons.get(key, 0) + 1
                continue
            found += [] if one is None else [one]
        self.left_out += [(f"{folder} ({count} files)", reason) for (folder, reason), count in reasons.items()]
        return found
