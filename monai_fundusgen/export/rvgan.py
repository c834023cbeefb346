"""The training file of RV-GAN: crops of photographs, fields and vessels in one archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from monai_fundusgen.export.pictures import grey
from monai_fundusgen.export.source import ExportSample, SourceDataset
from monai_fundusgen.storage.whole_file import whole_file
from monai_fundusgen.streams import stream

CROP: Final = 128  # px
STRIDE: Final = 32  # px
_ARRAYS: Final = {"arr_0": 3, "arr_1": 1, "arr_2": 1}  # photographs, fields of view, vessels: channels


def rvgan(source: SourceDataset, folder: Path, *, crops: int | None) -> None:
    """``train.npz`` (and ``test.npz``): crops of 128 px every 32 px, ``arr_0`` RGB, ``arr_1`` field, ``arr_2`` vessels.

    Crops are written as they are cut, so the memory does not grow with the data set; a photograph of 1024 px gives 841
    crops, 69 MB.

    Args:
        source: the data set.
        folder: where the archives go.
        crops: how many of a photograph's crops are taken, drawn by the number of the sample; None: all.

    Raises:
        ValueError: photographs smaller than a crop, or with fewer crops than asked for.
    """
    for part in source.parts:
        with (
            whole_file(folder / f"{part}.npz") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            count = sum(len(_corners(sample, crops)) for sample in source.split(part))
            for array, channels in _ARRAYS.items():
                entry = zipfile.ZipInfo(f"{array}.npy", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as member:
                    shape = (count, CROP, CROP, channels)
                    npy.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
                    for sample in source.split(part):
                        member.writelines(crop.tobytes() for crop in _crops(sample, array, crops))


def loader_bytes(source: SourceDataset, crops: int | None) -> int:
    """Memory that RV-GAN's loader takes for the training file: all crops as float64."""
    each = len(_corners(next(iter(source)), crops))
    return each * source.counts["train"] * CROP * CROP * sum(_ARRAYS.values()) * 8


def _corners(sample: ExportSample, crops: int | None) -> list[tuple[int, int]]:
    """Upper left corners, row by row."""
    height, width = sample.field_of_view().shape
    if min(height, width) < CROP:
        raise ValueError(f"{sample.id}: {width} x {height} px, expected at least {CROP} px for a crop of RV-GAN")
    rows, columns = (range(0, side - CROP + 1, STRIDE) for side in (height, width))
    corners = [(row, column) for row in rows for column in columns]
    if crops is None:
        return corners
    if crops > len(corners):
        raise ValueError(f"--crops: found {crops}, a photograph of {width} x {height} px has {len(corners)}")
    chosen = stream(sample.index, "crops").choice(len(corners), size=crops, replace=False)
    return [corners[place] for place in sorted(chosen.tolist())]


def _crops(sample: ExportSample, array: str, crops: int | None) -> Iterator[NDArray[np.uint8]]:
    pixels = {
        "arr_0": sample.photograph,
        "arr_1": lambda: grey(sample.field_of_view())[:, :, None],
        "arr_2": lambda: grey(sample.union())[:, :, None],
    }[array]()
    for row, column in _corners(sample, crops):
        yield np.ascontiguousarray(pixels[row : row + CROP, column : column + CROP])
