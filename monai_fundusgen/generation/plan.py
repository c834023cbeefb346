"""What a run will make: a list of samples, each with an id and a seed of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

_WORD = 0xFFFFFFFF


class PlannedSample(TypedDict):
    """One sample to make."""

    id: str
    index: int
    seed: int


def sample_seed(run_seed: int, index: int) -> int:
    """Seed of sample ``index`` of a run: no two samples of a run share one.

    The index is moved by a hash of the run's seed and mixed by a bijection of 32-bit words (the finaliser of
    MurmurHash3), because torch's CPU generator takes 32 bits and random 32-bit seeds would collide in large runs.

    Returns:
        An integer in [0, 2**32).
    """
    word = int.from_bytes(hashlib.sha256(str(run_seed).encode()).digest()[:4], "big")
    word = (word + index) & _WORD
    word = ((word ^ word >> 16) * 0x85EBCA6B) & _WORD
    word = ((word ^ word >> 13) * 0xC2B2AE35) & _WORD
    return word ^ word >> 16


@dataclass(frozen=True)
class GenerationPlan:
    """The samples of a run, a function of ``num_samples`` and ``seed`` alone.

    Args:
        num_samples: how many samples the data set holds, at least 1.
        seed: seed of the run.

    Raises:
        ValueError: ``num_samples`` is below 1.
    """

    num_samples: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise ValueError(f"num_samples: found {self.num_samples}, expected at least 1")

    def samples(self, *, done: Collection[str] = ()) -> list[PlannedSample]:
        """Samples in order, without those whose id is in ``done``."""
        planned = (
            PlannedSample(id=f"eye{index:06d}", index=index, seed=sample_seed(self.seed, index))
            for index in range(self.num_samples)
        )
        return [sample for sample in planned if sample["id"] not in done]
