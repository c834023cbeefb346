from __future__ import annotations

import pytest
from ignite.engine import Engine, Events

from monai_fundusgen.handlers.wall_clock import WallClock


def run(max_minutes: float | None) -> tuple[int, int]:
    """Iterations done and ends announced, by a clock that ticks a minute an iteration."""
    now = [0.0]

    def step(engine, batch):
        now[0] += 60

    engine, ends = Engine(step), []
    WallClock(max_minutes, clock=lambda: now[0]).attach(engine)
    engine.add_event_handler(Events.COMPLETED, lambda _: ends.append(1))
    now[0] = 1e6  # what passed before the run does not count
    engine.run(range(4), max_epochs=3)
    return engine.state.iteration, len(ends)


def test_ends_after_the_iteration_in_which_the_time_is_up_and_announces_the_end():
    assert run(6.5) == (7, 1)
    assert run(6.0) == (6, 1)


def test_no_limit_and_a_long_one_change_nothing():
    assert run(None) == run(1e9) == (12, 1)


@pytest.mark.parametrize("wrong", [0, -5, float("nan")])
def test_a_limit_that_leaves_no_time_is_refused(wrong):
    with pytest.raises(ValueError, match="max_minutes: found"):
        WallClock(wrong)
