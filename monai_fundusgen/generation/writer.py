"""A data set on disk: images, labels, colour maps, fields of view, datalist, contact sheet.

Every file is whole or absent: it is written under a temporary name, flushed and renamed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen import __version__
from monai_fundusgen.conventions import FOV, IMAGE, LABEL, LABEL_NAMES
from monai_fundusgen.generation.contact_sheet import contact_sheet
from monai_fundusgen.generation.journal import Journal
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.transforms.av_codec import encode_av, planes_to_colours

DATALIST = "datalist.json"
CONTACT_SHEET = "contact_sheet.png"
_SHEET_SAMPLES = 8

logger = logging.getLogger(__name__)


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
    """Write samples below the journal's folder and, at the end, the datalist and the contact sheet.

    Args:
        journal: journal of the run; a sample is finished once its line is there.
        name: name of the data set in its datalist.
    """

    def __init__(self, journal: Journal, *, name: str = "synthetic fundus data set") -> None:
        self.journal = journal
        self.root = journal.root
        self.name = name

    def write(self, sample: FinishedSample) -> None:
        """Write the files of one sample, then its line in the journal."""
        pictures = {
            "images": sample.photograph.transpose(1, 2, 0),
            "labels": encode_av(torch.from_numpy(sample.label)).numpy(),
            "av": planes_to_colours(sample.label).transpose(1, 2, 0),
            "fov": sample.fov.astype(np.uint8) * 255,
        }
        for folder, pixels in pictures.items():
            write_png(self.root / folder / f"{sample.id}.png", pixels)
        self.journal.append({"id": sample.id, **sample.record})

    def finish(self) -> None:
        """Write datalist and contact sheet of all finished samples, and say where they are."""
        ids = sorted(self.journal.done)
        write_json(self.root / DATALIST, self._datalist(ids))
        pairs = [(self._read(f"images/{one}.png"), self._read(f"av/{one}.png")) for one in ids[:_SHEET_SAMPLES]]
        write_png(self.root / CONTACT_SHEET, contact_sheet(pairs))
        logger.info("%d labelled photographs in %s", len(ids), self.root.resolve())
        logger.info("look at them: %s", self.root / CONTACT_SHEET)
        logger.info("train on them: load_decathlon_datalist(%r, True, 'training')", str(self.root / DATALIST))

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

    def _read(self, name: str) -> NDArray[np.uint8]:
        with Image.open(self.root / name) as image:
            return np.asarray(image.convert("RGB"))
