"""The training file of RV-GAN: crops of photographs, fields and vessels in one archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from monai_fundusgen.export.source import ExportSample, SourceDataset
from monai_fundusgen.storage.whole_file import whole_file

CROP: Final = 128  # px
STRIDE: Final = 32  # px
_ARRAYS: Final = {"arr_0": 3, "arr_1": 1, "arr_2": 1}  # photographs, fields of view, vessels: channels


def rvgan(source: SourceDataset, folder: Path) -> None:
    """``train.npz`` (and ``test.npz``): crops of 128 px every 32 px, ``arr_0`` RGB, ``arr_1`` field, ``arr_2`` vessels.

    Crops are written as they are cut, so the memory does not grow with the data set; a photograph of 1024 px gives 841
    crops, 69 MB.
    """
    for testing, name in ((False, "train.npz"), (True, "test.npz")):
        if any(True for _ in source.split(testing)):
            with (
                whole_file(folder / name) as file,
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            ):
                for array, channels in _ARRAYS.items():
                    _write(archive, array, channels, source, testing)


def _write(archive: zipfile.ZipFile, name: str, channels: int, source: SourceDataset, testing: bool) -> None:
    count = sum(len(_corners(sample)) for sample in source.split(testing))
    entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, CROP, CROP, channels)}
        npy.write_array_header_1_0(file, header)
        for sample in source.split(testing):
            for crop in _crops(sample, name):
                file.write(crop.tobytes())


def _corners(sample: ExportSample) -> list[tuple[int, int]]:
    """Upper left corners, row by row."""
    height, width = sample.field().shape
    if min(height, width) < CROP:
        raise ValueError(f"{sample.image}: {width} x {height} px, expected at least {CROP} px for a crop of RV-GAN")
    return [
        (row, column) for row in range(0, height - CROP + 1, STRIDE) for column in range(0, width - CROP + 1, STRIDE)
    ]


def _crops(sample: ExportSample, name: str) -> Iterator[NDArray[np.uint8]]:
    pixels = {
        "arr_0": sample.photograph,
        "arr_1": lambda: sample.field()[:, :, None].astype(np.uint8) * 255,
        "arr_2": lambda: sample.union()[:, :, None].astype(np.uint8) * 255,
    }[name]()
    for row, column in _corners(sample):
        yield np.ascontiguousarray(pixels[row : row + CROP, column : column + CROP])
