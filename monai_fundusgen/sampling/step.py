"""One batch of planned samples, made and written."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from monai_fundusgen.dataset.writer import DatasetWriter, FinishedSample, encoded
from monai_fundusgen.sampling.painters import Painter
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.sampling.sources import VesselSample, told_of
from monai_fundusgen.sampling.workers import HERE, Workers


@dataclass(frozen=True)
class GenerationStep:
    """Draw vessels, paint photographs."""

    map_source: Callable[[Sequence[PlannedSample]], list[VesselSample]]
    painter: Painter

    def __call__(self, batch: Mapping[str, Any]) -> list[FinishedSample]:
        """Finished samples of a collated batch of `PlannedSample`."""
        columns = zip(batch["id"], batch["index"], batch["seed"], strict=True)
        return self.samples([PlannedSample(id=one, index=int(index), seed=int(seed)) for one, index, seed in columns])

    def samples(self, planned: list[PlannedSample]) -> list[FinishedSample]:
        """Finished samples of some that are planned."""
        vessels = self.map_source(planned)
        photographs = self.painter(vessels, planned)
        return [self._finished(*one) for one in zip(planned, vessels, photographs, strict=True)]

    def _finished(self, plan: PlannedSample, sample: VesselSample, photograph: NDArray[np.uint8]) -> FinishedSample:
        eye = self.painter.shown(sample.eye, plan["seed"])
        record = {"seed": plan["seed"], **sample.origin, **told_of(eye, sample.label.shape[-1])}
        return FinishedSample(plan["id"], photograph, sample.label, sample.fov, eye, record)


class WriteSamples:
    """Handler that writes what the step returns, while the next batch is made.

    Encoding and hashing run in threads (zlib and hashing leave the interpreter's lock), encoding in the workers where
    there are any; lines go to the journal in order, each after its files. What waits is bounded, so a slow disk slows
    the run and does not fill the memory.

    Args:
        writer: where samples go.
        num_threads: threads that encode and write.
        max_waiting: samples that may wait to be written.
        workers: processes that encode.

    Attributes:
        waited_s: seconds that the run stood still because writing lagged behind, the end included.
    """

    def __init__(
        self, writer: DatasetWriter, num_threads: int = 2, max_waiting: int = 16, workers: Workers = HERE
    ) -> None:
        self.writer, self.workers = writer, workers
        self.num_threads, self.max_waiting = num_threads, max_waiting
        self.waited_s = 0.0
        self._waiting: deque[tuple[FinishedSample, Future[dict[str, str]]]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def attach(self, engine: Engine) -> None:
        """Write after every iteration; wait for the last at the end, also of a run that was told to stop."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        for event in (Events.TERMINATE, Events.COMPLETED):
            engine.add_event_handler(event, self.drain)

    def __call__(self, engine: Engine) -> None:
        """Hand the samples of this iteration to the threads; note those that are on the disk."""
        finished: list[FinishedSample] = engine.state.output  # type: ignore[assignment]  # what GenerationStep returned
        self.submit(finished)

    def submit(self, finished: list[FinishedSample]) -> None:
        """Hand samples to the threads."""
        self._pool = self._pool or ThreadPoolExecutor(self.num_threads, thread_name_prefix="writer")
        for sample in finished:
            self._waiting.append((sample, self._pool.submit(self._files, sample)))
        start = time.perf_counter()
        while self._waiting and (len(self._waiting) > self.max_waiting or self._waiting[0][1].done()):
            self._note()
        self.waited_s += time.perf_counter() - start

    def drain(self, _: Engine | None = None) -> None:
        """Wait until everything is on the disk."""
        start = time.perf_counter()
        while self._waiting:
            self._note()
        self.waited_s += time.perf_counter() - start
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _files(self, sample: FinishedSample) -> dict[str, str]:
        """The files of a sample, encoded and written; the hash of each."""
        (contents,) = self.workers.map(encoded, [sample], [self.writer.text(sample)])
        return self.writer.files(sample, contents)

    def _note(self) -> None:
        """The line of the sample that waits longest."""
        sample, files = self._waiting.popleft()
        self.writer.append(sample, files.result())
