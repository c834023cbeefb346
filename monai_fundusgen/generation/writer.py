"""A data set on disk: images, labels, colour maps, fields of view, datalist, manifest, contact sheet.

Every file is whole or absent: it is written under a temporary name, flushed and renamed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen import __version__
from monai_fundusgen.conventions import FOV, IMAGE, LABEL, LABEL_NAMES
from monai_fundusgen.generation.contact_sheet import contact_sheet
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.transforms.av_codec import encode_av, planes_to_colours

MANIFEST = "manifest.jsonl"
DATALIST = "datalist.json"
CONTACT_SHEET = "contact_sheet.png"
_SHEET_SAMPLES = 8


@dataclass(frozen=True)
class FinishedSample:
    """One labelled photograph.

    Attributes:
        id: name of its files.
        photograph: (3, H, W) uint8 RGB.
        label: (2, H, W) bool, artery and vein.
        fov: (H, W) bool.
        record: what the manifest tells of it.
    """

    id: str
    photograph: NDArray[np.uint8]
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    record: dict[str, Any]


class DatasetWriter:
    """Write samples below ``root`` and, at the end, the datalist and the contact sheet.

    Args:
        root: folder of the data set; made if it is missing.
        name: name of the data set in its datalist.

    Raises:
        NotADirectoryError: ``root`` is a file.
    """

    def __init__(self, root: str | Path, *, name: str = "synthetic fundus data set") -> None:
        self.root = Path(root)
        self.name = name
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(f"{self.root}: found a file, expected a folder; choose another output folder")

    def done(self) -> set[str]:
        """Ids of the samples that are whole on disk."""
        return {record["id"] for record in self._records()}

    def write(self, sample: FinishedSample) -> None:
        """Write the files of one sample, then its line in the manifest."""
        codes = encode_av(sample.label)
        colours = planes_to_colours(sample.label)
        self._write_png(f"images/{sample.id}.png", sample.photograph.transpose(1, 2, 0))
        self._write_png(f"labels/{sample.id}.png", codes)
        self._write_png(f"av/{sample.id}.png", colours.transpose(1, 2, 0))
        self._write_png(f"fov/{sample.id}.png", sample.fov.astype(np.uint8) * 255)
        line = json.dumps({"id": sample.id, **sample.record}, sort_keys=True) + "\n"
        with (self.root / MANIFEST).open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Write datalist and contact sheet from what the manifest lists."""
        ids = sorted(self.done())
        write_json(self.root / DATALIST, self._datalist(ids))
        pairs = [(self._read(f"images/{one}.png"), self._read(f"av/{one}.png")) for one in ids[:_SHEET_SAMPLES]]
        write_whole(self.root / CONTACT_SHEET, png_bytes(contact_sheet(pairs)))

    def _records(self) -> list[dict[str, Any]]:
        manifest = self.root / MANIFEST
        if not manifest.exists():
            return []
        records = []
        for line in manifest.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:  # the line that a killed run left half written
                continue
        return records

    def _datalist(self, ids: Sequence[str]) -> dict[str, Any]:
        folders = {IMAGE: "images", LABEL: "labels", FOV: "fov"}
        training = [{key: f"{folder}/{one}.png" for key, folder in folders.items()} | {"fold": 0} for one in ids]
        return {
            "name": self.name,
            "description": "Synthetic fundus photographs with artery/vein labels; no photograph shows a person's eye.",
            "reference": f"monai_fundusgen {__version__}",
            "tensorImageSize": "2D",
            "modality": {"0": "CFP"},
            "labels": {str(code): name for code, name in LABEL_NAMES.items()},
            "numTraining": len(training),
            "numTest": 0,
            "training": training,
            "validation": [],
            "testing": [],
        }

    def _write_png(self, name: str, pixels: NDArray[np.uint8]) -> None:
        write_whole(self.root / name, png_bytes(pixels))

    def _read(self, name: str) -> NDArray[np.uint8]:
        with Image.open(self.root / name) as image:
            return np.asarray(image.convert("RGB"))


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of (H, W) or (H, W, 3) uint8 pixels."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()
