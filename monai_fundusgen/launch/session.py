"""A run from the taking of its folder to the giving back; whatever can be refused is refused before it begins."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from ignite.engine import Engine
from torch import distributed

from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.placement import sample_id
from monai_fundusgen.dataset.writer import DatasetWriter
from monai_fundusgen.sampling.plan import GenerationPlan, PlannedSamples
from monai_fundusgen.storage.folder_lock import FolderLock

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerationSession:
    """Make the samples that are missing; the old data set goes only when the first new sample is there.

    By the time it is built its parts are: sources are opened, weights loaded, settings checked. Nothing is written
    before `run`.

    Args:
        lock: of the folder, or of this part of the run.
        journal: of the run.
        writer: of its samples and lists.
        plan: which slice is made here.
        pending: samples to make.
        evaluator: makes and writes them.
        inputs: files and folders that the samples are made from; None: none.

    Raises:
        ValueError: one part of several would delete what the others make, or an input lies in the data set's folder.
    """

    lock: FolderLock
    journal: Journal
    writer: DatasetWriter
    plan: GenerationPlan
    pending: PlannedSamples
    evaluator: Engine
    inputs: Sequence[str | Path | None] = ()

    def __post_init__(self) -> None:
        if self.plan.parts > 1 and self.journal.overwrite:
            raise ValueError(
                f"overwrite: found with part {self.plan.part} of {self.plan.parts}; one part would delete what another "
                "has made; delete the folder first, then start the parts without it"
            )
        root = self.journal.root.resolve()
        for one in self.inputs:
            if one is not None and Path(one).resolve().is_relative_to(root):
                raise ValueError(
                    f"{one}: lies in the folder that the data set is written to ({self.journal.root}); move it out, or "
                    "choose another output folder"
                )

    def run(self) -> None:
        """Make, write, list; of several processes the first keeps the folder."""
        together = distributed.is_available() and distributed.is_initialized()
        first = not together or distributed.get_rank() == 0
        with self.folder(alone=not together) if first else nullcontext():
            if together:
                distributed.barrier()  # the journal is mended before anyone writes
            if len(self.pending):
                self.evaluator.run()
            if together:
                distributed.barrier()
            if first:
                self.writer.finish()

    @contextmanager
    def folder(self, *, alone: bool = True) -> Iterator[None]:
        """Hold the folder; an error before the first sample leaves it as it was.

        Args:
            alone: no other process writes there, so that it can be put back at once and not by the next run.
        """
        root = self.journal.root
        there = root.exists()
        self.lock.acquire()
        try:
            self.journal.start()
            self._tell_repair()
            yield
        finally:
            if alone and self.plan.parts == 1:
                self.journal.withdraw()
            self.lock.release()
            if not there:
                with suppress(OSError):
                    root.rmdir()

    def _tell_repair(self) -> None:
        repaired = self.journal.repaired
        if repaired:
            logger.info(
                "%d samples of %s are made again, for files of theirs are missing or changed; the first is %s",
                len(repaired), self.journal.root, sample_id(repaired[0]),
            )  # fmt: skip
