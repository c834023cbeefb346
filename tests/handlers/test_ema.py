from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_fundusgen.handlers.ema import EMA, WeightsFile, ema_momentum
from monai_fundusgen.weights.files import load_weights


def counting_network(engine_steps: int, **settings) -> tuple[EMA, list[float]]:
    """A weight that is t after step t; returns the average after each step."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    ema, averages = EMA(network, **settings), []

    def step(engine, batch):
        with torch.no_grad():
            network.weight.fill_(engine.state.iteration)

    engine = Engine(step)
    ema.attach(engine)
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda _: averages.append(ema.averaged.weight.item()))
    engine.run(range(engine_steps))
    return ema, averages


def test_average_follows_the_recursion():
    _, averages = counting_network(5, momentum=0.1, warmup=False)
    expected, value = [], 0.0
    for t in range(1, 6):
        value = 0.9 * value + 0.1 * t
        expected.append(value)
    assert averages == pytest.approx(expected)


def test_an_old_weight_counts_half_after_the_half_life():
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    ema = EMA(network, ema_momentum(half_life_images=160, batch_size=16), warmup=False)
    nn.init.zeros_(network.weight)
    engine = Engine(lambda engine, batch: None)
    ema.attach(engine)
    engine.run(range(10))
    assert ema.averaged.weight.item() == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("wrong", [0, -10, float("nan")])
def test_a_half_life_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="half_life_images: found"):
        ema_momentum(wrong, 16)


def test_warm_up_forgets_the_random_start_and_then_gives_way_to_the_momentum():
    _, warm = counting_network(200, momentum=0.05)
    _, cold = counting_network(200, momentum=0.05, warmup=False)
    assert warm[4] > 3 and cold[4] < 1
    assert warm[-1] == pytest.approx(cold[-1], rel=0.01)


def test_state_dict_carries_the_average_and_shares_nothing_with_the_network():
    ema, averages = counting_network(5)
    other = EMA(nn.Linear(1, 1, bias=False))
    other.load_state_dict(ema.state_dict())
    assert other.averaged.weight.item() == averages[-1] != 5
    assert not ema.averaged.training
    assert not ema.averaged.weight.requires_grad


def test_weights_file_holds_the_average_in_half_precision(tmp_path):
    network = nn.Linear(3, 2)
    ema = EMA(network, momentum=0.5)
    engine = Engine(lambda engine, batch: network.weight.data.add_(1))
    ema.attach(engine)
    WeightsFile(ema.averaged, tmp_path / "models" / "model.pt", every_epochs=10).attach(engine)
    engine.run(range(3), max_epochs=2)
    stored = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert all(value.dtype == torch.float16 for value in stored.values())
    loaded = load_weights(nn.Linear(3, 2), tmp_path / "models" / "model.pt")
    assert torch.allclose(loaded.weight, ema.averaged.weight, rtol=1e-3)
