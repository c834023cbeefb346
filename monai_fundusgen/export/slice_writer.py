"""Sampled CT slices as files: NIfTI in Hounsfield units, a picture, and a datalist of all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.data.ct_volume import CTVolume, write_nifti
from monai_fundusgen.data.datalist import CT_READER
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.transforms.hounsfield import shown, to_hu, window_hu

#: What every file says of itself. Whether a slice is near one of a patient is not known from looking at it.
COMPUTER_GENERATED: Final = "computer generated CT slice"
DATALIST: Final = "datalist.json"


def slice_volume(hu: Tensor, spacing_mm: float, slice_mm: float) -> CTVolume:
    """The volume of a sample, the middle of its picture at 0: rows to the back, columns to the left.

    Args:
        hu: (C, H, W), neighbouring slices from foot to head; usually one; whole HU.
        spacing_mm: side of a pixel.
        slice_mm: distance of the slices.
    """
    values = np.ascontiguousarray(hu.to(torch.int16).cpu().numpy().transpose(2, 1, 0))
    affine = np.diag([-spacing_mm, -spacing_mm, slice_mm, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(values.shape) - 1) / 2)
    return CTVolume(values, affine)


class SliceWriter:
    """Write ``slice000000.nii.gz`` and ``.png`` for every prediction; at the end ``datalist.json``.

    Args:
        directory: where they go.
        window: of the training: which HU 0 and 1 of a prediction are.
        spacing_mm: side of a pixel.
        slice_mm: distance of neighbouring slices, and the thickness that the file tells.
        shown_window: of the pictures; None: that of the training.
        key: entry of the engine's output with predictions (B, C, H, W) in [0, 1]; the batch has their ``index``.

    Raises:
        ValueError: no such window.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        window: str,
        spacing_mm: float,
        slice_mm: float = 3.0,
        shown_window: str | None = None,
        key: str = Keys.PRED,
    ) -> None:
        self.directory, self.window, self.shown_window = Path(directory), window, shown_window or window
        window_hu(self.window), window_hu(self.shown_window)
        self.spacing_mm, self.slice_mm, self.key = spacing_mm, slice_mm, key
        self.items: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Write after every iteration, and the datalist at the end."""
        engine.add_event_handler(Events.STARTED, lambda _: self.items.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def __call__(self, engine: Engine) -> None:
        """Write the predictions of this iteration."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        hu = to_hu(output[self.key], self.window).round()
        pictures = shown(hu, self.shown_window).cpu().numpy().transpose(0, 2, 3, 1)
        for index, values, picture in zip(batch["index"], hu, pictures, strict=True):
            name, volume = f"slice{int(index):06d}", slice_volume(values, self.spacing_mm, self.slice_mm)
            write_nifti(self.directory / f"{name}.nii.gz", volume)
            write_whole(self.directory / f"{name}.png", png_bytes(picture, {"Comment": COMPUTER_GENERATED}))
            middle = len(values) // 2
            self.items.append({
                IMAGE: f"{name}.nii.gz", "slice": middle, "position_mm": round(volume.height_mm(middle), 3),
                "volume": int(index), "person": int(index),
            })  # fmt: skip

    def finish(self, _: Engine) -> None:
        """Write the datalist: a slice is a person of its own in it, which no scan is."""
        content = {
            "name": "generated CT slices", "description": f"{COMPUTER_GENERATED}s, window {self.window}",
            "licence": "", "reference": "", "tensorImageSize": "2D", "modality": {"0": "CT"}, "labels": {},
            "reader": CT_READER, "numTraining": len(self.items), "numTest": 0, "training": self.items, "testing": [],
        }  # fmt: skip
        write_whole(self.directory / DATALIST, (json.dumps(content, indent=1) + "\n").encode("ascii"))
