import threading
import time
from dataclasses import replace

import pytest
from ignite.engine import Engine

from monai_fundusgen.launch.progress import GenerationProgress
from monai_fundusgen.sampling.step import WriteSamples


class Slow:
    """A writer that takes longer for the first sample, and notes who wrote what."""

    def __init__(self, failing=None):
        self.failing, self.files_of, self.lines, self.most, self._busy = failing, [], [], 0, 0
        self._lock = threading.Lock()

    def text(self, sample):
        return {"Seed": sample.id}

    def files(self, sample, contents):
        assert set(contents) == {"images", "labels", "av", "fov", "graphs"}
        with self._lock:
            self._busy += 1
            self.most = max(self.most, self._busy)
        time.sleep(0.2 if sample.id == "eye000000" else 0.02)
        with self._lock:
            self._busy -= 1
        if sample.id == self.failing:
            raise OSError(28, "No space left on device")
        self.files_of.append(sample.id)
        return {}

    def append(self, sample, files):
        assert sample.id in self.files_of
        self.lines.append(sample.id)


def run(made, writer, **options):
    engine = Engine(lambda _, batch: batch)
    write = WriteSamples(writer, **options)
    write.attach(engine)
    progress = GenerationProgress(len(made), quiet=True)
    progress.attach(engine)
    engine.run([made[:2], made[2:]])
    return write, progress


def test_files_are_written_side_by_side_and_lines_in_order_after_their_files(made):
    writer = Slow()
    write, progress = run(made, writer, num_threads=3)
    assert writer.most > 1
    assert writer.lines == [one.id for one in made]
    assert write.waited_s > 0.1 and progress.made == 4 and progress.rejected == 0


def test_what_waits_is_bounded(made):
    writer = Slow()
    run(made * 5, writer, num_threads=1, max_waiting=2)
    assert len(writer.lines) == 20


def test_a_full_disk_stops_the_run_and_no_later_line_is_written(made):
    writer = Slow(failing="eye000001")
    with pytest.raises(OSError, match="No space left"):
        run(made, writer)
    assert writer.lines == ["eye000000"]


def test_refused_maps_are_counted(made):
    refused = [replace(made[0], record={**made[0].record, "rejected": 3}), *made[1:]]
    assert run(refused, Slow())[1].rejected == 3
