from __future__ import annotations

import json

import pytest
import torch
from ignite.engine import Engine, Events

from monai_fundusgen.handlers.run_record import RunRecord, read_history, settings_hash


def run(directory, epochs: int, *, start: int = 0, fail_at: int | None = None, output=None, settings=None) -> None:
    """Three iterations an epoch; the loss is the iteration's number."""

    def step(engine, batch):
        if engine.state.iteration == fail_at:
            raise KeyboardInterrupt
        return output or {"loss": torch.tensor(float(engine.state.iteration)), "pred": torch.zeros(2, 2)}

    engine = Engine(step)
    RunRecord(directory, settings).attach(engine)  # before the state is restored: the order must not matter
    engine.add_event_handler(
        Events.STARTED, lambda e: e.load_state_dict({"epoch": start, "epoch_length": 3, "max_epochs": epochs})
    )
    engine.run(range(3), max_epochs=epochs, epoch_length=3)


def curve(directory) -> list[tuple[int, int, float]]:
    return [(line["epoch"], line["iteration"], line["losses"]["loss"]) for line in read_history(directory)]


def test_a_line_holds_the_epochs_mean_of_every_scalar(tmp_path):
    run(tmp_path, 2)
    assert curve(tmp_path) == [(1, 3, 2.0), (2, 6, 5.0)]
    assert set(read_history(tmp_path)[0]["losses"]) == {"loss"}


def test_a_killed_and_resumed_run_leaves_the_curve_of_one_run(tmp_path):
    run(tmp_path / "whole", 4)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", 4, fail_at=11)
    assert len(curve(tmp_path / "broken")) == 3
    run(tmp_path / "broken", 4, start=2)  # resumes from an older checkpoint: epoch 3 is done again
    assert curve(tmp_path / "broken") == curve(tmp_path / "whole")


def test_scalars_of_a_decollated_output_are_read_once(tmp_path):
    run(tmp_path, 1, output=[{"loss": torch.tensor(2.0)}, {"loss": torch.tensor(2.0)}])
    assert curve(tmp_path) == [(1, 3, 2.0)]


def test_a_loss_that_is_not_finite_stays_readable_json(tmp_path):
    run(tmp_path, 1, output={"loss": float("nan")})
    assert curve(tmp_path) == [(1, 3, None)]


def test_record_names_versions_and_settings_of_every_session(tmp_path):
    run(tmp_path, 1, settings={"seed": 0, "size": 256})
    run(tmp_path, 2, start=1, settings={"seed": 1, "size": 256})
    sessions = json.loads((tmp_path / "run.json").read_text())["sessions"]
    assert len(sessions) == 2
    assert sessions[0]["versions"]["torch"] == torch.__version__
    assert {"python", "monai", "numpy", "scipy", "monai_fundusgen"} < set(sessions[0]["versions"])
    assert sessions[0]["settings_sha256"] == settings_hash({"size": 256, "seed": 0}) != sessions[1]["settings_sha256"]
