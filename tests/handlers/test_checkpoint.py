"""Checkpoints are whole at any moment, and a run that goes on from one is the run that never stopped."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint
from monai.engines import SupervisedTrainer
from monai.handlers import CheckpointLoader, LrScheduleHandler
from torch import nn

from monai_fundusgen.handlers.checkpoint import WholeCheckpointSaver, WholeFileSaver
from monai_fundusgen.handlers.ema import EMA
from monai_fundusgen.handlers.epoch_start import EpochStart
from monai_fundusgen.handlers.wall_clock import WallClock


class Noise(torch.utils.data.Dataset):
    """Pairs that are a function of (epoch, index)."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        rng = torch.Generator().manual_seed(1000 * self.epoch + index)
        x = torch.randn(3, generator=rng)
        return {"image": x, "label": x.sum(0, keepdim=True)}


class Step:
    """A step with dropout-like noise from its own stream, kept in the checkpoint."""

    def __init__(self) -> None:
        self.draws = 0

    def __call__(self, engine, batch):
        rng = torch.Generator().manual_seed(self.draws)
        self.draws += 1
        x = batch["image"] + 0.1 * torch.randn(batch["image"].shape, generator=rng)
        loss = (engine.network(x) - batch["label"]).square().mean()
        engine.optimizer.zero_grad()
        loss.backward()
        engine.optimizer.step()
        return {"loss": loss.detach()}

    def state_dict(self) -> dict[str, int]:
        return {"draws": self.draws}

    def load_state_dict(self, state) -> None:
        self.draws = state["draws"]


def train(folder, *, resume: bool = False, kill_at: int | None = None, minutes: float | None = None, initial_seed=0):
    """Losses by iteration, and the averaged weights at the end, of a run of 4 epochs of 4 steps."""
    torch.manual_seed(initial_seed)
    network, data, step, now = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), Noise(), Step(), [0.0]
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    schedule, ema = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7), EMA(network, momentum=0.1)
    state = {"model": network, "ema": ema, "optimizer": optimizer, "schedule": schedule, "step": step}
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=4, train_data_loader=torch.utils.data.DataLoader(data, batch_size=2),
        network=network, optimizer=optimizer, loss_function=None, iteration_update=step,
    )  # fmt: skip
    state["trainer"] = trainer
    saver = WholeCheckpointSaver(
        str(folder), state, interval_filename="checkpoint.pt", final_filename="checkpoint.pt",
        save_final=minutes is not None, save_interval=1, epoch_level=True, n_saved=1,
    )  # fmt: skip
    loader = [CheckpointLoader(str(folder / "checkpoint.pt"), state)] if resume else []
    clock = WallClock(minutes, clock=lambda: now[0])
    for handler in [*loader, EpochStart([data]), ema, LrScheduleHandler(schedule, print_lr=False), clock, saver]:
        handler.attach(trainer)
    losses = {}

    def watch(engine):
        losses[engine.state.iteration] = engine.state.output["loss"].item()
        now[0] += 60
        if engine.state.iteration == kill_at:
            raise KeyboardInterrupt

    trainer.add_event_handler(Events.ITERATION_COMPLETED, watch)
    trainer.run()
    return losses, {name: value.clone() for name, value in ema.state_dict().items()}


def test_a_killed_run_resumed_equals_the_run_that_never_stopped(tmp_path):
    losses, averaged = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", kill_at=10)
    resumed, again = train(tmp_path / "killed", resume=True, initial_seed=99)
    assert sorted(resumed) == list(range(9, 17))
    assert resumed == {iteration: losses[iteration] for iteration in resumed}
    assert all(torch.equal(value, again[name]) for name, value in averaged.items())


def test_the_clock_ends_a_run_with_a_checkpoint_of_its_last_step(tmp_path):
    first, _ = train(tmp_path, minutes=7.5)  # the clock is read before it advances: nine steps
    assert max(first) == 9
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 9
    second, _ = train(tmp_path, resume=True, minutes=1e9)
    assert sorted(second) == list(range(10, 17))


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("disk full")


def saver_engine(tmp_path, save_dict, **options):
    engine = Engine(lambda engine, batch: None)
    WholeCheckpointSaver(str(tmp_path), save_dict, save_interval=1, **options).attach(engine)
    return engine


class Holder:
    def __init__(self) -> None:
        self.value: object = 1

    def state_dict(self):
        return {"value": self.value}


@pytest.mark.parametrize("filename", ["checkpoint.pt", None])
def test_a_write_that_fails_leaves_the_last_whole_checkpoint(tmp_path, filename):
    holder = Holder()
    engine = saver_engine(tmp_path, {"a": holder, "b": Holder()}, interval_filename=filename, n_saved=1)
    engine.run(range(1), max_epochs=1)
    holder.value = Unpicklable()
    with pytest.raises(RuntimeError, match="disk full"):
        engine.run(range(1), max_epochs=2)
    (only,) = tmp_path.iterdir()
    assert torch.load(only, weights_only=True)["a"] == {"value": 1}


def test_a_run_that_fails_keeps_the_checkpoint_of_its_last_whole_epoch(tmp_path):
    holder = Holder()
    names = {"interval_filename": "checkpoint.pt", "final_filename": "checkpoint.pt", "save_final": True}
    engine = saver_engine(tmp_path, {"a": holder, "b": Holder()}, **names)

    def diverge(engine):
        if engine.state.epoch == 2:
            holder.value = float("nan")
            raise FloatingPointError("loss nan")

    engine.add_event_handler(Events.ITERATION_COMPLETED, diverge)
    with pytest.raises(FloatingPointError):
        engine.run(range(1), max_epochs=3)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["a"] == {"value": 1}


def test_old_checkpoints_go_when_new_ones_are_there(tmp_path):
    engine = saver_engine(tmp_path, {"a": Holder(), "b": Holder()}, n_saved=2)
    engine.run(range(1), max_epochs=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_epoch=4.pt", "checkpoint_epoch=5.pt"]


def test_the_hosts_parts_are_the_ones_replaced(tmp_path):
    """The host keeps its savers in three attributes; a renamed one must not fall back to unsafe writing."""
    saver = WholeCheckpointSaver(str(tmp_path), {"a": Holder()}, save_final=True, save_key_metric=True, save_interval=1)
    parts = [value for value in vars(saver).values() if isinstance(value, Checkpoint)]
    assert len(parts) == 3
    assert all(isinstance(part.save_handler, WholeFileSaver) for part in parts)
