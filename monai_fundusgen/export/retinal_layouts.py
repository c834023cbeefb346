"""Layouts of retinal vessel programs: DRIVE, SSA-Net, RITE, VGN, LwNet, Dual-HVGN.

What each program needs was seen by running it, or read in its loader: docs/how-to/export.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.export.pictures import grey, write_picture
from monai_fundusgen.export.source import TEST, SourceDataset
from monai_fundusgen.storage.whole_file import write_whole

#: Dual-HVGN reads photographs of this width and height.
HVGN_SIZE: Final = (1536, 1024)
#: Grey levels of the label codes 0 to 3 in LwNet; both kinds at once is its "uncertain".
LWNET_LEVELS: Final = (0, 170, 255, 85)
LWNET_ROOT: Final = "data/synthetic_fundus"  # as seen from the folder that LwNet is started in


def drive(source: SourceDataset, folder: Path) -> None:
    """``{training,test}/{images,1st_manual,mask}`` with DRIVE's own names: vessels of both kinds 255."""
    for sample in source:
        part, number = _drive_part(sample.part), sample.number
        write_picture(folder / part / "images" / f"{number}_{part}.tif", sample.photograph())
        write_picture(folder / part / "1st_manual" / f"{number}_manual1.gif", grey(sample.union()))
        write_picture(folder / part / "mask" / f"{number}_{part}_mask.gif", grey(sample.field_of_view()))


def ssanet(source: SourceDataset, folder: Path) -> None:
    """``{train,test}/{images,1st_manual,mask}/ID.png``, for SSA-Net sorts each folder: vessels of both kinds 255."""
    for sample in source:
        part, name = folder / sample.part, f"{sample.id}.png"
        sample.place("images", part / "images" / name)
        sample.place("fov", part / "mask" / name)
        write_picture(part / "1st_manual" / name, grey(sample.union()))


def rite(source: SourceDataset, folder: Path) -> None:
    """``{training,test}/{images,av,vessel,mask}`` with RITE's own names: red artery, blue vein, green both."""
    for sample in source:
        part = _drive_part(sample.part)
        name = f"{sample.number}_{part}"
        write_picture(folder / part / "images" / f"{name}.tif", sample.photograph())
        sample.place("av", folder / part / "av" / f"{name}.png")
        write_picture(folder / part / "vessel" / f"{name}.png", grey(sample.union()))
        write_picture(folder / part / "mask" / f"{name}_mask.gif", grey(sample.field_of_view()))


def vgn(source: SourceDataset, folder: Path) -> None:
    """``DRIVE/all/ID_{image.tif,label.gif,mask.gif}``, and lists of their prefixes as seen from VGN's ``code``."""
    prefixes: dict[str, list[str]] = {part: [] for part in source.parts}
    for sample in source:
        stem = folder / "DRIVE" / "all" / sample.id
        write_picture(stem.with_name(f"{sample.id}_image.tif"), sample.photograph())
        write_picture(stem.with_name(f"{sample.id}_label.gif"), grey(sample.union()))
        write_picture(stem.with_name(f"{sample.id}_mask.gif"), grey(sample.field_of_view()))
        prefixes[sample.part].append(f"../DRIVE/all/{sample.id}\n")
    for part, lines in prefixes.items():
        write_whole(folder / "DRIVE" / f"{part}.txt", "".join(lines).encode())


def lwnet(source: SourceDataset, folder: Path) -> None:
    """``data/synthetic_fundus/{images,labels_av,masks}/ID.png`` and a list ``{train,val,test}_av.csv`` of each part.

    LwNet takes artery and vein apart only where ``av`` stands in the path of its list, finds the list for validation by
    putting ``val`` for ``train``, and looks paths up from its own root.
    """
    root = folder / LWNET_ROOT
    rows: dict[str, list[tuple[str, str, str]]] = {part: [] for part in source.parts}
    for sample in source:
        names = tuple(f"{kind}/{sample.id}.png" for kind in ("images", "labels_av", "masks"))
        sample.place("images", root / names[0])
        write_picture(root / names[1], np.array(LWNET_LEVELS, dtype=np.uint8)[sample.codes()])
        sample.place("fov", root / names[2])
        seen = [f"{LWNET_ROOT}/{name}" for name in names]
        rows[sample.part].append((seen[0], seen[1], seen[2]))
    for part, found in rows.items():
        _write_csv(root / f"{part}_av.csv", [("im_paths", "gt_paths", "mask_paths"), *found])


def hvgn(source: SourceDataset, folder: Path) -> None:
    """``fundus/ID.png``, ``mask/ID.png`` of 1536 x 1024 px, a csv of names a part; magenta where both kinds are.

    Smaller photographs are set into the middle of black; larger ones are refused, for a mask must not be smoothed.

    Raises:
        ValueError: photographs larger than 1536 x 1024 px.
    """
    names: dict[str, list[tuple[str]]] = {part: [] for part in source.parts}
    for sample in source:
        vessels = sample.vessels()
        colours = np.zeros((*vessels.shape[1:], 3), dtype=np.uint8)
        colours[vessels[ARTERY], 0] = 255
        colours[vessels[VEIN], 2] = 255
        write_picture(folder / "fundus" / f"{sample.id}.png", _framed(sample.photograph()))
        write_picture(folder / "mask" / f"{sample.id}.png", _framed(colours))
        names[sample.part].append((f"{sample.id}.png",))
    for part, rows in names.items():
        _write_csv(folder / f"{part}.csv", rows)


def _drive_part(part: str) -> str:
    """DRIVE's word for a part."""
    return "test" if part == TEST else "training"


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


def _write_csv(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue().encode())
