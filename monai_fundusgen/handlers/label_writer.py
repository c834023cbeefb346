"""Label maps as PNG files, named after their items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys as Keys

from monai_fundusgen.handlers.items import plain
from monai_fundusgen.storage.picture_file import write_png


class LabelWriter:
    """Write ``<directory>/<id>.png`` for every label map of an evaluator that decollates.

    The maps are what MONAI Label takes: (W, H), uint8, without a channel. Written are H rows of W pixels.

    Args:
        directory: where the files go.
        scale: what each code is multiplied with: 255 makes a vessel map visible.
    """

    def __init__(self, directory: str | Path, scale: int = 1) -> None:
        self.directory, self.scale = Path(directory), scale

    def attach(self, engine: Engine) -> None:
        """Write after every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the maps of this iteration."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        for found, item in zip(output, batch, strict=True):
            codes = plain(found[Keys.PRED])
            write_png(self.directory / f"{item['id']}.png", (codes * self.scale).T.contiguous().numpy())
