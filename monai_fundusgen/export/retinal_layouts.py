"""Layouts of retinal vessel programs: DRIVE, RITE, RRWNet, LwNet, Dual-HVGN."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.export.source import ExportSample, SourceDataset, place
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_whole

#: Dual-HVGN reads photographs of this width and height.
HVGN_SIZE: Final = (1536, 1024)
_LWNET_CODES: Final = (0, 170, 255, 85)  # of the label codes 0 to 3; both kinds at once is "uncertain" there


def drive(source: SourceDataset, folder: Path) -> None:
    """``{train,test}/{images,1st_manual,mask}/ID.png``: vessels of both kinds 255 (SSA-Net sorts each folder)."""
    for sample in source:
        part = folder / ("test" if sample.testing else "train")
        place(sample.image, part / "images" / f"{sample.id}.png")
        place(sample.fov, part / "mask" / f"{sample.id}.png")
        write_png(part / "1st_manual" / f"{sample.id}.png", _grey(sample.union()))


def rite(source: SourceDataset, folder: Path) -> None:
    """``{training,test}/{images,av,vessel,mask}``, named as RITE's; red artery, blue vein, green both."""
    for sample in source:
        part = "test" if sample.testing else "training"
        name = f"{_number(sample)}_{part}"
        place(sample.image, folder / part / "images" / f"{name}.png")
        place(sample.av, folder / part / "av" / f"{name}.png")
        place(sample.fov, folder / part / "mask" / f"{name}_mask.png")
        write_png(folder / part / "vessel" / f"{name}.png", _grey(sample.union()))


def rrwnet(source: SourceDataset, folder: Path) -> None:
    """``RITE/{train,test}/{enhanced,av3,enhanced_masks}/NN.png``: red artery, green vein, blue either."""
    for sample in source:
        part = folder / "RITE" / ("test" if sample.testing else "train")
        vessels = sample.vessels()
        name = f"{_number(sample)}.png"
        place(sample.image, part / "enhanced" / name)
        place(sample.fov, part / "enhanced_masks" / name)
        planes = np.stack([vessels[ARTERY], vessels[VEIN], np.logical_or(vessels[ARTERY], vessels[VEIN])], axis=-1)
        write_png(part / "av3" / name, planes.astype(np.uint8) * 255)


def lwnet(source: SourceDataset, folder: Path) -> None:
    """``images``, ``labels_av``, ``masks`` and a csv a split; grey 0, 85 both kinds, 170 artery, 255 vein."""
    rows: dict[bool, list[tuple[str, str, str]]] = {False: [], True: []}
    for sample in source:
        names = tuple(f"{part}/{sample.id}.png" for part in ("images", "labels_av", "masks"))
        place(sample.image, folder / names[0])
        place(sample.fov, folder / names[2])
        vessels = sample.vessels()
        codes = vessels[ARTERY].astype(np.uint8) + 2 * vessels[VEIN].astype(np.uint8)
        write_png(folder / names[1], np.array(_LWNET_CODES, dtype=np.uint8)[codes])
        rows[sample.testing].append((names[0], names[1], names[2]))
    for testing, name in ((False, "train.csv"), (True, "test.csv")):
        if rows[testing]:
            _write_csv(folder / name, [("im_paths", "gt_paths", "mask_paths"), *rows[testing]])


def hvgn(source: SourceDataset, folder: Path) -> None:
    """``fundus/ID.png``, ``mask/ID.png`` of 1536 x 1024 px, a csv of names a split; magenta where both kinds are.

    Smaller photographs are set into the middle of black; larger ones are refused, for a mask must not be smoothed.

    Raises:
        ValueError: photographs larger than 1536 x 1024 px.
    """
    names: dict[bool, list[tuple[str]]] = {False: [], True: []}
    for sample in source:
        vessels = sample.vessels()
        colours = np.zeros((*vessels.shape[1:], 3), dtype=np.uint8)
        colours[vessels[ARTERY], 0] = 255
        colours[vessels[VEIN], 2] = 255
        write_png(folder / "fundus" / f"{sample.id}.png", _framed(sample.photograph()))
        write_png(folder / "mask" / f"{sample.id}.png", _framed(colours))
        names[sample.testing].append((f"{sample.id}.png",))
    for testing, name in ((False, "train.csv"), (True, "test.csv")):
        if names[testing]:
            _write_csv(folder / name, names[testing])


def _framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) in the middle of black."""
    width, height = HVGN_SIZE
    if pixels.shape[0] > height or pixels.shape[1] > width:
        raise ValueError(
            f"hvgn: photographs of {pixels.shape[1]} x {pixels.shape[0]} px, expected at most {width} x {height}"
        )
    framed = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    framed[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return framed


def _grey(plane: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return plane.astype(np.uint8) * 255


def _number(sample: ExportSample) -> str:
    """A number of two digits or more, as programs expect that read it from the name; from 1."""
    return f"{sample.index + 1:02d}"


def _write_csv(path: Path, rows: list[tuple[str, str, str]] | list[tuple[str]]) -> None:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue().encode())
