import os
import signal

import pytest
from ignite.engine import Engine

from monai_fundusgen.handlers.graceful_stop import GracefulStop


def stopping(times, number=signal.SIGINT):
    """Iterations that were finished by an engine that is signalled in its second one."""
    finished = []

    def step(_, batch):
        for _ in range(times if batch == 1 else 0):
            os.kill(os.getpid(), number)
        finished.append(batch)

    engine, stop = Engine(step), GracefulStop()
    stop.attach(engine)
    return engine, stop, finished


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_batch_at_hand_is_finished_and_signals_are_as_before(number):
    before = signal.getsignal(number)
    engine, stop, finished = stopping(1, number)
    engine.run(range(5))
    assert finished == [0, 1] and stop.stopped
    assert signal.getsignal(number) is before


def test_the_second_time_ends_at_once():
    before = signal.getsignal(signal.SIGINT)
    engine, _, finished = stopping(2)
    with pytest.raises(KeyboardInterrupt):
        engine.run(range(5))
    assert finished == [0] and signal.getsignal(signal.SIGINT) is before


def test_an_error_of_the_run_is_passed_on():
    engine = Engine(lambda *_: 1 / 0)
    GracefulStop().attach(engine)
    with pytest.raises(ZeroDivisionError):
        engine.run([0])
