"""The curve of distances over a training: its laws, its files, and a run that was stopped."""

import json

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from monai_fundusgen.handlers.best_weights import BestWeights
from monai_fundusgen.handlers.distribution_curve import DistributionCurve, SampleDistances, distances
from monai_fundusgen.metrics.features import RandomFeatures, three_channels


def pictures(count, level=0.0, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(count, 1, 16, 16, generator=rng) - 0.5 + level).clamp(-1, 1)


def items(count, **options):
    return [{"image": one} for one in pictures(count, **options)]


class Trainer:
    """Samples that come nearer to real ones with every epoch, as a training's do."""

    def __init__(self, folder, interval=1, **options):
        self.network, self.drawn = nn.Linear(1, 1, bias=False), 0
        measure = SampleDistances(items(40), RandomFeatures(), draws=2, **options.pop("measured", {}))
        self.curve = DistributionCurve(self.sample, measure, folder, interval=interval, **options)
        self.engine = Engine(lambda engine, batch: self.step(engine))

    def step(self, engine):
        with torch.no_grad():
            self.network.weight.fill_(engine.state.iteration)

    def sample(self):
        self.drawn += 1
        return pictures(12, level=float(1 / (1 + self.network.weight)), seed=9)

    def run(self, epochs, from_epoch=0):
        self.curve.attach(self.engine)
        if from_epoch:
            state = {"epoch_length": 2, "max_epochs": epochs, "iteration": 2 * from_epoch}
            self.engine.load_state_dict(state)
            self.engine.run([0, 0])
        else:
            self.engine.run([0, 0], max_epochs=epochs)
        return self


def lines(folder):
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_a_generator_that_gives_real_images_stands_at_the_floor():
    rng = np.random.default_rng(0)
    found = distances(rng.normal(size=(500, 5)), rng.normal(size=(1000, 5)), draws=10)
    assert found["n"] == 500 and found["fid"] == pytest.approx(found["fid_floor"], abs=0.05) and found["fid"] < 0.1
    assert abs(found["kid"]) < 3 * found["kid_std"] + 0.02


def test_a_shift_adds_its_square_above_the_floor():
    """Frechet distance of two Gaussians that differ by a shift d is |d|^2, above the bias that both share."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(2000, 3))
    found = distances(rng.normal(size=(1000, 3)) + [2.0, 0, 0], real)
    assert found["fid"] - found["fid_floor"] == pytest.approx(4, rel=0.12)


def test_all_distances_are_at_the_number_that_both_sides_have():
    rng = np.random.default_rng(0)
    assert distances(rng.normal(size=(9, 2)), rng.normal(size=(50, 2)))["n"] == 9
    assert distances(rng.normal(size=(90, 2)), rng.normal(size=(50, 2)))["n"] == 25
    with pytest.raises(ValueError, match="1 generated and 50 real"):
        distances(rng.normal(size=(1, 2)), rng.normal(size=(50, 2)))


def test_a_line_and_a_point_for_every_interval_and_the_end(tmp_path):
    trainer = Trainer(
        tmp_path, interval=2, log_dir=tmp_path, measured={"figures": lambda ours, real: {"level": ours.mean()}}
    )
    trainer.run(epochs=5)
    found = lines(tmp_path)
    assert [(line["epoch"], line["iteration"]) for line in found] == [(2, 4), (4, 8), (5, 10)] and trainer.drawn == 3
    assert [line["fid"] for line in found] == sorted((line["fid"] for line in found), reverse=True)
    assert [line["level"] for line in found] == sorted((line["level"] for line in found), reverse=True)
    assert len({line["fid_floor"] for line in found}) == 1 and found[-1]["fid"] > found[-1]["fid_floor"]
    assert np.asarray(Image.open(tmp_path / "curve.png")).shape[1] > 3 * 300  # three panels
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(one.step, one.value) for one in events.Scalars("curve/fid")] == [
        (line["iteration"], pytest.approx(line["fid"])) for line in found
    ]


def test_a_run_that_goes_on_continues_the_curve_of_one_that_never_stopped(tmp_path):
    Trainer(tmp_path / "whole", log_dir=tmp_path / "whole").run(epochs=4)
    Trainer(tmp_path / "cut", log_dir=tmp_path / "cut").run(epochs=3)
    Trainer(tmp_path / "cut", log_dir=tmp_path / "cut").run(epochs=4, from_epoch=2)  # killed before its checkpoint
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")
    events = EventAccumulator(str(tmp_path / "cut")).Reload()
    assert [one.step for one in events.Scalars("curve/kid")] == [2, 4, 6, 8]


def test_the_best_weights_are_those_of_the_lowest_point(tmp_path):
    network = nn.Linear(1, 1, bias=False)
    best = BestWeights(network, tmp_path / "model.pt", "fid", smaller_is_better=True)
    trainer = Trainer(tmp_path, best=best)
    trainer.network = network
    falling = [5.0, 3.0, 4.0]
    trainer.curve.measure = lambda images: {"fid": falling.pop(0)}
    trainer.run(epochs=3)
    kept = torch.load(tmp_path / "model.pt", weights_only=True)["weight"]
    assert float(kept) == 4 and best.best == -3  # two iterations an epoch
    with pytest.raises(KeyError, match="'fid' is not measured; there is kid"):
        trainer.curve.measure = lambda images: {"kid": 1.0}
        Trainer.run(trainer, epochs=4)


def test_channels_are_what_extractors_take():
    assert torch.equal(three_channels(torch.ones(2, 1, 4, 4)), torch.ones(2, 3, 4, 4))
    assert three_channels(torch.zeros(2, 2, 4, 4))[:, 2].unique().tolist() == [-1]
    with pytest.raises(ValueError, match="found 4 channels"):
        three_channels(torch.zeros(2, 4, 4, 4))


def test_impossible_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="found 3, expected 4 or more"):
        SampleDistances(items(3), RandomFeatures())
    with pytest.raises(ValueError, match="curve_epochs: found 0"):
        DistributionCurve(lambda: pictures(2), dict, tmp_path, interval=0)
