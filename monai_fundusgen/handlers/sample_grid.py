"""A picture of what a network makes, every few epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from monai_fundusgen.storage.picture_file import write_png


def image_grid(images: NDArray[np.uint8], columns: int | None = None) -> NDArray[np.uint8]:
    """Images (N, 3, H, W) side by side, row by row, as one (rows * H, columns * W, 3); missing ones are black.

    Args:
        images: at least one.
        columns: images in a row; None: as square as possible.
    """
    count, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, channels, height, width), np.uint8)
    grid[:count] = images
    tiles = grid.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    return tiles.reshape(rows * height, columns * width, channels)


class SampleGrid:
    """Call a sampler and write its images as ``epoch=00012.png`` (or ``iteration=...``), whole or not at all.

    The sampler brings its own seeds: grids of different epochs then show the same eyes, and training is not disturbed.

    Args:
        sample: () -> images (N, 3, H, W) uint8, array or tensor.
        directory: where the grids go.
        interval: epochs or iterations between two grids.
        epoch_level: count epochs; False: iterations.
        columns: images in a row; None: as square as possible.
    """

    def __init__(
        self,
        sample: Callable[[], NDArray[np.uint8] | torch.Tensor],
        directory: str | Path,
        interval: int = 1,
        epoch_level: bool = True,
        columns: int | None = None,
    ) -> None:
        self.sample, self.directory, self.columns = sample, Path(directory), columns
        self.interval, self.epoch_level = interval, epoch_level

    def attach(self, engine: Engine) -> None:
        """Act at the end of every ``interval``-th epoch or iteration."""
        event = Events.EPOCH_COMPLETED if self.epoch_level else Events.ITERATION_COMPLETED
        engine.add_event_handler(event(every=self.interval), self)

    def __call__(self, engine: Engine) -> None:
        """Draw and write now.

        Raises:
            ValueError: the sampler returned something else than (N, 3, H, W) uint8.
        """
        with torch.no_grad():
            images = np.asarray(torch.as_tensor(self.sample()).cpu())
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"SampleGrid: sampler gave {images.dtype} {images.shape}, expected uint8 (N, 3, H, W)")
        number = engine.state.epoch if self.epoch_level else engine.state.iteration
        name = f"epoch={number:05d}.png" if self.epoch_level else f"iteration={number:07d}.png"
        write_png(self.directory / name, image_grid(images, self.columns))
