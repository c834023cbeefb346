import json

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_fundusgen.handlers.best_weights import BestWeights
from monai_fundusgen.handlers.checkpoint import WholeFileSaver, previous_path
from monai_fundusgen.handlers.run_record import RunRecord, read_history
from monai_fundusgen.handlers.validation import Validation


def validator(values):
    """An evaluator whose metric takes these values, one a run."""
    left = iter(values)
    engine = Engine(lambda engine, batch: None)
    engine.add_event_handler(Events.COMPLETED, lambda one: one.state.metrics.update(score=next(left)))
    run = engine.run
    engine.run = lambda epoch=1: run([0])
    return engine


@pytest.mark.parametrize(
    ("epochs", "interval", "validated"), [(6, 2, [2, 4, 6]), (5, 2, [2, 4, 5]), (1, 3, [1]), (3, 1, [1, 2, 3])]
)
def test_a_run_is_validated_at_intervals_and_at_its_end(tmp_path, epochs, interval, validated):
    trainer = Engine(lambda engine, batch: {"loss": 1.0})
    Validation(validator(range(9)), interval).attach(trainer)
    RunRecord(tmp_path).attach(trainer)
    trainer.run([0], max_epochs=epochs)
    assert [line["epoch"] for line in read_history(tmp_path) if "validation" in line] == validated
    json.loads((tmp_path / "losses.jsonl").read_text().splitlines()[-1])


def test_a_run_that_is_cut_short_is_validated(tmp_path):
    trainer, best = Engine(lambda engine, batch: None), validator([1.0])
    keep = BestWeights(nn.Linear(1, 1), tmp_path / "model.pt", "score")
    keep.attach(best)
    Validation(best, 10).attach(trainer)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=2), lambda engine: engine.terminate())
    trainer.run([0, 0, 0], max_epochs=5)
    assert (tmp_path / "model.pt").is_file()


@pytest.mark.parametrize(("smaller", "kept"), [(False, [1, 3, 5]), (True, [1, 4])])
def test_the_best_weights_are_kept(tmp_path, smaller, kept):
    network = nn.Linear(1, 1)
    best = BestWeights(network, tmp_path / "model.pt", "score", smaller_is_better=smaller)
    engine = validator([2.0, 2.0, 3.0, 1.0, 4.0])
    best.attach(engine)
    written = []
    for turn in range(1, 6):
        nn.init.constant_(network.weight, turn)
        engine.run()
        written.append(int(torch.load(tmp_path / "model.pt", weights_only=True)["weight"].item()))
    assert sorted(set(written)) == kept
    again = BestWeights(network, tmp_path / "other.pt", "score", smaller_is_better=smaller)
    again.load_state_dict(best.state_dict())
    engine = validator([2.5])
    again.attach(engine)
    engine.run()
    assert not (tmp_path / "other.pt").exists()  # 2.5 is worse than what an earlier session found


def test_only_the_process_that_writes_does(tmp_path):
    engine = validator([1.0])
    best = BestWeights(nn.Linear(1, 1), tmp_path / "model.pt", "score", writes=False)
    best.attach(engine)
    engine.run()
    assert best.best == 1.0 and not (tmp_path / "model.pt").exists()


def test_the_checkpoint_before_the_last_is_kept(tmp_path):
    saver = WholeFileSaver(tmp_path, "checkpoint.pt")
    for turn in range(3):
        saver({"turn": torch.tensor(turn)}, "ignored")
    found = [torch.load(path, weights_only=True)["turn"].item() for path in
             (previous_path(tmp_path / "checkpoint.pt"), tmp_path / "checkpoint.pt")]  # fmt: skip
    assert found == [1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "checkpoint_previous.pt"]
