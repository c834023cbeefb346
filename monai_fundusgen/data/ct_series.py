"""DICOM files of CT slices: which belong to one series, which are none of it, and the volumes that they make.

Hounsfield units are ``slope * stored + intercept`` whatever the photometric interpretation: MONOCHROME1 says how to
show a slice, not what was measured. (ITK and GDCM turn the values of such files round.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.data.ct_volume import CTVolume, checked_hu, lean_deg, upright

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NEEDED: Final = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "RescaleSlope",
    "RescaleIntercept",
)  # fmt: skip
_AXIAL_DEG: Final = 30.0  # the largest tilt of a gantry
_SAME_MM: Final = 0.05  # positions are written with few digits
_GAP: Final = 1.5  # a step of so many usual ones is a gap


@dataclass(frozen=True)
class SliceFile:
    """What the header of one CT slice says; directions and positions in mm as DICOM counts: left, back, head.

    Attributes:
        path: the file.
        series: what slices of one stack share: series, size, spacing, directions.
        person: identity of the patient; an empty text where the header tells none.
        rows_to: unit vector along a row. columns_to: down a column.
        position_mm: middle of the first pixel.
        spacing_mm: (along a row, down a column).
        thickness_mm: as told, or 1.
        instance: identity of the slice.
        remark: what the user should know of it.
    """

    path: Path
    series: tuple[Any, ...]
    person: str
    rows_to: NDArray[np.float64]
    columns_to: NDArray[np.float64]
    position_mm: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    thickness_mm: float
    instance: str
    remark: str = ""

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector out of the slice's plane."""
        found: NDArray[np.float64] = np.cross(self.rows_to, self.columns_to)
        return found

    @property
    def axial(self) -> bool:
        """Whether the plane leans by no more than a gantry can."""
        return bool(abs(self.normal[2]) >= np.cos(np.radians(_AXIAL_DEG)))


def slice_file(path: Path) -> SliceFile | None:
    """The header of a CT slice; None where the file is no DICOM at all.

    Raises:
        ImportError: pydicom is not installed.
        ValueError: DICOM, but no CT slice with a place and a scale; the message says what it is.
    """
    header = _header(path)
    if header is None:
        return None
    _require_slice(header)
    orientation = np.array(header.ImageOrientationPatient, dtype=np.float64)
    position = np.array(header.ImagePositionPatient, dtype=np.float64)
    down, along = (float(side) for side in header.PixelSpacing)
    if not (np.isfinite(position).all() and np.isfinite(orientation).all()):
        raise ValueError("a place that is no number; expected ImagePositionPatient in mm")
    if min(down, along) <= 0 or not np.isfinite([down, along]).all():
        raise ValueError(f"pixels of {down:g} x {along:g} mm; expected sides above 0")
    rows_to, columns_to = orientation[:3], orientation[3:]
    if abs(np.linalg.norm(rows_to) - 1) > 0.01 or abs(np.linalg.norm(columns_to) - 1) > 0.01:
        raise ValueError(f"directions {orientation.tolist()}; expected two unit vectors")
    frame = (header.Rows, header.Columns, round(down, 4), round(along, 4), *np.round(orientation, 3).tolist())
    thickness = float(header.get("SliceThickness") or 0)
    return SliceFile(
        path, (str(header.get("SeriesInstanceUID") or path.parent), *frame),
        str(header.get("PatientID") or header.get("PatientName") or ""), rows_to, columns_to, position,
        (along, down), thickness if thickness > 0 else 1.0, str(header.get("SOPInstanceUID") or ""),
        "MONOCHROME1" if header.get("PhotometricInterpretation") == "MONOCHROME1" else "",
    )  # fmt: skip


def _header(path: Path) -> Dataset | None:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise ImportError("DICOM needs pydicom: pip install 'monai-fundusgen[ct]'") from error
    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    except Exception as error:  # a cut header fails in many ways
        raise ValueError(f"its header cannot be read ({' '.join(str(error).split()) or error!r})") from error


def _require_slice(header: Dataset) -> None:
    """Raise ValueError unless the header is that of one measured CT slice."""
    kind = [str(word).upper() for word in header.get("ImageType") or []]
    if header.get("Modality") != "CT":
        raise ValueError(f"modality {header.get('Modality') or 'not told'}; expected CT")
    if header.get("SamplesPerPixel", 1) != 1:
        raise ValueError(f"{header.SamplesPerPixel} colours a pixel, a secondary capture; expected HU")
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise ValueError(
            f"{header.NumberOfFrames} frames in one file (enhanced CT); expected a file a slice: give it as NIfTI, "
            "for instance from dcm2niix"
        )
    if {"LOCALIZER", "SCOUT", "TOPOGRAM"} & set(kind):
        raise ValueError("a localizer, not a slice")
    missing = [name for name in _NEEDED if header.get(name) is None or header.get(name) == ""]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}; expected an axial slice with its place and its scale")


def stacks(slices: Iterable[SliceFile]) -> list[list[SliceFile]]:
    """Slices of one series and one orientation together, from foot to head, copies of a slice left out."""
    groups: dict[tuple[Any, ...], dict[str, SliceFile]] = {}
    for one in slices:
        groups.setdefault(one.series, {}).setdefault(one.instance or str(one.path), one)
    return [sorted(group.values(), key=_along) for _, group in sorted(groups.items(), key=lambda entry: str(entry[0]))]


def _along(one: SliceFile) -> float:
    """Place along the axis of the stack, in mm, growing to the head."""
    sign = 1.0 if one.normal[2] >= 0 else -1.0
    return float(sign * one.normal @ one.position_mm)


def even_runs(stack: Sequence[SliceFile]) -> list[list[SliceFile]]:
    """A stack cut where slices are missing or the step changes; each run has one step.

    Raises:
        ValueError: two slices at one place, or planes that are not axial.
    """
    if not stack[0].axial:
        raise ValueError(f"planes with the normal {np.round(stack[0].normal, 2).tolist()}; expected axial slices")
    places = np.array([_along(one) for one in stack])
    steps = np.diff(places)
    if len(steps) and steps.min() < _SAME_MM:
        where = places[int(steps.argmin())]
        raise ValueError(
            f"two slices at {where:.1f} mm: several acquisitions in one series; export each as a series of its own"
        )
    usual = float(np.median(steps)) if len(steps) else 0.0
    runs = [[stack[0]]]
    for one, step in zip(stack[1:], steps, strict=True):
        run = runs[-1]
        known = abs(_along(run[-1]) - _along(run[-2])) if len(run) > 1 else step
        if step > _GAP * usual or abs(step - known) > _SAME_MM:
            runs.append([one])
        else:
            run.append(one)
    return runs


def read_run(run: Sequence[SliceFile]) -> CTVolume:
    """The volume of evenly spaced slices, upright; a tilted gantry is straightened.

    Raises:
        OSError: a file that is cut or cannot be unpacked.
        ValueError: no HU, or slices that lie beside one another.
    """
    affine = stack_affine(run)
    values = np.stack([_hu_of(one.path).T for one in run], axis=-1)
    return upright(CTVolume(checked_hu(values), affine))


def stack_affine(run: Sequence[SliceFile]) -> NDArray[np.float64]:
    """(4, 4) from (column, row, slice) to mm in NIfTI's axes; sheared where the gantry was tilted.

    Raises:
        ValueError: the slices lie on no line.
    """
    first, last = run[0], run[-1]
    count = len(run)
    step = (last.position_mm - first.position_mm) / (count - 1) if count > 1 else first.normal * first.thickness_mm
    off = max(float(np.linalg.norm(one.position_mm - first.position_mm - k * step)) for k, one in enumerate(run))
    if off > max(0.5, first.spacing_mm[0]):
        raise ValueError(f"slices lie beside one another, by up to {off:.1f} mm; expected them on a line")
    affine = np.eye(4)
    affine[:3, 0] = first.rows_to * first.spacing_mm[0]
    affine[:3, 1] = first.columns_to * first.spacing_mm[1]
    affine[:3, 2], affine[:3, 3] = step, first.position_mm
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def remarks(run: Sequence[SliceFile]) -> list[str]:
    """What was done to a run that the user should know."""
    found = sorted({f"{one.remark}: HU as stored, not turned round" for one in run if one.remark})
    lean = lean_deg(stack_affine(run))
    return [*found, *([f"leans by {lean:.1f} degrees: straightened"] if lean >= 0.5 else [])]


def _hu_of(path: Path) -> NDArray[np.float32]:
    """HU (rows, columns) of a slice file."""
    import pydicom
    from pydicom.pixels import get_decoder

    try:
        dataset = pydicom.dcmread(path)
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_compressed and not get_decoder(syntax).is_available:
            return _hu_by_itk(path, dataset)
        return np.asarray(dataset.pixel_array, dtype=np.float32) * slope + intercept
    except Exception as error:
        raise OSError(f"{path}: its pixels cannot be read ({' '.join(str(error).split()) or error!r})") from error


def _hu_by_itk(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """HU of a slice in a compression that pydicom unpacks only with help."""
    import itk

    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        raise ValueError("compressed MONOCHROME1; unpack it, for instance with gdcmconv --raw")
    hu: NDArray[np.float32] = np.asarray(itk.array_from_image(itk.imread(str(path))), dtype=np.float32)
    return hu.reshape(hu.shape[-2:])
