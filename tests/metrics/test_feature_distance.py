from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine
from monai.handlers import IgniteMetricHandler, from_engine

from monai_fundusgen.metrics.feature_distance import DISTANCES, FeatureDistanceMetric


def means(x):
    return x.mean(dim=(2, 3))


def photographs(count, seed):
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) - 0.5


@pytest.mark.parametrize("distance", DISTANCES)
def test_batches_on_an_engine_give_the_distance_of_the_whole(distance):
    fake, true = photographs(9, 0), photographs(9, 1)
    engine = Engine(lambda _, batch: batch)
    IgniteMetricHandler(FeatureDistanceMetric(means, distance), output_transform=from_engine(["pred", "label"])).attach(
        engine, "distance"
    )
    pairs = [{"pred": f, "label": t} for f, t in zip(fake, true, strict=True)]
    engine.run([pairs[:4], pairs[4:8], pairs[8:]])
    expected = DISTANCES[distance](means(fake).double().numpy(), means(true).double().numpy())
    assert engine.state.metrics["distance"] == pytest.approx(expected, rel=1e-5)


def test_nothing_and_other_distances_are_refused():
    with pytest.raises(ValueError, match="expected frechet or kernel"):
        FeatureDistanceMetric(means, "euclid")
    with pytest.raises(ValueError, match="call it with photographs first"):
        FeatureDistanceMetric(means).aggregate()


@pytest.mark.parametrize("channels", [1, 2])
def test_maps_of_fewer_channels_are_brought_to_three(channels):
    metric = FeatureDistanceMetric(means, "kernel")
    fake, true = photographs(9, 0)[:, :channels], photographs(9, 1)[:, :channels]
    metric(fake, true)
    wide = [torch.cat([one, one.new_full((9, 1, 16, 16), -1)], 1) if channels == 2 else one.expand(-1, 3, -1, -1)
            for one in (fake, true)]  # fmt: skip
    expected = DISTANCES["kernel"](*(means(one).double().numpy() for one in wide))
    assert metric.aggregate().item() == pytest.approx(expected, rel=1e-5)
