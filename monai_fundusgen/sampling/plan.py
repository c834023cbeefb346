"""What a run will make: a list of samples, each with an id and a seed of its own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypedDict, overload

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.dataset.placement import MAX_SAMPLES, sample_id
from monai_fundusgen.streams import sample_seed


class PlannedSample(TypedDict):
    """One sample to make."""

    id: str
    index: int
    seed: int


class PlannedSamples(Sequence[PlannedSample]):
    """Samples in order; made when they are asked for, so that a million of them take eight megabytes.

    Args:
        run_seed: seed of the run.
        indices: which samples, ascending.
    """

    def __init__(self, run_seed: int, indices: NDArray[np.int64]) -> None:
        self.run_seed = run_seed
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, place: int) -> PlannedSample: ...
    @overload
    def __getitem__(self, place: slice) -> PlannedSamples: ...
    def __getitem__(self, place: int | slice) -> PlannedSample | PlannedSamples:
        """One sample, or some of them."""
        if isinstance(place, slice):
            return PlannedSamples(self.run_seed, self.indices[place])
        index = int(self.indices[place])
        return PlannedSample(id=sample_id(index), index=index, seed=sample_seed(self.run_seed, index))


@dataclass(frozen=True)
class GenerationPlan:
    """The samples of a run, a function of ``num_samples`` and ``seed`` alone.

    Args:
        num_samples: how many samples the data set holds, at least 1.
        seed: seed of the run, at least 0.
        part: which of ``parts`` slices is made here, from 0: every ``parts``-th sample. A cluster's array job makes one
            slice a task.
        parts: how many slices there are.

    Raises:
        ValueError: ``num_samples`` is below 1 or above a hundred million, ``seed`` below 0, one of them is no whole
            number, or there is no such part.
    """

    num_samples: int
    seed: int = 0
    part: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        for name, least in (("num_samples", 1), ("seed", 0), ("part", 0), ("parts", 1)):
            found = getattr(self, name)
            if not isinstance(found, int) or found < least:
                raise ValueError(f"{name}: found {found!r}, expected at least {least}, a whole number")
        if self.num_samples > MAX_SAMPLES:
            raise ValueError(
                f"num_samples: found {self.num_samples}, expected at most {MAX_SAMPLES}; use another seed for more"
            )
        if self.part >= self.parts:
            raise ValueError(f"part: found {self.part} of {self.parts} parts, expected 0 to {self.parts - 1}")

    def samples(self, *, done: Container[int] = ()) -> PlannedSamples:
        """Samples of this part in order, without those whose index is in ``done``."""
        pending = (index for index in range(self.part, self.num_samples, self.parts) if index not in done)
        return PlannedSamples(self.seed, np.fromiter(pending, dtype=np.int64))
