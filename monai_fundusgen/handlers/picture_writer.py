"""Predictions as PNG files, named after their items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.storage.picture_file import write_png


class PictureWriter:
    """Write ``<directory>/<id>.png`` for every prediction of an evaluator that does not decollate.

    MONAI's ``SaveImage`` wraps values outside 0..255 and cuts names at a dot.

    Args:
        directory: where the pictures go.
        to_pixels: predictions (B, ...) to pixels (B, 3, H, W) or (B, H, W), uint8.
        key: entry of the engine's output with the predictions; names are the batch's ``id``.
    """

    def __init__(self, directory: str | Path, to_pixels: Callable[[Tensor], Tensor], key: str = Keys.PRED) -> None:
        self.directory = Path(directory)
        self.to_pixels = to_pixels
        self.key = key

    def attach(self, engine: Engine) -> None:
        """Write after every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the predictions of this iteration."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        pictures = self.to_pixels(output[self.key]).cpu().numpy()
        for name, picture in zip(batch["id"], pictures, strict=True):
            write_png(self.directory / f"{name}.png", picture.transpose(1, 2, 0) if picture.ndim == 3 else picture)
