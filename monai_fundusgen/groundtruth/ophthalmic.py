"""DICOM Ophthalmic Photography: its frames, and the seconds since the dye was injected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_INSTALL: Final = "pip install 'monai-fundusgen[export]'"
_KINDS: Final = {"OP", "OPT", "XC", "SC", "OT"}


@dataclass(frozen=True)
class DicomImage:
    """One image of a file.

    Attributes:
        name: of the file, with ``#k`` behind it where it holds several.
        pixels: (H, W) or (H, W, 3) uint8; grey where dark is low, whatever the photometric interpretation.
        taken: clock time of the image, None where the header tells none.
        injected: clock time of the injection (Contrast/Bolus Start Time), None where the header tells none.
        laterality: ``R``, ``L`` or an empty text.
    """

    name: str
    pixels: NDArray[np.uint8]
    taken: datetime | None
    injected: datetime | None
    laterality: str


def read_ophthalmic(path: Path) -> list[DicomImage]:
    """Images of a DICOM file, in its order.

    Raises:
        ImportError: pydicom is not installed.
        ValueError: no DICOM, cut, of another modality, or in a compression that nothing here unpacks.
    """
    try:
        import pydicom
    except ImportError as error:
        raise ImportError(f"{path}: DICOM needs pydicom: {_INSTALL}") from error
    try:
        header = pydicom.dcmread(path)
        pixels = np.asarray(header.pixel_array)
    except Exception as error:  # a cut or foreign file fails in many ways
        reason = " ".join(str(error).split()) or repr(error)
        raise ValueError(f"{path}: cannot be read as DICOM ({reason}); export the image again") from error
    if header.get("Modality") not in _KINDS:
        found = header.get("Modality") or "none"
        raise ValueError(
            f"{path}: found modality {found}, expected OP (ophthalmic photography); take it out of the case"
        )
    images = pixels if int(header.get("NumberOfFrames") or 1) > 1 else pixels[None]
    times = _times(header, len(images))
    side = str(header.get("ImageLaterality") or header.get("Laterality") or "")
    injected = _moment(header, header.get("ContrastBolusStartTime"))
    return [
        DicomImage(
            path.name if len(images) == 1 else f"{path.name}#{k}", _eight_bits(header, one), taken, injected, side
        )
        for k, (one, taken) in enumerate(zip(images, times, strict=True), start=1)
    ]


def _times(header: Dataset, count: int) -> list[datetime | None]:
    """Clock time of every image: its own, else the file's, plus the frame time vector."""
    own = [_frame_moment(each) for each in header.get("PerFrameFunctionalGroupsSequence") or []]
    if len(own) == count and all(own):
        return own
    stamp = header.get("AcquisitionDateTime")
    start = _parsed(str(stamp)) if stamp else None
    start = start or _moment(header, header.get("AcquisitionTime") or header.get("ContentTime"))
    if count == 1 or start is None:
        return [start] * count if count == 1 else [None] * count
    if (vector := header.get("FrameTimeVector")) and len(vector) == count:
        return [start + timedelta(milliseconds=float(ms)) for ms in np.cumsum([float(each) for each in vector])]
    if step := header.get("FrameTime"):
        return [start + timedelta(milliseconds=k * float(step)) for k in range(count)]
    return [None] * count


def _frame_moment(group: Any) -> datetime | None:
    content = group.get("FrameContentSequence")
    stamp = content[0].get("FrameAcquisitionDateTime") if content else None
    return _parsed(str(stamp)) if stamp else None


def _moment(header: Dataset, clock: Any) -> datetime | None:
    """A clock time (HHMMSS.FFF) on the day of the acquisition."""
    day = header.get("AcquisitionDate") or header.get("ContentDate") or header.get("StudyDate") or "19000101"
    return _parsed(f"{day}{clock}") if clock else None


def _parsed(text: str) -> datetime | None:
    """A DICOM date-time YYYYMMDDHHMMSS.FFFFFF, its offset from UTC left out; None where it is none."""
    digits = text.split("+")[0].split("-")[0]
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S.%f" if "." in digits else "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _eight_bits(header: Dataset, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey (H, W) or RGB (H, W, 3) uint8: all stored bits to 0..255, MONOCHROME1 turned round, YBR as RGB."""
    kind = str(header.get("PhotometricInterpretation") or "")
    if pixels.ndim == 3:
        if kind.startswith("YBR"):
            from pydicom.pixels import convert_color_space

            pixels = convert_color_space(pixels, kind, "RGB")
        return np.asarray(pixels, np.uint8)
    top = 2 ** int(header.BitsStored) - 1
    grey = np.clip(pixels.astype(np.float64) / top, 0, 1)
    return np.rint(255 * (1 - grey if kind == "MONOCHROME1" else grey)).astype(np.uint8)
