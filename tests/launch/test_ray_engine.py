"""Ray on this machine: two actors, one of which dies; the data set is that of one process."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from monai_fundusgen.dataset.manifest import finished
from monai_fundusgen.launch.run import RunRequest, run

pytest.importorskip("ray")
OPTIONS = {"size": 256, "batch_size": 1, "quiet": True}


def actors():
    """Process numbers of the pool's actors."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"ray::" in path.read_bytes() and b"SampleMaker" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_a_set_made_by_actors_of_which_one_dies_is_that_of_one_process(tmp_path):
    count, killed = 24, []

    def assassin():
        while len(finished(tmp_path / "ray")) < 4:
            time.sleep(0.05)
        victim = actors()[0]
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)

    thread = threading.Thread(target=assassin, daemon=True)
    thread.start()
    report = run(RunRequest(tmp_path / "ray", count, OPTIONS, engine="ray", processes=2))
    thread.join(timeout=60)
    assert killed and report.finished and report.made == count
    run(RunRequest(tmp_path / "one", count, OPTIONS))
    trees = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("ray", "one")
    ]
    assert trees[0] == trees[1]
