import numpy as np
import torch
from ignite.engine import Engine
from PIL import Image

from monai_fundusgen.handlers.epoch_start import EpochStart
from monai_fundusgen.handlers.picture_writer import PictureWriter


def test_every_prediction_lands_under_its_own_name(tmp_path):
    pixels = torch.randint(0, 256, (4, 3, 5, 7), dtype=torch.uint8)
    batches = [{"id": ["a", "b"], "x": pixels[:2]}, {"id": ["c", "d"], "x": pixels[2:]}]
    engine = Engine(lambda _, batch: {"pred": batch["x"]})
    PictureWriter(tmp_path / "out", lambda pred: pred).attach(engine)
    engine.run(batches)
    for name, picture in zip("abcd", pixels, strict=True):
        assert (np.asarray(Image.open(tmp_path / "out" / f"{name}.png")) == picture.permute(1, 2, 0).numpy()).all()


class Numbers:
    """Yields the epoch it was last told."""

    epoch = -1

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.epoch


def test_data_learn_their_epoch_before_they_are_fetched():
    numbers, seen = Numbers(), []
    loader = torch.utils.data.DataLoader(numbers, batch_size=1)
    engine = Engine(lambda _, batch: seen.append(int(batch)))
    EpochStart([numbers]).attach(engine)
    engine.run(loader, max_epochs=3)
    assert seen == [0, 0, 1, 1, 2, 2]
