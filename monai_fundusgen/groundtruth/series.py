"""A case folder: one photograph and the frames of an angiogram, read into memory.

    CASE/
      photograph.png           (or .jpg, .tif, .dcm; also named colour, color or fundus)
      frames/                  (or fa/, angiogram/): PNG, JPEG, TIFF or DICOM, one file a frame, or a DICOM of many
      frames/times.csv         file,time_s: seconds after injection; else times in the names (12.5s, 1m05s, t012.5),
                               else those of the DICOM headers; else none, and the filling gives the order

A frame that cannot be read is left out with a remark; a case without photograph or frames is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.data.reading import PHOTOGRAPHS, read_rgb
from monai_fundusgen.groundtruth.captions import caption_mask
from monai_fundusgen.groundtruth.case import Case, Frame, Mask
from monai_fundusgen.groundtruth.ophthalmic import read_ophthalmic
from monai_fundusgen.groundtruth.times import TABLE, read_times, time_in_name
from monai_fundusgen.transforms.fov import estimate_fov

PHOTOGRAPH_NAMES: Final = ("photograph", "colour", "color", "fundus")
FRAME_FOLDERS: Final = ("frames", "fa", "angiogram")
_DICOM: Final = frozenset({".dcm", ".dicom"})
_LEAST_SIDE_PX: Final = 128
#: Surround of frames: corners of this share of the longer side, levels of 255 over them, and the most that it is.
_CORNER: Final = 64
_OVER_SURROUND: Final = 2
_PHOTOGRAPH_LEVEL: Final = 20


@dataclass(frozen=True)
class _Picture:
    """Pixels (3, H, W) uint8 of one image, and what its header tells."""

    name: str
    rgb: NDArray[np.uint8]
    taken: datetime | None = None
    injected: datetime | None = None
    laterality: str = ""


def read_case(folder: str | Path, *, longest_px: int | None = None) -> Case:
    """The case in a folder.

    Args:
        folder: as above; its name is the case's.
        longest_px: photograph and frames whose longer side is greater are made smaller to it (area average), which the
            results then have too; None leaves every size as it is.

    Raises:
        FileNotFoundError: no such folder, no photograph, or no folder of frames.
        OSError: the photograph cannot be read.
        ValueError: two photographs, no frame that can be read, or a table of times that is wrong.
        ImportError: there is DICOM, and pydicom is not installed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected a case with photograph.png and frames/")
    photograph = _pictures(_photograph_file(folder))[0]
    pictures, times, remarks = _frames(_frame_folder(folder), photograph)
    if longest_px:
        photograph, *pictures = (_reduced(one, longest_px) for one in (photograph, *pictures))
    fields = _fields(pictures)
    frames = [
        Frame(
            one.name,
            _grey(one).astype(np.float32) / np.float32(255),
            field & ~caption_mask(_grey(one)),
            times.get(one.name),
        )
        for one, field in zip(pictures, fields, strict=True)
    ]
    frames.sort(key=lambda frame: frame.name)
    if all(frame.time_s is not None for frame in frames):
        frames.sort(key=lambda frame: (frame.time_s, frame.name))
    valid = estimate_fov(photograph.rgb) & ~caption_mask(_grey(photograph))
    return Case(folder.resolve().name, photograph.rgb, valid, tuple(frames), tuple(remarks))


def _photograph_file(folder: Path) -> Path:
    found = [
        path for path in sorted(folder.iterdir())
        if path.stem.lower() in PHOTOGRAPH_NAMES and path.suffix.lower() in PHOTOGRAPHS | _DICOM
    ]  # fmt: skip
    if not found:
        raise FileNotFoundError(f"{folder}: found no photograph; expected photograph.png (or .jpg, .tif, .dcm)")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{folder}: found {len(found)} photographs ({names}), expected one; take the others out")
    return found[0]


def _frame_folder(folder: Path) -> Path:
    found = [folder / name for name in FRAME_FOLDERS if (folder / name).is_dir()]
    if not found:
        raise FileNotFoundError(f"{folder}: found no folder of angiogram frames; expected {folder / FRAME_FOLDERS[0]}")
    return found[0]


def _pictures(path: Path) -> list[_Picture]:
    """Images of a file.

    Raises:
        OSError, ValueError: it cannot be read, is no 8-bit image, or is too small; the message names it.
    """
    if path.suffix.lower() in _DICOM:
        found = [
            _Picture(
                one.name,
                np.moveaxis(one.pixels, -1, 0) if one.pixels.ndim == 3 else np.repeat(one.pixels[None], 3, axis=0),
                one.taken, one.injected, one.laterality,
            )
            for one in read_ophthalmic(path)
        ]  # fmt: skip
    else:
        found = [_Picture(path.name, read_rgb(path))]
    for one in found:
        if min(one.rgb.shape[1:]) < _LEAST_SIDE_PX:
            raise ValueError(
                f"{path}: found {one.rgb.shape[2]} x {one.rgb.shape[1]} px, expected {_LEAST_SIDE_PX} at least"
            )
        if not one.rgb.max() > 0:
            raise ValueError(f"{path}: all black; expected retina")
    return found


def _frames(folder: Path, photograph: _Picture) -> tuple[list[_Picture], dict[str, float], list[str]]:
    """Frames that could be read, their times by name, and remarks on the others."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTOGRAPHS | _DICOM and p.name[0] != ".")
    pictures: list[_Picture] = []
    remarks = []
    for path in paths:
        try:
            pictures += _pictures(path)
        except (OSError, ValueError) as error:
            remarks.append(f"left out: {error}")
    if not pictures:
        listed = "; ".join(remarks) if remarks else "the folder holds no PNG, JPEG, TIFF or DICOM"
        raise ValueError(f"{folder}: found no frame that can be read ({listed}); expected at least one")
    sides = {one.laterality for one in (photograph, *pictures)} - {""}
    if len(sides) > 1:
        remarks.append(f"the DICOM headers name both eyes ({', '.join(sorted(sides))}); expected one")
    return pictures, _times(folder, pictures), remarks


def _times(folder: Path, pictures: Sequence[_Picture]) -> dict[str, float]:
    """Seconds by name of a frame: from the table, else the names, else the headers."""
    names = {one.name for one in pictures}
    if (folder / TABLE).is_file():
        return read_times(folder / TABLE, names)
    told = {name: seconds for name in names if (seconds := time_in_name(name)) is not None}
    if told:
        return told
    taken = {one.name: one.taken for one in pictures if one.taken is not None}
    if not taken:
        return {}
    injected = [one.injected for one in pictures if one.injected is not None]
    start = injected[0] if injected else min(taken.values())
    return {name: (moment - start).total_seconds() for name, moment in taken.items()}


def _fields(pictures: Sequence[_Picture]) -> list[Mask]:
    """Field of view of every frame: of the brightest of all frames of its size, since an early one is almost black."""
    brightest: dict[tuple[int, ...], NDArray[np.uint8]] = {}
    for one in pictures:
        shape = one.rgb.shape
        brightest[shape] = np.maximum(brightest[shape], one.rgb) if shape in brightest else one.rgb
    fields = {shape: estimate_fov(rgb, threshold=_surround_level(rgb)) for shape, rgb in brightest.items()}
    return [fields[one.rgb.shape] for one in pictures]


def _surround_level(rgb: NDArray[np.uint8]) -> int:
    """Level of 255 above which a frame (3, H, W) shows retina: a little over what its corners hold.

    The periphery of an ultra-widefield angiogram is hardly brighter than the surround. The second darkest corner
    counts, for captions and lids reach into corners; where retina fills all four, the level of photographs does.
    """
    side = max(max(rgb.shape[1:]) // _CORNER, 8)
    ends = (slice(None, side), slice(-side, None))
    corners = sorted(float(np.percentile(rgb[:, rows, columns].max(axis=0), 99)) for rows in ends for columns in ends)
    return min(int(corners[1]) + _OVER_SURROUND, _PHOTOGRAPH_LEVEL, int(rgb.max()) // 4)


def _grey(one: _Picture) -> NDArray[np.uint8]:
    """Brightest channel (H, W): of a grey image the image, of a coloured caption its colour."""
    found: NDArray[np.uint8] = one.rgb.max(axis=0)
    return found


def _reduced(one: _Picture, longest_px: int) -> _Picture:
    height, width = one.rgb.shape[1:]
    if max(height, width) <= longest_px:
        return one
    share = longest_px / max(height, width)
    size = (max(round(width * share), 1), max(round(height * share), 1))
    small = Image.fromarray(np.ascontiguousarray(np.moveaxis(one.rgb, 0, -1))).resize(size, Image.Resampling.BOX)
    return replace(one, rgb=np.ascontiguousarray(np.moveaxis(np.asarray(small), -1, 0)))
