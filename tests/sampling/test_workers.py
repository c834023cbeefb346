"""Workers give what plain calls give, in order, and do not outlive their parent; batches made ahead come in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from monai_fundusgen.inferers.autocast import AutocastInferer
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.sampling.ahead import MadeAhead
from monai_fundusgen.sampling.judged import JudgedMaps
from monai_fundusgen.sampling.painters import CascadePainter, PhantomPainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import PhantomMaps
from monai_fundusgen.sampling.step import GenerationStep
from monai_fundusgen.sampling.turns import NetworkTurns
from monai_fundusgen.sampling.workers import Workers


@pytest.fixture(scope="module")
def workers():
    two = Workers(2)
    yield two
    two.close()


def test_samples_of_workers_are_those_of_one_process(made, workers):
    step = GenerationStep(JudgedMaps(PhantomMaps(size=256), workers=workers), PhantomPainter(workers=workers))
    for here, there in zip(made, step.samples(list(GenerationPlan(4, seed=1).samples())), strict=True):
        assert here.id == there.id and here.record == there.record
        for name in ("photograph", "label", "fov"):
            assert np.array_equal(getattr(here, name), getattr(there, name))


def test_results_come_in_order_from_processes_of_their_own(workers):
    assert workers.map(divmod, range(9), [4] * 9) == [divmod(one, 4) for one in range(9)]
    assert os.getpid() not in workers.map(lone_process, range(4))
    assert Workers().map(lone_process, range(2)) == [os.getpid()] * 2


def lone_process(_: int) -> int:
    return os.getpid()


def test_an_error_of_a_worker_is_raised_here(workers):
    with pytest.raises(ZeroDivisionError):
        workers.map(divmod, [1], [0])
    assert workers.map(divmod, [5], [2]) == [(2, 1)]


@pytest.mark.parametrize("wrong", [-1, 1.5, "2", True, None])
def test_a_wrong_count_is_refused(wrong):
    with pytest.raises(ValueError, match=r"workers: found .*, expected 0 or more"):
        Workers(wrong)
    with pytest.raises(ValueError, match=r"ahead: found .*, expected 0 or more"):
        MadeAhead([], list, wrong)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes as only Unix does")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import time
        from monai_fundusgen.sampling.workers import Workers
        if __name__ == "__main__":
            print(*Workers(1).map(eval, ["__import__('os').getpid()"]), flush=True)
            time.sleep(60)
        """)
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 60
    while not ended(worker):
        if time.monotonic() > until:
            os.kill(worker, signal.SIGKILL)
            pytest.fail("the worker was still there a minute after its parent")
        time.sleep(0.1)


def ended(process: int) -> bool:
    """Gone, or dead and not yet fetched by whoever inherited it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return found.stdout.startswith("Z")


class Maker:
    """Makes a batch slower the earlier it comes, and notes how many are made at once."""

    def __init__(self, failing: int | None = None) -> None:
        self.failing, self.busy, self.most, self.begun = failing, 0, 0, []
        self.lock = threading.Lock()

    def __call__(self, batch: int) -> list[int]:
        with self.lock:
            self.busy += 1
            self.begun.append(batch)
            self.most = max(self.most, self.busy)
        time.sleep(0.05 if batch == 0 else 0.01)
        with self.lock:
            self.busy -= 1
        if batch == self.failing:
            raise OSError(28, "No space left on device")
        return [batch]


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_batches_come_in_order_with_so_many_begun_ahead(ahead):
    make = Maker()
    made = MadeAhead(range(8), make, ahead)
    assert len(made) == 8 and list(made) == [[one] for one in range(8)]
    assert make.most == ahead + 1


def test_who_stops_early_finds_no_more_begun_than_were_ahead():
    make = Maker()
    batches = iter(MadeAhead(range(100), make, 2))
    assert next(batches) == [0]
    batches.close()
    assert max(make.begun) <= 2 and make.busy == 0


def test_an_error_comes_after_the_batches_before_it():
    found = []
    with pytest.raises(OSError, match="No space left"):
        for batch in MadeAhead(range(9), Maker(failing=3), 2):
            found += batch
    assert found == [0, 1, 2]


@pytest.mark.parametrize(("device", "threads", "count"), [("cpu", 1, 1), ("cpu", 3, 3), ("cpu", 40, 8), ("cuda", 3, 1)])
def test_a_processor_runs_a_network_on_each_core_and_a_gpu_one(device, threads, count):
    with torch_threads(threads):
        turns = NetworkTurns.on_each_core(device)
        assert turns.count == count
        inside, most, seen = [], [], []

        def run(_: int) -> None:
            with turns.on(device):
                inside.append(1)
                time.sleep(0.02)
                most.append(len(inside))
                seen.append(torch.get_num_threads())
                inside.pop()

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(run, range(24)))
        assert max(most) == count and set(seen) == {1 if device == "cpu" else threads}
        with turns.on(device):
            pass
        assert torch.get_num_threads() == threads


def test_a_turn_leaves_the_threads_as_they_were_before_it_and_a_wrong_count_is_refused():
    turns = NetworkTurns()
    for threads in (2, 1, 3):
        with torch_threads(threads):
            with pytest.raises(ZeroDivisionError), turns.on("cpu"):
                _ = 1 / 0
            assert torch.get_num_threads() == threads
    for wrong in (0, 1.5, None):
        with pytest.raises(ValueError, match="turns: found"):
            NetworkTurns(wrong)


@contextmanager
def torch_threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class ThreadsPainted(torch.nn.Module):
    """Paints the number of threads that it runs on: by it convolutions of bfloat16 round, on some processors."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, condition):
        return torch.full(
            (len(condition), 3, *(4 * side for side in condition.shape[-2:])), 1 / torch.get_num_threads()
        )


def test_photographs_do_not_depend_on_the_cores_nor_on_what_runs_beside():
    network = PhotographCascade(ThreadsPainted(), torch.nn.Identity())
    planned = list(GenerationPlan(3, seed=1).samples())
    eyes = PhantomMaps(size=256, coarse_size=64)(planned)
    found = []
    for threads in (1, 2):
        with torch_threads(threads):
            painter = CascadePainter(
                network, lambda condition, network, **_: AutocastInferer("bfloat16")(condition, network)
            )
            found.append(painter(eyes, planned))
            with ThreadPoolExecutor(3) as pool:
                found.append([one for (one,) in pool.map(painter, [[eye] for eye in eyes], [[one] for one in planned])])
    for one in found[1:]:
        assert all(np.array_equal(here, there) for here, there in zip(found[0], one, strict=True))
