"""The best weights of a training are kept, across restarts."""

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.best_weights import BestWeights


def validated(keeper, network, value, weight):
    """A validation with this metric, of a network with this weight."""
    with torch.no_grad():
        network.weight.fill_(weight)
    engine = Engine(lambda *_: None)
    keeper.attach(engine)
    engine.state.metrics["dice"] = value
    engine.run([0])


def kept(path):
    return torch.load(path, weights_only=True)["weight"].item()


def test_only_a_better_validation_is_written_and_a_resumed_run_remembers(tmp_path):
    network, path = torch.nn.Linear(1, 1, bias=False), tmp_path / "model.pt"
    keeper = BestWeights(network, path, "dice")
    for value, weight in ((0.5, 1), (0.7, 2), (0.6, 3)):
        validated(keeper, network, value, weight)
    assert kept(path) == 2
    resumed = BestWeights(network, path, "dice")
    resumed.load_state_dict(keeper.state_dict())
    validated(resumed, network, 0.65, 4)
    assert kept(path) == 2
    validated(resumed, network, 0.75, 5)
    assert kept(path) == 5


def test_a_metric_that_is_not_there_is_named(tmp_path):
    keeper, engine = BestWeights(torch.nn.Linear(1, 1), tmp_path / "model.pt", "dice"), Engine(lambda *_: None)
    keeper.attach(engine)
    engine.state.metrics["auc"] = 1.0
    with pytest.raises(KeyError, match="no metric 'dice' after validation; there is auc"):
        engine.run([0])
