from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from PIL import Image

from monai_fundusgen.handlers.sample_grid import SampleGrid, image_grid


def images(count: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, height, width), dtype=np.uint8)


@pytest.mark.parametrize(("count", "columns", "shape"), [(4, None, (2, 2)), (5, None, (2, 3)), (3, 3, (1, 3))])
def test_every_image_is_found_again_in_its_cell(count, columns, shape):
    batch = images(count)
    grid = image_grid(batch, columns)
    assert grid.shape == (shape[0] * 4, shape[1] * 6, 3)
    for index in range(count):
        row, column = divmod(index, shape[1])
        cell = grid[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        assert np.array_equal(cell, batch[index].transpose(1, 2, 0))
    assert not grid[4 * (shape[0] - 1) :, 6 * (shape[1] - (shape[0] * shape[1] - count)) :].any()


def test_writes_at_the_interval_what_the_sampler_gives(tmp_path):
    batch = images(2)
    engine = Engine(lambda engine, batch: None)
    SampleGrid(lambda: torch.from_numpy(batch), tmp_path, interval=2).attach(engine)
    SampleGrid(lambda: batch, tmp_path, interval=5, epoch_level=False).attach(engine)
    engine.run(range(3), max_epochs=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch=00002.png", "epoch=00004.png", "iteration=0000005.png", "iteration=0000010.png",
    ]  # fmt: skip
    assert np.array_equal(np.asarray(Image.open(tmp_path / "epoch=00002.png")), image_grid(batch))


def test_samples_without_gradients():
    engine = Engine(lambda engine, batch: None)
    seen = []

    def sample():
        seen.append(torch.is_grad_enabled())
        return images(1)[:, :2]

    SampleGrid(sample, "nowhere").attach(engine)
    with pytest.raises(ValueError, match=r"uint8 \(1, 2, 4, 6\), expected uint8 \(N, 3, H, W\)"):
        engine.run(range(1))
    assert seen == [False]
