"""The loss of a training shows in its log, every so often."""

import pytest
import torch
from ignite.engine import Engine
from monai.handlers import StatsHandler

from monai_fundusgen.engines.step_output import step_loss


def test_a_handler_logs_the_loss_of_every_third_step(capsys):
    trainer = Engine(lambda engine, batch: {"loss": torch.tensor(0.25 * engine.state.iteration), "image": None})
    StatsHandler(
        name="log", tag_name="loss", iteration_log=lambda _, step: step % 3 == 0, output_transform=step_loss
    ).attach(trainer)
    trainer.run(range(7))
    told = [line.split("loss: ")[1].strip() for line in capsys.readouterr().out.splitlines() if "loss: " in line]
    assert told == ["0.7500", "1.5000"]


def test_a_step_without_a_loss_is_an_error():
    with pytest.raises(KeyError):
        step_loss({})
